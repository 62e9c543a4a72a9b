// Writing a version: which new node goes into which page.
//
// A page holds the top of a subtree, or whole small subtrees side by side, so that a way down the
// tree crosses few pages.
#include "tree/page_format.hpp"
#include "tree/tree.hpp"

namespace tally::tree {

class Layout {
public:
    Layout(Pool<Node>& nodes, const Pool<Leaf>& leaves, uint64_t height, uint32_t first_page)
        : nodes_(nodes), leaves_(leaves), height_(height), first_page_(first_page) {}

    /// Requires a fresh and hashed root.
    std::vector<Page> write(NodeIndex root) {
        measure(root);
        place(root);
        for (uint32_t number = 0; number < pages_.size(); ++number) set_offsets(number);
        std::vector<Page> written;
        written.reserve(pages_.size());
        for (uint32_t number = 0; number < pages_.size(); ++number) {
            written.push_back({height_, first_page_ + number, bytes_of(number)});
        }
        return written;
    }

private:
    static constexpr uint32_t no_page = UINT32_MAX;

    struct Placed {
        std::vector<NodeIndex> nodes;  // Parents before children.
        size_t room = page_nodes_bytes_max;
    };

    /// Bytes that the new nodes of a subtree take if they share a page; kept in `height` until the
    /// node is placed.
    uint64_t measure(NodeIndex index) {
        Node& node = nodes_[index];
        node.page = no_page;
        node.height = node_bytes(node);
        if (node.kind == NodeKind::inner) {
            for (const NodeIndex child : {node.left, node.right}) {
                if (!nodes_[child].fresh) continue;
                node.height += measure(child) + child_here_bytes - child_elsewhere_bytes;
            }
        }
        return node.height;
    }

    /// With its children elsewhere.
    [[nodiscard]] size_t node_bytes(const Node& node) const {
        if (node.kind == NodeKind::leaf) return leaf_bytes_of(leaves_[node.left].key().size());
        return inner_bytes + 2 * child_elsewhere_bytes;
    }

    void place(NodeIndex top) {
        const uint64_t bytes = nodes_[top].height;
        if (bytes <= page_nodes_bytes_max) {
            if (shared_ == no_page || pages_[shared_].room < bytes) shared_ = new_page();
            pages_[shared_].room -= bytes;
            add_all(top, shared_);
            return;
        }
        // Too big for one page: its top, level by level, then each subtree that is left over.
        const uint32_t page = new_page();
        std::vector<NodeIndex> queue{top};
        size_t next = 0;
        pages_[page].room -= node_bytes(nodes_[top]);
        while (next < queue.size()) {
            // The first node has its room; another one also turns its parent's reference short.
            const Node& node = nodes_[queue[next]];
            if (next > 0) {
                const size_t more = node_bytes(node) + child_here_bytes;
                if (more > pages_[page].room + child_elsewhere_bytes) break;
                pages_[page].room += child_elsewhere_bytes;
                pages_[page].room -= more;
            }
            add(queue[next++], page);
            if (node.kind != NodeKind::inner) continue;
            for (const NodeIndex child : {node.left, node.right}) {
                if (nodes_[child].fresh) queue.push_back(child);
            }
        }
        for (; next < queue.size(); ++next) place(queue[next]);
    }

    void add_all(NodeIndex index, uint32_t page) {
        add(index, page);
        const Node& node = nodes_[index];
        if (node.kind != NodeKind::inner) return;
        for (const NodeIndex child : {node.left, node.right}) {
            if (nodes_[child].fresh) add_all(child, page);
        }
    }

    void add(NodeIndex index, uint32_t page) {
        nodes_[index].height = height_;
        nodes_[index].page = first_page_ + page;
        pages_[page].nodes.push_back(index);
    }

    uint32_t new_page() {
        pages_.emplace_back();
        return uint32_t(pages_.size() - 1);
    }

    [[nodiscard]] bool is_here(NodeIndex child, uint32_t page) const {
        return nodes_[child].fresh && nodes_[child].page == first_page_ + page;
    }

    void set_offsets(uint32_t page) {
        size_t offset = page_header_bytes;
        for (const NodeIndex index : pages_[page].nodes) {
            Node& node = nodes_[index];
            node.offset = uint16_t(offset);
            offset += node_bytes(node);
            if (node.kind != NodeKind::inner) continue;
            for (const NodeIndex child : {node.left, node.right}) {
                if (is_here(child, page)) offset -= child_elsewhere_bytes - child_here_bytes;
            }
        }
    }

    [[nodiscard]] Bytes bytes_of(uint32_t page) const {
        Bytes bytes = begin_page();
        for (const NodeIndex index : pages_[page].nodes) {
            const Node& node = nodes_[index];
            ENSURE(bytes.size() == node.offset);
            if (node.kind == NodeKind::leaf) {
                const Leaf& leaf = leaves_[node.left];
                append_node(bytes, StoredLeaf{leaf.key(), leaf.value});
            } else {
                append_node(bytes,
                            StoredInner{node.bit, child(node.left, page), child(node.right, page)});
            }
        }
        end_page(bytes, height_, first_page_ + page);
        return bytes;
    }

    [[nodiscard]] StoredChild child(NodeIndex index, uint32_t page) const {
        const Node& node = nodes_[index];
        return {node.hash, node.id(), is_here(index, page)};
    }

    Pool<Node>& nodes_;
    const Pool<Leaf>& leaves_;
    uint64_t height_;
    uint32_t first_page_;
    std::vector<Placed> pages_;
    uint32_t shared_ = no_page;
};

std::pair<RootRef, std::vector<Page>> Tree::commit(uint64_t height, uint32_t first_page) {
    ENSURE(source_ != nullptr);
    std::vector<Page> pages;
    if (root_ == no_node) {
        committed_ = RootRef::empty();
    } else {
        const Hash hash = hash_of(root_);
        // Erasing can leave an old node as the root: then there is nothing to write.
        if (nodes_[root_].fresh) {
            ENSURE(!last_height_ || height > *last_height_ ||
                   (height == *last_height_ && first_page >= pages_end_));
            last_height_ = height;
            pages = Layout(nodes_, leaves_, height, first_page).write(root_);
            pages_end_ = first_page + uint32_t(pages.size());
        }
        committed_ = {hash, nodes_[root_].id()};
    }
    committed_root_ = root_;
    for (const NodeIndex index : fresh_) {
        nodes_[index].fresh = false;
        nodes_[index].stamp = commit_count_;
    }
    for (const NodeIndex index : superseded_) release(index);
    fresh_.clear();
    superseded_.clear();
    ++commit_count_;
    evict();
    return {committed_, std::move(pages)};
}

}  // namespace tally::tree
