// What a client is told of a transaction is what its block says, wherever the index points.
#include <gtest/gtest.h>

#include "node/testing/kept.hpp"

namespace tally::node {
namespace {

const std::string change = R"([{"_id":"item$1","key":"new"}])";

class Clients : public testing::Test {
protected:
    [[nodiscard]] TransactionStatus ask(const Hash& id) {
        kept_.step(ClientRequest{++request_, Await{items, id, Level::certified, 0}});
        kept_.run_until([&] { return kept_.answers.contains(request_); });
        return kept_.answers.at(request_);
    }
    [[nodiscard]] std::optional<TransactionPlace> place(const Hash& id) const {
        return *ChainReader(kept_.key_value).transaction(items, id);
    }
    void plant(const Hash& id, const TransactionPlace& at) {
        ports::WriteBatch batch;
        put_transaction(batch, id, at);
        ASSERT_TRUE(kept_.key_value.write(batch).ok());
    }
    [[nodiscard]] Hash known() const {
        return (*ChainReader(kept_.key_value).block(items, {1}))->results.at(0).transaction;
    }

    Kept kept_;
    uint64_t request_ = 1'000;
};

TEST_F(Clients, what_was_executed_is_known) {
    const auto status = ask(known());
    EXPECT_TRUE(status.known);
    EXPECT_EQ(status.height, Height{1});
    EXPECT_EQ(status.code, 0u);
    EXPECT_GE(status.level, Level::certified);
    EXPECT_TRUE(place(known()));
}

TEST_F(Clients, an_index_that_points_elsewhere_is_not_believed) {
    const Hash id = known();
    const TransactionPlace right = *place(id);
    std::vector<TransactionPlace> others(5, right);
    others[0].height = {3};
    others[1].height = {99};
    others[2].index = 7;
    others[3].code = 20;
    others[4].ledger = {1};
    for (const auto& other : others) {
        plant(id, right);
        ports::WriteBatch batch;
        // Under the ledger's own key, whatever the value says.
        Bytes key;
        append_u16(key, items.value);
        append(key, id.view());
        batch.put(ports::Map::transactions, key, cbor::encode(other));
        ASSERT_TRUE(kept_.key_value.write(batch).ok());
        EXPECT_FALSE(ask(id).known);
        EXPECT_FALSE(place(id)) << "it is taken away";
    }
}

TEST_F(Clients, a_planted_index_does_not_swallow_a_transaction) {
    const auto [envelope, checked] = kept_.envelope_of(change, 40);
    plant(checked->id, *place(known()));
    kept_.submit(change, 40);
    kept_.run_until([&] { return kept_.answers.contains(40); });
    ASSERT_TRUE(kept_.answers.contains(40));
    EXPECT_EQ(kept_.answers.at(40).height, Height{6});
    EXPECT_EQ(kept_.answers.at(40).level, Level::certified);
}

TEST_F(Clients, a_block_altered_together_with_the_index_is_not_believed) {
    const Hash id = known();
    auto block = **ChainReader(kept_.key_value).block(items, {1});
    const auto root = **ChainReader(kept_.key_value).root(items, {1});
    const auto other = sha256(view_of("never submitted"));
    block.results[0].transaction = other;
    ports::WriteBatch batch;
    put_block(batch, block, root);
    ASSERT_TRUE(kept_.key_value.write(batch).ok());
    plant(other, *place(id));
    EXPECT_FALSE(ask(other).known);
}

TEST_F(Clients, why_it_was_rejected_is_told_again) {
    kept_.submit(R"([{"_id":"item$1","nonsense":"x"}])", 40);
    kept_.run_until([&] { return kept_.answers.contains(40); });
    ASSERT_TRUE(kept_.answers.contains(40));
    const auto status = ask(kept_.answers.at(40).transaction);
    EXPECT_TRUE(status.known);
    EXPECT_NE(status.code, 0u);
    EXPECT_FALSE(status.explanation.empty());
}

}  // namespace
}  // namespace tally::node
