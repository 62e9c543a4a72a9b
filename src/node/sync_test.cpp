// What a node loads from the others, and what it answers to those who load.
#include "node/chain_store.hpp"
#include "node/testing/among_four.hpp"

namespace tally::node {
namespace {

using SyncTest = among_four::AmongFour;

TEST_F(SyncTest, a_damaged_ledger_is_not_loaded_alone_while_all_are_about_to_be) {
    hear({1}, model::Decisions{{first_decision()}});
    ASSERT_EQ(node_->status().decided, Slot{1});
    // So far behind that states are loaded, once the decisions are here.
    hear({1}, model::DecideMessage{decided({10'000})});
    Damage damage;
    damage.kind = Damage::Kind::ledger;
    damage.detail = "a test says so";
    step(DamageSeen{damage});
    ASSERT_TRUE(node_->status().ledgers[0].quarantine.quarantined);
    for (int i = 0; i < 100; ++i) {
        time_us_ += 100'000;
        step(Tick{});
    }
    EXPECT_EQ(count_sent<model::FetchStands>(), 0u)
        << "its end would let everything go on that waits for the load of all";
}

TEST_F(SyncTest, where_ledgers_stood_is_said_to_each_peer_only_so_often) {
    hear({1}, model::Decisions{{first_decision()}});
    for (int i = 0; i < 1'000; ++i) hear({1}, model::FetchStands{{1}});
    EXPECT_EQ(count_sent<model::Stands>(), 1u);
    hear({2}, model::FetchStands{{1}});
    EXPECT_EQ(count_sent<model::Stands>(), 2u) << "each has its own";
    time_us_ += 100'000;
    hear({1}, model::FetchStands{{1}});
    EXPECT_EQ(count_sent<model::Stands>(), 3u);
}

TEST_F(SyncTest, a_batch_that_is_read_in_vain_counts_as_well) {
    model::BatchBody body;
    body.header.lane = {2};
    body.header.height = {1};
    body.bytes.resize(2 * 1024 * 1024);
    for (const bool is_readable : {true, false}) {
        ports::WriteBatch batch;
        put_body(batch, body);
        const auto row = batch.writes().front();
        if (!is_readable) batch.put(row.map, row.key, Bytes(row.value->size(), 0xff));
        ASSERT_TRUE(key_value_.write(batch).ok());
        const uint64_t before = counter("asks_too_often");
        for (int i = 0; i < 1'000; ++i) hear({1}, model::FetchBatch{{2}, {1}, {}});
        EXPECT_GT(counter("asks_too_often") - before, 900u) << is_readable;
        time_us_ += 10'000'000;
    }
}

}  // namespace
}  // namespace tally::node
