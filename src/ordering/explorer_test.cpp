// Random adversarial runs: whatever liars, delays, timeouts and restarts do, honest participants
// decide alike; and each deliberate mistake is found out, so that the explorer itself is trusted.
#include <gtest/gtest.h>

#include "ordering/test_liar.hpp"

namespace tally::ordering {
namespace {

using testing::Dice;
using testing::Network;
using testing::Options;
using testing::TestLiar;

struct Exploration {
    uint32_t participants = 4;
    uint32_t liars = 1;
    bool twins = false;
    uint32_t crash_percent = 1;
    Canaries canaries{};
};

// Kinds of message, by Message::index().
constexpr size_t prepare_vote = 5, commit_vote = 6, timeout = 7, timeout_certificate = 8,
                 decide = 9, prepare_qc = 10;
constexpr size_t deciding_kinds[] = {prepare_vote,        commit_vote, timeout,
                                     timeout_certificate, decide,      prepare_qc};
constexpr uint64_t view_timer_us = 1'000'000;

struct World {
    Network network;
    std::vector<std::unique_ptr<TestLiar>> liars;

    World(const Exploration& exploration, uint64_t seed, Dice& dice)
        : network(Options{.participants = exploration.participants,
                          .seed = seed,
                          .lost_percent = uint32_t(dice.below(10)),
                          .doubled_percent = 10,
                          .save_us = 1 + dice.below(1'000),
                          .by_hand = true,
                          .canaries = exploration.canaries}) {
        for (uint32_t i = 0; i < exploration.liars; ++i) {
            const Participant liar{uint8_t((seed + i) % exploration.participants)};
            if (exploration.twins) {
                std::set<Participant> half;
                for (uint32_t peer = 0; peer < exploration.participants; ++peer) {
                    if (dice.chance(50)) half.insert({uint8_t(peer)});
                }
                network.twin(liar, half);
            } else {
                liars.push_back(std::make_unique<TestLiar>(network, liar, seed + i));
            }
        }
    }
};

/// One run: an adversary delivers what it likes when it likes, lets timers fire and participants
/// crash. Returns what went wrong, or nothing. With `finish`, also asks for progress afterwards.
std::string explore(const Exploration& exploration, uint64_t seed, bool finish) {
    Dice dice(seed * 7'919);
    World world(exploration, seed, dice);
    Network& network = world.network;
    const uint32_t n = exploration.participants;
    const auto someone = [&] { return Participant{uint8_t(dice.below(n))}; };
    std::set<Participant> deaf;
    std::set<Network::Actor> mute;
    std::set<size_t> stuck;
    int phase_ends = 0;
    const bool late = dice.chance(30);
    int late_votes = 0;
    const bool lonely = dice.chance(60);
    // The liars are the first from `seed` on.
    const auto honest = [&](uint64_t index) {
        return Participant{uint8_t((seed + exploration.liars + index) % n)};
    };
    const uint32_t honest_count = n - exploration.liars;
    const Participant favourite = honest(dice.below(honest_count));
    const auto lowest_decided = [&] {
        Slot lowest = network.decided(favourite);
        for (uint32_t i = 0; i < honest_count; ++i)
            lowest = std::min(lowest, network.decided(honest(i)));
        return lowest;
    };
    network.batch(someone());
    for (int step = 0; step < 2000 && network.violation().empty(); ++step) {
        if (step == phase_ends) {
            // For a while, some hear nothing, some are not heard, and some kinds of message do not
            // pass: so that participants come to know different things.
            phase_ends += 10 + int(dice.below(dice.chance(50) ? 30 : 300));
            const bool calm = dice.chance(50);
            deaf.clear();
            mute.clear();
            stuck.clear();
            for (uint32_t i = 0; i < n; ++i) {
                if (!calm && dice.chance(20)) deaf.insert({uint8_t(i)});
                if (!calm && dice.chance(20)) mute.insert(i);
            }
            // Another way: votes that arrive after the Timeouts that did not wait for them.
            if (late && late_votes == 0 && dice.chance(30)) late_votes = 1;
            if (late_votes == 1) {
                stuck = {prepare_vote, prepare_qc};
                late_votes = 2;
            } else if (late_votes == 2) {
                for (uint32_t i = 0; i < n; ++i) network.jump({uint8_t(i)}, view_timer_us << 6);
                stuck = {timeout, timeout_certificate};
                late_votes = 0;
            } else {
                for (const size_t kind : deciding_kinds) {
                    if (!calm && dice.chance(25)) stuck.insert(kind);
                }
            }
        }
        // The classic way to a fork: let one decide alone, then silence it.
        const bool alone = lonely && network.decided(favourite) > lowest_decided();
        const bool moved = network.deliver_some([&](const Network::Sent& sent) {
            const size_t kind = sent.message->index();
            if (lonely && !alone && sent.to != favourite && (kind == commit_vote || kind == decide))
                return false;
            if (alone) {
                // The others shall not decide the same by the same votes, but something else.
                const auto* vote =
                    std::get_if<model::Signed<model::CommitVote>>(sent.message.get());
                const auto decided = network.decisions().find(lowest_decided().next());
                if (vote && decided != network.decisions().end() &&
                    vote->body.block == decided->second.qc.body.block)
                    return false;
                return sent.from != favourite.value && sent.to != favourite;
            }
            return !deaf.contains(sent.to) && !mute.contains(sent.from) &&
                   !stuck.contains(sent.message->index());
        });
        network.run_for(50);
        // Timers fire in the midst of things, and surely when nothing moves.
        if (dice.chance(moved ? 5 : 30)) network.jump(someone(), view_timer_us << 10);
        if (dice.chance(exploration.crash_percent)) network.crash(someone());
        if (dice.chance(10)) network.restart(someone());
        if (dice.chance(1)) network.batch(someone());
    }
    if (!finish || !network.violation().empty()) return network.violation();
    for (uint32_t i = 0; i < n; ++i) network.restart({uint8_t(i)});
    network.options().lost_percent = 0;
    network.let_go();
    network.batch(someone());
    if (!network.run_until([&] { return network.all_ordered(); }, 100'000 * view_timer_us))
        return "no progress after healing";
    return network.violation();
}

std::string first_violation(const Exploration& exploration, uint64_t seeds, bool finish,
                            uint64_t first_seed = 1) {
    for (uint64_t seed = first_seed; seed < first_seed + seeds; ++seed) {
        const std::string found = explore(exploration, seed, finish);
        if (!found.empty()) return "seed " + std::to_string(seed) + ": " + found;
    }
    return "";
}

TEST(Explorer, LiarsCannotMakeFourDisagreeNorStop) {
    EXPECT_EQ(first_violation({.participants = 4, .liars = 1}, 80, true), "");
}

TEST(Explorer, TwinsCannotMakeFourDisagreeNorStop) {
    EXPECT_EQ(first_violation({.participants = 4, .liars = 1, .twins = true}, 80, true), "");
}

TEST(Explorer, LiarsCannotMakeSevenDisagreeNorStop) {
    EXPECT_EQ(first_violation({.participants = 7, .liars = 2}, 20, true), "");
    EXPECT_EQ(first_violation({.participants = 7, .liars = 2, .twins = true}, 20, true), "");
}

TEST(Explorer, SizesBetweenTheThirdsAgreeAndGoOn) {
    for (const uint32_t n : {1u, 2u, 3u, 5u, 6u}) {
        EXPECT_EQ(first_violation({.participants = n, .liars = (n - 1) / 3}, 20, true), "");
    }
}

struct Mutant {
    const char* name;
    Exploration exploration;
    uint64_t seeds;
    uint64_t first_seed = 1;  ///< rare ones are looked for where they are known to show
};

class Caught : public ::testing::TestWithParam<Mutant> {};

TEST_P(Caught, WithinItsSeeds) {
    // A rule left out must show as a disagreement or as two statements of one signer in one place.
    const Mutant& mutant = GetParam();
    const std::string found =
        first_violation(mutant.exploration, mutant.seeds, false, mutant.first_seed);
    EXPECT_NE(found, "") << mutant.name << " went unnoticed";
    RecordProperty("found", found);
}

INSTANTIATE_TEST_SUITE_P(
    Mutants, Caught,
    ::testing::Values(
        Mutant{"first_qc_in_tc", {.canaries = {.first_qc_in_tc = true}}, 300},
        Mutant{"digest_without_block", {.canaries = {.digest_without_block = true}}, 300},
        Mutant{"skip_justification_check", {.canaries = {.skip_justification_check = true}}, 2'000},
        Mutant{"vote_after_timeout", {.canaries = {.vote_after_timeout = true}}, 2'000},
        Mutant{"quorum_two_f_plus_one",
               {.participants = 6, .canaries = {.quorum_two_f_plus_one = true}},
               300},
        Mutant{"quorum_one_short", {.canaries = {.quorum_one_short = true}}, 300},
        Mutant{"forget_qc_on_restart",
               {.crash_percent = 5, .canaries = {.forget_qc_on_restart = true}},
               500},
        Mutant{"send_before_save", {.canaries = {.send_before_save = true}}, 300}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace tally::ordering
