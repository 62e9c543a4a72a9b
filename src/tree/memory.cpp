// Which nodes of the tree are in memory: loading pages, and forgetting what was not used lately.
#include <functional>
#include <map>

#include "tree/page_format.hpp"
#include "tree/tree.hpp"

namespace tally::tree {
NodeIndex Tree::make_stored(const Hash& hash, const NodeId& id) {
    const NodeIndex index = nodes_.make();
    Node& node = nodes_[index];
    node.hash = hash;
    node.hashed = true;
    node.height = id.height;
    node.page = id.page;
    node.offset = id.offset;
    return index;
}

/// Loads a stored node, and notes that it was used now.
Result<void> Tree::visit(NodeIndex index, int32_t bit_above) {
    Node& node = nodes_[index];
    if (node.kind == NodeKind::stored) CHECK(load(index, bit_above));
    if (!node.fresh) node.stamp = commit_count_;
    return success();
}

/// Replaces a stored node by its content, and with it everything below that lies in the same page.
Result<void> Tree::load(NodeIndex index, int32_t bit_above) {
    Node& node = nodes_[index];
    TRY(page, source_->page(node.height, node.page));
    TRY(content, check_page(page, node.id()));
    size_t bytes_left = content.size();
    TRY(loaded, load_at(content, node.id(), bit_above, bytes_left));
    if (hash_of(loaded) != node.hash) {
        const Error error = damaged(node.id(), "another hash");
        forget_below(loaded);
        nodes_.release(loaded);
        return error;
    }
    node = nodes_[loaded];
    nodes_.release(loaded);
    return success();
}

/// `bytes_left` bounds the work: in a sound page every node is reached once.
Result<NodeIndex> Tree::load_at(ByteView page, const NodeId& at, int32_t bit_above,
                                size_t& bytes_left) {
    TRY(stored, decode_node(page, at));
    if (stored.bytes > bytes_left) return damaged(at, "reached twice");
    bytes_left -= stored.bytes;

    const NodeIndex index = make_stored({}, at);
    Node& node = nodes_[index];
    node.hashed = false;
    if (const auto* leaf = std::get_if<StoredLeaf>(&stored.content)) {
        node.kind = NodeKind::leaf;
        node.left = leaves_.make();
        leaves_[node.left].value = leaf->value;
        leaves_[node.left].set_key(leaf->key);
        return index;
    }
    const auto& inner = std::get<StoredInner>(stored.content);
    if (int32_t(inner.bit) <= bit_above) {
        nodes_.release(index);
        return damaged(at, "bits do not increase");
    }
    const auto child = [&](const StoredChild& from) -> Result<NodeIndex> {
        if (from.is_here) return load_at(page, from.id, inner.bit, bytes_left);
        return make_stored(from.hash, from.id);
    };
    node.kind = NodeKind::inner;
    node.bit = inner.bit;
    auto left = child(inner.left);
    if (left.ok()) node.left = *left;
    auto right = left.ok() ? child(inner.right) : left;
    if (right.ok()) {
        node.right = *right;
        return index;
    }
    forget_below(index);
    nodes_.release(index);
    return right;
}

/// Makes a clean node a stored one again.
void Tree::forget_below(NodeIndex index) {
    Node& node = nodes_[index];
    if (node.kind == NodeKind::leaf) leaves_.release(node.left);
    if (node.kind == NodeKind::inner) {
        for (const NodeIndex child : {node.left, node.right}) {
            if (child == no_node) continue;  // Loading stopped half-way.
            forget_below(child);
            nodes_.release(child);
        }
    }
    node.kind = NodeKind::stored;
    node.left = no_node;
    node.right = no_node;
}

/// Releases one node that is no longer part of any version in memory, not what is below it.
void Tree::release(NodeIndex index) {
    const Node& node = nodes_[index];
    if (node.kind == NodeKind::leaf) leaves_.release(node.left);
    nodes_.release(index);
}

/// Keeps the nodes used last, and of those used equally long ago the ones nearer to the root; a
/// quarter of the memory is freed at once, so that this is rare. A child is never used later than
/// its parent, so taking the latest first keeps whole paths.
void Tree::evict() {
    if (root_ == no_node || nodes_.live() <= nodes_in_memory_max_) return;
    const size_t keep_max = nodes_in_memory_max_ - nodes_in_memory_max_ / 4;
    size_t kept = 1;
    std::map<uint32_t, std::vector<NodeIndex>, std::greater<>> by_stamp;
    by_stamp[nodes_[root_].stamp].push_back(root_);
    while (!by_stamp.empty()) {
        const uint32_t stamp = by_stamp.begin()->first;
        auto& queue = by_stamp.begin()->second;
        for (size_t i = 0; i < queue.size(); ++i) {
            const Node& node = nodes_[queue[i]];
            if (node.kind != NodeKind::inner) continue;
            if (kept + 2 > keep_max) {
                forget_below(queue[i]);
                continue;
            }
            kept += 2;
            for (const NodeIndex child : {node.left, node.right}) {
                by_stamp[std::min(stamp, nodes_[child].stamp)].push_back(child);
            }
        }
        by_stamp.erase(stamp);
    }
}

}  // namespace tally::tree
