// The chunks of a state are that state, each proves itself alone, and no other chunk does.
#include "ledger/snapshot.hpp"

#include <gtest/gtest.h>

#include "ledger/keys.hpp"
#include "ledger/ledger_testing.hpp"
#include "tree/tree_testing.hpp"

namespace tally::ledger::testing {
namespace {

/// A ledger's rows, and many more values around them.
struct Stored {
    explicit Stored(uint64_t more) {
        Ledger ledger;
        for (int i = 0; i < 20; ++i)
            ledger.send(R"([{"_id":"package$1","name":"p)" + std::to_string(i) + R"(","size":1}])");
        state = std::move(ledger.state);
        for (uint64_t i = 0; i < more; ++i)
            state.map[unique_key({1'000'000}, Value(int64_t(i * i)))] = Bytes(size_t(i % 400), 7);
        tree::Tree tree(pages);
        for (const auto& [key, value] : state.map) {
            const auto commitment = *commitment_of(key, value);
            ENSURE(tree.put(key, commitment.length, commitment.hash).ok());
        }
        auto [committed, written] = tree.commit(1);
        pages.store(written);
        root = committed;
    }
    [[nodiscard]] std::vector<SnapshotChunk> chunks() const {
        std::vector<SnapshotChunk> all;
        std::optional<Bytes> from = Bytes();
        while (from) {
            const auto made = make_snapshot_chunk(state, pages, root, *from);
            ENSURE(made.ok());
            const Bytes bytes = encode(*made);
            EXPECT_LE(bytes.size(), snapshot_chunk_bytes_max);
            const auto decoded = decode_snapshot_chunk(bytes);
            ENSURE(decoded.ok() && *decoded == *made);
            all.push_back(*decoded);
            from.reset();
            if (made->to) from.emplace(*made->to);
        }
        return all;
    }
    MapState state;
    tree::MapPages pages;
    tree::RootRef root;
};

TEST(Snapshot, chunks_are_the_state_and_each_holds_alone) {
    for (const uint64_t more : {uint64_t{0}, uint64_t{4'000}}) {
        const Stored stored(more);
        auto chunks = stored.chunks();
        EXPECT_EQ(chunks.size() > 1, more > 0);
        EXPECT_TRUE(chunks.front().from.empty());
        for (size_t i = 1; i < chunks.size(); ++i) EXPECT_EQ(chunks[i].from, *chunks[i - 1].to);
        MapState built;
        for (auto chunk = chunks.rbegin(); chunk != chunks.rend(); ++chunk) {
            const auto entries = check_snapshot_chunk(stored.root.hash, *chunk);
            ASSERT_TRUE(entries.ok()) << entries.error().message();
            for (size_t i = 0; i < entries->size(); ++i)
                built.map[(*entries)[i].key] = chunk->values[i];
        }
        EXPECT_TRUE(built.map == stored.state.map);
        EXPECT_EQ(root_from_scratch(built), stored.root.hash);
    }
}

TEST(Snapshot, of_an_empty_state_is_one_chunk_of_nothing) {
    const MapState state;
    const auto chunk = make_snapshot_chunk(state, tree::MapPages(), tree::RootRef::empty(), {});
    ASSERT_TRUE(chunk.ok());
    EXPECT_EQ(to_hex(encode(*chunk)), "850140f682018080");
    EXPECT_TRUE(make_snapshot_chunk(state, tree::MapPages(), tree::RootRef::empty(), Bytes(129, 1))
                    .error()
                    .is(tree::TreeError::bad_key));
    EXPECT_TRUE(check_snapshot_chunk(tree::empty_hash(), *chunk)->empty());
}

TEST(Snapshot, bytes_are_the_published_ones) {
    MapState state;
    state.map = {{counter_key({1}), number_value(5)},
                 {counter_key({2}), number_value(6)},
                 {schema_version_key(), number_value(1)}};
    tree::MapPages pages;
    tree::Tree tree(pages);
    for (const auto& [key, value] : state.map) {
        ASSERT_TRUE(tree.put(key, uint32_t(value.size()), sha256(value)).ok());
    }
    const auto [root, written] = tree.commit(1);
    pages.store(written);
    EXPECT_EQ(to_hex(encode(*make_snapshot_chunk(state, pages, root, {}))),
              "850140f6820185820004820016820283430200010858205dee4dd60ff8d0ba9900fe91e90e0d"
              "cf65f0570d42c431f727d0300dd70dc4318202834302000208582014ac577cdb2ef6d986078b"
              "4054cc9893a9a14a16dbb0d8f37b89167c1f1aacdf8202834108085820cd2662154e6d76b2b2"
              "b92e70c0cac3ccf534f9b74eb5b89819ec509083d00a50834800000000000000054800000000"
              "00000006480000000000000001");
}

TEST(Snapshot, no_changed_chunk_holds) {
    const Stored stored(4'000);
    const auto chunks = stored.chunks();
    ASSERT_GT(chunks.size(), 2u);
    const SnapshotChunk good = chunks[1];
    const auto refused = [&](const SnapshotChunk& chunk) {
        return !check_snapshot_chunk(stored.root.hash, chunk).ok();
    };
    EXPECT_FALSE(refused(good));
    SnapshotChunk chunk = good;
    chunk.values[5].push_back(0);
    EXPECT_TRUE(refused(chunk)) << "another value";
    chunk = good;
    chunk.values.pop_back();
    EXPECT_TRUE(refused(chunk)) << "a value left out";
    chunk = good;
    chunk.values.emplace_back();
    EXPECT_TRUE(refused(chunk)) << "a value too many";
    chunk = good;
    chunk.from = chunks[0].from;
    EXPECT_TRUE(refused(chunk)) << "a wider range";
    chunk = good;
    chunk.to = *chunks[2].to;
    EXPECT_TRUE(refused(chunk)) << "another end";
    chunk = good;
    chunk.to.reset();
    EXPECT_TRUE(refused(chunk)) << "to the state's end";
    chunk = good;
    std::swap(chunk.from, *chunk.to);
    EXPECT_TRUE(refused(chunk)) << "backwards";
    chunk = good;
    chunk.tree = chunks[2].tree;
    EXPECT_TRUE(refused(chunk)) << "another's proof";
    chunk = good;
    chunk.version = 2;
    EXPECT_TRUE(refused(chunk));
    EXPECT_TRUE(!check_snapshot_chunk(Hash{}, good).ok());
    // An empty part of a gap is true, and leads nowhere.
    SnapshotChunk gap;
    gap.to = SnapshotChunk::Key(Bytes{0x00});
    gap.tree = *tree::prove_range(stored.pages, stored.root, {}, *gap.to);
    EXPECT_TRUE(refused(gap));

    const Bytes bytes = encode(good);
    tree::Random random(1);
    for (int i = 0; i < 300; ++i) {
        Bytes changed = bytes;
        changed[random.below(changed.size())] ^= uint8_t(1u << random.below(8));
        const auto decoded = decode_snapshot_chunk(changed);
        if (decoded.ok()) {
            // A bound may move within a gap; what is in the chunk is the same.
            const auto entries = check_snapshot_chunk(stored.root.hash, *decoded);
            EXPECT_TRUE(!entries.ok() || decoded->values == good.values);
        }
    }
    EXPECT_FALSE(decode_snapshot_chunk(Bytes(snapshot_chunk_bytes_max + 1, 0)).ok());
}

}  // namespace
}  // namespace tally::ledger::testing
