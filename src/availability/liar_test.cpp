// An author that lies forks no lane, gets nothing acknowledged that breaks a rule, and stops
// nobody.
#include "availability/machine.hpp"
#include "availability/testing/network.hpp"
#include "crypto/merkle.hpp"

namespace tally::availability {
namespace {

using testing::Network;

/// So that a few envelopes make a coded batch.
model::Parameters parameters_of_small_batches() {
    model::Parameters parameters;
    parameters.coded_bytes_min = 4'096;
    return parameters;
}

constexpr uint8_t liar = 3;

/// Makes what an author might send, honest unless changed.
struct Author {
    const Network& network;

    [[nodiscard]] Place place(uint64_t height) const {
        return {Epoch{}, Participant{liar}, LaneHeight{height}};
    }
    [[nodiscard]] Dispersal dispersal(uint64_t height, uint8_t content, size_t size = 130) const {
        return network.coder().disperse(place(height), model::Forwarding::coded,
                                        encode_batch({{LedgerIndex{}, Bytes(size, content)}}));
    }
    [[nodiscard]] model::BatchHeader header(
        const Dispersal& batch, const std::optional<model::BatchHeader>& parent = {},
        const std::optional<model::LaneCertificate>& previous = {}) const {
        model::BatchHeader made;
        made.lane = Participant{liar};
        made.height = batch.da.height;
        made.da = batch.da;
        made.total_bytes = batch.da.length;
        if (parent) {
            made.parent = parent->hash();
            made.total_bytes += parent->total_bytes;
        }
        made.previous = previous;
        return made;
    }
    [[nodiscard]] Signature sign(const model::BatchHeader& header) const {
        return model::sign(network.set(), Participant{liar}, network.signer(liar),
                           model::BatchClaim{header.lane, header.height, header.hash()})
            .signature;
    }
    [[nodiscard]] model::Fragment fragment(const Dispersal& batch, const model::BatchHeader& header,
                                           uint8_t to,
                                           std::optional<model::BatchHeader> parent = {}) const {
        return {header, sign(header), std::move(parent), batch.cells_of(Participant{to})};
    }
    /// Signed by every participant of `signers`, whatever they would say.
    [[nodiscard]] model::LaneCertificate certificate(const model::BatchHeader& header,
                                                     std::initializer_list<uint8_t> signers) const {
        model::LaneCertificate made{header.lane, header.height, header.hash(), sign(header), {}};
        for (const uint8_t signer : signers) {
            const auto ack = model::sign(
                network.set(), Participant{signer}, network.signer(signer),
                model::Acknowledgement{header.lane, header.height, made.header, Micros{5}});
            made.parts.push_back({ack.signer, ack.body.time, ack.signature});
        }
        return made;
    }
};

class Liar : public ::testing::Test {
protected:
    Liar() { network.crash(liar); }
    void give(uint8_t to, const model::Message& message) { network.inject(to, liar, message); }
    [[nodiscard]] uint64_t acknowledged(uint8_t node) {
        return network.machine(node).status().acknowledgements_signed;
    }
    void expect_refused(const model::Fragment& fragment, Refusal reason) {
        const auto before = network.refusals(0, reason);
        const auto signed_before = acknowledged(0);
        give(0, fragment);
        EXPECT_EQ(network.refusals(0, reason), before + 1) << name_of(reason);
        EXPECT_EQ(acknowledged(0), signed_before) << name_of(reason);
    }
    /// Acknowledged, certified and decided, it is held as void by everyone.
    void expect_void_for_all(const Dispersal& batch) {
        for (const uint8_t to : {0, 1, 2})
            give(to, author.fragment(batch, author.header(batch), to));
        EXPECT_EQ(acknowledged(0), 1u) << "an acknowledgement proves cells, not the batch";
        give(0, author.certificate(author.header(batch), {0, 1, 2}));
        network.run(1'000'000);
        ASSERT_TRUE(network.all_held());
        EXPECT_EQ(network.cut()[liar].height, LaneHeight{1});
        EXPECT_TRUE(network.decided(liar).empty());
        for (const uint8_t node : {0, 1, 2})
            EXPECT_EQ(network.machine(node).status().void_batches, 1u);
    }
    Network network{4, 1, parameters_of_small_batches()};
    Author author{network};
};

TEST_F(Liar, two_batches_at_one_height_are_never_both_acknowledged) {
    const auto a = author.dispersal(1, 1);
    const auto b = author.dispersal(1, 2);
    for (const uint8_t to : {0, 1}) give(to, author.fragment(a, author.header(a), to));
    give(2, author.fragment(b, author.header(b), 2));
    EXPECT_EQ(acknowledged(0) + acknowledged(1) + acknowledged(2), 3u);
    for (const uint8_t to : {0, 1}) give(to, author.fragment(b, author.header(b), to));
    give(2, author.fragment(a, author.header(a), 2));
    EXPECT_EQ(acknowledged(0) + acknowledged(1) + acknowledged(2), 3u);
    EXPECT_EQ(network.refusals(0, Refusal::forked), 1u);

    // Certified with the help of the liar: whoever holds the other batch fetches this one, and goes
    // on with what follows it.
    network.run(100'000);
    give(2, author.certificate(author.header(a), {0, 1, liar}));
    network.run(1'000'000);
    EXPECT_EQ(network.cut()[liar].header, author.header(a).hash());
    ASSERT_TRUE(network.all_held());
    EXPECT_EQ(network.decided(liar).size(), 1u);
    const auto next = author.dispersal(2, 3);
    const auto header =
        author.header(next, author.header(a), author.certificate(author.header(a), {0, 1, liar}));
    give(2, author.fragment(next, header, 2, author.header(a)));
    EXPECT_EQ(acknowledged(2), 2u);
}

TEST_F(Liar, a_repeated_fragment_gets_the_same_acknowledgement_and_nothing_else) {
    const auto batch = author.dispersal(1, 1);
    for (int i = 0; i < 3; ++i) give(0, author.fragment(batch, author.header(batch), 0));
    EXPECT_EQ(acknowledged(0), 1u);
    EXPECT_TRUE(network.machine(0).refusals().empty());
}

TEST_F(Liar, a_void_batch_is_held_as_void_by_all) {
    auto batch = author.dispersal(1, 1);
    batch.da.leaves_root = sha256({});
    expect_void_for_all(batch);
}

TEST_F(Liar, whatever_breaks_a_rule_is_refused_by_its_reason) {
    const auto batch = author.dispersal(1, 1);
    const auto good = author.fragment(batch, author.header(batch), 0);

    auto bad = good;
    bad.header.lane = Participant{1};
    expect_refused(bad, Refusal::not_the_author);
    bad.header.lane = Participant{9};
    expect_refused(bad, Refusal::unknown_lane);
    bad = good;
    bad.author[5] ^= 1;
    expect_refused(bad, Refusal::bad_signature);
    bad = author.fragment(batch, author.header(batch), 1);
    expect_refused(bad, Refusal::bad_cell);
    bad = good;
    bad.cells = {};
    expect_refused(bad, Refusal::bad_cell);
    bad = good;
    bad.cells.bytes[0] ^= 1;
    expect_refused(bad, Refusal::bad_cell);

    const auto changed = [&](auto change) {
        auto header = author.header(batch);
        change(header);
        return author.fragment(batch, header, 0);
    };
    expect_refused(changed([](auto& h) { ++h.da.count, ++h.da.cells; }), Refusal::bad_parameters);
    expect_refused(changed([](auto& h) { ++h.total_bytes; }), Refusal::bad_parent);
    expect_refused(changed([](auto& h) { h.parent = sha256({}); }), Refusal::bad_parent);
    expect_refused(changed([](auto& h) { h.height = LaneHeight{0}; }), Refusal::stale);
    expect_refused(changed([&](auto& h) {
                       h.previous = author.certificate(h, {0, 1, 2});
                   }),
                   Refusal::bad_certificate);
    bad = good;
    bad.parent = good.header;
    expect_refused(bad, Refusal::bad_parent);
    EXPECT_EQ(acknowledged(0), 0u);
    give(0, good);
    EXPECT_EQ(acknowledged(0), 1u);
}

TEST_F(Liar, the_prefix_must_be_certified_and_named) {
    const auto first = author.dispersal(1, 1);
    const auto parent = author.header(first);
    const auto batch = author.dispersal(2, 2);
    const auto certificate = author.certificate(parent, {0, 1, liar});
    const auto good = author.header(batch, parent, certificate);

    const auto with = [&](auto change) {
        auto header = good;
        change(header);
        return author.fragment(batch, header, 0, parent);
    };
    expect_refused(with([](auto& h) { h.previous.reset(); }), Refusal::bad_certificate);
    expect_refused(with([&](auto& h) {
                       h.previous = author.certificate(parent, {0, liar});
                   }),
                   Refusal::bad_certificate);
    expect_refused(with([](auto& h) { h.previous->parts[1] = h.previous->parts[0]; }),
                   Refusal::bad_certificate);
    expect_refused(with([](auto& h) { ++h.previous->parts[1].time.value; }),
                   Refusal::bad_certificate);
    const auto other = author.header(author.dispersal(1, 9));
    expect_refused(with([&](auto& h) {
                       h.previous = author.certificate(other, {0, 1, liar});
                   }),
                   Refusal::bad_certificate);
    expect_refused(author.fragment(batch, good, 0), Refusal::bad_parent);
    expect_refused(author.fragment(batch, good, 0, other), Refusal::bad_parent);
    expect_refused(with([](auto& h) { h.total_bytes -= 1; }), Refusal::bad_parent);
    EXPECT_EQ(acknowledged(0), 0u);

    // A laggard that never saw the first batch acknowledges the second, and fetches the first.
    give(0, author.fragment(batch, good, 0, parent));
    EXPECT_EQ(acknowledged(0), 1u);
    EXPECT_EQ(*network.machine(0).certificate(Participant{liar}, LaneHeight{1}), certificate);
    EXPECT_EQ(network.machine(0).status().fetching, 1u);
    expect_refused(author.fragment(first, parent, 0), Refusal::stale);
}

TEST_F(Liar, far_ahead_of_the_cut_nothing_is_acknowledged) {
    const auto first = author.dispersal(64, 1);
    auto parent = author.header(first);
    parent.total_bytes = 40'000'000;
    const auto certificate = author.certificate(parent, {0, 1, liar});
    const auto batch = author.dispersal(65, 2);
    expect_refused(author.fragment(batch, author.header(batch, parent, certificate), 0, parent),
                   Refusal::window_full);
    // By bytes as well as by height.
    const auto near = author.dispersal(10, 1);
    parent = author.header(near);
    parent.total_bytes = 40'000'000;
    const auto next = author.dispersal(11, 2);
    expect_refused(
        author.fragment(next, author.header(next, parent, author.certificate(parent, {0, 1, liar})),
                        0, parent),
        Refusal::window_full);
}

TEST_F(Liar, a_batch_of_cells_that_are_no_codeword_is_void_for_all) {
    auto batch = author.dispersal(1, 1, 9'000);
    ASSERT_TRUE(batch.shape.is_coded());
    // One cell of the liar's own is changed, and all is committed to as it is.
    const size_t cell = batch.da.cell_bytes;
    batch.cells[liar * cell] ^= 1;
    std::vector<Hash> own;
    for (uint32_t i = 0; i < batch.shape.cells_each; ++i) {
        const ByteView bytes = ByteView(batch.cells).subspan((liar + i * 4) * cell, cell);
        own.push_back(tagged_hash(Tag::cell, merkle_leaf(bytes).view()));
    }
    batch.roots[liar] = merkle_root(own);
    batch.da.cells_root = merkle_root(batch.roots);
    expect_void_for_all(batch);
}

TEST_F(Liar, a_holder_that_got_no_cells_makes_its_own_and_serves_them) {
    const auto batch = author.dispersal(1, 1, 9'000);
    const auto header = author.header(batch);
    for (const uint8_t to : {0, 1}) give(to, author.fragment(batch, header, to));
    network.run(10'000);
    give(0, author.certificate(header, {0, 1, liar}));
    give(2, author.certificate(header, {0, 1, liar}));
    network.run(1'000'000);
    ASSERT_TRUE(network.all_held());
    EXPECT_EQ(network.decided(liar).size(), 1u);
    EXPECT_TRUE(network.has_own_cells(2, Participant{liar}, {LaneHeight{1}, header.hash()}));
}

TEST_F(Liar, answers_nobody_asked_for_and_false_ones_are_refused) {
    const auto batch = author.dispersal(1, 1, 9'000);
    const auto header = author.header(batch);
    const auto answer = [&](uint8_t holder) {
        return model::BatchCells{header, batch.cells_of(Participant{holder})};
    };
    give(0, answer(liar));
    EXPECT_EQ(network.refusals(0, Refusal::unexpected), 1u);

    give(0, author.certificate(header, {0, 1, liar}));
    EXPECT_EQ(network.machine(0).status().fetching, 1u);
    auto bad = answer(liar);
    bad.cells.bytes[20] ^= 1;
    give(0, bad);
    EXPECT_EQ(network.refusals(0, Refusal::bad_cell), 1u);
    bad.cells = {};
    give(0, bad);
    EXPECT_EQ(network.refusals(0, Refusal::bad_cell), 2u);
    give(0, answer(2));
    EXPECT_EQ(network.refusals(0, Refusal::bad_cell), 3u) << "another holder's";
    for (int i = 0; i < 3; ++i) give(0, answer(liar));
    EXPECT_EQ(network.machine(0).status().fetching, 1u) << "one holder's are not enough";
    network.inject(0, 1, answer(1));
    EXPECT_EQ(network.machine(0).status().fetching, 0u);

    auto false_certificate = author.certificate(header, {0, 1, liar});
    false_certificate.height = LaneHeight{2};
    give(0, false_certificate);
    EXPECT_EQ(network.refusals(0, Refusal::bad_certificate), 1u);
    const auto stray = model::sign(network.set(), Participant{liar}, network.signer(liar),
                                   model::Acknowledgement{Participant{0}, LaneHeight{1}, {}, {}});
    give(0, stray);
    EXPECT_EQ(network.refusals(0, Refusal::unexpected), 2u);
}

TEST_F(Liar, acknowledged_times_ascend_even_when_the_clock_does_not) {
    const auto verifier = ed25519_verifier();
    Machine machine(
        Config{{Participant{0}, &network.set(), &network.signer(0), verifier.get()}, {}, 0, 1000});
    Effects effects;
    machine.start({}, effects);
    const auto first = author.dispersal(1, 1);
    const auto parent = author.header(first);
    machine.on_message(Participant{liar}, author.fragment(first, parent, 0), {Micros{1'000}, 1},
                       effects);
    const auto second = author.dispersal(2, 2);
    machine.on_message(
        Participant{liar},
        author.fragment(second,
                        author.header(second, parent, author.certificate(parent, {0, 1, liar})), 0,
                        parent),
        {Micros{500}, 2}, effects);
    std::vector<uint64_t> times;
    for (const auto& effect : effects.list) {
        const auto* send = std::get_if<model::Send>(&effect);
        if (send == nullptr) continue;
        const auto* ack = std::get_if<model::Signed<model::Acknowledgement>>(send->message.get());
        if (ack != nullptr) times.push_back(ack->body.time.value);
    }
    EXPECT_EQ(times, (std::vector<uint64_t>{1'000, 1'001}));
}

/// An author that lies, alone on a stage: what it says when acknowledgements of these times come.
struct DatingAuthor {
    explicit DatingAuthor(Canaries canaries)
        : machine(Config{{Participant{liar}, &network.set(), &network.signer(liar), verifier.get()},
                         {},
                         5'000,
                         4'000'000,
                         std::make_shared<const Coder>(network.coder()),
                         nullptr,
                         canaries}) {
        Effects ignored;
        machine.start(now, ignored);
    }
    [[nodiscard]] Hash make_batch() {
        Effects effects;
        EXPECT_TRUE(machine.submit(LedgerIndex{}, Bytes(130, 1), now, effects).ok());
        now.monotonic_us += 5'000;
        machine.on_tick(now, effects);
        for (const auto& effect : effects.list) {
            const auto* send = std::get_if<model::Send>(&effect);
            const auto* fragment =
                send ? std::get_if<model::Fragment>(send->message.get()) : nullptr;
            if (fragment) return fragment->header.hash();
        }
        ADD_FAILURE() << "no fragment was said";
        return {};
    }
    /// What is certified once `signer` said this time.
    std::optional<model::LaneCertificate> acknowledge(const Hash& header, uint8_t signer,
                                                      uint64_t time) {
        const auto ack = model::sign(
            network.set(), Participant{signer}, network.signer(signer),
            model::Acknowledgement{Participant{liar}, LaneHeight{1}, header, Micros{time}});
        Effects effects;
        machine.on_message(Participant{signer}, ack, now, effects);
        return certified(effects);
    }
    std::optional<model::LaneCertificate> tick_after(uint64_t us) {
        now.monotonic_us += us;
        Effects effects;
        machine.on_tick(now, effects);
        return certified(effects);
    }
    static std::optional<model::LaneCertificate> certified(const Effects& effects) {
        for (const auto& effect : effects.list) {
            if (const auto* certified = std::get_if<Certified>(&effect))
                return certified->certificate;
        }
        return {};
    }

    Network network{4, 1};
    std::unique_ptr<Verifier> verifier = ed25519_verifier();
    model::Now now{Micros{10'000}, 1'000'000};
    Machine machine;
};

std::vector<uint64_t> times_in(const model::LaneCertificate& certificate) {
    std::vector<uint64_t> times;
    for (const auto& part : certificate.parts) times.push_back(part.time.value);
    return times;
}

using Pick = Canaries::Pick;
using Times = std::vector<uint64_t>;

TEST(DatingAuthor, an_honest_one_certifies_with_the_first_that_come) {
    DatingAuthor author({});
    const Hash header = author.make_batch();
    EXPECT_FALSE(author.acknowledge(header, 0, 20'000));
    const auto certificate = author.acknowledge(header, 1, 30'000);
    ASSERT_TRUE(certificate);
    EXPECT_EQ(times_in(*certificate), (Times{20'000, 30'000, 10'000}));
}

TEST(DatingAuthor, one_that_picks_waits_for_all_and_takes_those_that_suit_it) {
    for (const Pick pick : {Pick::earliest, Pick::latest}) {
        DatingAuthor author({0, pick});
        const Hash header = author.make_batch();
        EXPECT_FALSE(author.acknowledge(header, 0, 20'000));
        EXPECT_FALSE(author.acknowledge(header, 1, 30'000)) << "a quorum is not enough for it";
        const auto certificate = author.acknowledge(header, 2, 5'000);
        ASSERT_TRUE(certificate);
        const bool earliest = pick == Pick::earliest;
        EXPECT_EQ(times_in(*certificate),
                  earliest ? (Times{20'000, 5'000, 10'000}) : (Times{20'000, 30'000, 10'000}));
        EXPECT_TRUE(
            model::check_lane_certificate(author.network.set(), *author.verifier, *certificate));
        // So what it gains is bounded by what honest clocks said.
        EXPECT_EQ(model::time_of(*certificate, 1).value, earliest ? 10'000u : 20'000u);
    }
}

TEST(DatingAuthor, one_that_picks_does_not_wait_for_ever) {
    DatingAuthor author({0, Pick::latest});
    const Hash header = author.make_batch();
    EXPECT_FALSE(author.acknowledge(header, 0, 20'000));
    EXPECT_FALSE(author.acknowledge(header, 1, 30'000));
    EXPECT_TRUE(author.tick_after(say_fragment_us));
}

TEST(DatingAuthor, a_time_that_is_too_early_does_not_count_where_one_may_lie) {
    DatingAuthor author({9'000, Pick::first});
    const Hash header = author.make_batch();
    EXPECT_FALSE(author.acknowledge(header, 0, 20'000));
    const auto certificate = author.acknowledge(header, 1, 30'000);
    ASSERT_TRUE(certificate);
    EXPECT_EQ(times_in(*certificate), (Times{20'000, 30'000, 1'000}));
    EXPECT_EQ(model::time_of(*certificate, 1).value, 20'000u);
}

}  // namespace
}  // namespace tally::availability
