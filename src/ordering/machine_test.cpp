// The ordering machine in a small network: agreement, progress, idleness, at every size.
#include "ordering/machine.hpp"

#include <gtest/gtest.h>

#include "ordering/test_network.hpp"

namespace tally::ordering {
namespace {

using testing::Network;
using testing::Options;

using testing::second_us;

class EverySize : public ::testing::TestWithParam<uint32_t> {};

TEST_P(EverySize, DecidesOneBatchInOneSlotAndThenRests) {
    // Work makes exactly one slot; without work there is none, however long the night.
    Network network({.participants = GetParam()});
    network.batch({0});
    ASSERT_TRUE(network.run_until([&] { return network.all_ordered(); }, second_us));
    network.run_for(3'600 * second_us);
    EXPECT_EQ(network.violation(), "");
    EXPECT_TRUE(network.all_decided({1}));
    EXPECT_EQ(network.blocks().size(), 1u);
    EXPECT_EQ(network.block({1}).cut[0].height.value, 1u);
}

TEST_P(EverySize, DecidesEveryLaneUnderLoad) {
    // All lanes advance together, in every size, though messages are lost, doubled and reordered.
    Network network({.participants = GetParam(),
                     .seed = GetParam(),
                     .delay_us_min = 500,
                     .delay_us_max = 20'000,
                     .lost_percent = 5,
                     .doubled_percent = 5});
    for (int round = 0; round < 40; ++round) {
        for (uint32_t lane = 0; lane < GetParam(); ++lane) network.batch({uint8_t(lane)});
        network.run_for(10'000);
    }
    EXPECT_TRUE(network.run_until([&] { return network.all_ordered(); }, 120 * second_us));
    EXPECT_EQ(network.violation(), "");
}

TEST(Signing, WithoutASignerItFollowsAndSaysNothingOfItsOwn) {
    // Three of four decide; the fourth follows, relays, and takes part again when it may sign.
    Network network({.participants = 4});
    Effects silenced;
    network.machine({3}).set_signer(nullptr, network.now(), silenced);
    uint64_t own = 0;
    network.filter = [&](const Network::Sent& sent) {
        const bool is_own = std::visit(
            [](const auto& held) {
                using M = std::decay_t<decltype(held)>;
                return requires {
                    held.signer;
                }
                || std::is_same_v<M, model::ProposalMessage> ||
                    std::is_same_v<M, model::TimeoutMessage> || std::is_same_v<M, model::Wake>;
            },
            *sent.message);
        own += sent.from == 3 && is_own ? 1 : 0;
        return true;
    };
    for (int round = 0; round < 8; ++round) {
        for (uint8_t lane = 0; lane < 4; ++lane) network.batch({lane});
        network.run_for(200'000);
    }
    ASSERT_TRUE(network.run_until([&] { return network.all_ordered(); }, 60 * second_us));
    network.run_for(60 * second_us);
    EXPECT_EQ(network.violation(), "");
    EXPECT_EQ(own, 0u);
    EXPECT_TRUE(network.journal({3}).size() > 0);
    for (const auto& record : network.journal({3}))
        EXPECT_FALSE(std::holds_alternative<model::CommitVoteRecord>(record));

    Effects speaks;
    network.machine({3}).set_signer(&network.signer({3}), network.now(), speaks);
    for (int round = 0; round < 8; ++round) {
        network.batch({0});
        network.run_for(second_us);
    }
    EXPECT_TRUE(network.all_ordered());
    EXPECT_GT(own, 0u);
    EXPECT_EQ(network.violation(), "");
}

INSTANTIATE_TEST_SUITE_P(Sizes, EverySize, ::testing::Values(1, 2, 3, 4, 7));

}  // namespace
}  // namespace tally::ordering
