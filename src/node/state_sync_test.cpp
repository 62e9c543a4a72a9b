// Ledgers are loaded from peers of whom one lies, through crashes and full disks, and end where the
// decided blocks say.
#include "node/testing/syncing.hpp"

namespace tally::node {
namespace {

using namespace syncing;

TEST(StateSync, ledgers_are_loaded_past_a_liar) {
    const Honest honest;
    Empty empty(honest);
    empty.start();
    empty.run();
    ASSERT_TRUE(empty.finished);
    EXPECT_GT(empty.lies, 0u);
    empty.expect_loaded({0}, {goal_slot.value}, goal_slot);
    empty.expect_loaded({1}, {1}, goal_slot);
    EXPECT_EQ(empty.sync->needless_up_to(), goal_slot);
    EXPECT_EQ(*ChainReader(empty.database).held_slot(), goal_slot);
    const auto body = ChainReader(empty.database).body({{2}, {5}});
    ASSERT_TRUE(body.ok() && *body) << "the tip is here, to go on from";
    EXPECT_FALSE(*stored_sync_goal(empty.database));
}

TEST(StateSync, what_is_not_carried_is_left_to_be_executed) {
    Honest honest;
    honest.carried_busy = 6;
    ports::WriteBatch batch;
    auto decision = **ChainReader(honest.database).decision(goal_slot);
    decision.decision.block.highest_carried[0] = {6};
    decision.decision.qc.body.block = decision.decision.block.hash();
    put_decision(batch, decision);
    ASSERT_TRUE(honest.database.write(batch).ok());
    Empty empty(honest);
    empty.start();
    const uint64_t began_us = empty.now_us;
    empty.run();
    ASSERT_TRUE(empty.finished);
    EXPECT_GE(empty.now_us - began_us, 5'000'000u) << "it was hoped that more would be carried";
    empty.expect_loaded({0}, {6}, {6});
    empty.expect_loaded({1}, {1}, goal_slot);
    EXPECT_EQ(empty.sync->needless_up_to(), Slot{6}) << "the batches after it are needed";
}

TEST(StateSync, a_load_goes_on_after_crashes) {
    const Honest honest;
    for (uint64_t seed = 1; seed <= 6; ++seed) {
        Empty empty(honest);
        sim::Random random(seed, sim::stream_of("state sync crash"));
        empty.start();
        for (int life = 0; life < 300 && !empty.finished; ++life) {
            for (uint64_t n = 1 + random.below(12); n > 0 && !empty.finished; --n) empty.step();
            if (empty.finished) break;
            ENSURE(empty.database.flush().ok());
            empty.asked.clear();
            auto goal = stored_sync_goal(empty.database);
            ASSERT_TRUE(goal.ok());
            if (!*goal) {
                empty.start();
                continue;
            }
            empty.open();
            SyncOutput out;
            empty.sync->resume(std::move(**goal), empty.now_us, out);
            empty.take(out);
        }
        ASSERT_TRUE(empty.finished) << seed;
        empty.expect_loaded({0}, {goal_slot.value}, goal_slot);
    }
}

TEST(StateSync, a_full_disk_is_said_and_only_delays_it) {
    const Honest honest;
    Empty empty(honest);
    empty.start();
    while (!*stored_sync_goal(empty.database)) empty.step();
    EXPECT_FALSE(empty.cannot_store);
    empty.database.set_full(true);
    for (int i = 0; i < 50; ++i) empty.step();
    EXPECT_FALSE(empty.finished);
    EXPECT_TRUE(empty.cannot_store) << "so that the participant ends, and says why";
    EXPECT_LT(empty.questions, 100u) << "and it does not ask in a hurry meanwhile";
    empty.database.set_full(false);
    empty.run();
    ASSERT_TRUE(empty.finished);
    empty.expect_loaded({0}, {goal_slot.value}, goal_slot);
}

TEST(StateSync, where_a_ledger_stood_is_said_with_the_block_that_came_next) {
    const Honest honest;
    const ChainReader stored(honest.database);
    for (uint16_t i = 0; i < ledger_count; ++i) {
        const LedgerIndex ledger{i};
        LedgerMark mark = honest.mark(ledger);
        uint64_t bytes = 0;
        for (Slot slot{1}; slot <= goal_slot; slot = slot.next()) {
            for (Height carried; carried <= mark.height; carried = carried.next()) {
                const auto stand = stand_at(honest.database, mark, ledger, slot, carried, bytes);
                ASSERT_TRUE(stand.ok() && *stand);
                EXPECT_EQ((*stand)->height, carried);
                EXPECT_EQ((*stand)->header, (*stored.block(ledger, carried))->header.hash());
                Slot next;
                if (carried < mark.height) {
                    const auto after = stored.block(ledger, carried.next());
                    if ((*after)->header.slot <= slot) next = (*after)->header.slot;
                }
                EXPECT_EQ((*stand)->next, next);
            }
        }
        EXPECT_GT(bytes, 0u);
        mark.history = {1};
        EXPECT_FALSE(*stand_at(honest.database, mark, ledger, goal_slot, {0}, bytes));
        EXPECT_FALSE(*stand_at(honest.database, mark, ledger, goal_slot, mark.height.next(), bytes))
            << "what is not executed here";
        mark = honest.mark(ledger);
        mark.header.bytes[0] ^= 1;
        const Height before{mark.height.value - 1};
        EXPECT_FALSE(*stand_at(honest.database, mark, ledger, goal_slot, before, bytes))
            << "the block after it is not the one that was executed";
    }
}

TEST(StateSync, what_lies_between_the_loaded_block_and_the_next_is_not_executed) {
    Honest honest;
    // The ledger was quiet for long after its last final block, and of others nothing is kept.
    constexpr uint64_t carried = 5;
    const Slot quiet_until{goal_slot.value - 1};
    ports::WriteBatch batch;
    auto decision = **ChainReader(honest.database).decision(goal_slot);
    decision.decision.block.highest_carried.assign({{carried}, {1}});
    decision.decision.qc.body.block = decision.decision.block.hash();
    put_decision(batch, decision);
    auto after = **ChainReader(honest.database).block({0}, {carried + 1});
    after.header.slot = quiet_until;
    const auto root = **ChainReader(honest.database).root({0}, {carried + 1});
    put_block(batch, after, root);
    put_mark(batch, {0},
             {goal_slot, {carried + 1}, after.header.hash(), root.hash, tree::encode(root), {}});
    ASSERT_TRUE(honest.database.write(batch).ok());
    Empty empty(honest);
    empty.start();
    empty.run();
    ASSERT_TRUE(empty.finished);
    EXPECT_TRUE(empty.left.empty());
    empty.expect_loaded({0}, {carried}, {quiet_until.value - 1});
    EXPECT_EQ(empty.sync->needless_up_to(), Slot{quiet_until.value - 1});
}

TEST(StateSync, one_voice_does_not_end_the_waiting_for_where_the_next_block_is) {
    Honest honest;
    ports::WriteBatch batch;
    auto decision = **ChainReader(honest.database).decision(goal_slot);
    decision.decision.block.highest_carried.assign({{goal_slot.value - 1}, {1}});
    decision.decision.qc.body.block = decision.decision.block.hash();
    put_decision(batch, decision);
    ASSERT_TRUE(honest.database.write(batch).ok());
    Empty empty(honest);
    empty.open();
    SyncOutput out;
    empty.sync->start(goal_slot, {{0}, {1}}, true, empty.now_us, out);
    const uint64_t late_us = empty.now_us + 6'000'000;
    const auto said = [&](Participant from) {
        model::Stands stands{goal_slot, {}};
        uint64_t bytes = 0;
        for (uint16_t i = 0; i < ledger_count; ++i)
            stands.ledgers.push_back(**stand_at(honest.database, honest.mark({i}), {i}, goal_slot,
                                                decision.decision.block.highest_carried[i], bytes));
        empty.sync->on_stands(from, stands, late_us, out);
    };
    said({1});
    EXPECT_FALSE(*stored_sync_goal(empty.database));
    said({2});
    const auto goal = stored_sync_goal(empty.database);
    ASSERT_TRUE(goal.ok() && *goal);
    EXPECT_EQ((*goal)->ledgers[0].next, goal_slot);
    EXPECT_TRUE((*goal)->ledgers[1].is_last);
}

TEST(StateSync, one_voice_is_not_enough) {
    const Honest honest;
    Empty empty(honest);
    empty.open();
    SyncOutput out;
    empty.sync->start(goal_slot, {{0}, {1}}, true, empty.now_us, out);
    model::Stands stands{goal_slot, {{{0}, {goal_slot.value}, {}, {}}, {{1}, {1}, {}, {}}}};
    for (int i = 0; i < 3; ++i) empty.sync->on_stands(liar, stands, empty.now_us, out);
    EXPECT_EQ(out.lines.size(), 0u) << "the same participant three times";
    EXPECT_FALSE(*stored_sync_goal(empty.database));
}

TEST(StateSync, without_any_answer_it_gives_up) {
    Honest honest;
    ports::WriteBatch batch;
    auto decision = **ChainReader(honest.database).decision(goal_slot);
    decision.decision.block.highest_carried.assign({{1}, {0}});
    decision.decision.qc.body.block = decision.decision.block.hash();
    put_decision(batch, decision);
    ASSERT_TRUE(honest.database.write(batch).ok());
    Empty empty(honest);
    empty.silent = true;
    empty.start();
    empty.run();
    EXPECT_TRUE(empty.given_up);
    EXPECT_FALSE(empty.sync->active());
    EXPECT_FALSE(empty.sync->owns({0}));
}

TEST(StateSync, a_ledger_that_nobody_can_say_anything_of_is_left_and_the_rest_is_loaded) {
    Honest honest;
    ports::WriteBatch batch;
    // It has a block that no certificate was carried of, and nobody has what came before it.
    LedgerMark mark = honest.mark({1});
    mark.history = {1};
    put_mark(batch, {1}, mark);
    auto decision = **ChainReader(honest.database).decision(goal_slot);
    decision.decision.block.highest_carried.assign({{goal_height}, {0}});
    decision.decision.qc.body.block = decision.decision.block.hash();
    put_decision(batch, decision);
    ASSERT_TRUE(honest.database.write(batch).ok());
    Empty empty(honest);
    empty.start();
    const uint64_t began_us = empty.now_us;
    empty.run();
    ASSERT_TRUE(empty.finished);
    EXPECT_FALSE(empty.given_up);
    EXPECT_GT(empty.now_us - began_us, 30'000'000u);
    EXPECT_EQ(empty.left, std::vector<LedgerIndex>{{1}});
    EXPECT_FALSE(empty.sync->owns({1}));
    empty.expect_loaded({0}, goal_height, goal_slot);
    EXPECT_EQ(empty.sync->needless_up_to(), Slot{}) << "the other one needs every batch";
}

TEST(StateSync, a_ledger_that_is_carried_late_is_waited_for_and_no_longer) {
    Honest honest;
    ports::WriteBatch batch;
    const Slot early{8};
    auto decision = **ChainReader(honest.database).decision(early);
    decision.decision.block.highest_carried.assign({{early.value}, {0}});
    decision.decision.qc.body.block = decision.decision.block.hash();
    put_decision(batch, decision);
    ASSERT_TRUE(honest.database.write(batch).ok());
    Empty empty(honest);
    const uint64_t began_us = empty.now_us;
    empty.decided = early;
    empty.start();
    while (empty.now_us < began_us + 8'000'000) empty.step();
    empty.decided = goal_slot;
    empty.run();
    ASSERT_TRUE(empty.finished);
    EXPECT_TRUE(empty.left.empty());
    EXPECT_LT(empty.now_us - began_us, 15'000'000u);
}

TEST(StateSync, those_who_execute_late_are_asked_about_a_slot_for_long_enough) {
    const Honest honest(400, 0);
    Empty empty(honest);
    const uint64_t began_us = empty.now_us;
    const uint64_t slot_us = 3'000'000;
    empty.executed_us = [=](Slot slot) { return began_us + slot.value * slot_us + 5'000'000; };
    empty.decided = {1};
    empty.start();
    for (int i = 0; i < 5'000 && !empty.finished && !empty.given_up; ++i) {
        const uint64_t decided = (empty.now_us - began_us) / slot_us;
        empty.decided = {std::clamp<uint64_t>(decided, 1, goal_slot.value)};
        empty.step();
    }
    ASSERT_TRUE(empty.finished);
    EXPECT_TRUE(empty.left.empty());
    EXPECT_LT(empty.now_us - began_us, 15'000'000u);
}

TEST(StateSync, a_ledger_whose_state_nobody_gives_is_left_and_the_rest_is_loaded) {
    const Honest honest;
    for (const LedgerIndex ledger : {LedgerIndex{0}, LedgerIndex{1}}) {
        Empty empty(honest);
        empty.unserved = ledger;
        empty.start();
        empty.run();
        ASSERT_TRUE(empty.finished) << ledger.value;
        EXPECT_EQ(empty.left, std::vector{ledger});
        const LedgerIndex other{uint16_t(1 - ledger.value)};
        empty.expect_loaded(other, honest.mark(other).height, goal_slot);
        EXPECT_FALSE(*stored_sync_goal(empty.database));
    }
}

TEST(StateSync, what_is_half_loaded_is_erased_when_nobody_has_the_rest) {
    const Honest honest;
    Empty empty(honest);
    empty.start();
    while (!*stored_sync_goal(empty.database)) empty.step();
    // An earlier process erased the ledger and began to load it.
    const Bytes key = ledger::unique_key({77}, ledger::Value(int64_t{1}));
    ports::WriteBatch batch;
    store::put_version(batch, {0}, {5}, key, Bytes{1});
    ASSERT_TRUE(empty.database.write(batch).ok());
    auto goal = *stored_sync_goal(empty.database);
    empty.asked.clear();
    empty.open();
    empty.silent = true;
    SyncOutput out;
    empty.sync->resume(std::move(*goal), empty.now_us, out);
    empty.take(out);
    empty.run();
    EXPECT_TRUE(empty.given_up);
    EXPECT_FALSE(*stored_sync_goal(empty.database));
    const store::VersionedView state(empty.database, {0}, {9});
    EXPECT_FALSE(state.get(key)->has_value());
}

}  // namespace
}  // namespace tally::node
