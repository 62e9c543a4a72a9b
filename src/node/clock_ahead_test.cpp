// What a peer's reports say of its clock is bounded, and neither a slow nor a repeated one bends
// it.
#include "node/clock_ahead.hpp"

#include <gtest/gtest.h>

namespace tally::node {
namespace {

/// Of a peer that has been heard before.
ClockAhead known() {
    ClockAhead clock;
    clock.on_report({}, {}, {}, {});
    return clock;
}

TEST(ClockAhead, what_was_said_before_anyone_listened_does_not_count) {
    ClockAhead clock;
    clock.on_report({7}, {0}, {1'000'000}, {9'000'000});
    clock.on_report({7}, {0}, {1'000'000}, {9'000'000});
    EXPECT_FALSE(clock.us());
    clock.on_report({8}, {0}, {9'100'000}, {9'101'000});
    EXPECT_EQ(clock.us(), -1'000);
}

TEST(ClockAhead, the_fastest_of_some_reports_counts) {
    ClockAhead clock = known();
    EXPECT_FALSE(clock.us());
    clock.on_report({1}, {0}, {1'000'000}, {1'400'000});
    EXPECT_EQ(clock.us(), -400'000);
    clock.on_report({2}, {0}, {2'000'000}, {2'001'000});
    EXPECT_EQ(clock.us(), -1'000);
    clock.on_report({3}, {0}, {3'000'000}, {3'050'000});
    EXPECT_EQ(clock.us(), -1'000);
}

TEST(ClockAhead, what_is_said_again_does_not_count) {
    ClockAhead clock = known();
    clock.on_report({5}, {1}, {9'000'000}, {9'500'000});
    clock.on_report({5}, {1}, {9'000'000}, {8'000'000});
    clock.on_report({5}, {0}, {9'000'000}, {8'000'000});
    clock.on_report({4}, {7}, {9'000'000}, {8'000'000});
    EXPECT_EQ(clock.us(), -500'000);
}

TEST(ClockAhead, old_reports_are_forgotten) {
    ClockAhead clock = known();
    clock.on_report({1}, {0}, {60'000'000}, {0});
    EXPECT_EQ(clock.us(), 60'000'000);
    for (uint64_t slot = 2; slot < 10; ++slot) clock.on_report({slot}, {0}, {1'000}, {3'000});
    EXPECT_EQ(clock.us(), -2'000);
}

TEST(ClockAhead, no_claim_is_too_large) {
    ClockAhead clock = known();
    clock.on_report({1}, {0}, {UINT64_MAX}, {0});
    EXPECT_EQ(clock.us(), int64_t{366} * 86'400 * 1'000'000);
    ClockAhead behind = known();
    behind.on_report({1}, {0}, {0}, {UINT64_MAX});
    EXPECT_EQ(behind.us(), -int64_t{366} * 86'400 * 1'000'000);
}

}  // namespace
}  // namespace tally::node
