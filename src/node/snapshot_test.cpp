// A state goes from one database into another in chunks, through crashes and past liars, and is the
// same there.
#include "node/snapshot.hpp"

#include <gtest/gtest.h>

#include "ledger/keys.hpp"
#include "ledger/row.hpp"
#include "node/chain_store.hpp"
#include "sim/sim_key_value.hpp"
#include "store/versions.hpp"

namespace tally::node {
namespace {

constexpr LedgerIndex from_ledger{3}, to_ledger{1};
constexpr Height at{40};

/// A state that several blocks wrote, with values that they erased and replaced.
struct Source {
    Source() {
        const store::TreePages pages(database, from_ledger);
        tree::Tree tree(pages);
        for (uint64_t height = 1; height <= at.value + 1; ++height) {
            ports::WriteBatch batch;
            for (uint64_t i = 0; i < 150; ++i) {
                const uint64_t number = (height * 7919 + i * 104'729) % 5'000;
                const Bytes key = ledger::unique_key({77}, ledger::Value(int64_t(number)));
                if (number % 9 == 0) {
                    store::put_version(batch, from_ledger, {height}, key, std::nullopt);
                    ENSURE(tree.erase(key).ok());
                    continue;
                }
                const Bytes value((number * height) % 700, uint8_t(height));
                store::put_version(batch, from_ledger, {height}, key, value);
                const auto commitment = *ledger::commitment_of(key, value);
                ENSURE(tree.put(key, commitment.length, commitment.hash).ok());
            }
            const auto [version, written] = tree.commit(height);
            store::put_pages(batch, from_ledger, written);
            StoredBlock block;
            block.header.ledger = from_ledger;
            block.header.height = {height};
            put_block(batch, block, version);
            ENSURE(database.write(batch).ok());
            if (height == at.value) root = version.hash;
        }
    }
    [[nodiscard]] ledger::SnapshotChunk chunk(const Bytes& from) const {
        const auto made = snapshot_chunk(database, from_ledger, at, from);
        ENSURE(made.ok());
        return *made;
    }
    sim::SimKeyValue database;
    Hash root;
};

std::map<Bytes, Bytes> state_of(const ports::Reader& reader, LedgerIndex ledger) {
    std::map<Bytes, Bytes> state;
    const store::VersionedView view(reader, ledger, at);
    ENSURE(view.scan({}, {},
                     [&](ByteView key, ByteView value) {
                         state.emplace(copy_of(key), copy_of(value));
                         return true;
                     })
               .ok());
    return state;
}

/// The loaded ledger is the one that was dumped, and its tree can be read and changed.
void expect_loaded(ports::KeyValue& database, const tree::RootRef& root, const Source& source) {
    EXPECT_EQ(root.hash, source.root);
    EXPECT_EQ(state_of(database, to_ledger), state_of(source.database, from_ledger));
    const store::TreePages pages(database, to_ledger);
    tree::Tree tree(pages, root);
    for (const auto& [key, value] : state_of(database, to_ledger)) {
        const auto leaf = tree.get(key);
        ASSERT_TRUE(leaf.ok()) << leaf.error().message();
        ASSERT_EQ((*leaf)->length, value.size());
    }
    ASSERT_TRUE(tree.put(Bytes{1, 2, 3}, 1, {}).ok());
    EXPECT_EQ(tree.commit(at.value + 1).first.hash, tree.root());
}

TEST(Snapshot, a_state_is_the_same_in_another_database) {
    const Source source;
    sim::SimKeyValue database;
    ports::WriteBatch old;
    store::put_version(old, to_ledger, {2}, ledger::counter_key({1}), Bytes{1});
    store::put_version(old, {2}, {2}, ledger::counter_key({1}), Bytes{1});
    ASSERT_TRUE(database.write(old).ok());
    const auto loader = SnapshotLoader::open(database, to_ledger, at, source.root);
    ASSERT_TRUE(loader.ok()) << loader.error().message();
    size_t chunks = 0;
    while ((*loader)->next()) {
        const auto added = (*loader)->add(source.chunk(*(*loader)->next()));
        ASSERT_TRUE(added.ok()) << added.error().message();
        ++chunks;
    }
    EXPECT_GT(chunks, 2u);
    ports::WriteBatch batch;
    const tree::RootRef root = (*loader)->finish(batch);
    ASSERT_TRUE(database.write(batch).ok());
    expect_loaded(database, root, source);
    EXPECT_EQ(state_of(database, {2}).size(), 1u) << "another ledger's";
}

TEST(Snapshot, a_load_goes_on_after_crashes) {
    const Source source;
    for (uint64_t seed = 0; seed < 8; ++seed) {
        sim::SimKeyValue database;
        sim::Random random(seed, sim::stream_of("snapshot crash"));
        std::optional<tree::RootRef> root;
        for (int life = 0; life < 200 && !root; ++life) {
            const auto loader = SnapshotLoader::open(database, to_ledger, at, source.root);
            ASSERT_TRUE(loader.ok()) << loader.error().message();
            for (uint64_t n = 1 + random.below(3); n > 0 && (*loader)->next(); --n) {
                ASSERT_TRUE((*loader)->add(source.chunk(*(*loader)->next())).ok());
                if (random.below(2) == 0) ENSURE(database.flush().ok());
            }
            if (!(*loader)->next()) {
                ports::WriteBatch batch;
                root = (*loader)->finish(batch);
                break;
            }
            database.crash(random);
        }
        ASSERT_TRUE(root);
        expect_loaded(database, *root, source);
    }
}

TEST(Snapshot, what_does_not_fit_changes_nothing) {
    const Source source;
    sim::SimKeyValue database;
    const auto opened = SnapshotLoader::open(database, to_ledger, at, source.root);
    ASSERT_TRUE(opened.ok());
    SnapshotLoader& loader = **opened;
    const auto first = source.chunk({});
    const auto second = source.chunk(*first.to);
    EXPECT_TRUE(loader.add(second).error().is(SnapshotError::out_of_order));
    auto changed = first;
    changed.values[0].push_back(1);
    EXPECT_TRUE(loader.add(changed).error().is(tree::TreeError::invalid_proof));
    ASSERT_TRUE(loader.add(first).ok());
    EXPECT_TRUE(loader.add(first).error().is(SnapshotError::out_of_order));
    database.set_full(true);
    EXPECT_FALSE(loader.add(second).ok());
    EXPECT_EQ(*loader.next(), *first.to);
    database.set_full(false);
    ASSERT_TRUE(loader.add(second).ok());
    while (loader.next()) ASSERT_TRUE(loader.add(source.chunk(*loader.next())).ok());
    ports::WriteBatch batch;
    expect_loaded(database, loader.finish(batch), source);
}

TEST(Snapshot, another_state_is_loaded_from_the_beginning) {
    const Source source;
    sim::SimKeyValue database;
    const auto first = SnapshotLoader::open(database, to_ledger, at, source.root);
    ASSERT_TRUE((*first)->add(source.chunk({})).ok());
    const auto same = SnapshotLoader::open(database, to_ledger, at, source.root);
    EXPECT_EQ((*same)->next(), (*first)->next());
    const auto other = SnapshotLoader::open(database, to_ledger, at.next(), source.root);
    EXPECT_EQ((*other)->next(), std::optional(Bytes()));
    EXPECT_TRUE(state_of(database, to_ledger).empty());
}

TEST(Snapshot, a_height_that_is_not_held_has_no_chunks) {
    const Source source;
    const auto chunk = snapshot_chunk(source.database, from_ledger, {1'000}, {});
    ASSERT_FALSE(chunk.ok());
    EXPECT_TRUE(chunk.error().is(SnapshotError::no_such_state));
}

}  // namespace
}  // namespace tally::node
