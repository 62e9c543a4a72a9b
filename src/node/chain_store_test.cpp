// Rows for which nothing else vouches vouch for themselves.
#include "node/chain_store.hpp"

#include <gtest/gtest.h>

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
