// Pages come back by ledger, height and number, and a tree lives on them.
#include "store/tree_pages.hpp"

#include <gtest/gtest.h>

#include "sim/sim_key_value.hpp"
#include "store/error.hpp"
#include "tree/tree.hpp"

namespace tally::store {
namespace {

TEST(TreePages, pages_come_back_and_missing_ones_are_named) {
    sim::SimKeyValue store;
    ports::WriteBatch batch;
    put_pages(batch, {2}, std::vector<tree::Page>{{5, 0, Bytes{1}}, {5, 1, Bytes{2}}});
    put_pages(batch, {3}, std::vector<tree::Page>{{5, 0, Bytes{3}}});
    ASSERT_TRUE(store.write(batch).ok());
    EXPECT_EQ(*TreePages(store, {2}).page(5, 0), Bytes{1});
    EXPECT_EQ(*TreePages(store, {2}).page(5, 1), Bytes{2});
    EXPECT_EQ(*TreePages(store, {3}).page(5, 0), Bytes{3});
    const auto missing = TreePages(store, {3}).page(5, 1);
    ASSERT_FALSE(missing.ok());
    EXPECT_TRUE(missing.error().is(StoreError::page_missing));
    EXPECT_EQ(missing.error().detail, "page 1 of block 5 of ledger 3");
}

TEST(TreePages, a_tree_is_the_same_when_it_is_read_back) {
    sim::SimKeyValue store;
    const TreePages pages(store, {1});
    tree::RootRef root = tree::RootRef::empty();
    for (uint64_t height = 1; height <= 3; ++height) {
        tree::Tree tree(pages, root);
        for (uint16_t number = 0; number < 500; ++number) {
            Bytes key;
            append_u16(key, uint16_t(height * 1000 + number));
            ASSERT_TRUE(tree.put(key, 1, sha256(key)).ok());
        }
        const auto committed = tree.commit(height);
        root = committed.first;
        ports::WriteBatch batch;
        put_pages(batch, {1}, committed.second);
        ASSERT_TRUE(store.write(batch).ok());
    }
    tree::Tree tree(pages, root);
    Bytes key;
    append_u16(key, 1007);
    const auto leaf = tree.get(key);
    ASSERT_TRUE(leaf.ok());
    ASSERT_TRUE(leaf->has_value());
    EXPECT_EQ(tree.root(), root.hash);
}

}  // namespace
}  // namespace tally::store
