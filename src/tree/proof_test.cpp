// Every true presence and absence proves; nothing that was changed proves something else.
#include "tree/proof.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tree/tree_testing.hpp"

namespace tally::tree {
namespace {

Hash some_hash(uint64_t number) {
    return Hasher().add_u64(number).finish();
}

/// A tree in memory beside the map it should equal.
struct Fixture {
    explicit Fixture(Shape shape, uint64_t seed, uint32_t count) : tree(pages) {
        Random random(seed);
        for (uint32_t i = 0; i < count; ++i) {
            const Bytes key = key_of(shape, random);
            const LeafValue value = value_of(i);
            if (tree.put(key, value.length, value.hash).ok()) model[key] = value;
        }
    }
    [[nodiscard]] Presence truth(const Bytes& key) const {
        const auto found = model.find(key);
        return found == model.end() ? std::nullopt : std::optional(found->second);
    }
    MapPages pages;
    Tree tree;
    Model model;
};

class ProofShapes : public testing::TestWithParam<Shape> {};
INSTANTIATE_TEST_SUITE_P(Proof, ProofShapes, testing::ValuesIn(shapes));

TEST_P(ProofShapes, every_true_presence_and_absence_proves) {
    for (const uint32_t count : {0u, 1u, 2u, 10u, 300u}) {
        Fixture fixture(GetParam(), count, count);
        Random random(count);
        std::vector<Bytes> asked;
        for (const auto& [key, value] : fixture.model) {
            asked.push_back(key);
            asked.emplace_back(key.begin(), key.end() - (key.size() > 1 ? 1 : 0));  // A prefix.
            asked.push_back(key);
            if (key.size() < 128) asked.back().push_back(uint8_t(random.below(2)));  // Extended.
            asked.push_back(key);
            asked.back()[random.below(key.size())] ^= uint8_t(1u << random.below(8));
        }
        for (uint32_t i = 0; i < 50; ++i) asked.push_back(key_of(GetParam(), random));
        for (const Bytes& key : asked) {
            const auto proof = fixture.tree.prove(key);
            ASSERT_TRUE(proof.ok());
            const auto decoded = decode_proof(encode(*proof));
            ASSERT_TRUE(decoded.ok()) << decoded.error().message();
            ASSERT_EQ(*decoded, *proof);
            const auto shown = check(fixture.tree.root(), key, *decoded);
            ASSERT_TRUE(shown.ok()) << shown.error().message();
            ASSERT_EQ(*shown, fixture.truth(key));
        }
    }
}

TEST_P(ProofShapes, no_changed_byte_proves_anything_else) {
    Fixture fixture(GetParam(), 5, 40);
    const Hash root = fixture.tree.root();
    Random random(6);
    for (uint32_t i = 0; i < 8; ++i) {
        const Bytes key = i % 2 == 0 ? fixture.model.begin()->first : key_of(GetParam(), random);
        const auto proof = fixture.tree.prove(key);
        ASSERT_TRUE(proof.ok());
        const Bytes bytes = encode(*proof);
        for (size_t at = 0; at < bytes.size(); ++at) {
            for (uint32_t bit = 0; bit < 8; ++bit) {
                Bytes changed = bytes;
                changed[at] ^= uint8_t(1u << bit);
                const auto decoded = decode_proof(changed);
                if (decoded.ok()) {
                    ASSERT_FALSE(check(root, key, *decoded).ok());
                }
            }
        }
        for (size_t length = 0; length < bytes.size(); ++length) {
            ASSERT_FALSE(decode_proof(ByteView(bytes).first(length)).ok());
        }
        Bytes longer = bytes;
        longer.push_back(0);
        ASSERT_FALSE(decode_proof(longer).ok());
    }
}

TEST_P(ProofShapes, no_rearranged_proof_proves_anything_else) {
    Fixture fixture(GetParam(), 8, 60);
    const Hash root = fixture.tree.root();
    Random random(9);
    const auto refuse = [&](const Bytes& key, const Proof& proof) {
        const auto shown = check(root, key, proof);
        ASSERT_TRUE(!shown.ok() || *shown == fixture.truth(key));
    };
    for (uint32_t round = 0; round < 200; ++round) {
        const Bytes key = key_of(GetParam(), random);
        const auto got = fixture.tree.prove(key);
        ASSERT_TRUE(got.ok());
        const Proof& proof = *got;
        // For another key.
        refuse(key_of(GetParam(), random), proof);
        Proof changed = proof;
        if (changed.leaf) {
            changed.leaf->key = key;  // Another's leaf as this key's.
            refuse(key, changed);
            changed.leaf.reset();
            ASSERT_FALSE(check(root, key, changed).ok());
        }
        for (size_t i = 0; i < proof.steps.size(); ++i) {
            const size_t other = random.below(proof.steps.size());
            changed = proof;
            std::swap(changed.steps[i].sibling, changed.steps[other].sibling);
            ASSERT_TRUE(changed == proof || !check(root, key, changed).ok());
            changed = proof;
            std::swap(changed.steps[i], changed.steps[other]);
            ASSERT_TRUE(changed == proof || !check(root, key, changed).ok());
            changed = proof;
            changed.steps[i].bit = uint16_t(random.below(1024));
            ASSERT_TRUE(changed == proof || !check(root, key, changed).ok());
            changed = proof;
            changed.steps.erase(changed.steps.begin() + ptrdiff_t(i));
            ASSERT_FALSE(check(root, key, changed).ok());
            changed = proof;
            changed.steps.insert(changed.steps.begin() + ptrdiff_t(i), proof.steps[i]);
            ASSERT_FALSE(check(root, key, changed).ok());
        }
    }
}

// A liar may hash any shape into a root. Here the same key sits in both halves, on the side where
// it belongs and on the side where it does not; and another key sits where this one would be.
TEST(Proof, no_malformed_root_shows_a_key_both_present_and_absent) {
    const Bytes key{0x00, 0x01};
    const Bytes other{0x80, 0x01};
    const LeafValue value = value_of(1);
    const Hash of_key = leaf_hash(key, value);
    const Hash of_other = leaf_hash(other, value);
    const auto proof = [&](uint16_t bit, const Hash& sibling, const Bytes& leaf) {
        Proof made;
        made.steps.push_back({bit, sibling});
        made.leaf = ProofLeaf{leaf, value.length, value.hash};
        return made;
    };
    // Both leaves on the wrong side: neither shows anything.
    const Hash crossed = inner_hash(0, of_other, of_key);
    EXPECT_FALSE(check(crossed, key, proof(0, of_key, other)).ok());
    EXPECT_FALSE(check(crossed, key, proof(0, of_other, key)).ok());
    // The key on both sides: present at its own place only, and absent nowhere.
    const Hash doubled = inner_hash(0, of_key, of_key);
    EXPECT_TRUE(check(doubled, key, proof(0, of_key, key)).ok());
    EXPECT_FALSE(check(doubled, other, proof(0, of_key, key)).ok());
    // A bit in which the keys do not differ.
    const Hash useless = inner_hash(3, of_key, of_other);
    EXPECT_EQ(*check(useless, key, proof(3, of_other, key)), Presence(value));
    EXPECT_FALSE(check(useless, key, proof(3, of_key, other)).ok());
}

TEST(Proof, malformed_ways_are_refused) {
    const Bytes key{0x00};
    const LeafValue value = value_of(1);
    const auto refused = [&](const Bytes& leaf, std::initializer_list<uint16_t> bits) {
        Proof proof;
        for (const uint16_t bit : bits) proof.steps.push_back({bit, some_hash(bit)});
        proof.leaf = ProofLeaf{leaf, value.length, value.hash};
        return !root_of(key, proof).ok();
    };
    EXPECT_FALSE(refused(key, {0, 3, 7}));
    EXPECT_TRUE(refused(key, {3, 3}));
    EXPECT_TRUE(refused(key, {3, 2}));
    EXPECT_TRUE(refused(key, {8})) << "past the end of the leaf's key";
    EXPECT_TRUE(refused({}, {})) << "no key is empty";
    EXPECT_TRUE(refused({0x80}, {0})) << "the leaf lies where its key does not lead";
    Proof proof;
    EXPECT_EQ(*root_of(key, proof), empty_hash());
    proof.steps.push_back({0, some_hash(0)});
    EXPECT_TRUE(root_of(key, proof).error().is(TreeError::invalid_proof));
    proof = {};
    proof.version = 2;
    EXPECT_FALSE(root_of(key, proof).ok());
    EXPECT_FALSE(root_of({}, Proof()).ok());
    EXPECT_FALSE(root_of(Bytes(129, 0), Proof()).ok());
}

TEST(Proof, bytes_are_the_published_ones) {
    const MapPages pages;
    Tree tree(pages);
    ASSERT_TRUE(tree.put(view_of("a"), 1, sha256(view_of("1"))).ok());
    ASSERT_TRUE(tree.put(view_of("b"), 2, sha256(view_of("22"))).ok());
    EXPECT_EQ(to_hex(encode(*tree.prove(view_of("a")))),
              "830181820658208e09e19055b8e1cd9a0383020316861269b14c072100964bb6c0200c517c3b"
              "0b8341610158206b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b"
              "4b");
}

}  // namespace
}  // namespace tally::tree
