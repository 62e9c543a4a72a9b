// A scan gives what a sorted map has in the range, of live trees and stored ones.
#include <gtest/gtest.h>

#include "tree/tree_testing.hpp"

namespace tally::tree {
namespace {

Result<Model> scanned(Tree& tree, ByteView from, ByteView to) {
    Model found;
    CHECK(tree.scan(from, to, [&](ByteView key, const LeafValue& value) {
        EXPECT_TRUE(found.empty() || compare(found.rbegin()->first, key) < 0) << "not ascending";
        found.emplace(copy_of(key), value);
        return true;
    }));
    return found;
}

class ScanShapes : public testing::TestWithParam<Shape> {};
INSTANTIATE_TEST_SUITE_P(Scan, ScanShapes, testing::ValuesIn(shapes));

TEST_P(ScanShapes, equals_a_sorted_maps_range) {
    for (const uint32_t count : {0u, 1u, 2u, 12u, 300u}) {
        MapPages pages;
        Tree tree(pages);
        Random random(count);
        const Model model = fill(tree, GetParam(), random, count);
        const auto [root, written] = tree.commit(1);
        pages.store(written);
        for (uint32_t round = 0; round < 150; ++round) {
            const auto [from, to] = range_of(GetParam(), model, random);
            const Model expected = part_of(model, from, to);
            const auto live = scanned(tree, from, to);
            ASSERT_TRUE(live.ok()) << live.error().message();
            ASSERT_EQ(*live, expected) << to_hex(from) << " to " << to_hex(to);
            Tree stored(pages, root);
            const auto read = scanned(stored, from, to);
            ASSERT_TRUE(read.ok()) << read.error().message();
            ASSERT_EQ(*read, expected);
        }
    }
}

TEST(Scan, stops_when_told) {
    MapPages pages;
    Tree tree(pages);
    for (uint64_t i = 0; i < 100; ++i) ASSERT_TRUE(tree.put(key_of(i), 1, {}).ok());
    uint64_t count = 0;
    ASSERT_TRUE(tree.scan(key_of(10), key_of(20),
                          [&](ByteView key, const LeafValue&) {
                              EXPECT_TRUE(equal(key, key_of(10 + count)));
                              return ++count < 3;
                          })
                    .ok());
    EXPECT_EQ(count, 3u);
}

TEST(Scan, of_one_commit_gives_what_it_wrote_and_little_else) {
    MapPages pages;
    Tree tree(pages);
    Random random(3);
    Model model;
    for (uint64_t height = 1; height <= 40; ++height) {
        Model put;
        for (int i = 0; i < 12; ++i) {
            const Bytes key = key_of(random.below(400));
            if (random.below(4) == 0) {
                model.erase(key);
                put.erase(key);
                ASSERT_TRUE(tree.erase(key).ok());
                continue;
            }
            const LeafValue value = value_of(1 + random.below(1'000'000'000));
            model[key] = put[key] = value;
            ASSERT_TRUE(tree.put(key, value.length, value.hash).ok());
        }
        const auto [root, written] = tree.commit(height);
        pages.store(written);

        const Bytes from = random.below(2) == 0 ? Bytes{} : key_of(random.below(400));
        Tree stored(pages, root);
        Model found;
        ASSERT_TRUE(stored
                        .scan_written(height, from,
                                      [&](ByteView key, const LeafValue& value) {
                                          found.emplace(copy_of(key), value);
                                          return true;
                                      })
                        .ok());
        for (const auto& [key, value] : found) {
            ASSERT_TRUE(model.contains(key));
            EXPECT_EQ(model.at(key), value);
            const auto way = stored.way(key);
            ASSERT_TRUE(way.ok());
            EXPECT_EQ(way->leaf_height, height);
        }
        EXPECT_LE(found.size(), 24u) << "the unchanged are stepped over";
        for (const auto& [key, value] : part_of(put, from, {})) EXPECT_TRUE(found.contains(key));
    }
}

TEST(Scan, a_damaged_page_is_an_error_and_a_healed_one_is_not) {
    MapPages pages;
    Tree tree(pages);
    for (uint64_t i = 0; i < 2'000; ++i) ASSERT_TRUE(tree.put(key_of(i), 1, {}).ok());
    const auto [root, written] = tree.commit(1);
    pages.store(written);
    Bytes& last = pages.pages.rbegin()->second;
    last[20] ^= 1;
    Tree stored(pages, root);
    const auto damaged = scanned(stored, {}, {});
    ASSERT_FALSE(damaged.ok());
    EXPECT_TRUE(damaged.error().is(TreeError::damaged));
    last[20] ^= 1;
    EXPECT_EQ(scanned(stored, {}, {})->size(), 2'000u);
}

}  // namespace
}  // namespace tally::tree
