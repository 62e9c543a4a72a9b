// Whatever the disk gives back, the tree returns what was stored or an error, and works again once
// the page is healed.
#include <gtest/gtest.h>

#include "tree/page_format.hpp"
#include "tree/tree_testing.hpp"

namespace tally::tree {
namespace {

struct Stored {
    MapPages pages;
    RootRef root;
    Model model;
};

Stored some_version(uint64_t keys) {
    Stored stored;
    Tree tree(stored.pages);
    for (uint64_t height = 1; height <= 4; ++height) {
        for (uint64_t i = 0; i < keys; ++i) {
            const Bytes key = key_of(i * 7919 * height);
            const LeafValue value = value_of(i);
            ENSURE(tree.put(key, value.length, value.hash).ok());
            stored.model[key] = value;
        }
        auto [root, written] = tree.commit(height);
        stored.pages.store(written);
        stored.root = root;
    }
    return stored;
}

/// Every key is answered rightly or refused as damaged; returns how many were refused.
size_t refused_of(const Stored& stored) {
    size_t refused = 0;
    Tree tree(stored.pages, stored.root);
    for (const auto& [key, value] : stored.model) {
        const auto got = tree.get(key);
        if (got.ok()) {
            EXPECT_EQ(*got, value);
        } else {
            EXPECT_TRUE(got.error().is(TreeError::damaged)) << got.error().message();
            ++refused;
        }
    }
    return refused;
}

TEST(Storage, no_damaged_byte_is_believed) {
    Stored stored = some_version(12);
    ASSERT_EQ(refused_of(stored), 0u);
    size_t refused = 0;
    for (auto& [id, bytes] : stored.pages.pages) {
        for (size_t at = 0; at < bytes.size(); ++at) {
            bytes[at] ^= uint8_t(1u << at % 8);
            refused += refused_of(stored);
            bytes[at] ^= uint8_t(1u << at % 8);
        }
    }
    EXPECT_GT(refused, 0u);
}

// A checksum can be made by anyone who writes to the disk: the hashes still protect every answer.
TEST(Storage, no_damaged_byte_under_a_right_checksum_is_believed) {
    Stored stored = some_version(12);
    size_t refused = 0;
    for (auto& [id, bytes] : stored.pages.pages) {
        const Bytes sound = bytes;
        for (size_t at = 0; at < sound.size() - page_checksum_bytes; ++at) {
            bytes.assign(sound.begin(), sound.end() - page_checksum_bytes);
            bytes[at] ^= uint8_t(1u << at % 8);
            end_page(bytes, id.first, id.second);
            refused += refused_of(stored);
        }
        bytes = sound;
    }
    EXPECT_GT(refused, 0u);
}

TEST(Storage, missing_short_and_exchanged_pages_are_refused) {
    const Stored sound = some_version(300);
    Random random(2);
    for (const auto& page : sound.pages.pages) {
        const auto& id = page.first;
        const Bytes& bytes = page.second;
        if (id.first != sound.root.node->height) continue;  // Others may have left the version.
        const auto refused_with = [&](const std::optional<Bytes>& other) {
            Stored stored = sound;
            stored.pages.pages.erase(id);
            if (other) stored.pages.pages[id] = *other;
            return refused_of(stored);
        };
        EXPECT_GT(refused_with(std::nullopt), 0u);
        EXPECT_GT(refused_with(Bytes{}), 0u);
        EXPECT_GT(refused_with(Bytes(bytes.begin(), bytes.end() - 1)), 0u);
        EXPECT_GT(refused_with(Bytes(100'000, 0x10)), 0u);
        const auto exchanged =
            std::next(sound.pages.pages.begin(), ptrdiff_t(random.below(sound.pages.pages.size())));
        if (exchanged->first != id) {
            EXPECT_GT(refused_with(exchanged->second), 0u);
        }
    }
}

TEST(Storage, a_healed_page_is_read_again_by_the_same_tree) {
    Stored stored = some_version(300);
    Tree tree(stored.pages, stored.root);
    auto pages = stored.pages.pages;
    const size_t pages_count = pages.size();
    for (auto& [id, bytes] : stored.pages.pages) bytes.back() ^= 1;
    size_t refused = 0;
    for (const auto& [key, value] : stored.model) {
        refused += tree.put(key, 1, value.hash).ok() ? 0 : 1;
    }
    ASSERT_GT(pages_count, 1u);
    ASSERT_GT(refused, 0u);
    stored.pages.pages = std::move(pages);
    tree.rollback();
    EXPECT_EQ(tree.root(), stored.root.hash);
    for (const auto& [key, value] : stored.model) {
        const auto got = tree.get(key);
        ASSERT_TRUE(got.ok()) << got.error().message();
        EXPECT_EQ(*got, value);
    }
}

// Two children at one place double the work at every level: 2^n for a page of n nodes.
TEST(Storage, a_page_that_refers_to_itself_costs_no_more_than_its_bytes) {
    Bytes bytes = begin_page();
    for (uint16_t bit = 0; bit < 400; ++bit) {
        const NodeId next{1, 0, uint32_t(bytes.size() + inner_bytes + 2 * child_here_bytes)};
        append_node(bytes, StoredInner{bit, {{}, next, true}, {{}, next, true}});
    }
    append_node(bytes, StoredLeaf{view_of("key"), value_of(1)});
    end_page(bytes, 1, 0);
    MapPages pages;
    pages.pages[{1, 0}] = bytes;
    Tree tree(pages, RootRef{value_of(7).hash, NodeId{1, 0, 1}});
    EXPECT_TRUE(tree.get(view_of("key")).error().is(TreeError::damaged));
    EXPECT_EQ(tree.nodes_in_memory(), 1u);
}

TEST(Storage, a_node_that_refers_backward_is_refused) {
    Bytes bytes = begin_page();
    const NodeId self{1, 0, 1};
    append_node(bytes, StoredInner{0, {{}, self, true}, {{}, self, true}});
    EXPECT_FALSE(decode_node(bytes, self).ok());
    EXPECT_FALSE(decode_node(bytes, {1, 0, 0}).ok());
    EXPECT_FALSE(decode_node(bytes, {1, 0, uint32_t(bytes.size())}).ok());
    EXPECT_FALSE(decode_node({}, self).ok());
}

TEST(Storage, a_root_reference_has_one_encoding) {
    const RootRef root{value_of(1).hash, NodeId{0x0102030405060708, 9, 10}};
    const Bytes bytes = encode(root);
    EXPECT_EQ(bytes.size(), root_ref_bytes);
    EXPECT_EQ(to_hex(ByteView(bytes).subspan(32)),
              "0101020304050607080000000"
              "90000000a");
    EXPECT_EQ(*decode_root_ref(bytes), root);
    EXPECT_EQ(*decode_root_ref(encode(RootRef::empty())), RootRef::empty());
    for (const size_t at : {size_t{32}, size_t{40}, size_t{48}}) {
        Bytes changed = encode(RootRef::empty());
        changed[at] ^= 2;
        EXPECT_TRUE(decode_root_ref(changed).error().is(TreeError::damaged));
    }
    Bytes nodeless = bytes;
    nodeless[32] = 0;
    EXPECT_FALSE(decode_root_ref(nodeless).ok());
    EXPECT_FALSE(decode_root_ref(ByteView(bytes).first(48)).ok());
}

}  // namespace
}  // namespace tally::tree
