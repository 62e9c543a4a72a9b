// Every batch of an honest author is certified, decided and held by all, whatever the network loses
// and whoever restarts; no liar forks a lane.
#include "availability/machine.hpp"

#include "availability/testing/network.hpp"

namespace tally::availability {
namespace {

using testing::Faults;
using testing::Network;

Bytes envelope(uint32_t lane, uint32_t number, size_t size = 300) {
    Bytes bytes;
    append_u32(bytes, lane);
    append_u32(bytes, number);
    bytes.resize(std::max<size_t>(size, 8), uint8_t(number));
    return bytes;
}
std::vector<Bytes> envelopes(uint32_t lane, uint32_t count) {
    std::vector<Bytes> list;
    for (uint32_t i = 0; i < count; ++i) list.push_back(envelope(lane, i));
    return list;
}

/// Even one envelope is coded.
model::Parameters all_coded() {
    model::Parameters parameters;
    parameters.coded_bytes_min = 64;
    return parameters;
}

TEST(Availability, what_is_submitted_is_held_by_all_in_order) {
    for (const uint32_t n : {1u, 2u, 3u, 4u, 5u, 7u, 16u}) {
        Network network(n, n, n % 2 == 0 ? all_coded() : model::Parameters{});
        for (uint32_t i = 0; i < 30; ++i) {
            for (uint32_t lane = 0; lane < n; ++lane) network.submit(lane, envelope(lane, i));
            network.run(7'000);
        }
        network.run(500'000);
        ASSERT_TRUE(network.all_held()) << n;
        for (uint32_t lane = 0; lane < n; ++lane) {
            EXPECT_EQ(network.decided(lane), envelopes(lane, 30)) << n;
            const auto status = network.machine(lane).status();
            EXPECT_EQ(status.waiting_envelopes, 0u);
            EXPECT_GT(status.own_height.value, 3u) << "batches leave while others wait";
            EXPECT_LT(status.own_height.value, 30u) << "envelopes gather in batches";
            EXPECT_EQ(status.fetching, 0u);
            for (const auto& [what, count] : network.machine(lane).refusals())
                ADD_FAILURE() << n << " refuses " << name_of(what.first) << ' ' << count;
        }
    }
}

TEST(Availability, loss_doubling_reordering_and_garbling_change_nothing) {
    for (uint64_t seed = 1; seed <= 6; ++seed) {
        const uint32_t n = seed % 2 == 0 ? 4 : 7;
        Network network(n, seed, seed % 3 == 0 ? model::Parameters{} : all_coded(),
                        Faults{0.3, 0.2, 0.3, 60'000});
        for (uint32_t i = 0; i < 15; ++i) {
            for (uint32_t lane = 0; lane < n; ++lane) network.submit(lane, envelope(lane, i));
            network.run(60'000);
        }
        network.run(30'000'000);
        ASSERT_TRUE(network.all_held()) << seed;
        for (uint32_t lane = 0; lane < n; ++lane)
            EXPECT_EQ(network.decided(lane), envelopes(lane, 15)) << seed;
    }
}

TEST(Availability, a_certificate_is_said_again_until_cut) {
    Network network(4, 1, {}, Faults{0.6, 0, 0, 5'000});
    network.set_deciding(false);
    network.submit(0, envelope(0, 0));
    network.run(120'000'000);
    for (uint32_t i = 0; i < 4; ++i)
        EXPECT_NE(network.machine(i).certificate(Participant{0}, LaneHeight{1}), nullptr) << i;
    network.set_deciding(true);
    network.run(20'000'000);
    EXPECT_EQ(network.machine(0).next_wakeup_us(), SayAgain::never_us) << "cut: nothing to say";
}

TEST(Availability, restarts_never_fork_a_lane_nor_sign_twice) {
    for (uint64_t seed = 1; seed <= 12; ++seed) {
        const uint32_t n = seed % 3 == 0 ? 1 : 4;
        Network network(n, 100 + seed, seed % 2 == 0 ? model::Parameters{} : all_coded(),
                        Faults{0.1, 0.1, 0.1, 20'000});
        std::mt19937_64 random(seed);
        std::vector<uint32_t> submitted(n);
        for (int round = 0; round < 40; ++round) {
            for (uint32_t lane = 0; lane < n; ++lane) {
                if (network.up(lane)) network.submit(lane, envelope(lane, submitted[lane]++));
            }
            network.run(10'000 + random() % 30'000);
            const auto victim = uint32_t(random() % n);
            if (!network.up(victim)) {
                network.restart(victim);
            } else if (random() % 2 == 0) {
                network.crash(victim);
            }
        }
        for (uint32_t i = 0; i < n; ++i) {
            if (!network.up(i)) network.restart(i);
        }
        network.set_faults({});
        network.run(20'000'000);
        ASSERT_TRUE(network.all_held()) << seed;
        for (uint32_t lane = 0; lane < n; ++lane) {
            // What waited in memory may be lost; nothing may come twice or out of order.
            const auto decided = network.decided(lane);
            EXPECT_TRUE(std::is_sorted(decided.begin(), decided.end()));
            EXPECT_EQ(std::adjacent_find(decided.begin(), decided.end()), decided.end());
            EXPECT_FALSE(network.machine(lane).status().own_lane_unknown);
            network.submit(lane, envelope(lane, 1'000'000));
        }
        network.run(2'000'000);
        ASSERT_TRUE(network.all_held());
        for (uint32_t lane = 0; lane < n; ++lane)
            EXPECT_EQ(network.decided(lane).back(), envelope(lane, 1'000'000))
                << "the lane goes on after restarts";
    }
}

TEST(Availability, a_laggard_skips_what_it_missed_and_counts_again) {
    Network network(4, 1);
    network.crash(3);
    for (uint32_t i = 0; i < 20; ++i) {
        network.submit(0, envelope(0, i));
        network.run(20'000);
    }
    network.restart(3);
    network.crash(2);  // Now the laggard's acknowledgement is needed for every certificate.
    for (uint32_t i = 20; i < 40; ++i) {
        network.submit(0, envelope(0, i));
        network.run(20'000);
    }
    network.run(2'000'000);
    ASSERT_TRUE(network.all_held());
    EXPECT_EQ(network.decided(0), envelopes(0, 40));
    EXPECT_GT(network.machine(3).status().batches_fetched, 0u);
}

TEST(Availability, coded_batches_are_read_past_holders_that_do_not_answer) {
    // f of them give nothing, whoever it is; and a third of all bytes and one part are enough.
    for (uint32_t mute = 0; mute < 4; ++mute) {
        Network network(4, 5 + mute, all_coded());
        network.set_mute(mute);
        for (uint32_t i = 0; i < 20; ++i) {
            for (uint32_t lane = 0; lane < 4; ++lane) network.submit(lane, envelope(lane, i));
            network.run(20'000);
        }
        network.run(3'000'000);
        ASSERT_TRUE(network.all_held()) << mute;
        for (uint32_t lane = 0; lane < 4; ++lane)
            EXPECT_EQ(network.decided(lane), envelopes(lane, 20)) << mute;
    }
}

TEST(Availability, what_the_journals_hold_is_enough_after_all_lost_their_databases) {
    Network network(4, 9, all_coded());
    for (uint32_t i = 0; i < 10; ++i) {
        for (uint32_t lane = 0; lane < 4; ++lane) network.submit(lane, envelope(lane, i));
        network.run(30'000);
    }
    network.run(1'000'000);
    for (uint32_t i = 0; i < 4; ++i) network.crash(i);
    for (uint32_t i = 0; i < 3; ++i) network.restart(i);  // One does not come back.
    network.run(5'000'000);
    ASSERT_TRUE(network.all_held());
    for (uint32_t lane = 0; lane < 4; ++lane) EXPECT_EQ(network.decided(lane), envelopes(lane, 10));
}

TEST(Availability, no_more_than_the_window_is_outstanding) {
    model::Parameters parameters;
    parameters.window_batches = 5;
    Network network(4, 1, parameters);
    network.set_deciding(false);
    for (uint32_t i = 0; i < 30; ++i) {
        network.submit(0, envelope(0, i));
        network.run(50'000);
    }
    EXPECT_EQ(network.machine(0).status().own_certified, LaneHeight{5});
    EXPECT_EQ(network.machine(0).status().own_height, LaneHeight{5});
    EXPECT_GT(network.machine(0).next_wakeup_us(), network.now_us());
    network.set_deciding(true);
    network.run(1'000'000);
    ASSERT_TRUE(network.all_held());
    EXPECT_EQ(network.decided(0), envelopes(0, 30));
}

TEST(Availability, the_window_bounds_bytes_too_and_batches_grow_under_load) {
    model::Parameters parameters;
    parameters.window_bytes = limits::batch_bytes_max;
    Network network(4, 1, parameters);
    network.set_deciding(false);
    constexpr size_t size = 50'000;
    for (uint32_t i = 0; i < 70; ++i) network.submit(0, envelope(0, i, size));
    network.run(1'000'000);
    const auto before = network.machine(0).status();
    EXPECT_LE(before.own_height.value, 4u) << "batches of a mebibyte, not of an envelope";
    EXPECT_GT(before.waiting_envelopes, 0u);
    network.set_deciding(true);
    network.run(1'000'000);
    ASSERT_TRUE(network.all_held());
    EXPECT_EQ(network.decided(0).size(), 70u);
}

TEST(Availability, a_full_queue_says_so_and_takes_more_later) {
    Network network(4, 1);
    network.set_deciding(false);
    for (uint32_t i = 1; i < 4; ++i) network.crash(i);
    Effects effects;
    Result<void> result;
    uint32_t accepted = 0;
    while ((result = network.machine(0).submit(LedgerIndex{}, envelope(0, accepted, 60'000),
                                               {Micros{1}, 1}, effects))
               .ok())
        ASSERT_LT(++accepted, 200u);
    EXPECT_TRUE(result.error().is(AvailabilityError::busy));
    EXPECT_NE(result.error().message().find("Try again"), std::string::npos);
    EXPECT_TRUE(network.machine(0)
                    .submit(LedgerIndex{}, Bytes(127), {}, effects)
                    .error()
                    .is(AvailabilityError::envelope_too_small));
    EXPECT_TRUE(network.machine(0)
                    .submit(LedgerIndex{}, Bytes(61'441), {}, effects)
                    .error()
                    .is(AvailabilityError::envelope_too_large));
}

TEST(Availability, a_restored_journal_is_noticed_and_signs_nothing) {
    Network network(4, 1);
    network.submit(0, envelope(0, 1));
    network.run(500'000);
    // A new machine with an empty journal, under the key that already made a batch.
    const auto verifier = ed25519_verifier();
    Machine forgetful(
        Config{{Participant{0}, &network.set(), &network.signer(0), verifier.get()}, {}, 0, 1000});
    Effects effects;
    forgetful.start({}, effects);
    forgetful.on_message(Participant{1},
                         *network.machine(1).certificate(Participant{0}, network.cut()[0].height),
                         {}, effects);
    EXPECT_TRUE(forgetful.status().own_lane_unknown);
    EXPECT_FALSE(forgetful.submit(LedgerIndex{}, envelope(0, 2), {}, effects).ok());
}

TEST(Availability, without_a_signer_it_signs_nothing_and_holds_what_is_decided) {
    Network network(4, 1);
    Effects silenced;
    network.machine(3).set_signer(nullptr, {Micros{1}, 1}, silenced);
    const auto signed_before = network.machine(3).status().acknowledgements_signed;
    for (uint32_t i = 0; i < 5; ++i) network.submit(0, envelope(0, i));
    network.submit(3, envelope(3, 0));
    network.run(2'000'000);
    EXPECT_TRUE(network.all_held());
    EXPECT_GT(network.cut()[0].height.value, 0u) << "a quorum is left";
    EXPECT_EQ(network.machine(3).held_through({0}), network.cut()[0].height);
    EXPECT_EQ(network.machine(3).status().acknowledgements_signed, signed_before);
    EXPECT_EQ(network.machine(3).status().batches_made, 0u);
    EXPECT_EQ(network.machine(3).status().waiting_envelopes, 1u);

    Effects speaks;
    network.machine(3).set_signer(&network.signer(3), {Micros{network.now_us()}, network.now_us()},
                                  speaks);
    EXPECT_EQ(network.machine(3).status().batches_made, 1u) << "what waited is batched";
    EXPECT_EQ(network.machine(3).status().waiting_envelopes, 0u);
}

TEST(Availability, a_certificate_heard_is_saved_before_a_report_names_it) {
    // At least one honest reporter must be able to serve what f+1 have named, so what is Certified,
    // and thus reported, outlives a crash.
    Network network(4, 1);
    network.set_deciding(false);
    network.submit(0, envelope(0, 0));
    network.run(150'000);
    const auto* certificate = network.machine(0).certificate(Participant{0}, LaneHeight{1});
    ASSERT_NE(certificate, nullptr);
    for (uint32_t i = 1; i < 4; ++i) {
        ASSERT_NE(network.machine(i).certificate(Participant{0}, LaneHeight{1}), nullptr);
        network.crash(i);
        network.restart(i);
        EXPECT_NE(network.machine(i).certificate(Participant{0}, LaneHeight{1}), nullptr) << i;
    }

    const auto verifier = ed25519_verifier();
    Machine fresh({{Participant{3}, &network.set(), &network.signer(3), verifier.get()}, {}});
    Effects effects;
    const model::Now now{Micros{1}, 1};
    fresh.start(now, effects);
    effects.list.clear();
    fresh.on_message(Participant{0}, *certificate, now, effects);
    const auto position = [&](const auto& is_it) {
        return std::find_if(effects.list.begin(), effects.list.end(), is_it) - effects.list.begin();
    };
    const auto saved = position([&](const auto& effect) {
        const auto* save = std::get_if<model::Save>(&effect);
        const auto* held = save ? std::get_if<model::LaneCertificate>(&*save->record) : nullptr;
        return held && *held == *certificate;
    });
    const auto told =
        position([](const auto& effect) { return std::holds_alternative<Certified>(effect); });
    ASSERT_LT(told, ptrdiff_t(effects.list.size()));
    EXPECT_LT(saved, told);
}

TEST(Availability, a_laggard_holds_the_certificates_that_decisions_name) {
    // It can serve them, and an author who learns of its own goes on from it.
    Network network(4, 1);
    network.set_deciding(false);
    network.submit(0, envelope(0, 0));
    network.run(150'000);
    const auto* certificate = network.machine(0).certificate(Participant{0}, LaneHeight{1});
    ASSERT_NE(certificate, nullptr);
    model::Decision decision;
    decision.block.cut.resize(4);
    decision.block.cut[0] = {LaneHeight{1}, certificate->header, certificate->digest()};
    decision.certificates.push_back(*certificate);

    const auto verifier = ed25519_verifier();
    Machine laggard({{Participant{3}, &network.set(), &network.signer(3), verifier.get()}, {}});
    Effects effects;
    const model::Now now{Micros{1}, 1};
    laggard.start(now, effects);
    laggard.on_decided(decision, now, effects);
    const auto* held = laggard.certificate(Participant{0}, LaneHeight{1});
    ASSERT_NE(held, nullptr);
    EXPECT_EQ(*held, *certificate);
    effects.list.clear();
    laggard.on_message(Participant{1}, model::FetchLaneCertificate{Participant{0}, LaneHeight{1}},
                       now, effects);
    EXPECT_EQ(effects.list.size(), 1u) << "it serves it";
}

TEST(Availability, whoever_asks_too_often_is_not_answered) {
    Network network(4, 1);
    network.set_deciding(false);
    network.submit(0, envelope(0, 0));
    network.run(150'000);
    Effects effects;
    const model::Now now{Micros{1}, network.now_us()};
    const model::Message question = model::FetchLaneCertificate{Participant{0}, LaneHeight{1}};
    for (int i = 0; i < 100'000; ++i)
        network.machine(0).on_message(Participant{1}, question, now, effects);
    EXPECT_EQ(effects.list.size(), answers_to_a_peer.answers_burst);
    network.machine(0).on_message(Participant{2}, question, now, effects);
    EXPECT_EQ(effects.list.size(), answers_to_a_peer.answers_burst + 1) << "each has its own share";
    EXPECT_GT(network.refusals(0, Refusal::asks_too_often), 0u);
}

}  // namespace
}  // namespace tally::availability
