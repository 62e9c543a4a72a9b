// The ordering machine in a small network: agreement, progress, idleness, at every size.
#include "ordering/machine.hpp"

#include <gtest/gtest.h>

#include "ordering/test_network.hpp"

namespace tally::ordering {
namespace {

using testing::Network;
using testing::Options;

constexpr uint64_t second = 1'000'000;

class EverySize : public ::testing::TestWithParam<uint32_t> {};

TEST_P(EverySize, DecidesOneBatchInOneSlotAndThenRests) {
    // Work makes exactly one slot; without work there is none, however long the night.
    Network network({.participants = GetParam()});
    network.batch({0});
    ASSERT_TRUE(network.run_until([&] { return network.all_ordered(); }, second));
    network.run_for(3'600 * second);
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
    EXPECT_TRUE(network.run_until([&] { return network.all_ordered(); }, 120 * second));
    EXPECT_EQ(network.violation(), "");
}

INSTANTIATE_TEST_SUITE_P(Sizes, EverySize, ::testing::Values(1, 2, 3, 4, 7));

}  // namespace
}  // namespace tally::ordering
