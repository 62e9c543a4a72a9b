// The clean code survives its seeds and every kept scenario, runs alike twice, and each deliberate
// mistake is caught within a stated number of seeds: a checker never seen failing is not trusted.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "sim/apart.hpp"
#include "sim/run.hpp"

namespace tally::sim {
namespace {

constexpr uint64_t clean_seeds = 44;  // Among them one whose equivocator is seen.

std::string text_of(const SeedReport& report) {
    if (!report.violation) return "no violation";
    return report.violation->invariant + ": " + report.violation->what;
}

TEST(Seeds, clean_code_keeps_every_invariant) {
    uint64_t slots = 0, acknowledged = 0, equivocators_named = 0;
    for (uint64_t seed = 1; seed <= clean_seeds; ++seed) {
        const SeedReport report = run_apart(draw_scenario(seed), {}, {});
        EXPECT_FALSE(report.violation) << "tally sim --seed " << seed << ": " << text_of(report);
        slots += report.slots;
        acknowledged += report.acknowledged;
        equivocators_named += report.equivocators_named;
    }
    // Something happened at all.
    EXPECT_GT(slots, 10 * clean_seeds);
    EXPECT_GT(acknowledged, 5 * clean_seeds);
    EXPECT_GT(equivocators_named, 0u) << "evidence was looked at, and there was some";
}

TEST(Seeds, a_seed_runs_alike_twice) {
    for (uint64_t seed = 100; seed < 106; ++seed) {
        const SeedReport first = run_seed(seed), second = run_seed(seed);
        EXPECT_EQ(first.hash, second.hash) << seed;
        EXPECT_EQ(first.events, second.events) << seed;
    }
}

/// Kept because they once failed, or because they are hard in their own way.
TEST(Seeds, kept_scenarios_pass) {
    size_t found = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(TALLY_SOURCE_DIR "/tests/scenarios")) {
        if (entry.path().extension() != ".txt") continue;
        std::ifstream file(entry.path());
        std::stringstream text;
        text << file.rdbuf();
        const auto scenario = from_text(text.str());
        ASSERT_TRUE(scenario.ok()) << entry.path() << ": " << scenario.error().message();
        const SeedReport report = run_apart(*scenario, {}, {});
        EXPECT_FALSE(report.violation) << entry.path() << ": " << text_of(report);
        ++found;
    }
    EXPECT_GT(found, 0u);
}

SeedReport run_kept(const char* name, const node::Canaries& mistakes = {}) {
    std::ifstream file(std::string(TALLY_SOURCE_DIR "/tests/scenarios/") + name + ".txt");
    std::stringstream text;
    text << file.rdbuf();
    const auto scenario = from_text(text.str());
    EXPECT_TRUE(scenario.ok()) << name;
    return scenario.ok() ? run_apart(*scenario, mistakes, {}) : SeedReport{};
}

/// That ledgers pause is part of what executes: a scenario that pauses nothing would test nothing.
TEST(Seeds, ledgers_pause_for_each_reason_in_a_kept_scenario) {
    EXPECT_GT(run_kept("no_attestations_arrive_and_the_ledger_pauses").paused_by_lag, 0u);
    EXPECT_GT(run_kept("three_of_seven_dispute_and_the_ledger_pauses").paused_by_disputes, 0u);
}

TEST(Seeds, who_leaves_a_lane_behind_is_named_in_a_kept_scenario) {
    EXPECT_EQ(run_kept("a_censor_is_named").coverage.censors_named, 3u) << "by each of the others";
}

TEST(Seeds, who_keeps_nothing_is_named_in_a_kept_scenario) {
    const auto coverage = run_kept("a_discarder_is_named").coverage;
    EXPECT_EQ(coverage.discarders_named, 3u) << "by each of the others";
    EXPECT_GT(coverage.audits_passed, 20u);
}

/// Nor one in which nobody had to get anything back.
TEST(Seeds, cells_are_got_back_in_a_kept_scenario) {
    EXPECT_GT(run_kept("disks_are_lost_one_after_the_other").coverage.batches_restored, 20u);
}

TEST(Seeds, kept_seeds_pass) {
    std::ifstream file(TALLY_SOURCE_DIR "/tests/seeds/seeds.txt");
    size_t found = 0;
    for (std::string line; std::getline(file, line);) {
        if (line.empty() || line.front() == '#') continue;
        const uint64_t seed = std::stoull(line);
        const SeedReport report = run_apart(draw_scenario(seed), {}, {});
        EXPECT_FALSE(report.violation) << "tally sim --seed " << seed << ": " << text_of(report);
        ++found;
    }
    EXPECT_GT(found, 0u);
}

/// From a failing seed to a file for tests/scenarios that fails alike.
TEST(Seeds, a_failing_seed_shrinks_to_a_scenario_that_can_be_kept) {
    for (const char* canary : {"ignore_failed_sync", "ignore_failed_write"}) {
        const auto mistakes = canaries_of(canary);
        ASSERT_TRUE(mistakes.ok());
        SeedReport failed;
        for (uint64_t seed = 1; !failed.violation && seed < 200; ++seed)
            failed = run_apart(draw_scenario(seed), *mistakes, {});
        ASSERT_TRUE(failed.violation) << canary;
        const SeedReport small = shrink(failed, *mistakes, {});
        EXPECT_GE(small.scenario.faults.size(), 1u);
        EXPECT_LE(small.scenario.faults.size(), 5u) << to_text(small.scenario);
        EXPECT_LE(small.scenario.requests, failed.scenario.requests);

        const auto kept = from_text("# Kept because it failed.\n" + to_text(small.scenario));
        ASSERT_TRUE(kept.ok());
        const SeedReport again = run_apart(*kept, *mistakes, {});
        ASSERT_TRUE(again.violation);
        EXPECT_EQ(again.violation->invariant, failed.violation->invariant);
        EXPECT_FALSE(run_apart(*kept, {}, {}).violation) << "without the mistake it passes";
    }
}

struct Canary {
    const char* name;
    uint64_t seeds_max;
    const char* invariant;           ///< by which one it is found
    const char* scenario = nullptr;  ///< the kept one that shows it, where few seeds do
};

class Canaries : public testing::TestWithParam<Canary> {};

TEST_P(Canaries, are_caught) {
    const auto mistakes = canaries_of(GetParam().name);
    ASSERT_TRUE(mistakes.ok()) << mistakes.error().message();
    if (GetParam().scenario) {
        const SeedReport report = run_kept(GetParam().scenario, *mistakes);
        ASSERT_TRUE(report.violation);
        EXPECT_EQ(report.violation->invariant, GetParam().invariant) << text_of(report);
        return;
    }
    std::string otherwise;  // A seed may show it in another way, too.
    for (uint64_t seed = 1; seed <= GetParam().seeds_max; ++seed) {
        const SeedReport report = run_apart(draw_scenario(seed), *mistakes, {});
        if (!report.violation) continue;
        if (report.violation->invariant == GetParam().invariant) return;
        otherwise += "\n" + text_of(report);
    }
    ADD_FAILURE() << "not caught within " << GetParam().seeds_max << " seeds, but:" << otherwise;
}

INSTANTIATE_TEST_SUITE_P(
    All, Canaries,
    testing::Values(
        Canary{"quorum_one_short", 5, "certificates that are sent hold"},
        Canary{"quorum_two_f_plus_one", 80, "a decision has a quorum"},
        Canary{"send_before_save", 3, "saved before sent"},
        Canary{"forget_qc_on_restart", 0, "no amnesia", "a_restart_after_a_prepared_block"},
        Canary{"votes_depend_on_execution", 0, "progress after healing",
               "one_diverges_and_nobody_can_be_spared"},
        Canary{"skip_justification_check", 150, "votes follow the TC"},
        Canary{"vote_after_timeout", 20, "no vote after a Timeout"},
        Canary{"digest_without_block", 3, "a decision has a quorum"},
        Canary{"first_qc_in_tc", 60, "certificates that are sent hold"},
        Canary{"wrong_root", 5, "headers are chained"},
        Canary{"ignore_failed_sync", 60, "a failed disk ends the participant"},
        Canary{"ignore_failed_write", 60, "a failed disk ends the participant"},
        Canary{"forget_votes_on_restart", 60, "no two statements in one place"},
        Canary{"acknowledge_at_once", 5, "what was acknowledged stays"},
        Canary{"lose_submitted", 10, "what was taken is executed"},
        Canary{"never_rest", 10, "idle without work"},
        Canary{"drop_early", 10, "what is to be kept is kept"},
        Canary{"believe_the_disk", 150, "headers are equal"},
        Canary{"serve_unchecked", 0, "nothing altered is served", "a_rotten_state_is_served"},
        Canary{"believe_audits", 0, "who keeps nothing is named", "a_discarder_is_named"},
        Canary{"open_copies", 40, "no share is told of a copy"},
        Canary{"skip_cell_check", 150, "headers are equal"},
        Canary{"skip_coding_check", 150, "headers are equal"},
        Canary{"execute_duplicates", 5, "a transaction takes effect once"},
        Canary{"forget_that_the_journal_is_lost", 100, "no two statements in one place"}),
    [](const auto& canary) { return std::string(canary.param.name); });

TEST(Canaries, each_has_its_test) {
    EXPECT_EQ(canary_names().size(), 25u);
}

}  // namespace
}  // namespace tally::sim
