// Appending sorted entries gives the tree that putting them one by one gives, in memory and stored.
#include <gtest/gtest.h>

#include "tree/tree_testing.hpp"

namespace tally::tree {
namespace {

class AppendShapes : public testing::TestWithParam<Shape> {};
INSTANTIATE_TEST_SUITE_P(Append, AppendShapes, testing::ValuesIn(shapes));

TEST_P(AppendShapes, equals_putting_one_by_one) {
    for (uint64_t seed = 0; seed < 30; ++seed) {
        MapPages pages;
        Tree one_by_one(pages);
        Random random(seed);
        const Model model = fill(one_by_one, GetParam(), random, uint32_t(seed * seed));
        std::vector<RangeEntry> entries;
        for (const auto& [key, value] : model) entries.push_back({key, value});

        // In pieces, each written to pages of one height, now and then from memory's end.
        Tree tree(pages);
        uint32_t next_page = 0;
        RootRef root = RootRef::empty();
        std::span<const RangeEntry> left(entries);
        while (!left.empty()) {
            const size_t count = 1 + random.below(std::min<size_t>(left.size(), 1 + seed));
            ASSERT_TRUE(tree.append(left.first(count)).ok());
            left = left.subspan(count);
            if (random.below(3) == 0) continue;
            const auto [committed, written] = tree.commit(7, next_page);
            pages.store(written);
            next_page += uint32_t(written.size());
            root = committed;
            if (random.below(3) == 0) tree = Tree(pages, root);
        }
        ASSERT_EQ(tree.root(), one_by_one.root()) << seed;
        const auto [committed, written] = tree.commit(7, next_page);
        pages.store(written);
        Tree read(pages, committed);
        for (const auto& [key, value] : model) ASSERT_EQ(*read.get(key), std::optional(value));
    }
}

TEST(Append, can_be_taken_back_and_goes_on_from_any_tree) {
    MapPages pages;
    Tree tree(pages);
    for (uint64_t i = 0; i < 100; ++i) ASSERT_TRUE(tree.put(key_of(i), 1, {}).ok());
    const Hash before = tree.root();
    const Mark mark = tree.mark();
    const std::vector<RangeEntry> more{{key_of(100), value_of(1)}, {key_of(500), value_of(2)}};
    ASSERT_TRUE(tree.append(more).ok());
    const Hash after = tree.root();
    tree.restore(mark);
    EXPECT_EQ(tree.root(), before);
    for (const auto& [key, value] : more) ASSERT_TRUE(tree.put(key, value.length, value.hash).ok());
    EXPECT_EQ(tree.root(), after);
}

TEST(Append, what_is_out_of_order_is_refused_and_changes_nothing) {
    MapPages pages;
    Tree tree(pages);
    ASSERT_TRUE(tree.put(key_of(5), 1, {}).ok());
    const Hash before = tree.root();
    const auto refused = [&](std::vector<RangeEntry> entries, TreeError error) {
        const auto appended = tree.append(entries);
        return !appended.ok() && appended.error().is(error) && tree.root() == before;
    };
    EXPECT_TRUE(refused({{key_of(4), {}}}, TreeError::not_ascending));
    EXPECT_TRUE(refused({{key_of(5), {}}}, TreeError::prefix_key));
    EXPECT_TRUE(refused({{key_of(7), {}}, {key_of(6), {}}}, TreeError::not_ascending));
    EXPECT_TRUE(refused({{key_of(7), {}}, {Bytes(129, 0xff), {}}}, TreeError::bad_key));
    EXPECT_TRUE(tree.append({}).ok());
    EXPECT_EQ(tree.root(), before);
}

}  // namespace
}  // namespace tally::tree
