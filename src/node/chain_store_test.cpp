// Rows for which nothing else vouches vouch for themselves.
#include "node/chain_store.hpp"

#include <gtest/gtest.h>

#include "ledger/execution.hpp"
#include "sim/sim_key_value.hpp"

namespace tally::node {
namespace {

using ports::Map;

TEST(ChainStore, a_mark_that_was_altered_in_any_byte_is_refused) {
    const std::pair<const char*, void (*)(ports::WriteBatch&)> rows[] = {
        {"held", [](ports::WriteBatch& to) { put_held_slot(to, Slot{300}); }},
        {"epoch", [](ports::WriteBatch& to) { put_epoch(to, Epoch{2}); }},
    };
    for (const auto& [name, put] : rows) {
        sim::SimKeyValue database;
        const ChainReader stored(database);
        const auto read = [&]() -> Result<void> {
            CHECK(stored.held_slot());
            return stored.epoch().ok() ? success() : Result<void>(stored.epoch().error());
        };
        ASSERT_TRUE(read().ok()) << "there is none yet";
        ports::WriteBatch batch;
        put(batch);
        ASSERT_TRUE(database.write(batch).ok());
        ASSERT_TRUE(read().ok());
        const Bytes key = copy_of(view_of(name));
        const Bytes row = **database.get(Map::meta, key);
        const auto refused = [&](Bytes altered) {
            ports::WriteBatch other;
            other.put(Map::meta, key, std::move(altered));
            EXPECT_TRUE(database.write(other).ok());
            const auto result = read();
            return !result.ok() && result.error().is(ports::KeyValueError::damaged);
        };
        for (size_t i = 0; i < row.size(); ++i) {
            Bytes altered = row;
            altered[i] ^= 1;
            EXPECT_TRUE(refused(altered)) << name << ", byte " << i;
            EXPECT_TRUE(refused(Bytes(row.begin(), row.begin() + ptrdiff_t(i)))) << name;
        }
    }
}

TEST(ChainStore, a_block_as_large_as_a_cut_can_make_it_is_read_as_it_was_written) {
    StoredBlock block;
    block.header.height = {1};
    // More than a million, from 17 batches of 65,536 or from eleven full windows after a stall.
    block.list.resize((size_t{1} << 20) + 1);
    static_assert(decltype(block.results)::count_max >= decltype(block.list)::count_max);
    static_assert(decltype(block.trace)::count_max >= decltype(block.list)::count_max);
    sim::SimKeyValue database;
    ports::WriteBatch batch;
    put_block(batch, block, tree::RootRef::empty());
    ASSERT_TRUE(database.write(batch).ok());
    const auto stored = ChainReader(database).block({0}, {1});
    ASSERT_TRUE(stored.ok()) << stored.error().message();
    EXPECT_EQ((*stored)->list.size(), block.list.size());
}

TEST(ChainStore, the_result_of_the_largest_transaction_is_read_as_it_was_written) {
    ledger::TransactionResult result;
    result.subjects.resize(limits::transaction_changes_max, {UINT64_MAX});
    result.fuel = UINT64_MAX;
    StoredBlock block;
    block.results.push_back({result.id, result.code, result.leaf()});
    sim::SimKeyValue database;
    ports::WriteBatch batch;
    put_block(batch, block, tree::RootRef::empty());
    ASSERT_TRUE(database.write(batch).ok());
    const auto stored = ChainReader(database).block({0}, {0});
    ASSERT_TRUE(stored.ok()) << stored.error().message();
    EXPECT_EQ(Bytes((*stored)->results[0].leaf), result.leaf());
}

TEST(ChainStore, a_row_is_not_taken_for_another) {
    sim::SimKeyValue database;
    ports::WriteBatch batch;
    put_sealed(batch, {1}, {5, 6});
    ASSERT_TRUE(database.write(batch).ok());
    EXPECT_EQ(**get_sealed(database, {1}), (Bytes{5, 6}));
    EXPECT_FALSE(get_sealed(database, {2})->has_value());
    ports::WriteBatch moved;
    moved.put(Map::meta, {2}, **database.get(Map::meta, Bytes{1}));
    ASSERT_TRUE(database.write(moved).ok());
    EXPECT_FALSE(get_sealed(database, {2}).ok());
}

}  // namespace
}  // namespace tally::node
