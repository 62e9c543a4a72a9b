// A witness decides what the whole tree decides about the keys that it was made for, never anything
// false, and a range is shown whole or not at all.
#include "tree/witness.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tree/tree_testing.hpp"

namespace tally::tree {
namespace {

struct Whole {
    Whole(Shape shape, uint64_t seed, uint32_t count) : tree(pages), random(seed) {
        model = fill(tree, shape, random, count);
    }
    MapPages pages;
    Tree tree;
    Random random;
    Model model;
};

std::vector<Bytes> keys_near(Shape shape, Whole& whole, uint32_t count) {
    std::vector<Bytes> keys;
    for (uint32_t i = 0; i < count; ++i) {
        Bytes key = key_near(shape, whole.model, whole.random);
        // What is put later must not be a prefix of what was put before: that is another test.
        const bool fits = std::all_of(keys.begin(), keys.end(), [&](const Bytes& other) {
            return other == key || first_difference(other, key).has_value();
        });
        if (fits) keys.push_back(std::move(key));
    }
    return keys;
}
std::vector<ByteView> views_of(const std::vector<Bytes>& keys) {
    return {keys.begin(), keys.end()};
}

Witness sent(const Witness& witness) {
    const auto decoded = decode_witness(encode(witness));
    ENSURE(decoded.ok() && *decoded == witness);
    return *decoded;
}

class WitnessShapes : public testing::TestWithParam<Shape> {};
INSTANTIATE_TEST_SUITE_P(Witness, WitnessShapes, testing::ValuesIn(shapes));

/// One random change or question, asked of both trees. Either the answers are alike, or the part
/// says that it does not know.
void ask_both(Tree& part, Tree& whole, const Bytes& key, Random& random, bool must_know) {
    const auto agree = [&](const auto& told, const auto& truth) {
        if (!told.ok() && told.error().is(TreeError::outside_witness)) {
            EXPECT_FALSE(must_know) << to_hex(key);
            return false;
        }
        EXPECT_EQ(told.ok(), truth.ok());
        return true;
    };
    const LeafValue value = value_of(random.below(4));
    switch (random.below(4)) {
    case 0: {
        Mark before = whole.mark();
        const auto truth = whole.put(key, value.length, value.hash);
        if (!agree(part.put(key, value.length, value.hash), truth)) whole.restore(before);
        break;
    }
    case 1: {
        Mark before = whole.mark();
        const auto truth = whole.erase(key);
        const auto told = part.erase(key);
        if (agree(told, truth)) {
            EXPECT_EQ(*told, *truth);
        } else {
            whole.restore(before);
        }
        break;
    }
    default: {
        const auto truth = whole.get(key);
        const auto told = part.get(key);
        if (agree(told, truth)) {
            EXPECT_EQ(*told, *truth);
        }
        break;
    }
    }
    EXPECT_EQ(part.root(), whole.root());
}

TEST_P(WitnessShapes, decides_all_that_its_keys_need) {
    for (const uint32_t count : {0u, 1u, 2u, 12u, 200u}) {
        for (uint64_t seed = 0; seed < 20; ++seed) {
            Whole whole(GetParam(), seed, count);
            const auto keys = keys_near(GetParam(), whole, 1 + uint32_t(seed));
            const auto witness = whole.tree.witness(views_of(keys));
            ASSERT_TRUE(witness.ok()) << witness.error().message();
            auto part = Tree::open(whole.tree.root(), sent(*witness));
            ASSERT_TRUE(part.ok()) << part.error().message();
            for (const Bytes& key : keys) {
                const auto told = part->way(key);
                ASSERT_TRUE(told.ok());
                const auto truth = whole.tree.way(key);
                EXPECT_EQ(told->inner_nodes, truth->inner_nodes);
                EXPECT_EQ(told->value, truth->value);
                EXPECT_TRUE(equal(told->leaf, truth->leaf));
                EXPECT_EQ(*part->prove(key), *whole.tree.prove(key));
            }
            const Mark of_part = part->mark();
            const Mark of_whole = whole.tree.mark();
            const Hash root = part->root();
            for (uint32_t i = 0; i < 60 && !HasFailure(); ++i) {
                const Bytes& key = keys[whole.random.below(keys.size())];
                ask_both(*part, whole.tree, key, whole.random, true);
            }
            part->restore(of_part);
            whole.tree.restore(of_whole);
            EXPECT_EQ(part->root(), root);
            EXPECT_EQ(whole.tree.root(), root);
            if (HasFailure()) return;
        }
    }
}

TEST_P(WitnessShapes, says_nothing_false_of_other_keys) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
        Whole whole(GetParam(), seed, 60);
        const auto keys = keys_near(GetParam(), whole, uint32_t(seed % 5));
        auto part = Tree::open(whole.tree.root(), *whole.tree.witness(views_of(keys)));
        ASSERT_TRUE(part.ok());
        for (uint32_t i = 0; i < 200 && !HasFailure(); ++i) {
            const Bytes key = key_near(GetParam(), whole.model, whole.random);
            ask_both(*part, whole.tree, key, whole.random, false);
            const auto [from, to] = range_of(GetParam(), whole.model, whole.random);
            std::vector<Bytes> told, truth;
            const auto into = [](std::vector<Bytes>& list) {
                return [&](ByteView at, const LeafValue&) {
                    list.push_back(copy_of(at));
                    return true;
                };
            };
            ASSERT_TRUE(whole.tree.scan(from, to, into(truth)).ok());
            const auto scanned = part->scan(from, to, into(told));
            if (scanned.ok()) {
                EXPECT_EQ(told, truth);
            } else {
                EXPECT_TRUE(scanned.error().is(TreeError::outside_witness));
                told.resize(std::min(told.size(), truth.size()));
                EXPECT_TRUE(std::equal(told.begin(), told.end(), truth.begin()));
            }
        }
        if (HasFailure()) return;
    }
}

