// A load that meets damage on the own disk ends, blames nobody for it, and asks nobody in a hurry.
#include "node/testing/syncing.hpp"

namespace tally::node {
namespace {

using namespace syncing;

TEST(StateSync, what_is_half_loaded_and_damaged_is_loaded_again) {
    const Honest honest(2'500);
    Empty empty(honest);
    empty.start();
    const auto pages = [&] {
        std::vector<std::pair<Bytes, Bytes>> found;
        ENSURE(empty.database
                   .scan(ports::Map::nodes, {}, {},
                         [&](ByteView key, ByteView value) {
                             found.emplace_back(copy_of(key), copy_of(value));
                             return true;
                         })
                   .ok());
        return found;
    };
    while (pages().empty()) empty.step();
    ASSERT_FALSE((*ChainReader(empty.database).mark({0}))) << "only a part is loaded";
    for (auto& [key, value] : pages()) {
        value[value.size() / 2] ^= 1;
        empty.database.rot(ports::Map::nodes, key, value);
    }
    empty.resume();
    empty.run(500);
    ASSERT_TRUE(empty.finished);
    EXPECT_LE(empty.refusals, empty.lies) << "no honest peer is blamed for the own disk";
    empty.expect_loaded({0}, {goal_slot.value}, goal_slot);
}

TEST(StateSync, a_carried_certificate_that_is_missing_is_put_back) {
    Honest honest;
    ports::WriteBatch batch;
    for (uint64_t slot = 1; slot <= goal_slot.value; ++slot) {
        auto decision = **ChainReader(honest.database).decision({slot});
        auto& block = decision.decision.block;
        block.highest_carried.assign({{slot}, {1}});
        block.carried.push_back(**ChainReader(honest.database).certificate({0}, {slot}));
        decision.decision.qc.body.block = decision.decision.block.hash();
        put_decision(batch, decision);
    }
    ASSERT_TRUE(honest.database.write(batch).ok());
    for (const bool is_gone : {true, false}) {
        Empty empty(honest);
        ports::WriteBatch damage;
        erase_certificate(damage, {0}, goal_height);
        if (!is_gone) damage = undecodable(damage);
        ASSERT_TRUE(empty.database.write(damage).ok());
        empty.start();
        empty.run(500);
        ASSERT_TRUE(empty.finished);
        empty.expect_loaded({0}, goal_height, goal_slot);
        EXPECT_TRUE(*ChainReader(empty.database).certificate({0}, goal_height));
    }
}

TEST(StateSync, a_carried_certificate_that_is_nowhere_is_not_waited_for_without_end) {
    const Honest honest;
    Empty empty(honest);
    ports::WriteBatch damage;
    erase_certificate(damage, {0}, goal_height);
    ASSERT_TRUE(empty.database.write(damage).ok());
    empty.start();
    const uint64_t began_us = empty.now_us;
    empty.run(2'000);
    EXPECT_TRUE(empty.finished || empty.given_up);
    EXPECT_LT(empty.now_us - began_us, 60'000'000u);
}

TEST(StateSync, a_batch_that_does_not_decode_is_fetched_again) {
    const Honest honest;
    Empty empty(honest);
    ports::WriteBatch batch;
    put_body(batch, honest.body);
    ASSERT_TRUE(empty.database.write(undecodable(batch)).ok());
    empty.start();
    empty.run(500);
    ASSERT_TRUE(empty.finished);
    const auto body = ChainReader(empty.database).body({{2}, {5}});
    EXPECT_TRUE(body.ok() && *body);
}

TEST(StateSync, a_liar_is_refused_once_and_makes_nobody_ask) {
    const Honest honest;
    Empty empty(honest);
    empty.start();
    while (!*stored_sync_goal(empty.database)) empty.step();
    model::StateChunk lie;
    lie.header.height = goal_height;
    SyncOutput out;
    for (int i = 0; i < 100; ++i) empty.sync->on_chunk(liar, lie, empty.now_us, out);
    EXPECT_EQ(out.lines.size(), 1u);
    EXPECT_LE(out.sends.size(), 1u);
    empty.take(out);
    empty.run();
    EXPECT_TRUE(empty.finished);
}

TEST(StateSync, where_everybody_is_refused_it_does_not_ask_in_a_hurry_nor_for_ever) {
    const Honest honest;
    Empty empty(honest);
    // What lies here of the certificate, and so of the goal, is another header.
    auto certificate = **ChainReader(honest.database).certificate({0}, goal_height);
    certificate.header.bytes[0] ^= 1;
    ports::WriteBatch batch;
    put_certificate(batch, certificate);
    ASSERT_TRUE(empty.database.write(batch).ok());
    empty.start();
    empty.run(1'000);
    EXPECT_TRUE(empty.finished || empty.given_up);
    EXPECT_FALSE(empty.sync->owns({0}));
    EXPECT_LT(empty.questions, 100u);
}

TEST(StateSync, a_goal_that_is_not_what_was_decided_is_known_for_it) {
    const Honest honest;
    Empty empty(honest);
    empty.start();
    while (!*stored_sync_goal(empty.database)) empty.step();
    const SyncGoal goal = **stored_sync_goal(empty.database);
    const auto fits = [&](const SyncGoal& other) {
        return is_as_decided(other, empty.database, ledger_count, goal_slot);
    };
    ASSERT_EQ(goal.ledgers.size(), 2u);
    EXPECT_TRUE(fits(goal));
    const std::pair<const char*, std::function<void(SyncGoal&)>> changes[] = {
        {"no ledger", [](SyncGoal& other) { other.ledgers.clear(); }},
        {"slot", [](SyncGoal& other) { other.slot = {10}; }},
        {"no such slot", [](SyncGoal& other) { other.slot = {0}; }},
        {"height", [](SyncGoal& other) { other.ledgers[0].height = {8}; }},
        {"header", [](SyncGoal& other) { other.ledgers[0].header.bytes[0] ^= 1; }},
        {"unknown ledger", [](SyncGoal& other) { other.ledgers[1].ledger = {7}; }},
        {"order", [](SyncGoal& other) { std::swap(other.ledgers[0], other.ledgers[1]); }},
    };
    for (const auto& [name, change] : changes) {
        SyncGoal other = goal;
        change(other);
        EXPECT_FALSE(fits(other)) << name;
    }
}

}  // namespace
}  // namespace tally::node
