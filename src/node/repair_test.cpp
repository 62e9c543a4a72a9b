// However the versions of a state are altered, reading them finds it, and repairing what was found
// gives the true state at every height.
#include "node/repair.hpp"

#include <gtest/gtest.h>

#include <random>

#include "ledger/keys.hpp"
#include "ledger/row.hpp"
#include "node/checked_state.hpp"
#include "sim/sim_key_value.hpp"

namespace tally::node {
namespace {

using ports::Map;

constexpr LedgerIndex third{2};
constexpr uint64_t heights = 12, numbers = 30;

Bytes key_of(uint64_t number) {
    return ledger::unique_key({77}, ledger::Value(int64_t(number)));
}

/// A state that several blocks wrote, and what it is at each height.
struct Chain {
    explicit Chain(uint64_t seed) : random(seed) {
        const store::TreePages pages(database, third);
        tree::Tree tree(pages);
        std::map<Bytes, Bytes> now;
        for (uint64_t height = 0; height < heights; ++height) {
            ports::WriteBatch batch;
            for (int i = 0; i < 12; ++i) {
                const Bytes key = key_of(random() % numbers);
                if (random() % 3 == 0) {
                    now.erase(key);
                    store::put_version(batch, third, {height}, key, std::nullopt);
                    ENSURE(tree.erase(key).ok());
                    continue;
                }
                const Bytes value(random() % 40, uint8_t(random() % 3));
                now[key] = value;
                store::put_version(batch, third, {height}, key, value);
                const auto commitment = *ledger::commitment_of(key, value);
                ENSURE(tree.put(key, commitment.length, commitment.hash).ok());
            }
            const auto [root, written] = tree.commit(height);
            store::put_pages(batch, third, written);
            StoredBlock block;
            block.header.ledger = third;
            block.header.height = {height};
            block.header.state_after = root.hash;
            put_block(batch, block, root);
            ENSURE(database.write(batch).ok());
            states.push_back(now);
        }
    }

    void alter() {
        std::vector<std::pair<Bytes, Bytes>> stored;
        ENSURE(database
                   .scan(Map::values, {}, {},
                         [&](ByteView key, ByteView value) {
                             stored.emplace_back(copy_of(key), copy_of(value));
                             return true;
                         })
                   .ok());
        auto [key, value] = stored[random() % stored.size()];
        ports::WriteBatch batch;
        switch (random() % 6) {
        case 0: batch.erase(Map::values, key); break;
        case 1: batch.put(Map::values, key, {}); break;
        case 2: batch.put(Map::values, key, Bytes{1, 99, 99}); break;
        case 3: batch.put(Map::values, key, Bytes{7}); break;
        case 4:
            store::put_version(batch, third, {random() % heights}, key_of(random() % numbers),
                               Bytes{9});
            break;
        default:
            store::put_version(batch, third, {random() % heights}, key_of(random() % numbers),
                               std::nullopt);
        }
        ENSURE(database.write(batch).ok());
    }

    /// How many reads met something altered, each repaired at once.
    int read_all() {
        int found = 0;
        for (uint64_t height = heights; height-- > 0;) {
            for (uint64_t number = 0; number < numbers; ++number) {
                const Bytes key = key_of(number);
                const auto truth = states[height].find(key);
                const auto expected = truth == states[height].end()
                                          ? std::nullopt
                                          : std::optional<Bytes>(truth->second);
                const auto read = [&] {
                    const auto root = *ChainReader(database).root(third, {height});
                    return CheckedState(database, third, {height}, *root).get(key);
                };
                auto value = read();
                if (!value.ok()) {
                    EXPECT_TRUE(value.error().is(StateViewError::altered));
                    ++found;
                    auto repair = repair_key(database, third, {height}, key);
                    ENSURE(repair.ok());
                    if (repair->wanted) {
                        EXPECT_TRUE(expected);
                        EXPECT_TRUE(repair->writes.writes().empty());
                        EXPECT_TRUE(repair_key(database, third, {height}, key, Bytes{3, 3})->wanted)
                            << "another value is not taken";
                        repair = repair_key(database, third, {height}, key, expected);
                        ENSURE(repair.ok());
                    }
                    EXPECT_FALSE(repair->wanted);
                    EXPECT_FALSE(repair->writes.writes().empty());
                    ENSURE(database.write(repair->writes).ok());
                    value = read();
                }
                ENSURE(value.ok());
                EXPECT_EQ(*value, expected);
            }
        }
        return found;
    }

    std::mt19937_64 random;
    sim::SimKeyValue database;
    std::vector<std::map<Bytes, Bytes>> states;
};

TEST(Repair, changes_nothing_in_a_true_state) {
    Chain chain(1);
    EXPECT_EQ(chain.read_all(), 0);
    for (uint64_t height = 0; height < heights; ++height) {
        const auto repair = repair_key(chain.database, third, {height}, key_of(height));
        ASSERT_TRUE(repair.ok());
        EXPECT_FALSE(repair->wanted);
        EXPECT_TRUE(repair->writes.writes().empty());
    }
}

TEST(Repair, gives_back_the_true_state_at_every_height) {
    int found = 0;
    for (uint64_t seed = 1; seed <= 150; ++seed) {
        Chain chain(seed);
        for (uint64_t i = 0; i <= seed % 4; ++i) chain.alter();
        found += chain.read_all();
        // A repair may show what was hidden beneath, at lower heights, which were read after it.
        EXPECT_EQ(chain.read_all(), 0) << "seed " << seed;
    }
    EXPECT_GT(found, 200);
}

TEST(Repair, does_not_go_on_with_a_damaged_tree) {
    Chain chain(3);
    std::vector<Bytes> pages;
    ASSERT_TRUE(chain.database
                    .scan(Map::nodes, {}, {},
                          [&](ByteView key, ByteView) {
                              pages.push_back(copy_of(key));
                              return true;
                          })
                    .ok());
    ports::WriteBatch batch;
    for (const auto& page : pages) batch.put(Map::nodes, page, Bytes{0x70, 1, 2});
    ASSERT_TRUE(chain.database.write(batch).ok());
    EXPECT_TRUE(
        repair_key(chain.database, third, {5}, key_of(1)).error().is(tree::TreeError::damaged));
}

}  // namespace
}  // namespace tally::node
