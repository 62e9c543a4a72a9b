#include "tree/witness.hpp"

#include <algorithm>

#include "tree/tree.hpp"

namespace tally::tree {
/// Turns a stranger's witness into the nodes of a tree, trusting nothing of it.
class WitnessReader {
public:
    /// The tree of the one root that fits.
    static Result<Tree> read(const Witness& witness) {
        if (witness.version != Witness::version_known) return invalid_proof("unknown version");
        Tree tree;
        WitnessReader reader(tree, witness.nodes);
        if (!witness.nodes.empty()) {
            TRY(root, reader.read_node(-1));
            if (root.sample == no_node) reader.hide(root.index, {}, 0);
            tree.root_ = root.index;
        }
        if (reader.next_ != witness.nodes.size()) return invalid_proof("nodes beyond the tree");
        tree.committed_root_ = tree.root_;
        return tree;
    }

private:
    WitnessReader(Tree& tree, const std::vector<WitnessNode>& nodes) : tree_(tree), nodes_(nodes) {}

    struct Shown {
        NodeIndex index;
        NodeIndex sample;  ///< a leaf below it; none if it is hidden
    };

    /// The stack is as deep as bits can increase.
    Result<Shown> read_node(int32_t bit_above) {
        if (next_ == nodes_.size()) return invalid_proof("a side is missing");
        const WitnessNode& from = nodes_[next_++];
        const NodeIndex index = tree_.nodes_.make();
        Node& node = tree_.nodes_[index];
        node.hashed = true;
        if (const auto* hash = std::get_if<Hash>(&from)) {
            node.kind = NodeKind::hidden;
            node.hash = *hash;
            return Shown{index, no_node};
        }
        if (const auto* leaf = std::get_if<ProofLeaf>(&from)) {
            if (!check_key(leaf->key).ok()) return invalid_proof("no key");
            const LeafValue value{leaf->value_length, leaf->value_hash};
            node.kind = NodeKind::leaf;
            node.hash = leaf_hash(leaf->key, value);
            node.left = tree_.leaves_.make();
            tree_.leaves_[node.left].set_key(leaf->key);
            tree_.leaves_[node.left].value = value;
            return Shown{index, index};
        }
        node.kind = NodeKind::inner;
        node.bit = std::get<uint16_t>(from);
        if (int32_t(node.bit) <= bit_above || node.bit >= key_bits_max) {
            return invalid_proof("bits do not increase");
        }
        TRY(left, read_node(node.bit));
        TRY(right, read_node(node.bit));
        TRY(sample, join(node.bit, left, right));
        node.left = left.index;
        node.right = right.index;
        node.hash =
            inner_hash(node.bit, tree_.nodes_[node.left].hash, tree_.nodes_[node.right].hash);
        return Shown{index, sample};
    }

    /// The keys of the two sides must part at `bit` and not before. One key of each side speaks for
    /// all of them, since those part further on.
    Result<NodeIndex> join(uint16_t bit, const Shown& left, const Shown& right) {
        const auto lies = [&](const Shown& side, bool is_right) {
            const ByteView key = tree_.leaf_of(side.sample).key();
            return bit < 8 * key.size() && bit_of(key, bit) == is_right;
        };
        if ((left.sample != no_node && !lies(left, false)) ||
            (right.sample != no_node && !lies(right, true))) {
            return invalid_proof("a leaf lies where its key does not lead");
        }
        if (left.sample != no_node && right.sample != no_node) {
            const auto difference = first_difference(tree_.leaf_of(left.sample).key(),
                                                     tree_.leaf_of(right.sample).key());
            if (difference != bit) return invalid_proof("keys that part elsewhere");
            return left.sample;
        }
        const NodeIndex sample = left.sample != no_node ? left.sample : right.sample;
        if (sample == no_node) return invalid_proof("nothing is shown below an inner node");
        const NodeIndex hidden = left.sample == no_node ? left.index : right.index;
        Bytes begin = copy_of(tree_.leaf_of(sample).key().first(bit / 8 + 1));
        begin.back() ^= uint8_t(0x80 >> bit % 8);
        begin.back() &= uint8_t(0xff00 >> (bit % 8 + 1));
        hide(hidden, begin, uint16_t(bit + 1));
        return sample;
    }

    void hide(NodeIndex index, ByteView begin, uint16_t bits) {
        Node& node = tree_.nodes_[index];
        node.bit = bits;
        node.left = tree_.leaves_.make();
        tree_.leaves_[node.left].set_key(begin);
    }

    Tree& tree_;
    const std::vector<WitnessNode>& nodes_;
    size_t next_ = 0;
};

Bytes encode(const Witness& witness) {
    return cbor::encode(witness);
}

Result<Witness> decode_witness(ByteView bytes) {
    return cbor::decode<Witness>(bytes);
}

Result<Hash> root_of(const Witness& witness) {
    TRY(tree, WitnessReader::read(witness));
    return tree.root();
}

Result<Tree> Tree::open(const Hash& root, const Witness& witness) {
    TRY(tree, WitnessReader::read(witness));
    if (tree.root() != root) return invalid_proof("another root");
    return tree;
}

Result<Witness> Tree::witness(std::vector<ByteView> keys) {
    Witness made;
    if (root_ == no_node) return made;
    if (fresh_.empty() && superseded_.empty()) evict();
    hash_of(root_);
    CHECK(show(root_, -1, keys, made));
    return made;
}

/// Appends what `keys`, which all lead to this node, need of it.
Result<void> Tree::show(NodeIndex index, int32_t bit_above, std::span<ByteView> keys, Witness& to) {
    if (to.nodes.size() == witness_nodes_max) return TreeError::witness_too_large;
    if (keys.empty()) {
        to.nodes.emplace_back(nodes_[index].hash);
        return success();
    }
    CHECK(visit(index, bit_above));
    const Node& node = nodes_[index];
    if (node.kind == NodeKind::hidden) return TreeError::outside_witness;
    if (node.kind == NodeKind::leaf) {
        const Leaf& leaf = leaf_of(index);
        to.nodes.emplace_back(ProofLeaf{copy_of(leaf.key()), leaf.value.length, leaf.value.hash});
        return success();
    }
    to.nodes.emplace_back(node.bit);
    const auto is_left = [&](ByteView key) { return !bit_of(key, node.bit); };
    const auto middle = std::partition(keys.begin(), keys.end(), is_left);
    const auto left_count = size_t(middle - keys.begin());
    CHECK(show(node.left, node.bit, keys.first(left_count), to));
    return show(node.right, node.bit, keys.subspan(left_count), to);
}

Result<Witness> prove_range(const PageSource& source, const RootRef& root, ByteView from,
                            ByteView to) {
    Tree tree(source, root);
    std::vector<Bytes> inside;
    CHECK(tree.scan(from, to, [&](ByteView key, const LeafValue&) {
        inside.push_back(copy_of(key));
        return true;
    }));
    std::vector<ByteView> keys(inside.begin(), inside.end());
    keys.push_back(from);
    if (!to.empty()) keys.push_back(to);
    return tree.witness(std::move(keys));
}

Result<std::vector<RangeEntry>> check_range(const Hash& root, ByteView from, ByteView to,
                                            const Witness& witness) {
    TRY(tree, Tree::open(root, witness));
    std::vector<RangeEntry> entries;
    CHECK(tree.scan(from, to, [&](ByteView key, const LeafValue& value) {
        entries.push_back({copy_of(key), value});
        return true;
    }));
    return entries;
}

}  // namespace tally::tree
