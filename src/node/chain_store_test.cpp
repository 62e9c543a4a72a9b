// Rows for which nothing else vouches vouch for themselves.
#include "node/chain_store.hpp"

#include <gtest/gtest.h>

#include <set>

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

/// Counts what every scan passes over: erased keys, too.
class Counted final : public ports::KeyValue {
public:
    Result<std::optional<Bytes>> get(Map map, ByteView key) const override {
        return database_.get(map, key);
    }
    Result<void> scan(Map map, ByteView from, ByteView to, const Each& each) const override {
        Bytes last = copy_of(from);
        const auto done = database_.scan(map, from, to, [&](ByteView key, ByteView value) {
            last = copy_of(key);
            return each(key, value);
        });
        for (const auto& [in, key] : erased_)
            passed_ += in == map && compare(from, key) <= 0 && compare(key, last) < 0 ? 1 : 0;
        return done;
    }
    Result<void> scan_backward(Map map, ByteView from, ByteView to,
                               const Each& each) const override {
        return database_.scan_backward(map, from, to, each);
    }
    Result<void> write(const ports::WriteBatch& batch) override {
        for (const auto& one : batch.writes()) {
            if (!one.value) erased_.emplace(one.map, one.key);
        }
        return database_.write(batch);
    }
    Result<void> flush() override { return database_.flush(); }
    std::shared_ptr<const ports::Reader> snapshot() const override { return database_.snapshot(); }

    [[nodiscard]] uint64_t passed() const { return passed_; }

private:
    sim::SimKeyValue database_;
    std::set<std::pair<Map, Bytes>> erased_;
    mutable uint64_t passed_ = 0;
};

TEST(ChainStore, a_ledger_is_erased_whole_without_a_look_at_what_is_erased) {
    Counted database;
    ports::WriteBatch batch;
    const auto key_of = [](uint16_t ledger, uint32_t number) {
        Bytes key;
        append_u16(key, ledger);
        append_u32(key, number);
        return key;
    };
    for (uint32_t i = 0; i < 35'000; ++i) batch.put(Map::values, key_of(1, i), {1});
    for (const uint16_t other : {0, 2}) batch.put(Map::values, key_of(other, 7), {1});
    ASSERT_TRUE(database.write(batch).ok());
    ASSERT_TRUE(erase_ledger(database, {1}).ok());
    EXPECT_EQ(database.passed(), 0u);
    for (const uint32_t i : {0, 9'999, 10'000, 34'999})
        EXPECT_FALSE(database.get(Map::values, key_of(1, i))->has_value()) << i;
    for (const uint16_t other : {0, 2})
        EXPECT_TRUE(database.get(Map::values, key_of(other, 7))->has_value());
}

}  // namespace
}  // namespace tally::node
