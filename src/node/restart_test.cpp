// What a crash left half done is finished after the restart, without any more work coming in.
#include <gtest/gtest.h>

#include "node/testing/alone.hpp"

namespace tally::node {
namespace {

TEST(Restart, a_block_whose_attestation_was_lost_is_attested_again) {
    uint64_t lost = 0;
    for (uint64_t seed = 1; seed <= 200; ++seed) {
        Alone network;
        network.open();
        network.start();
        network.submit();
        network.run_until([&] { return network.executed() == Height{1}; });
        ASSERT_EQ(network.executed(), Height{1});

        // The attestation is signed, and not durable yet.
        network.crash(seed);
        network.open();
        if (network.executed() == Height{1} && network.certified() == Height{0}) ++lost;
        network.start();
        network.run_until([&] { return network.certified() == Height{1}; });
        EXPECT_EQ(network.certified(), Height{1}) << seed;
    }
    EXPECT_GT(lost, 0u) << "some crash lost it, and kept the block";
}

TEST(Restart, a_database_without_room_ends_the_node_and_after_the_restart_all_goes_on) {
    // At whichever write there is no more room: of a batch, a decision, a block, a certificate.
    for (int writes = 0; writes < 12; ++writes) {
        Alone network;
        network.open();
        network.start();
        network.submit();
        network.run_turns(writes);
        network.key_value.set_full(true);
        network.run_turns(200);
        if (network.certified() == Height{1}) continue;  // All was written before.
        EXPECT_EQ(network.halts, 1) << "it says so once";
        EXPECT_EQ(network.replies, 0) << "and acknowledges nothing";
        EXPECT_FALSE(network.node->status().signing);
        network.step(ClientRequest{9, GetStatus{}});
        EXPECT_EQ(network.replies, 1) << "who asks is told";

        network.crash(uint64_t(writes));
        network.key_value.set_full(false);
        network.open();
        network.start();
        network.submit();
        network.run_until([&] { return network.certified() == Height{1}; });
        EXPECT_EQ(network.certified(), Height{1}) << writes;
    }
}

TEST(Restart, a_failed_sync_ends_the_node) {
    Alone network;
    network.open();
    network.start();
    network.submit();
    network.step(SyncFailed{"the disk failed"});
    EXPECT_EQ(network.halts, 1);
    network.run_turns(100);
    EXPECT_EQ(network.halts, 1);
    EXPECT_EQ(network.replies, 0);
    EXPECT_EQ(network.executed(), Height{0});
    EXPECT_EQ(network.node->status().note, "the disk failed");
}

}  // namespace
}  // namespace tally::node
