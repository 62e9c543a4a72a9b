// The cut as a function of R: medians and bounds with liars' extremes in them.
#include "ordering/cut.hpp"

#include <gtest/gtest.h>

namespace tally::ordering {
namespace {

using Height64 = uint64_t;

model::Signed<model::Report> report(std::vector<Height64> lanes, uint64_t time,
                                    std::vector<std::pair<uint16_t, Height64>> certified = {}) {
    model::Signed<model::Report> made;
    for (const Height64 height : lanes) made.body.lanes.push_back({height});
    for (const auto& [ledger, height] : certified)
        made.body.certified.push_back({LedgerIndex{ledger}, Height{height}});
    made.body.time = {time};
    return made;
}

model::Cut cut(std::vector<Height64> heights) {
    model::Cut made;
    for (const Height64 height : heights) made.push_back({{height}, {}, {}});
    return made;
}

TEST(Cut, TakesTheHeightThatAnHonestReporterStandsBehind) {
    // f = 1: one liar's boast moves no lane, and one liar's silence holds none back.
    const std::vector reports{report({5, 9, 0, 0}, 10), report({5, 7, 0, 0}, 20),
                              report({1'000'000, 0, 0, 3}, 30)};
    const std::vector<LaneHeight> expected{{5}, {7}, {0}, {0}};
    EXPECT_EQ(cut_of(cut({0, 0, 0, 0}), reports, 64, 1), expected);
}

TEST(Cut, NeverGoesBackAndNeverBeyondItsWindow) {
    // What was decided stays, though reporters know less; a lane advances at most W heights a slot.
    const std::vector reports{report({2, 500}, 1), report({3, 500}, 2)};
    const std::vector<LaneHeight> expected{{4}, {68}};
    EXPECT_EQ(cut_of(cut({4, 4}), reports, 64, 0), expected);
}

TEST(Cut, DoesNotOverflowOnTheLargestNumbers) {
    // Heights are strangers' numbers.
    const std::vector reports{report({UINT64_MAX}, 1)};
    const std::vector<LaneHeight> expected{{UINT64_MAX}};
    EXPECT_EQ(cut_of(cut({UINT64_MAX - 1}), reports, 64, 0), expected);
}

TEST(Time, IsAnHonestClockAndAlwaysAscends) {
    // The (f+1)-th smallest lies between honest clocks; a slot is later than the one before.
    const std::vector reports{report({}, 100), report({}, 5), report({}, UINT64_MAX)};
    EXPECT_EQ(time_of({50}, reports, 1), Micros{100});
    EXPECT_EQ(time_of({200}, reports, 1), Micros{201});
}

TEST(Carry, ObligesToWhatFPlusOneHoldGreatestLagFirst) {
    // Ledger 0 lags by 1, ledger 1 by 7, ledger 2 is one liar's boast; M = 1 leaves the greatest.
    const std::vector reports{report({}, 1, {{0, 4}, {1, 9}, {2, 99}}),
                              report({}, 1, {{0, 4}, {1, 8}}), report({}, 1, {})};
    const std::vector<Height> highest{{3}, {1}, {0}};
    const std::vector<Carry> both{{{0}, {4}}, {{1}, {8}}};
    EXPECT_EQ(carry_of(highest, reports, 64, 1), both);
    const std::vector<Carry> one{{{1}, {8}}};
    EXPECT_EQ(carry_of(highest, reports, 1, 1), one);
}

}  // namespace
}  // namespace tally::ordering
