// The tree holds what a plain map holds, and its root is the one that the definition gives,
// whatever the order of changes, commits, reopenings and undone changes.
#include "tree/tree.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tree/tree_testing.hpp"

namespace tally::tree {
namespace {

Result<void> put(Tree& tree, const Bytes& key, const LeafValue& value) {
    return tree.put(key, value.length, value.hash);
}

class Shapes : public testing::TestWithParam<Shape> {};
INSTANTIATE_TEST_SUITE_P(Tree, Shapes, testing::ValuesIn(shapes));

TEST_P(Shapes, tree_matches_a_plain_map_after_every_step) {
    for (uint64_t seed = 0; seed < 4; ++seed) {
        Random random(seed);
        const MapPages pages;
        Tree tree(pages);
        Model model;
        for (uint32_t step = 0; step < 300; ++step) {
            const Bytes key = key_of(GetParam(), random);
            if (random.below(3) == 0) {
                const auto erased = tree.erase(key);
                ASSERT_TRUE(erased.ok());
                ASSERT_EQ(*erased, model.erase(key) == 1);
            } else {
                const LeafValue value = value_of(random.below(4));
                const auto done = put(tree, key, value);
                ASSERT_EQ(done.ok(), is_prefix_free(model, key));
                if (done.ok()) {
                    model[key] = value;
                } else {
                    ASSERT_TRUE(done.error().is(TreeError::prefix_key));
                }
            }
            ASSERT_EQ(tree.root(), slow_root(model)) << "seed " << seed << " step " << step;
            const Bytes asked = key_of(GetParam(), random);
            const auto found = model.find(asked);
            const auto got = tree.get(asked);
            ASSERT_TRUE(got.ok());
            ASSERT_EQ(*got, found == model.end() ? std::nullopt : std::optional(found->second));
        }
    }
}

TEST_P(Shapes, root_does_not_depend_on_the_order_of_changes) {
    Random random(7);
    Model model;
    for (uint32_t i = 0; i < 200; ++i) {
        const Bytes key = key_of(GetParam(), random);
        if (is_prefix_free(model, key)) model[key] = value_of(random.below(9));
    }
    std::vector<Bytes> keys;
    for (const auto& [key, value] : model) keys.push_back(key);
    for (uint32_t round = 0; round < 5; ++round) {
        for (size_t i = keys.size(); i > 1; --i) std::swap(keys[i - 1], keys[random.below(i)]);
        const MapPages pages;
        Tree tree(pages);
        for (const Bytes& key : keys) {
            // A detour that leaves nothing behind.
            ASSERT_TRUE(put(tree, key, value_of(99)).ok());
            if (random.below(2) == 0) {
                ASSERT_TRUE(tree.erase(key).ok());
            }
            if (random.below(4) == 0) {
                static_cast<void>(tree.root());
            }
            ASSERT_TRUE(put(tree, key, model[key]).ok());
        }
        ASSERT_EQ(tree.root(), slow_root(model));
        for (const Bytes& key : keys) ASSERT_TRUE(*tree.erase(key));
        ASSERT_EQ(tree.root(), empty_hash());
    }
}

TEST_P(Shapes, commit_reopen_evict_and_undo_keep_every_version) {
    for (uint64_t seed = 0; seed < 3; ++seed) {
        Random random(100 + seed);
        MapPages pages;
        std::vector<std::pair<RootRef, Model>> versions{{RootRef::empty(), {}}};
        // So few nodes in memory that almost every one is loaded again.
        auto tree = std::make_unique<Tree>(pages, RootRef::empty(), 8 << random.below(5));
        Model model;
        const auto change = [&] {
            for (uint64_t i = random.below(20); i > 0; --i) {
                const Bytes key = key_of(GetParam(), random);
                const LeafValue value = value_of(random.below(4));
                if (random.below(3) == 0) {
                    ASSERT_EQ(*tree->erase(key), model.erase(key) == 1);
                } else if (put(*tree, key, value).ok()) {
                    model[key] = value;
                }
                if (random.below(4) == 0) {
                    ASSERT_EQ(tree->root(), slow_root(model));
                }
            }
        };
        for (uint64_t height = 0; height < 40; ++height) {
            change();
            const Model kept = model;
            const Mark mark = tree->mark();
            change();
            const Model inner_kept = model;
            const Mark inner_mark = tree->mark();
            for (uint64_t i = random.below(3); i > 0; --i) {
                change();
                tree->restore(inner_mark);
                model = inner_kept;
                ASSERT_EQ(tree->root(), slow_root(model));
            }
            if (random.below(2) == 0) {
                tree->restore(mark);
                model = kept;
            }
            change();
            ASSERT_EQ(tree->root(), slow_root(model));
            if (random.below(4) == 0) {
                tree->rollback();
                model = versions.back().second;
                ASSERT_EQ(tree->root(), versions.back().first.hash);
                change();
            }
            const auto [root, written] = tree->commit(height);
            pages.store(written);
            ASSERT_EQ(root.hash, slow_root(model)) << "seed " << seed << " height " << height;
            ASSERT_EQ(root.node.has_value(), !model.empty());
            ASSERT_EQ(*decode_root_ref(encode(root)), root);
            versions.emplace_back(root, model);
            if (random.below(4) == 0) tree = std::make_unique<Tree>(pages, root, 64);
        }
        for (const auto& [root, contents] : versions) {
            for (uint32_t i = 0; i < 30; ++i) {
                const Bytes key = key_of(GetParam(), random);
                const auto found = contents.find(key);
                const auto got = lookup(pages, root, key);
                ASSERT_TRUE(got.ok()) << got.error().message();
                ASSERT_EQ(*got,
                          found == contents.end() ? std::nullopt : std::optional(found->second));
                const auto proof = prove(pages, root, key);
                ASSERT_TRUE(proof.ok());
                const auto shown = check(root.hash, key, *proof);
                ASSERT_TRUE(shown.ok()) << shown.error().message();
                ASSERT_EQ(*shown, *got);
            }
        }
    }
}

TEST(Tree, roots_are_the_published_ones) {
    const MapPages pages;
    Tree tree(pages);
    EXPECT_EQ(tree.root().hex(),
              "f299791cddd3d6664f6670842812ef6053eb6501bd6282a476bbbf3ee91e750c");
    ASSERT_TRUE(tree.put(view_of("a"), 1, sha256(view_of("1"))).ok());
    EXPECT_EQ(tree.root().hex(),
              "000d7e85b33a3e75be3d3ea3e17600ba7f8b7c9ebc21a4dc67f489de0658c3bc");
    ASSERT_TRUE(tree.put(view_of("b"), 2, sha256(view_of("22"))).ok());
    EXPECT_EQ(tree.root().hex(),
              "145197bdf29884ac16b0c4b296c8e734af04e7b9c9e9ba0244ffd66ea9edd734");
    for (uint64_t i = 0; i < 1000; ++i) {
        const LeafValue value{uint32_t(i), sha256(key_of(i))};
        ASSERT_TRUE(put(tree, key_of(i), value).ok());
    }
    EXPECT_EQ(tree.root().hex(),
              "185884695b3b35cda1b2d090558e29c490efebb41bf53e14793731dcbdd986d9");
}

TEST(Tree, keys_out_of_bounds_are_refused_and_change_nothing) {
    const MapPages pages;
    Tree tree(pages);
    ASSERT_TRUE(put(tree, Bytes(128, 1), value_of(1)).ok());
    const Hash before = tree.root();
    for (const Bytes& key : {Bytes{}, Bytes(129, 1)}) {
        EXPECT_TRUE(put(tree, key, value_of(2)).error().is(TreeError::bad_key));
        EXPECT_TRUE(tree.erase(key).error().is(TreeError::bad_key));
        EXPECT_TRUE(tree.get(key).error().is(TreeError::bad_key));
        EXPECT_TRUE(tree.prove(key).error().is(TreeError::bad_key));
    }
    EXPECT_TRUE(put(tree, Bytes(127, 1), value_of(2)).error().is(TreeError::prefix_key));
    EXPECT_EQ(tree.root(), before);
}

TEST(Tree, a_commit_writes_only_what_changed) {
    MapPages pages;
    Tree tree(pages);
    for (uint64_t i = 0; i < 10'000; ++i) ASSERT_TRUE(put(tree, key_of(i), value_of(i)).ok());
    const auto first = tree.commit(1);
    pages.store(first.second);
    size_t bytes = 0;
    for (const Page& page : first.second) {
        EXPECT_LE(page.bytes.size(), 4096u);
        bytes += page.bytes.size();
    }
    EXPECT_GT(bytes, first.second.size() * 4096 * 7 / 10) << "pages should be mostly full";

    ASSERT_TRUE(put(tree, key_of(77), value_of(77)).ok());
    EXPECT_TRUE(tree.commit(2).second.empty()) << "the same value is no change";
    EXPECT_EQ(tree.committed(), first.first);

    ASSERT_TRUE(put(tree, key_of(77), value_of(78)).ok());
    const auto third = tree.commit(3);
    ASSERT_EQ(third.second.size(), 1u);
    EXPECT_LT(third.second.front().bytes.size(), 1000u);
}

TEST(Tree, pages_depend_on_the_changes_alone) {
    const auto written_with = [](size_t nodes_in_memory_max) {
        MapPages pages;
        Tree tree(pages, RootRef::empty(), nodes_in_memory_max);
        Random random(3);
        for (uint64_t height = 1; height <= 20; ++height) {
            for (uint32_t i = 0; i < 100; ++i) {
                const uint64_t key = random.below(2000);
                ENSURE(put(tree, key_of(key), value_of(random.below(5))).ok());
            }
            pages.store(tree.commit(height).second);
        }
        return pages.pages;
    };
    EXPECT_EQ(written_with(100), written_with(1'000'000));
}

TEST(Tree, memory_is_bounded_and_holds_what_was_used_last) {
    MapPages pages;
    Tree tree(pages, RootRef::empty(), 4000);
    for (uint64_t i = 0; i < 20'000; ++i) ASSERT_TRUE(put(tree, key_of(i), value_of(i)).ok());
    pages.store(tree.commit(1).second);
    EXPECT_LE(tree.nodes_in_memory(), 4000u);

    Random random(5);
    for (uint64_t height = 2; height < 40; ++height) {
        for (uint32_t i = 0; i < 50; ++i) {
            ASSERT_TRUE(put(tree, key_of(random.below(300)), value_of(random.next())).ok());
            ASSERT_TRUE(tree.get(key_of(random.below(20'000))).ok());
        }
        pages.store(tree.commit(height).second);
        EXPECT_LE(tree.nodes_in_memory(), 4000u);
    }
    // Reading alone is bounded too.
    for (uint64_t i = 0; i < 20'000; ++i) ASSERT_TRUE(tree.get(key_of(i)).ok());
    EXPECT_LE(tree.nodes_in_memory(), 4200u);
    // What every block uses stays: one more block of it reads no page.
    for (uint64_t i = 0; i < 300; ++i) ASSERT_TRUE(tree.get(key_of(i)).ok());
    for (uint64_t i = 0; i < 3'000; ++i) ASSERT_TRUE(tree.get(key_of(5'000 + i)).ok());
    const uint64_t reads = pages.reads;
    for (uint64_t i = 0; i < 10; ++i) ASSERT_TRUE(tree.get(key_of(7'990 + i)).ok());
    EXPECT_EQ(pages.reads, reads);
}

TEST(Tree, nothing_in_memory_leaks) {
    MapPages pages;
    Tree tree(pages);
    Random random(11);
    for (uint64_t height = 1; height < 50; ++height) {
        for (uint32_t i = 0; i < 40; ++i) {
            const Mark mark = tree.mark();
            ASSERT_TRUE(put(tree, key_of(random.below(100)), value_of(random.next())).ok());
            if (random.below(2) == 0) tree.restore(mark);
            ASSERT_TRUE(tree.erase(key_of(random.below(100))).ok());
        }
        pages.store(tree.commit(height).second);
        size_t keys = 0;
        for (uint64_t i = 0; i < 100; ++i) keys += (*tree.get(key_of(i))).has_value() ? 1 : 0;
        ASSERT_EQ(tree.nodes_in_memory(), keys == 0 ? 0 : 2 * keys - 1);
    }
}

TEST(Tree, one_million_keys) {
    MapPages pages;
    Tree tree(pages);
    Model sample;
    Random random(1);
    for (uint64_t i = 0; i < 1'000'000; ++i) {
        const Bytes key = key_of(random.next());
        const LeafValue value{uint32_t(i), {}};
        ASSERT_TRUE(put(tree, key, value).ok());
        if (i % 50'000 == 0) static_cast<void>(tree.root());
        if (i % 10'000 == 0) sample[key] = value;
    }
    const auto [root, written] = tree.commit(1);
    pages.store(written);
    EXPECT_EQ(root.hash.hex(), "7c57e4774acd40bf9937c850cc7b319c465cd496f1a3bd53def4bd1b89f2999b");
    for (const auto& [key, value] : sample) {
        EXPECT_EQ(*lookup(pages, root, key), value);
        const auto proof = prove(pages, root, key);
        EXPECT_EQ(*check(root.hash, key, *proof), value);
        EXPECT_LT(encode(*proof).size(), 2000u);
    }
}

}  // namespace
}  // namespace tally::tree
