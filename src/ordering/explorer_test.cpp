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
    Canaries canaries{};
};

/// Timers shorter than messages, so that views change in the middle of everything.
Options harsh(const Exploration& exploration, uint64_t seed) {
    Dice dice(seed);
    Options options{.participants = exploration.participants, .seed = seed};
    options.delay_us_min = 100;
    options.delay_us_max = 2'000 + dice.below(20'000);
    options.lost_percent = uint32_t(dice.below(15));
    options.doubled_percent = 3;
    options.save_us = 50 + dice.below(3'000);
    options.parameters.view_timer_us = 4'000 + dice.below(16'000);
    options.canaries = exploration.canaries;
    return options;
}

/// One run; returns what went wrong, or nothing. With `finish`, also asks for progress after the
/// faults.
std::string explore(const Exploration& exploration, uint64_t seed, bool finish) {
    Network network(harsh(exploration, seed));
    std::vector<std::unique_ptr<TestLiar>> liars;
    Dice dice(seed ^ 0x5eed);
    const uint32_t n = exploration.participants;
    for (uint32_t i = 0; i < exploration.liars; ++i) {
        const Participant liar{uint8_t((seed + i) % n)};
        if (exploration.twins) {
            std::set<Participant> half;
            for (uint32_t peer = 0; peer < n; ++peer) {
                if (dice.chance(50)) half.insert({uint8_t(peer)});
            }
            network.twin(liar, half);
        } else {
            liars.push_back(std::make_unique<TestLiar>(network, liar, seed + i));
        }
    }
    const auto someone = [&] { return Participant{uint8_t(dice.below(n))}; };
    for (int step = 0; step < 60 && network.violation().empty(); ++step) {
        if (dice.chance(25)) network.batch(someone());
        if (dice.chance(12)) network.crash(someone());
        if (dice.chance(40)) network.restart(someone());
        network.run_for(dice.below(6'000));
    }
    if (!finish || !network.violation().empty()) return network.violation();
    for (uint32_t i = 0; i < n; ++i) network.restart({uint8_t(i)});
    network.options().lost_percent = 0;
    network.options().delay_us_max = 500;
    network.batch(someone());
    if (!network.run_until([&] { return network.all_ordered(); }, 600'000'000))
        return "no progress after healing";
    return network.violation();
}

std::string first_violation(const Exploration& exploration, uint64_t seeds, bool finish) {
    for (uint64_t seed = 1; seed <= seeds; ++seed) {
        const std::string found = explore(exploration, seed, finish);
        if (!found.empty()) return "seed " + std::to_string(seed) + ": " + found;
    }
    return "";
}

TEST(Explorer, LiarsCannotMakeFourDisagreeNorStop) {
    EXPECT_EQ(first_violation({.participants = 4, .liars = 1}, 300, true), "");
}

TEST(Explorer, TwinsCannotMakeFourDisagreeNorStop) {
    EXPECT_EQ(first_violation({.participants = 4, .liars = 1, .twins = true}, 300, true), "");
}

TEST(Explorer, LiarsCannotMakeSevenDisagreeNorStop) {
    EXPECT_EQ(first_violation({.participants = 7, .liars = 2}, 60, true), "");
    EXPECT_EQ(first_violation({.participants = 7, .liars = 2, .twins = true}, 60, true), "");
}

TEST(Explorer, SizesBetweenTheThirdsAgreeAndGoOn) {
    for (const uint32_t n : {1u, 2u, 3u, 5u, 6u}) {
        EXPECT_EQ(first_violation({.participants = n, .liars = (n - 1) / 3}, 60, true), "");
    }
}

struct Mutant {
    const char* name;
    Exploration exploration;
    uint64_t seeds;
};

class Caught : public ::testing::TestWithParam<Mutant> {};

TEST_P(Caught, WithinItsSeeds) {
    // A rule left out must show as a disagreement or as two statements of one signer in one place.
    const Mutant& mutant = GetParam();
    const std::string found = first_violation(mutant.exploration, mutant.seeds, false);
    EXPECT_NE(found, "") << mutant.name << " went unnoticed";
    RecordProperty("found", found);
    if (std::getenv("TALLY_SHOW")) printf("%s: %s\n", mutant.name, found.c_str());
}

INSTANTIATE_TEST_SUITE_P(
    Mutants, Caught,
    ::testing::Values(
        Mutant{"first_qc_in_tc", {.canaries = {.first_qc_in_tc = true}}, 2'000},
        Mutant{"digest_without_block", {.canaries = {.digest_without_block = true}}, 300},
        Mutant{"skip_justification_check", {.canaries = {.skip_justification_check = true}}, 300},
        Mutant{"vote_after_timeout", {.canaries = {.vote_after_timeout = true}}, 2'000},
        Mutant{"quorum_two_f_plus_one",
               {.participants = 6, .canaries = {.quorum_two_f_plus_one = true}},
               300},
        Mutant{"quorum_one_short", {.canaries = {.quorum_one_short = true}}, 300},
        Mutant{"forget_qc_on_restart", {.canaries = {.forget_qc_on_restart = true}}, 2'000},
        Mutant{"send_before_save", {.canaries = {.send_before_save = true}}, 300}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace tally::ordering
