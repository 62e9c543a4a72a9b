// What a crash left half done is finished after the restart, without any more work coming in.
#include <gtest/gtest.h>

#include "node/state_sync.hpp"
#include "node/testing/alone.hpp"
#include "store/versions.hpp"

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

TEST(Restart, a_load_that_cannot_be_what_was_decided_is_forgotten_with_what_it_wrote) {
    SyncGoal goal{{50}, false, {{{0}, {3}, {}, true, {}}}};
    for (const bool is_damaged : {false, true}) {
        Alone network;
        ports::WriteBatch batch;
        put_sync_goal(batch, goal);
        const auto row = batch.writes().front();
        if (is_damaged) batch.put(row.map, row.key, Bytes(20, 1));
        const Bytes key = copy_of(view_of("half loaded"));
        store::put_version(batch, {0}, {0}, key, Bytes{1});
        ASSERT_TRUE(network.key_value.write(batch).ok());
        network.open();
        ASSERT_NE(network.node, nullptr);
        network.start();
        network.submit();
        network.run_until([&] { return network.certified() == Height{1}; });
        EXPECT_EQ(network.certified(), Height{1});
        const store::VersionedView state(network.key_value, {0}, {1});
        EXPECT_FALSE(state.get(key)->has_value());
        EXPECT_FALSE(network.key_value.get(row.map, row.key)->has_value());
    }
}

}  // namespace
}  // namespace tally::node