TEST_P(WitnessShapes, shows_a_range_whole) {
    for (const uint32_t count : {0u, 1u, 2u, 12u, 200u}) {
        Whole whole(GetParam(), count, count);
        const auto [root, written] = whole.tree.commit(1);
        whole.pages.store(written);
        for (uint32_t round = 0; round < 60; ++round) {
            const auto [from, to] = range_of(GetParam(), whole.model, whole.random);
            const auto proof = prove_range(whole.pages, root, from, to);
            ASSERT_TRUE(proof.ok()) << proof.error().message();
            const auto shown = check_range(root.hash, from, to, sent(*proof));
            ASSERT_TRUE(shown.ok()) << shown.error().message();
            Model found;
            for (const auto& entry : *shown) found.emplace(entry.key, entry.value);
            ASSERT_EQ(found, part_of(whole.model, from, to));
            // Of any other range it shows what is true, or nothing.
            const auto [other_from, other_to] = range_of(GetParam(), whole.model, whole.random);
            const auto other = check_range(root.hash, other_from, other_to, *proof);
            if (!other.ok()) continue;
            found.clear();
            for (const auto& entry : *other) found.emplace(entry.key, entry.value);
            ASSERT_EQ(found, part_of(whole.model, other_from, other_to));
        }
    }
}

TEST_P(WitnessShapes, no_changed_range_proof_shows_anything_else) {
    Whole whole(GetParam(), 3, 60);
    const auto [root, written] = whole.tree.commit(1);
    whole.pages.store(written);
    Random& random = whole.random;
    for (uint32_t round = 0; round < 6; ++round) {
        const auto range = range_of(GetParam(), whole.model, random);
        const auto& from = range.first;
        const auto& to = range.second;
        const auto proof = prove_range(whole.pages, root, from, to);
        ASSERT_TRUE(proof.ok());
        const auto truth = *check_range(root.hash, from, to, *proof);
        const auto refuse = [&](const Witness& changed) {
            const auto shown = check_range(root.hash, from, to, changed);
            ASSERT_TRUE(!shown.ok() || *shown == truth);
        };
        const Bytes bytes = encode(*proof);
        for (uint32_t i = 0; i < 500; ++i) {
            Bytes changed = bytes;
            changed[random.below(bytes.size())] ^= uint8_t(1u << random.below(8));
            const auto decoded = decode_witness(changed);
            if (decoded.ok()) refuse(*decoded);
        }
        ASSERT_FALSE(decode_witness(ByteView(bytes).first(random.below(bytes.size()))).ok());
        for (uint32_t i = 0; i < 200 && !proof->nodes.empty(); ++i) {
            Witness changed = *proof;
            const size_t at = random.below(changed.nodes.size());
            const size_t other = random.below(changed.nodes.size());
            switch (random.below(5)) {
            case 0: std::swap(changed.nodes[at], changed.nodes[other]); break;
            case 1: changed.nodes.erase(changed.nodes.begin() + ptrdiff_t(at)); break;
            case 2:
                changed.nodes.insert(changed.nodes.begin() + ptrdiff_t(at), changed.nodes[other]);
                break;
            case 3: changed.nodes[at] = uint16_t(random.below(1024)); break;
            case 4:  // A leaf is left out: its true hash in its place.
                if (const auto* leaf = std::get_if<ProofLeaf>(&changed.nodes[at])) {
                    changed.nodes[at] =
                        leaf_hash(leaf->key, {leaf->value_length, leaf->value_hash});
                }
                break;
            }
            refuse(changed);
        }
    }
}

TEST(Witness, of_one_key_is_its_way) {
    Whole whole(Shape::dense, 1, 500);
    const Bytes key = whole.model.begin()->first;
    const auto witness = whole.tree.witness({key});
    ASSERT_TRUE(witness.ok());
    EXPECT_EQ(witness->nodes.size(), 2 * whole.tree.way(key)->inner_nodes + 1);
    EXPECT_EQ(whole.tree.witness({key, key})->nodes, witness->nodes);
    const auto none = whole.tree.witness({});
    EXPECT_EQ(none->nodes.size(), 1u);
    auto part = Tree::open(whole.tree.root(), *none);
    ASSERT_TRUE(part.ok());
    EXPECT_TRUE(part->get(key).error().is(TreeError::outside_witness));
    EXPECT_TRUE(part->put(key, 1, {}).error().is(TreeError::outside_witness));
    EXPECT_TRUE(part->way(key).error().is(TreeError::outside_witness));
    EXPECT_TRUE(part->prove(key).error().is(TreeError::outside_witness));
    EXPECT_EQ(part->root(), whole.tree.root());
}

