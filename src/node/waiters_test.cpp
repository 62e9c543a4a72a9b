// A client is answered once: when its level is reached, or when its time is over, with what is
// known.
#include "node/waiters.hpp"

#include <gtest/gtest.h>

namespace tally::node {
namespace {

TransactionStatus waiting_for(const Hash& id) {
    TransactionStatus status;
    status.transaction = id;
    return status;
}

TransactionStatus executed_at(const Hash& id, uint64_t height) {
    TransactionStatus status = waiting_for(id);
    status.known = true;
    status.executed = true;
    status.level = Level::ordered;
    status.height = {height};
    return status;
}

const TransactionStatus& only(const Effects& effects, uint64_t id) {
    EXPECT_EQ(effects.size(), 1u);
    const auto& reply = std::get<Reply>(effects.at(0));
    EXPECT_EQ(reply.id, id);
    return *std::get<Result<TransactionStatus>>(reply.response);
}

const Hash tx = sha256({});
constexpr LedgerIndex ledger{0};

TEST(Waiters, each_level_answers_those_who_wait_for_it) {
    Waiters waiters;
    waiters.add(1, ledger, waiting_for(tx), Level::ordered, 100);
    waiters.add(2, ledger, waiting_for(tx), Level::certified, 100);
    waiters.add(3, ledger, waiting_for(tx), Level::final_, 100);
    EXPECT_TRUE(waiters.wants(ledger, tx));
    EXPECT_FALSE(waiters.wants({1}, tx));
    Effects effects;
    waiters.on_executed(ledger, executed_at(tx, 5), effects);
    EXPECT_EQ(only(effects, 1).level, Level::ordered);
    effects.clear();
    waiters.on_level(ledger, {4}, Level::certified, effects);
    EXPECT_TRUE(effects.empty()) << "its block is above the certified height";
    waiters.on_level(ledger, {5}, Level::certified, effects);
    EXPECT_EQ(only(effects, 2).level, Level::certified);
    effects.clear();
    waiters.on_level(ledger, {9}, Level::final_, effects);
    EXPECT_EQ(only(effects, 3).level, Level::final_);
    EXPECT_EQ(waiters.size(), 0u);
}

TEST(Waiters, a_deadline_answers_with_what_is_known) {
    Waiters waiters;
    waiters.add(1, ledger, waiting_for(tx), Level::certified, 100);
    waiters.add(2, ledger, waiting_for(tx), Level::certified, 200);
    Effects effects;
    waiters.on_time(99, effects);
    EXPECT_TRUE(effects.empty());
    EXPECT_EQ(waiters.next_deadline(), 100u);
    waiters.on_time(100, effects);
    EXPECT_FALSE(only(effects, 1).known);
    effects.clear();
    waiters.on_executed(ledger, executed_at(tx, 5), effects);
    waiters.on_time(200, effects);
    EXPECT_EQ(only(effects, 2).level, Level::ordered);
    EXPECT_FALSE(waiters.next_deadline().has_value());
}

TEST(Waiters, what_is_undone_is_waited_for_again) {
    Waiters waiters;
    const Hash other = sha256(Bytes{1});
    waiters.add(1, ledger, waiting_for(tx), Level::certified, 100);
    waiters.add(2, ledger, waiting_for(other), Level::certified, 200);
    Effects effects;
    waiters.on_executed(ledger, executed_at(tx, 5), effects);
    waiters.on_executed(ledger, executed_at(other, 4), effects);
    waiters.on_undone({1}, {0});
    EXPECT_FALSE(waiters.wants(ledger, tx));
    waiters.on_undone(ledger, {4});
    EXPECT_TRUE(waiters.wants(ledger, tx));
    EXPECT_FALSE(waiters.wants(ledger, other)) << "it counts";
    waiters.on_level(ledger, {9}, Level::certified, effects);
    EXPECT_EQ(only(effects, 2).height, Height{4});
    effects.clear();
    waiters.on_executed(ledger, executed_at(tx, 6), effects);
    waiters.on_time(100, effects);
    EXPECT_EQ(only(effects, 1).height, Height{6});
    EXPECT_EQ(waiters.size(), 0u);
}

TEST(Waiters, who_waits_again_is_told_at_the_deadline_that_nothing_is_known) {
    Waiters waiters;
    waiters.add(1, ledger, waiting_for(tx), Level::final_, 100);
    Effects effects;
    waiters.on_executed(ledger, executed_at(tx, 5), effects);
    waiters.on_undone(ledger, {4});
    waiters.on_time(100, effects);
    EXPECT_FALSE(only(effects, 1).known);
    EXPECT_EQ(only(effects, 1).transaction, tx);
}

}  // namespace
}  // namespace tally::node
