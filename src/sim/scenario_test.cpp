// A scenario survives its text form, keeps its faults when one is taken out, and never has more
// liars than the protocol survives.
#include "sim/scenario.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/quorum.hpp"

namespace tally::sim {
namespace {

TEST(Scenario, text_and_back) {
    for (uint64_t seed = 0; seed < 300; ++seed) {
        const Scenario scenario = draw_scenario(seed);
        const auto read = from_text("# a comment\n\n" + to_text(scenario));
        ASSERT_TRUE(read.ok()) << read.error().message();
        EXPECT_EQ(*read, scenario);
    }
}

TEST(Scenario, refuses_what_it_does_not_know) {
    EXPECT_FALSE(from_text("seed x").ok());
    EXPECT_FALSE(from_text("weather fine").ok());
    EXPECT_FALSE(from_text("participants 0").ok());
    EXPECT_FALSE(from_text("participants 4\nliar 4 silent").ok());
    EXPECT_FALSE(from_text("participants 4\nliar 1 honest").ok());
    EXPECT_FALSE(from_text("fault 1 lose from 1 until 2 at 3 to 4").ok());
    // A time is drawn below each of these.
    EXPECT_FALSE(from_text("latency_us_max 0").ok());
    EXPECT_FALSE(from_text("unquiet_us 0").ok());
    EXPECT_FALSE(from_text("fault 1 delay from 1 until 2 at 3 to 4 amount 0").ok());
    EXPECT_TRUE(from_text("fault 1 delay from 1 until 2 at 3 to 4 amount 1").ok());
}

TEST(Scenario, draws_within_what_is_survived_and_of_every_kind) {
    std::set<FaultKind> faults;
    std::set<LiarKind> liars;
    std::set<uint32_t> sizes;
    uint32_t of_four = 0, mixed = 0;
    for (uint64_t seed = 0; seed < 500; ++seed) {
        const Scenario scenario = draw_scenario(seed);
        sizes.insert(scenario.participants);
        of_four += scenario.participants == 4 ? 1 : 0;
        mixed += scenario.mixed ? 1 : 0;
        EXPECT_LE(scenario.liars.size() + size_t(std::popcount(scenario.forgetful())),
                  Quorum::of(scenario.participants).liars_max);
        for (const Liar& liar : scenario.liars) liars.insert(liar.kind);
        std::set<uint32_t> numbers;
        for (const Fault& fault : scenario.faults) {
            EXPECT_TRUE(numbers.insert(fault.number).second) << "each has its own randomness";
            faults.insert(fault.kind);
            if (fault.kind == FaultKind::diverge) {
                EXPECT_GE(scenario.participants - 1 - scenario.liars.size(),
                          majority_of(scenario.participants));
            }
            EXPECT_LT(fault.from_us, fault.until_us);
            EXPECT_LE(fault.until_us, scenario.unquiet_us) << "nothing stays broken";
            EXPECT_NE(fault.at, 0u);
            EXPECT_LT(fault.at, 1u << scenario.participants);
        }
    }
    EXPECT_EQ(faults.size(), size_t(fault_kind_last) + 1);
    EXPECT_EQ(liars.size(), size_t(liar_kind_last) + 1);
    EXPECT_EQ(sizes, (std::set<uint32_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
    EXPECT_EQ(draw_scenario(1, 4).participants, 4u);
    EXPECT_GT(of_four, 300u) << "most are of four: they cost little";
    EXPECT_GT(mixed, 100u);
    EXPECT_LT(mixed, 400u);
}

}  // namespace
}  // namespace tally::sim
