// Whatever of the progress, the decisions and the batches in a database is altered while the
// participant is down: it starts, doubts neither its journal nor itself, and mends what it can.
#include <gtest/gtest.h>

#include "node/checked_state.hpp"
#include "node/stored_decision.hpp"
#include "node/testing/kept.hpp"
#include "proving/pauses.hpp"

namespace tally::node {
namespace {

using ports::Map;

constexpr Participant own_lane{0};

class Open : public testing::Test {
protected:
    Open() : before_(ledger().header), held_(*stored().held_slot()) {
        ENSURE(held_.value > 1 && held_ <= followed());
    }

    [[nodiscard]] ChainReader stored() const { return ChainReader(kept_.key_value); }
    [[nodiscard]] Slot followed() const { return kept_.node->status().decided; }
    [[nodiscard]] LedgerStatus ledger() const { return kept_.node->status().ledgers[0]; }
    [[nodiscard]] StoredDecision decision(Slot slot) const { return **stored().decision(slot); }
    void write(const ports::WriteBatch& batch) { ASSERT_TRUE(kept_.key_value.write(batch).ok()); }
    void put(const StoredDecision& altered) {
        ports::WriteBatch batch;
        put_decision(batch, altered);
        write(batch);
    }
    void put(const LedgerMark& altered) {
        ports::WriteBatch batch;
        put_mark(batch, items, altered);
        write(batch);
    }
    /// As it would be if the tip's batch had been altered.
    void alter_tip() {
        const auto tip = decision(held_).decision.block.cut[own_lane.value];
        auto body = **stored().body({own_lane, tip.height});
        body.header.total_bytes += 1;
        ports::WriteBatch batch;
        put_body(batch, body);
        write(batch);
    }
    void restart() {
        kept_.node.reset();
        kept_.open();
        kept_.start();
        kept_.run_turns(5);
    }
    /// All decisions lie here as they were made, and new blocks are certified.
    void expect_well(uint64_t number = 50) {
        EXPECT_FALSE(kept_.node->status().journal_lost);
        kept_.run_until([&] { return !ledger().quarantine.quarantined; });
        EXPECT_FALSE(ledger().quarantine.quarantined);
        EXPECT_FALSE(ledger().diverged);
        EXPECT_EQ(ledger().header, before_);
        const Height next = kept_.executed().next();
        kept_.submit(R"([{"_id":"item$1","key":"after)" + std::to_string(number) + R"("}])",
                     number);
        kept_.run_until([&] { return kept_.certified() == next; });
        EXPECT_EQ(kept_.certified(), next);
        before_ = ledger().header;
        std::optional<StoredDecision> earlier;
        for (Slot slot{1}; slot <= followed(); slot = slot.next()) {
            const StoredDecision here = decision(slot);
            EXPECT_TRUE(
                is_as_decided(model::Epochs(kept_.charter()), earlier ? &*earlier : nullptr, here))
                << slot.value;
            earlier = here;
        }
        kept_.step(ClientRequest{99, StartScrub{}});
        const uint64_t passes = kept_.node->status().scrub.passes;
        kept_.run_until([&] { return kept_.node->status().scrub.passes > passes; });
        EXPECT_EQ(kept_.node->status().scrub.last_found, 0u);
    }

