#include "tree/tree.hpp"

#include "tree/page_format.hpp"

namespace tally::tree {

Tree::Tree(const PageSource& source, const RootRef& root, size_t nodes_in_memory_max)
    : source_(&source), committed_(root), nodes_in_memory_max_(nodes_in_memory_max) {
    if (root.node) committed_root_ = make_stored(root.hash, *root.node);
    root_ = committed_root_;
}

Result<void> Tree::put(ByteView key, uint32_t value_length, const Hash& value_hash) {
    CHECK(check_key(key));
    const LeafValue value{value_length, value_hash};
    if (root_ == no_node) {
        root_ = make_leaf(key, value);
        return success();
    }
    CHECK(descend(key));
    TRY(is_there, is_met(key));
    const Leaf& met = leaf_of(path_.back());
    if (is_there) {
        if (met.value == value) return success();
        const NodeIndex leaf = own(path_.back());
        leaf_of(leaf).value = value;
        nodes_[leaf].hashed = false;
        hang(leaf, path_.size() - 1, key);
        return success();
    }

    const std::optional<uint32_t> difference = first_difference(met.key(), key);
    if (!difference) return TreeError::prefix_key;
    size_t above = 0;  // How many nodes of the path stay above the new inner node.
    while (above < path_.size() - 1 && nodes_[path_[above]].bit < *difference) ++above;
    const NodeIndex leaf = make_leaf(key, value);
    const bool is_right = bit_of(key, *difference);
    const NodeIndex other = path_[above];
    hang(make_inner(uint16_t(*difference), is_right ? other : leaf, is_right ? leaf : other), above,
         key);
    return success();
}

Result<bool> Tree::erase(ByteView key) {
    CHECK(check_key(key));
    if (root_ == no_node) return false;
    CHECK(descend(key));
    TRY(is_there, is_met(key));
    if (!is_there) return false;
    superseded_.push_back(path_.back());
    if (path_.size() == 1) {
        root_ = no_node;
        return true;
    }
    // An inner node with one child is none: the sibling takes the parent's place.
    const NodeIndex parent = path_[path_.size() - 2];
    const Node& node = nodes_[parent];
    superseded_.push_back(parent);
    hang(bit_of(key, node.bit) ? node.left : node.right, path_.size() - 2, key);
    return true;
}

Result<std::optional<LeafValue>> Tree::get(ByteView key) {
    CHECK(check_key(key));
    if (root_ == no_node) return std::optional<LeafValue>();
    CHECK(descend(key));
    TRY(is_there, is_met(key));
    return is_there ? std::optional(leaf_of(path_.back()).value) : std::nullopt;
}

Result<Way> Tree::way(ByteView key) {
    CHECK(check_key(key));
    if (root_ == no_node) return Way();
    CHECK(descend(key));
    if (nodes_[path_.back()].kind == NodeKind::hidden) return TreeError::outside_witness;
    const Leaf& leaf = leaf_of(path_.back());
    return Way{uint32_t(path_.size() - 1), leaf.key(),
               equal(leaf.key(), key) ? std::optional(leaf.value) : std::nullopt,
               nodes_[path_.back()].height};
}

Result<Proof> Tree::prove(ByteView key) {
    CHECK(check_key(key));
    Proof proof;
    if (root_ == no_node) return proof;
    CHECK(descend(key));
    if (nodes_[path_.back()].kind == NodeKind::hidden) return TreeError::outside_witness;
    hash_of(root_);
    for (size_t i = 0; i + 1 < path_.size(); ++i) {
        const Node& node = nodes_[path_[i]];
        const NodeIndex sibling = bit_of(key, node.bit) ? node.left : node.right;
        proof.steps.push_back({node.bit, nodes_[sibling].hash});
    }
    const Leaf& leaf = leaf_of(path_.back());
    proof.leaf = ProofLeaf{copy_of(leaf.key()), leaf.value.length, leaf.value.hash};
    return proof;
}

Hash Tree::root() {
    return root_ == no_node ? empty_hash() : hash_of(root_);
}

const Hash& Tree::hash_of(NodeIndex index) {
    Node& node = nodes_[index];
    if (node.hashed) return node.hash;
    if (node.kind == NodeKind::leaf) {
        const Leaf& leaf = leaves_[node.left];
        node.hash = leaf_hash(leaf.key(), leaf.value);
    } else {
        node.hash = inner_hash(node.bit, hash_of(node.left), hash_of(node.right));
    }
    node.hashed = true;
    return node.hash;
}

/// Whether the last descend() for `key` led to its own leaf. A hidden node hides it unless the key
/// parts from the bits that are known of the node, or ends within them: another key then goes on.
Result<bool> Tree::is_met(ByteView key) const {
    const Node& node = nodes_[path_.back()];
    const ByteView met = leaf_of(path_.back()).key();
    if (node.kind == NodeKind::leaf) return equal(met, key);
    const auto difference = first_difference(met, key);
    if ((difference && *difference < node.bit) || 8 * key.size() < node.bit) return false;
    return TreeError::outside_witness;
}

/// Fills `path_` with the nodes that `key` leads through, loading them. Requires a root.
Result<void> Tree::descend(ByteView key) {
    // Long reading between commits must not fill the memory either.
    if (fresh_.empty() && superseded_.empty()) evict();
    path_.clear();
    NodeIndex index = root_;
    int32_t bit_above = -1;
    while (true) {
        const Node& node = nodes_[index];
        CHECK(visit(index, bit_above));
        path_.push_back(index);
        if (node.kind != NodeKind::inner) return success();
        // The way goes on through one child, and hashing it later needs the other. In a large tree
        // both are far from the cache: fetch them at once.
        nodes_.prefetch(node.left);
        nodes_.prefetch(node.right);
        bit_above = node.bit;
        index = bit_of(key, node.bit) ? node.right : node.left;
    }
}

/// Puts `below` where the last descend() for `key` had the node path_[count], and makes every node
/// above it one that may differ from the last mark's.
void Tree::hang(NodeIndex below, size_t count, ByteView key) {
    for (size_t i = count; i-- > 0;) {
        const NodeIndex owned = own(path_[i]);
        Node& node = nodes_[owned];
        (bit_of(key, node.bit) ? node.right : node.left) = below;
        // Whatever is above an owned node is owned, and above an unhashed one unhashed.
        if (owned == path_[i] && !node.hashed) return;
        node.hashed = false;
        below = owned;
    }
    root_ = below;
}

/// The node itself if it was made since the last mark, else a copy that supersedes it.
NodeIndex Tree::own(NodeIndex index) {
    const Node& node = nodes_[index];
    if (node.fresh && node.stamp == epoch_) return index;
    superseded_.push_back(index);
    if (node.kind == NodeKind::leaf) {
        const Leaf& leaf = leaves_[node.left];
        return make_leaf(leaf.key(), leaf.value);
    }
    return make_inner(node.bit, node.left, node.right);
}

NodeIndex Tree::make_inner(uint16_t bit, NodeIndex left, NodeIndex right) {
    const NodeIndex index = make_fresh(NodeKind::inner);
    Node& node = nodes_[index];
    node.bit = bit;
    node.left = left;
    node.right = right;
    return index;
}

NodeIndex Tree::make_leaf(ByteView key, const LeafValue& value) {
    const NodeIndex index = make_fresh(NodeKind::leaf);
    const uint32_t leaf = leaves_.make();
    nodes_[index].left = leaf;
    leaves_[leaf].value = value;
    leaves_[leaf].set_key(key);
    return index;
}

NodeIndex Tree::make_fresh(NodeKind kind) {
    const NodeIndex index = nodes_.make();
    Node& node = nodes_[index];
    node.kind = kind;
    node.fresh = true;
    node.stamp = epoch_;
    fresh_.push_back(index);
    return index;
}

Mark Tree::mark() {
    ++epoch_;
    return {root_, fresh_.size(), superseded_.size(), commit_count_};
}

void Tree::restore(const Mark& mark) {
    ENSURE(mark.commit_count == commit_count_);
    ENSURE(mark.fresh_count <= fresh_.size() && mark.superseded_count <= superseded_.size());
    for (size_t i = mark.fresh_count; i < fresh_.size(); ++i) release(fresh_[i]);
    fresh_.resize(mark.fresh_count);
    superseded_.resize(mark.superseded_count);
    root_ = mark.root;
    ++epoch_;
}

void Tree::rollback() {
    restore({committed_root_, 0, 0, commit_count_});
    ++commit_count_;  // No mark outlives it.
}

}  // namespace tally::tree
