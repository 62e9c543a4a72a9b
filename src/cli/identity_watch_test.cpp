// More peers than may lie, for longer than an old connection lingers, and nothing less.
#include "cli/identity_watch.hpp"

#include <gtest/gtest.h>

namespace tally::cli {
namespace {

std::vector<ports::PeerState> said_by(int count) {
    std::vector<ports::PeerState> peers(3);
    for (int i = 0; i < count; ++i) peers[size_t(i)].says_identity_in_use = true;
    return peers;
}

TEST(IdentityWatch, believes_more_than_may_lie_who_go_on_saying_it) {
    IdentityWatch watch(1);
    constexpr uint64_t start = 1'000, patience = IdentityWatch::patience_us;
    EXPECT_FALSE(watch.is_in_use(said_by(2), start));
    EXPECT_FALSE(watch.is_in_use(said_by(2), start + patience - 1));
    EXPECT_TRUE(watch.is_in_use(said_by(3), start + patience));
}

TEST(IdentityWatch, forgets_what_is_no_longer_said) {
    IdentityWatch watch(1);
    constexpr uint64_t patience = IdentityWatch::patience_us;
    EXPECT_FALSE(watch.is_in_use(said_by(2), 0));
    EXPECT_FALSE(watch.is_in_use(said_by(1), patience - 1)) << "one may be the liar";
    EXPECT_FALSE(watch.is_in_use(said_by(2), patience));
    EXPECT_FALSE(watch.is_in_use(said_by(2), 2 * patience - 1));
    EXPECT_TRUE(watch.is_in_use(said_by(2), 2 * patience));
}

TEST(IdentityWatch, in_a_network_that_survives_no_liar_one_is_believed) {
    IdentityWatch watch(0);
    EXPECT_FALSE(watch.is_in_use(said_by(1), 0));
    EXPECT_TRUE(watch.is_in_use(said_by(1), IdentityWatch::patience_us));
}

}  // namespace
}  // namespace tally::cli
