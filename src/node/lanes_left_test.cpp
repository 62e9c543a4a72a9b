// Whoever reports less of a lane than everybody knows is named, and nobody else.
#include "node/lanes_left.hpp"

#include <gtest/gtest.h>

namespace tally::node {
namespace {

constexpr Participant alice{0}, bob{1}, carol{2};
constexpr uint64_t second = 1'000'000;

TEST(LanesLeft, whoever_reports_less_than_is_long_known_is_named) {
    LanesLeft lanes(3);
    lanes.on_known(bob, {4}, 1 * second);
    lanes.on_known(bob, {5}, 3 * second);
    const std::vector<LaneHeight> all{{0}, {5}, {0}}, late{{0}, {4}, {0}}, none{{0}, {0}, {0}};
    lanes.on_report(alice, {{1}, {0}}, none, 3 * second);
    lanes.on_report(carol, {{2}, {0}}, late, 3 * second);
    EXPECT_EQ(lanes.by(bob), std::vector{alice}) << "carol may not have the newest yet";
    lanes.on_report(carol, {{3}, {0}}, late, 4 * second);
    EXPECT_EQ(lanes.by(bob), (std::vector{alice, carol}));
    EXPECT_TRUE(lanes.by(alice).empty() && lanes.by(carol).empty());
    lanes.on_report(alice, {{4}, {0}}, all, 4 * second);
    lanes.on_report(carol, {{5}, {0}}, all, 4 * second);
    EXPECT_TRUE(lanes.by(bob).empty()) << "the newest report counts";
    lanes.on_known(bob, {9}, 5 * second);
    lanes.on_report(alice, {{4}, {0}}, all, 9 * second);
    EXPECT_TRUE(lanes.by(bob).empty()) << "said again, it is no news";
    lanes.on_report(alice, {{4}, {1}}, all, 9 * second);
    EXPECT_EQ(lanes.by(bob), std::vector{alice});
}

TEST(LanesLeft, what_waits_is_told_with_its_time) {
    LanesLeft lanes(2);
    EXPECT_EQ(lanes.waiting_us(bob, {0}, second), 0u);
    lanes.on_known(bob, {4}, 1 * second);
    lanes.on_known(bob, {6}, 2 * second);
    EXPECT_EQ(lanes.certified(bob), LaneHeight{6});
    EXPECT_EQ(lanes.waiting_us(bob, {3}, 5 * second), 4 * second);
    EXPECT_EQ(lanes.waiting_us(bob, {4}, 5 * second), 3 * second);
    EXPECT_EQ(lanes.waiting_us(bob, {6}, 5 * second), 0u);
}

TEST(LanesLeft, what_is_remembered_is_bounded_and_old_news_is_none) {
    LanesLeft lanes(2);
    for (uint64_t height = 1; height <= 1'000; ++height) lanes.on_known(bob, {height}, second);
    EXPECT_EQ(lanes.certified(bob), LaneHeight{LanesLeft::heights_max});
    lanes.on_known(bob, {2'000}, 3 * second);
    lanes.on_known(bob, {7}, 3 * second);
    EXPECT_EQ(lanes.certified(bob), LaneHeight{2'000});
    // More lanes than there are participants name nobody.
    const std::vector<LaneHeight> many(300, LaneHeight{0});
    lanes.on_report(alice, {{6}, {0}}, many, 5 * second);
    EXPECT_EQ(lanes.by(bob), std::vector{alice});
    lanes.on_report(alice, {{7}, {0}}, {}, 5 * second);
    EXPECT_EQ(lanes.by(bob), std::vector{alice}) << "what says nothing of it changes nothing";
}

}  // namespace
}  // namespace tally::node
