// With more than f liars, Twins at least, two honest participants can be made to decide
// differently; then f + 1 liars are named, and nobody honest, ever.
#include "over_threshold.hpp"

#include <gtest/gtest.h>

namespace tally::forks {
namespace {

struct Case {
    const char* name;
    forks::Setup setup;
    uint64_t seeds;
};

class OverThreshold : public ::testing::TestWithParam<Case> {};

TEST_P(OverThreshold, NamesEnoughLiarsAndNobodyHonest) {
    uint64_t forks = 0;
    for (uint64_t seed = 1; seed <= GetParam().seeds; ++seed) {
        forks::Setup setup = GetParam().setup;
        setup.seed = seed;
        const Fork fork = run(setup);
        forks += fork.forked ? 1 : 0;
        EXPECT_TRUE(is_right(setup, fork))
            << "seed " << seed << ": forked " << fork.forked << ", " << fork.liars_named
            << " liars and " << fork.honest_named << " honest named; " << fork.other_violation;
    }
    // The other kinds have not forked anything yet: of them it is seen that nobody is wronged.
    if (GetParam().setup.kind == Kind::twins) {
        EXPECT_GT(forks, 0u) << "nothing was put to the test";
    }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, OverThreshold,
    ::testing::Values(Case{"two_twins_of_four", {4, 2, Kind::twins}, 20},
                      Case{"two_equivocators_of_four", {4, 2, Kind::equivocators}, 20},
                      Case{"two_amnesiacs_of_four", {4, 2, Kind::amnesiacs}, 20},
                      Case{"three_twins_of_seven", {7, 3, Kind::twins}, 10},
                      Case{"four_equivocators_of_seven", {7, 4, Kind::equivocators}, 10},
                      Case{"three_amnesiacs_of_seven", {7, 3, Kind::amnesiacs}, 10}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(UnderThreshold, NothingForksAndNobodyHonestIsNamed) {
    for (const Kind kind : all_kinds) {
        for (uint64_t seed = 1; seed <= 10; ++seed) {
            const forks::Setup setup{4, 1, kind, seed};
            const Fork fork = run(setup);
            EXPECT_FALSE(fork.forked);
            EXPECT_TRUE(is_right(setup, fork)) << name_of(kind) << ", seed " << seed;
        }
    }
}

}  // namespace
}  // namespace tally::forks
