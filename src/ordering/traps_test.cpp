// The traps of docs/protocol.md, section 8, that concern ordering: each is walked into once.
#include <gtest/gtest.h>

#include "ordering/leaders.hpp"
#include "ordering/test_network.hpp"

namespace tally::ordering {
namespace {

using testing::Dice;
using testing::Network;
using testing::Options;

using testing::second_us;

Participant leader_of(const Network& network, uint64_t slot, uint32_t view) {
    return Leaders(network.set()).of({slot}, {view});
}

TEST(Trap, ASilentLeaderStallsTheViewChange) {
    // The next leader takes over after one timer; two in a row after three.
    Network network(Options{.participants = 7});
    network.crash(leader_of(network, 1, 0));
    network.crash(leader_of(network, 1, 1));
    network.batch({0});
    EXPECT_TRUE(network.run_until([&] { return network.all_ordered(); }, 4 * second_us));
    EXPECT_EQ(network.violation(), "");
}

TEST(Trap, TimersThatDoubleByLocalCounters) {
    // A timer is a function of the view number alone: after a slot of view changes the next silent
    // leader costs one τ0 again.
    Network network(Options{.participants = 7});
    const Participant first = leader_of(network, 1, 0);
    network.isolate(first, true);
    network.isolate(leader_of(network, 1, 1), true);
    network.batch({0});
    ASSERT_TRUE(network.run_until([&] { return network.blocks().contains({1}); }, 10 * second_us));
    const uint64_t start = network.now_us();
    network.batch({0});
    ASSERT_TRUE(network.run_until([&] { return network.blocks().contains({2}); }, 10 * second_us));
    EXPECT_LT(network.now_us() - start, 3 * second_us / 2);
}

TEST(Trap, EachKindOfMessageLostOnceIsSaidAgain) {
    // The first copy of every kind on every link is lost, for every kind at once and with a silent
    // leader, so that Timeouts, TCs, wakes and fetches are among them.
    Network network(Options{});
    std::set<std::tuple<Network::Actor, Participant, size_t>> seen;
    network.filter = [&](const Network::Sent& sent) {
        return !seen.emplace(sent.from, sent.to, sent.message->index()).second;
    };
    network.isolate(leader_of(network, 1, 0), true);
    network.batch({0});
    ASSERT_TRUE(network.run_until([&] { return network.blocks().contains({1}); }, 60 * second_us));
    network.isolate(leader_of(network, 1, 0), false);
    EXPECT_TRUE(network.run_until([&] { return network.all_ordered(); }, 60 * second_us));
    EXPECT_EQ(network.violation(), "");
}

TEST(Trap, AnswersThatAnswerEachOtherForEver) {
    // An idle network says heartbeats and nothing else: four participants, three peers, one a
    // second.
    Network network(Options{});
    network.batch({0});
    ASSERT_TRUE(network.run_until([&] { return network.all_ordered(); }, second_us));
    network.run_for(10 * second_us);
    const uint64_t before = network.messages;
    network.run_for(100 * second_us);
    EXPECT_LE(network.messages - before, 4u * 3u * 101u);
}

TEST(Trap, IdleNightsThatLeaveAStaleClockInTheFirstBlock) {
    // Reports are made when there is work, so the first block of the morning has the morning's
    // time.
    Network network(Options{});
    network.batch({0});
    network.run_for(8 * 3'600 * second_us);
    const Micros morning = network.now().wall;
    network.batch({1});
    ASSERT_TRUE(network.run_until([&] { return network.all_decided({2}); }, second_us));
    EXPECT_GE(network.block({2}).time, morning);
}

TEST(Trap, WorkThatNobodyWakesFor) {
    // One participant alone holds the certificate: it relays the piece itself, and all report.
    Network network(Options{});
    network.give(network.certificate({2}, {1}), {Participant{3}});
    // At once: a slot takes five message delays and the wake one more, and nothing is said again
    // before τ0/8.
    EXPECT_TRUE(network.run_until([&] { return network.all_ordered(); }, second_us / 50));
}

TEST(Trap, WorkThatOneReportsEarly) {
    // The same while a block is being decided: the Report left with the CommitVote, and the piece
    // follows it into the slot.
    Network network(Options{});
    bool voting = false;
    network.filter = [&](const Network::Sent& sent) {
        voting = voting || std::holds_alternative<model::Signed<model::PrepareVote>>(*sent.message);
        return true;
    };
    network.batch({0});
    ASSERT_TRUE(network.run_until([&] { return voting; }, second_us));
    network.give(network.certificate({2}, {1}), {Participant{3}});
    EXPECT_TRUE(network.run_until(
        [&] {
            return network.blocks().contains({2}) && network.block({2}).cut[2].height.value == 1;
        },
        second_us / 20));
    EXPECT_EQ(network.violation(), "");
}

TEST(Trap, SlotsThatExistOnlyForOldNews) {
    // A late copy of what is already cut is no work, and a wake with it is refused.
    Network network(Options{});
    network.batch({0});
    ASSERT_TRUE(network.run_until([&] { return network.all_ordered(); }, second_us));
    network.batch({1});
    ASSERT_TRUE(network.run_until([&] { return network.all_ordered(); }, second_us));
    for (uint8_t i = 0; i < 4; ++i) network.give(network.certificate({0}, {1}), {Participant{i}});
    for (uint8_t i = 1; i < 4; ++i)
        network.say({0}, {i}, model::Wake{{3}, network.certificate({0}, {1})});
    network.run_for(60 * second_us);
    EXPECT_EQ(network.blocks().size(), 2u);
    EXPECT_EQ(network.machine({1}).counters().at("idle_wake"), 1u);
}

TEST(Trap, APieceOfWorkThatIsOnlyTime) {
    // A held batch or an open window has nothing to show; one slot comes when its time does.
    Network network(Options{});
    const Micros due{network.now().wall.value + 5 * second_us};
    for (uint8_t i = 0; i < 4; ++i) {
        Effects effects;
        network.machine({i}).want_slot_at(due, network.now(), effects);
        EXPECT_TRUE(effects.list.empty());
        EXPECT_LE(network.machine({i}).next_wakeup_us(), network.now_us() + 5 * second_us);
    }
    network.run_for(60 * second_us);
    ASSERT_EQ(network.blocks().size(), 1u);
    EXPECT_GE(network.block({1}).time, due);
}

/// A network in which participant 0 holds a Dispute against what the others certified, one is
/// silent, and the certificate is to be carried.
bool carries_against_a_diverged_one(Canaries canaries) {
    Network network(Options{.canaries = canaries});
    network.batch({0});
    network.run_for(second_us);
    network.crash({3});
    const auto certificate = network.block_certificate({0}, {1});
    for (uint8_t i = 0; i < 3; ++i) {
        Effects effects;
        if (i == 0)
            network.machine({i}).on_dispute(network.dispute({0}, {0}, {1}), network.now(), effects);
        for (uint8_t from = 0; from < 3; ++from) network.say({from}, {i}, certificate);
    }
    network.batch({0});
    return network.run_until(
        [&] {
            const auto* last = network.machine({1}).last_block();
            return last && last->highest_carried[0].value == 1;
        },
        60 * second_us);
}

TEST(Trap, OneDivergedHonestParticipantThatVetoesEveryProposal) {
    // Votes never depend on own execution; the seventh mutant, whose votes do, halts the network.
    EXPECT_TRUE(carries_against_a_diverged_one({}));
    EXPECT_FALSE(carries_against_a_diverged_one({.votes_depend_on_execution = true}));
}

TEST(Trap, ATcWhoseQcNobodyCanShow) {
    // A Timeout that reports a QC without attaching it counts for nothing, nor does one whose QC
    // is another than it reports.
    Network network(Options{});
    const auto lie = [&](std::optional<model::PrepareQC> attached) {
        model::TimeoutMessage message;
        message.timeout =
            model::sign(network.set(), {1}, network.signer({1}),
                        model::Timeout{{1}, {5}, View{3}, sha256(view_of("nobody's block"))});
        message.qc = std::move(attached);
        Effects effects;
        network.machine({0}).on_message({1}, message, network.now(), effects);
    };
    lie(std::nullopt);
    lie(model::PrepareQC{{{1}, {3}, sha256(view_of("nobody's block"))}, {}});
    EXPECT_EQ(network.machine({0}).counters().at("bad_timeout"), 1u);
    EXPECT_EQ(network.machine({0}).counters().at("bad_prepare_qc"), 1u);
    EXPECT_FALSE(network.machine({0}).counters().contains("timeouts"));
}

TEST(Trap, AFarTimeoutOfOneLiarMovesNobody) {
    // f+1 Timeouts above one's view are joined; one is not.
    Network network(Options{});
    const auto time_out = [&](Participant liar, View view) {
        const model::TimeoutMessage message{model::sign(network.set(), liar, network.signer(liar),
                                                        model::Timeout{{1}, view, {}, {}}),
                                            {}};
        Effects effects;
        network.machine({0}).on_message(liar, message, network.now(), effects);
        return effects.list.size();
    };
    EXPECT_EQ(time_out({1}, {9}), 0u);
    EXPECT_GT(time_out({2}, {7}), 0u);  // Joined at 7, the second largest.
    EXPECT_EQ(network.machine({0}).counters().at("timeouts"), 1u);
    EXPECT_EQ(network.machine({0}).view().value, 0u);
}

TEST(Trap, AnEquivocatingLeader) {
    // Two proposals in one view: one of them at most is decided, and the slot goes on.
    Network network(Options{});
    const Participant liar = leader_of(network, 1, 0);
    network.twin(liar, {Participant{uint8_t((liar.value + 1) % 4)}});
    network.batch({0});
    EXPECT_TRUE(network.run_until([&] { return network.all_ordered(); }, 60 * second_us));
    EXPECT_EQ(network.violation(), "");
}

TEST(Trap, ABodyThatOnlyOthersHave) {
    // Who is cut off from the leader alone learns of the decision and fetches the body by hash.
    Network network(Options{});
    const Participant leader = leader_of(network, 1, 0);
    const Participant other{uint8_t((leader.value + 1) % 4)};
    network.filter = [&](const Network::Sent& sent) {
        return sent.to != other || !std::holds_alternative<model::ProposalMessage>(*sent.message);
    };
    network.batch({0});
    EXPECT_TRUE(network.run_until([&] { return network.all_decided({1}); }, second_us / 2));
}

TEST(Trap, ALaggardThatMissedManySlots) {
    // A heartbeat shows how far behind it is; it fetches decisions and then follows.
    Network network(Options{});
    network.isolate({2}, true);
    for (int i = 0; i < 50; ++i) {
        network.batch({0});
        network.run_for(50'000);
    }
    EXPECT_GT(network.decided({0}).value, 9u);
    network.isolate({2}, false);
    EXPECT_TRUE(network.run_until([&] { return network.all_decided(network.decided({0})); },
                                  10 * second_us));
}

/// One decides alone and falls silent; the two that voted with it restart; the fourth has seen no
/// QC. Returns what the four then disagree on.
std::string after_a_restart(Canaries canaries) {
    Network network(Options{.canaries = canaries});
    const Participant decider = leader_of(network, 1, 2);
    const Participant unaware = leader_of(network, 1, 3);
    const auto view_zero = [](const model::Message& message) {
        const auto* prepare = std::get_if<model::Signed<model::PrepareVote>>(&message);
        const auto* commit = std::get_if<model::Signed<model::CommitVote>>(&message);
        return (prepare && prepare->body.view.value == 0) ||
               (commit && commit->body.view.value == 0);
    };
    network.filter = [&](const Network::Sent& sent) {
        if (std::holds_alternative<model::DecideMessage>(*sent.message)) return false;
        const bool prepares =
            std::holds_alternative<model::Signed<model::PrepareVote>>(*sent.message);
        if (sent.to == unaware) return !view_zero(*sent.message);
        return sent.to == decider || prepares || !view_zero(*sent.message);
    };
    network.batch({0});
    if (!network.run_until([&] { return network.decided(decider).value == 1; }, second_us / 10))
        return "nobody decided";
    network.isolate(decider, true);
    network.filter = [&](const Network::Sent& sent) { return !view_zero(*sent.message); };
    for (uint8_t i = 0; i < 4; ++i) {
        if (Participant{i} == decider || Participant{i} == unaware) continue;
        network.crash({i});
        network.restart({i});
    }
    const bool goes_on =
        network.run_until([&] { return network.decided(unaware).value >= 1; }, 60 * second_us);
    return goes_on || !network.violation().empty() ? network.violation() : "no progress";
}

TEST(Trap, VotesPersistedWithoutTheirQc) {
    // The QC saved with a CommitVote outlives the restart, so the block decided by one is the block
    // decided by all; without it, one restart forks.
    EXPECT_EQ(after_a_restart({}), "");
    EXPECT_EQ(after_a_restart({.forget_qc_on_restart = true}), "two blocks decided in one slot");
}

TEST(Trap, EveryoneRestartsAtOnce) {
    // A power failure in the middle of anything: what was signed is remembered, and it goes on.
    for (uint64_t seed = 1; seed <= 30; ++seed) {
        Network network(Options{.seed = seed, .delay_us_max = 5'000, .save_us = 2'000});
        network.batch({0});
        network.run_for(500 * seed);
        for (uint8_t i = 0; i < 4; ++i) network.crash({i});
        for (uint8_t i = 0; i < 4; ++i) network.restart({i});
        EXPECT_TRUE(network.run_until([&] { return network.all_ordered(); }, 60 * second_us))
            << seed;
        EXPECT_EQ(network.violation(), "") << seed;
    }
}

TEST(Trap, AssertionsOnUnknownLanesAndPeers) {
    // True messages with numbers changed at random abort nothing, from whomever they come.
    Network source(Options{});
    std::vector<Bytes> corpus;
    source.filter = [&](const Network::Sent& sent) {
        corpus.push_back(model::encode_message(*sent.message));
        return true;
    };
    source.isolate(leader_of(source, 1, 0), true);
    source.batch({0});
    source.run_for(3 * second_us);
    ASSERT_GT(corpus.size(), 50u);
    Network network(Options{});
    Dice dice(7);
    int decoded = 0;
    for (int i = 0; i < 20'000; ++i) {
        Bytes bytes = corpus[dice.below(corpus.size())];
        for (uint64_t change = dice.below(3); change > 0; --change)
            bytes[dice.below(bytes.size())] = uint8_t(dice.next());
        const auto message = model::decode_message(bytes);
        if (!message.ok()) continue;
        ++decoded;
        Effects effects;
        network.machine({0}).on_message({uint8_t(dice.next())}, *message, network.now(), effects);
    }
    EXPECT_GT(decoded, 5'000);
}

TEST(Trap, PermanentStallUnderLoad) {
    // Work without pause, in every lane, with messages slower than batches come.
    Network network(Options{.delay_us_min = 5'000, .delay_us_max = 15'000});
    for (int i = 0; i < 60; ++i) {
        for (uint8_t lane = 0; lane < 4; ++lane) network.batch({lane});
        network.run_for(2'000);
    }
    EXPECT_TRUE(network.run_until([&] { return network.all_ordered(); }, 5 * second_us));
    EXPECT_EQ(network.violation(), "");
    for (uint8_t i = 0; i < 4; ++i)
        EXPECT_FALSE(network.machine({i}).counters().contains("timeouts"));
}

TEST(Trap, ALeaderWhoRestartsWithItsReportAlone) {
    // It entered view 1 by a TC that it saved with what follows from it: so it still can lead
    // there, and the view need not time out, although nobody tells it that TC again.
    Network network(Options{});
    const Participant second_leader = leader_of(network, 1, 1);
    network.isolate(leader_of(network, 1, 0), true);
    network.batch({0});
    ASSERT_TRUE(network.run_until([&] { return network.machine(second_leader).view().value == 1; },
                                  3 * second_us));
    network.run_for(200);
    const auto holds = [&](const auto& kind) {
        const auto& journal = network.journal(second_leader);
        return std::any_of(journal.begin(), journal.end(), kind);
    };
    ASSERT_TRUE(holds([](const model::Record& record) {
        const auto* report = std::get_if<model::Signed<model::Report>>(&record);
        return report && report->body.view.value == 1;
    }));
    ASSERT_FALSE(holds([](const model::Record& record) {
        return std::holds_alternative<model::ProposalMessage>(record);
    }));
    network.filter = [&](const Network::Sent& sent) {
        return sent.to != second_leader ||
               !std::holds_alternative<model::TimeoutCertificate>(*sent.message);
    };
    network.crash(second_leader);
    network.restart(second_leader);
    EXPECT_EQ(network.machine(second_leader).view().value, 1u);
    EXPECT_TRUE(network.run_until([&] { return network.blocks().contains({1}); }, second_us));
    EXPECT_FALSE(network.machine(second_leader).counters().contains("timeouts"));
    EXPECT_EQ(network.violation(), "");
}

model::Signed<model::Report> report_of(const Network& network, Participant signer, View view,
                                       uint64_t height) {
    model::Report report{{1}, view, {}, {}, network.now().wall};
    for (uint32_t lane = 0; lane < 4; ++lane) report.lanes.push_back({lane == 0 ? height : 0});
    return model::sign(network.set(), signer, network.signer(signer), report);
}

TEST(Trap, ALaterReportThatLeavesTheLeaderSpinning) {
    // The leader asks for a certificate that its Reports oblige it to cut; then one of them turns
    // into a Report for a later view of the same leader. What it was asking for is due no more, and
    // no tick is.
    Network network(Options{});
    const Participant leader = leader_of(network, 1, 0);
    Machine machine(network.config(leader));
    model::Now now = network.now();
    Effects effects;
    machine.start(now, effects);
    std::vector<Participant> others;
    for (uint8_t i = 0; i < 4; ++i) {
        if (Participant{i} != leader) others.push_back({i});
    }
    for (int i = 0; i < 2; ++i)
        machine.on_message(others[i], report_of(network, others[i], {0}, 1), now, effects);
    const auto asked = std::count_if(effects.list.begin(), effects.list.end(), [](const auto& one) {
        const auto* sent = std::get_if<model::Send>(&one);
        return sent && std::holds_alternative<model::FetchLaneCertificate>(*sent->message);
    });
    ASSERT_GT(asked, 0);
    ASSERT_EQ(leader_of(network, 1, 4), leader);
    machine.on_message(others[0], report_of(network, others[0], {4}, 1), now, effects);
    now.monotonic_us += network.config(leader).parameters.view_timer_us / 4;
    machine.on_tick(now, effects);
    EXPECT_GT(machine.next_wakeup_us(), now.monotonic_us);
}

/// The proposal of the leader of (1, view), fresh, as its network made it.
model::ProposalMessage fresh_proposal(Network& network, View view) {
    std::optional<model::ProposalMessage> proposal;
    network.filter = [&](const Network::Sent& sent) {
        const auto* message = std::get_if<model::ProposalMessage>(sent.message.get());
        if (message && message->proposal.body.view == view && !proposal) proposal = *message;
        return !message;
    };
    network.batch({0});
    network.run_until([&] { return proposal.has_value(); }, 10 * second_us);
    return proposal.value();
}

/// Whether a voter whose clock is `ahead_us` ahead of the block's time votes for it.
bool votes(const Network& network, const model::ProposalMessage& proposal, uint64_t ahead_us) {
    const Participant leader = proposal.proposal.signer;
    const Participant voter{uint8_t((leader.value + 1) % 4)};
    Machine machine(network.config(voter));
    const model::Now now{{proposal.block->time.value + ahead_us}, network.now_us()};
    Effects effects;
    machine.start(now, effects);
    machine.on_message(leader, proposal, now, effects);
    const bool voted = std::any_of(effects.list.begin(), effects.list.end(), [](const auto& one) {
        const auto* sent = std::get_if<model::Send>(&one);
        return sent && std::holds_alternative<model::Signed<model::PrepareVote>>(*sent->message);
    });
    const auto& counters = machine.counters();
    EXPECT_EQ(counters.contains("ordering.vote.stale_clock"), !voted);
    return voted;
}

TEST(Trap, AJustificationThatNobodyChecked) {
    // In view 0 J is in the body. A TC that comes along, with a QC of the leader's own making, must
    // not outlive a restart as this participant's highest.
    Network network(Options{});
    model::ProposalMessage proposal = fresh_proposal(network, {0});
    const Participant leader = proposal.proposal.signer;
    const Participant voter{uint8_t((leader.value + 1) % 4)};
    model::PrepareQC forged{{{1}, {7}, sha256(view_of("no such block"))}, {}};
    for (uint8_t i = 0; i < 4; ++i) forged.endorsements.push_back({{i}, {}});
    proposal.justification = model::TimeoutCertificate{{1}, {7}, {}, forged};

    Machine machine(network.config(voter));
    Machine restarted(network.config(voter));
    model::Now now{proposal.block->time, network.now_us()};
    Effects effects;
    machine.start(now, effects);
    machine.on_message(leader, proposal, now, effects);
    EXPECT_EQ(machine.counters().at("unjustified_proposal"), 1u);
    proposal.justification.reset();
    machine.on_message(leader, proposal, now, effects);
    size_t votes = 0;
    for (const auto& effect : effects.list) {
        const auto* save = std::get_if<model::Save>(&effect);
        if (!save) continue;
        const auto* vote = std::get_if<model::PrepareVoteRecord>(save->record.get());
        votes += vote ? 1 : 0;
        EXPECT_FALSE(vote && vote->justification);
        restarted.recover(*save->record);
    }
    EXPECT_EQ(votes, 1u) << "the true proposal is voted for";
    Effects after;
    restarted.start(now, after);
    EXPECT_EQ(restarted.view().value, 0u);
}

TEST(Trap, ABlockWithAStaleClock) {
    // In view 0 a block more than x behind the voter's own clock gets no vote; in later views it
    // does, or a few wrong clocks would halt the slot.
    const uint64_t behind_max = model::Parameters{}.clock_behind_us_max;
    Network first(Options{});
    const auto in_view_zero = fresh_proposal(first, {0});
    EXPECT_TRUE(votes(first, in_view_zero, 0));
    EXPECT_TRUE(votes(first, in_view_zero, behind_max));
    EXPECT_FALSE(votes(first, in_view_zero, behind_max + 1));
    Network second_try(Options{});
    const auto in_view_one = fresh_proposal(second_try, {1});
    ASSERT_FALSE(in_view_one.justification->highest);
    EXPECT_TRUE(votes(second_try, in_view_one, 100 * behind_max));
}

}  // namespace
}  // namespace tally::ordering
