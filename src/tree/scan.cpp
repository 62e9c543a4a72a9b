// Leaves in the order of their keys.
#include "tree/tree.hpp"

namespace tally::tree {

/// The first bit in which `key` parts from all that is known of what the last descend() for it met;
/// nothing if it goes on there, or ends.
std::optional<uint32_t> Tree::difference_from_met(ByteView key) const {
    const Node& met = nodes_[path_.back()];
    const auto difference = first_difference(leaf_of(path_.back()).key(), key);
    if (met.kind == NodeKind::hidden && difference && *difference >= met.bit) return std::nullopt;
    return difference;
}

Result<void> Tree::scan(ByteView from, ByteView to, const EachLeaf& each) {
    return scan_some(from, to, std::nullopt, each);
}

Result<void> Tree::scan_written(uint64_t height, ByteView from, const EachLeaf& each) {
    return scan_some(from, {}, height, each);
}

/// `written_at`: steps over whatever another commit wrote, with all below it, which is as old.
Result<void> Tree::scan_some(ByteView from, ByteView to, std::optional<uint64_t> written_at,
                             const EachLeaf& each) {
    const auto is_past = [&](ByteView key) { return !to.empty() && compare(key, to) >= 0; };
    if (root_ == no_node || is_past(from)) return success();
    CHECK(descend(from));
    // Below the node where `from` would be put, either all keys come after it or none does.
    size_t above = path_.size() - 1;
    bool is_after = from.size() <= leaf_of(path_.back()).key().size() ||
                    nodes_[path_.back()].kind == NodeKind::hidden;
    if (const auto difference = difference_from_met(from)) {
        while (above > 0 && nodes_[path_[above - 1]].bit > *difference) --above;
        is_after = !bit_of(from, *difference);
    }

    struct Pending {
        NodeIndex index;
        int32_t bit_above;
    };
    std::vector<Pending> pending;  // Subtrees after what was given out, the next one last.
    for (size_t i = 0; i < above; ++i) {
        const Node& node = nodes_[path_[i]];
        if (!bit_of(from, node.bit)) pending.push_back({node.right, node.bit});
    }
    if (is_after) {
        const int32_t bit_above = above == 0 ? -1 : int32_t(nodes_[path_[above - 1]].bit);
        pending.push_back({path_[above], bit_above});
    }
    while (!pending.empty()) {
        const Pending next = pending.back();
        pending.pop_back();
        if (written_at && nodes_[next.index].height != *written_at) continue;
        CHECK(visit(next.index, next.bit_above));
        const Node& node = nodes_[next.index];
        if (node.kind == NodeKind::inner) {
            pending.push_back({node.right, node.bit});
            pending.push_back({node.left, node.bit});
            continue;
        }
        // No key below a hidden node is smaller than the bits it begins with.
        const Leaf& leaf = leaf_of(next.index);
        if (is_past(leaf.key())) return success();
        if (node.kind == NodeKind::hidden) return TreeError::outside_witness;
        if (!each(leaf.key(), leaf.value)) return success();
    }
    return success();
}

}  // namespace tally::tree
