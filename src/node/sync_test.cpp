// What a node loads from the others, and what it answers to those who load.
#include "node/stored_decision.hpp"
#include "node/testing/among_four.hpp"
#include "node/testing/batches.hpp"

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

/// The batches of slot 1 were here once, as its progress says, and all but the tip are gone.
class BatchesGone : public SyncTest {
protected:
    void prepare() override {
        for (int i = 0; i < 4; ++i)
            batches_.push_back(next_batch({2}, i == 0 ? nullptr : &batches_.back().header));
        decision_ =
            first_decision_of(set_.network, {among_four::start_us}, batches_.back().header, 1);
        decision_.qc = decided({1}, decision_.block.hash());
        ports::WriteBatch batch;
        put_decision(batch, *derive_stored(model::Epochs(charter_), nullptr, decision_));
        put_body(batch, batches_.back());
        put_held_slot(batch, {1});
        ASSERT_TRUE(key_value_.write(batch).ok());
    }
    [[nodiscard]] bool has_asked_for(LaneHeight height) const {
        return std::any_of(sent_.begin(), sent_.end(), [&](const auto& sent) {
            const auto* asked = std::get_if<model::FetchCells>(&sent.second);
            return asked != nullptr && asked->height == height;
        });
    }
    std::vector<model::BatchBody> batches_;
    model::Decision decision_;
};

TEST_F(BatchesGone, one_is_asked_for_as_soon_as_the_one_above_it_is_here) {
    hear({1}, model::Decisions{{decision_}});
    step(Tick{});
    ASSERT_EQ(node_->status().decided, Slot{1});
    for (uint64_t height = 3; height > 0; --height) {
        ASSERT_EQ(count_sent<model::FetchCells>(), 4 - height) << "and no oftener";
        EXPECT_TRUE(has_asked_for({height})) << height;
        works_late_ = true;
        hear({1}, batches_[height - 1]);
        step(Tick{});  // It is looked for more, and what is in the batch is not known yet.
        works_late_ = false;
        work();
        step(Tick{});
    }
    EXPECT_EQ(count_sent<model::FetchCells>(), 3u);
    EXPECT_EQ(counter("batches_healed"), 3u);
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