TEST(Witness, may_be_narrowed_and_never_widened) {
    Whole whole(Shape::dense, 1, 500);
    const Bytes first = whole.model.begin()->first;
    const Bytes last = whole.model.rbegin()->first;
    auto part = Tree::open(whole.tree.root(), *whole.tree.witness({first, last}));
    ASSERT_TRUE(part.ok());
    EXPECT_EQ(*part->witness({last}), *whole.tree.witness({last}));
    const Bytes other = std::next(whole.model.begin(), 30)->first;
    EXPECT_TRUE(part->witness({other}).error().is(TreeError::outside_witness));
}

TEST(Witness, an_erased_neighbour_hides_nothing_that_was_known) {
    MapPages pages;
    Tree whole(pages);
    for (const char* key : {"aa", "ab", "c1", "c2"}) {
        ASSERT_TRUE(whole.put(view_of(key), 1, {}).ok());
    }
    auto part = Tree::open(whole.root(), *whole.witness({view_of("aa"), view_of("ac")}));
    ASSERT_TRUE(part.ok());
    ASSERT_TRUE(part->erase(view_of("aa")).ok());
    ASSERT_TRUE(part->put(view_of("ac"), 1, {}).ok());
    ASSERT_TRUE(whole.erase(view_of("aa")).ok());
    ASSERT_TRUE(whole.put(view_of("ac"), 1, {}).ok());
    EXPECT_EQ(part->root(), whole.root());
    EXPECT_TRUE(part->get(view_of("c1")).error().is(TreeError::outside_witness));
}

TEST(Witness, malformed_ones_are_refused) {
    const auto leaf = [](std::string_view key) { return ProofLeaf{copy_of(view_of(key)), 1, {}}; };
    const auto refused = [](std::initializer_list<WitnessNode> nodes) {
        Witness witness;
        witness.nodes = nodes;
        const auto root = root_of(witness);
        return !root.ok() && root.error().is(TreeError::invalid_proof);
    };
    // "a" is 0x61, "b" is 0x62: they part at bit 6.
    EXPECT_FALSE(refused({uint16_t{6}, leaf("a"), leaf("b")}));
    EXPECT_FALSE(refused({uint16_t{0}, leaf("a"), Hash{}}));
    EXPECT_FALSE(refused({Hash{}}));
    EXPECT_TRUE(refused({uint16_t{6}, leaf("b"), leaf("a")})) << "on the wrong sides";
    EXPECT_TRUE(refused({uint16_t{7}, leaf("b"), leaf("a")})) << "they part before";
    EXPECT_TRUE(refused({uint16_t{0}, Hash{}, Hash{}})) << "nothing shown";
    EXPECT_TRUE(refused({uint16_t{0}, Hash{}, leaf("a")})) << "on the wrong side of what is hidden";
    EXPECT_TRUE(refused({uint16_t{8}, leaf("a"), Hash{}})) << "past the end of the key";
    EXPECT_TRUE(refused({uint16_t{2000}, leaf("a"), Hash{}})) << "past every key";
    EXPECT_TRUE(refused({uint16_t{1}, Hash{}, uint16_t{1}, Hash{}, leaf("b")})) << "the same bit";
    EXPECT_TRUE(refused({uint16_t{6}, leaf("a")})) << "a side is missing";
    EXPECT_TRUE(refused({leaf("a"), leaf("b")})) << "a node too many";
    EXPECT_TRUE(refused({uint16_t{7}, leaf("b"), uint16_t{8}, leaf("c"), leaf("c!")})) << "prefix";
    EXPECT_TRUE(refused({leaf("")})) << "no key is empty";
    Witness witness;
    EXPECT_EQ(*root_of(witness), empty_hash());
    witness.version = 2;
    EXPECT_FALSE(root_of(witness).ok());
}

TEST(Witness, bytes_are_the_published_ones) {
    MapPages pages;
    Tree tree(pages);
    ASSERT_TRUE(tree.put(view_of("a"), 1, sha256(view_of("1"))).ok());
    ASSERT_TRUE(tree.put(view_of("b"), 2, sha256(view_of("22"))).ok());
    ASSERT_TRUE(tree.put(view_of("c"), 3, sha256(view_of("333"))).ok());
    const auto [root, written] = tree.commit(1);
    pages.store(written);
    EXPECT_EQ(
        to_hex(encode(*prove_range(pages, root, view_of("a"), view_of("ab")))),
        "82018382000682028341610158206b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7"
        "875b4b82015820463fd99ccbeac40cf25acea5c0850fe6f8f1b4f1cf3e8b3a91d88a0f1e60ce55");
    EXPECT_EQ(to_hex(encode(*Tree(pages).witness({}))), "820180");
}

}  // namespace
}  // namespace tally::tree