    Kept kept_;
    Hash before_;
    Slot held_;
};

TEST_F(Open, an_altered_decision_at_the_held_slot_is_no_lost_journal) {
    StoredDecision altered = decision(held_);
    altered.decision.block.cut[own_lane.value].header.bytes[0] ^= 1;
    put(altered);
    restart();
    EXPECT_GT(stored().held_slot()->value, 0u) << "it goes on from a slot before";
    EXPECT_GT(kept_.node->status().counters.at("damages_found"), 0u) << "and says so";
    expect_well();
}

TEST_F(Open, an_altered_batch_at_the_held_slot_is_no_reason_to_begin_at_the_first) {
    alter_tip();
    restart();
    EXPECT_GT(stored().held_slot()->value, 0u);
    expect_well();
}

TEST_F(Open, all_decisions_before_the_held_slot_altered) {
    for (Slot slot{1}; slot <= held_; slot = slot.next()) {
        StoredDecision altered = decision(slot);
        altered.decision.block.cut[own_lane.value].header.bytes[0] ^= 1;
        put(altered);
    }
    restart();
    expect_well();
}

TEST_F(Open, how_far_batches_are_held_is_altered) {
    const Bytes key = copy_of(view_of("held"));
    const Bytes value = **kept_.key_value.get(Map::meta, key);
    for (size_t at = 0; at < value.size(); at += 5) {
        Bytes other = value;
        other[at] ^= 1;
        kept_.key_value.rot(Map::meta, key, other);
        ASSERT_FALSE(stored().held_slot().ok());
        restart();
        EXPECT_FALSE(ledger().quarantine.quarantined);
        expect_well(50 + at);
        EXPECT_TRUE(stored().held_slot().ok()) << "it is written again";
    }
}

TEST_F(Open, the_mark_of_the_epoch_is_altered) {
    ports::WriteBatch batch;
    batch.put(Map::meta, copy_of(view_of("epoch")), Bytes{0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8});
    write(batch);
    restart();
    expect_well();
}

/// It went on without its journal, and what its database holds since is decided.
TEST_F(Open, a_true_journal_that_is_put_back_costs_no_ledger) {
    const sim::SimDisk earlier = kept_.disk;
    const Height next = kept_.executed().next();
    kept_.submit(R"([{"_id":"item$1","key":"meanwhile"}])", 40);
    kept_.run_until([&] { return kept_.certified() == next; });
    const LedgerMark mark = **stored().mark(items);
    kept_.node.reset();
    kept_.disk = earlier;
    kept_.open();
    ASSERT_LT(followed(), mark.slot);
    EXPECT_EQ(ledger().executed, next);
    EXPECT_FALSE(ledger().quarantine.quarantined);
}

TEST_F(Open, how_far_batches_are_held_is_altered_knowingly) {
    for (const uint64_t slot : {uint64_t{1}, followed().value + 1'000, UINT64_MAX}) {
        ports::WriteBatch batch;
        put_held_slot(batch, {slot});
        write(batch);
        restart();
        expect_well(50 + slot % 7);
    }
}

TEST_F(Open, what_is_stored_beside_a_decision_is_not_believed) {
    uint64_t number = 50;
    for (const bool is_last : {true, false}) {
        const Slot slot = is_last ? followed() : Slot{followed().value / 2};
        const StoredDecision right = decision(slot);
        std::vector<StoredDecision> others(5, right);
        others[0].tip_times.clear();
        others[1].tip_times[own_lane.value].value += 1'000'000;
        others[2].disputed.push_back(items);
        proving::LedgerPause pause;
        pause.open = true;
        others[3].pauses =
            cbor::encode(cbor::List<proving::LedgerPause, limits::ledgers_max>{pause});
        others[4].pauses.clear();
        for (const StoredDecision& other : others) {
            put(other);
            restart();
            EXPECT_EQ(decision(slot), right);
            EXPECT_GT(kept_.node->status().lanes.at(own_lane.value).time.value, 0u);
            expect_well(++number);
        }
    }
}

TEST_F(Open, a_ledger_that_stands_where_nothing_is_decided_is_made_again) {
    uint64_t number = 50;
    for (const uint64_t slot : {followed().value + 1, followed().value + 100, UINT64_MAX}) {
        LedgerMark altered = **stored().mark(items);
        altered.slot = {slot};
        put(altered);
        restart();
        EXPECT_GT(ledger().quarantine.found, 0u) << slot;
        expect_well(++number);
    }
}

TEST_F(Open, a_ledger_that_stands_at_a_planted_decision_is_made_again) {
    StoredDecision planted = decision(followed());
    planted.decision.block.slot = followed().next();
    LedgerMark altered = **stored().mark(items);
    altered.slot = followed().next();
    put(planted);
    put(altered);
    restart();
    EXPECT_GT(ledger().quarantine.found, 0u);
    expect_well();
}

TEST_F(Open, a_ledger_is_not_believed_to_be_loaded) {
    uint64_t number = 50;
    for (const uint64_t history : {uint64_t{1}, ledger().executed.value, UINT64_MAX}) {
        LedgerMark altered = **stored().mark(items);
        altered.history = {history};
        put(altered);
        restart();
        EXPECT_GT(ledger().quarantine.found, 0u) << history;
        EXPECT_EQ(ledger().history, Height{0});
        expect_well(++number);
    }
}

TEST(DeriveStored, what_lacks_times_of_tips_is_damaged) {
    const Kept kept;
    const auto before = **ChainReader(kept.key_value).decision({1});
    const auto decision = **ChainReader(kept.key_value).decision({2});
    ASSERT_TRUE(derive_stored(model::Epochs(kept.charter()), &before, decision.decision).ok());
    StoredDecision other = before;
    other.tip_times.clear();
    EXPECT_FALSE(derive_stored(model::Epochs(kept.charter()), &other, decision.decision).ok());
    EXPECT_FALSE(is_as_decided(model::Epochs(kept.charter()), &other, decision));
}

}  // namespace
}  // namespace tally::node
