// Building a tree from keys in their order: each new leaf hangs off the way to the last one, whose
// lower part is then complete and never looked at again.
#include <algorithm>

#include "tree/tree.hpp"

namespace tally::tree {

/// Fills `path_` with the way to the greatest key. Requires a root.
Result<void> Tree::descend_to_last() {
    if (fresh_.empty() && superseded_.empty()) evict();
    path_.clear();
    NodeIndex index = root_;
    int32_t bit_above = -1;
    while (true) {
        CHECK(visit(index, bit_above));
        const Node& node = nodes_[index];
        path_.push_back(index);
        if (node.kind == NodeKind::hidden) return TreeError::outside_witness;
        if (node.kind == NodeKind::leaf) return success();
        bit_above = node.bit;
        index = node.right;
    }
}

/// All entries before any is put: a call that fails changes nothing.
Result<void> Tree::check_after(ByteView last, std::span<const RangeEntry> entries) const {
    for (const RangeEntry& entry : entries) {
        CHECK(check_key(entry.key));
        if (!last.empty()) {
            const auto difference = first_difference(last, entry.key);
            if (!difference) return TreeError::prefix_key;
            if (!bit_of(entry.key, *difference)) return TreeError::not_ascending;
        }
        last = entry.key;
    }
    return success();
}

Result<void> Tree::append(std::span<const RangeEntry> entries) {
    path_.clear();
    if (root_ != no_node) CHECK(descend_to_last());
    CHECK(check_after(path_.empty() ? ByteView() : leaf_of(path_.back()).key(), entries));

    // Of the way to the last leaf, the nodes above path_[owned] may be written to already.
    size_t owned = 0;
    for (const RangeEntry& entry : entries) {
        const NodeIndex leaf = make_leaf(entry.key, entry.value);
        if (path_.empty()) {
            root_ = leaf;
            path_.push_back(leaf);
            owned = 1;
            continue;
        }
        const auto bit = uint16_t(*first_difference(leaf_of(path_.back()).key(), entry.key));
        NodeIndex complete = path_.back();
        path_.pop_back();
        while (!path_.empty() && nodes_[path_.back()].bit > bit) {
            complete = path_.back();
            path_.pop_back();
        }
        const NodeIndex inner = make_inner(bit, complete, leaf);
        for (owned = std::min(owned, path_.size()); owned < path_.size(); ++owned) {
            NodeIndex& at = path_[owned];
            at = own(at);
            nodes_[at].hashed = false;
            if (owned == 0) root_ = at;
            if (owned > 0) nodes_[path_[owned - 1]].right = at;
        }
        if (path_.empty()) root_ = inner;
        if (!path_.empty()) nodes_[path_.back()].right = inner;
        path_.push_back(inner);
        path_.push_back(leaf);
        owned = path_.size();
    }
    return success();
}

}  // namespace tally::tree
