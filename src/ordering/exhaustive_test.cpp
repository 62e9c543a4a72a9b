// Every run within small bounds: no two honest participants decide differently; and each deliberate
// mistake that one slot can show is found, so that the exploration itself is trusted.
#include <gtest/gtest.h>

#include "ordering/testing/exhaustive.hpp"

namespace tally::ordering {
namespace {

using testing::Bounds;
using testing::explore_all;
using testing::Explored;

Explored explored_within(const Bounds& bounds) {
    return explore_all(bounds, [] { return true; });
}

TEST(Exhaustive, NothingGoesWrongInTwoViews) {
    for (uint32_t leads = 0; leads < 4; ++leads) {
        for (const bool forks : {false, true}) {
            const Explored explored =
                explored_within({.views = 2, .twin_leads = leads, .twin_forks = forks});
            EXPECT_TRUE(explored.exhausted);
            EXPECT_EQ(explored.violation, "");
            EXPECT_GT(explored.decidable, 0u);
        }
    }
}

TEST(Exhaustive, NothingGoesWrongInTwoViewsWithACrash) {
    const Explored explored = explored_within({.views = 2, .twin_leads = 1, .crashes = 1});
    EXPECT_TRUE(explored.exhausted);
    EXPECT_EQ(explored.violation, "");
}

TEST(Exhaustive, NothingGoesWrongInTwoSlotsOfOneView) {
    const Explored explored = explored_within({.slots = 2, .views = 1, .twin_leads = 1});
    EXPECT_TRUE(explored.exhausted);
    EXPECT_EQ(explored.violation, "");
    EXPECT_GT(explored.decidable, 0u);
}

/// A mistake, the smallest bounds that show it, and how it shows.
struct Mistake {
    const char* name;
    Bounds bounds;
    const char* violation;
};

class Found : public ::testing::TestWithParam<Mistake> {};

TEST_P(Found, WithinItsBounds) {
    // What explorer_test.cpp finds at random is found here for certain. quorum_two_f_plus_one is no
    // mistake at n = 4.
    const Explored explored = explored_within(GetParam().bounds);
    EXPECT_EQ(explored.violation, GetParam().violation);
    EXPECT_FALSE(explored.way.empty());
}

constexpr const char* forked = "two blocks decided in one slot";
constexpr const char* signed_twice = "an honest participant signed two statements in one place";

INSTANTIATE_TEST_SUITE_P(
    Mistakes, Found,
    ::testing::Values(
        Mistake{"quorum_one_short",
                {.views = 2, .canaries = {.quorum_one_short = true}},
                "a decision without a quorum"},
        Mistake{"skip_justification_check",
                {.views = 2,
                 .twin_leads = 1,
                 .twin_forks = true,
                 .canaries = {.skip_justification_check = true}},
                forked},
        Mistake{
            "vote_after_timeout", {.views = 2, .canaries = {.vote_after_timeout = true}}, forked},
        Mistake{"digest_without_block",
                {.views = 2, .canaries = {.digest_without_block = true}},
                forked},
        Mistake{"first_qc_in_tc", {.views = 3, .canaries = {.first_qc_in_tc = true}}, forked},
        Mistake{"forget_qc_on_restart",
                {.views = 2, .crashes = 1, .canaries = {.forget_qc_on_restart = true}},
                forked},
        Mistake{"send_before_save",
                {.views = 2, .crashes = 1, .canaries = {.send_before_save = true}},
                signed_twice}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace tally::ordering
