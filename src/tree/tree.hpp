// The authenticated ordered map: a binary Patricia tree over raw keys whose root hash commits to
// every key and value, and depends on them alone, never on the order of changes.
//
// `Tree` is the newest version, which can be changed; older versions are read through `prove` and
// `lookup` (tree/proof.hpp) from their RootRef. Keys have 1 to 128 bytes and are prefix-free.
// Nodes are loaded from the PageSource when first needed, each checked against the hash that its
// parent holds, so that a damaged page is an error (TreeError::damaged) and never a wrong answer. A
// call that returns an error has changed nothing, and may be repeated once the page is healed.
//
// Not thread-safe. Changes are made to copies: nodes that a commit or a mark has seen are never
// written to until the next commit, which is what makes `restore` and `rollback` cheap.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "tree/node.hpp"
#include "tree/proof.hpp"
#include "tree/storage.hpp"

namespace tally::tree {

/// A moment between two commits, to which `restore` can return.
struct Mark {
    NodeIndex root;
    size_t fresh_count;
    size_t superseded_count;
    uint32_t commit_count;
};

class Tree {
public:
    /// About 100 bytes each; enough for a million keys.
    static constexpr size_t nodes_in_memory_max_default = 2'000'000;

    /// `source` is borrowed for the tree's life. Reads nothing yet.
    explicit Tree(const PageSource& source, const RootRef& root = RootRef::empty(),
                  size_t nodes_in_memory_max = nodes_in_memory_max_default);

    /// Adds the key or replaces its value. Refuses a bad_key or a prefix_key.
    [[nodiscard]] Result<void> put(ByteView key, uint32_t value_length, const Hash& value_hash);
    /// False if the key was absent.
    [[nodiscard]] Result<bool> erase(ByteView key);
    /// Nothing if the key is absent.
    [[nodiscard]] Result<std::optional<LeafValue>> get(ByteView key);
    /// The key's presence or absence under root().
    [[nodiscard]] Result<Proof> prove(ByteView key);

    /// Hashes only what changed since the last call.
    [[nodiscard]] Hash root();

    /// Ends the block at `height`: names every new node that the root reaches and returns the pages
    /// that hold them (none if nothing changed). The caller stores them, atomically with whatever
    /// belongs to this version, before it uses the tree again; if it cannot, the tree is to be
    /// thrown away. Requires a height above that of every earlier commit of this history.
    [[nodiscard]] std::pair<RootRef, std::vector<Page>> commit(uint64_t height);
    /// The version of the last commit, or the one given at the start.
    [[nodiscard]] const RootRef& committed() const { return committed_; }

    /// A moment to return to with restore(), any number of times, until the next commit or
    /// rollback, or until an earlier mark is restored.
    [[nodiscard]] Mark mark();
    void restore(const Mark& mark);
    /// Undoes everything since the last commit.
    void rollback();

    /// Including those of which only hash and place are held. Bounded, but for what one block and
    /// one call touch.
    [[nodiscard]] size_t nodes_in_memory() const { return nodes_.live(); }

private:
    // tree.cpp
    Result<void> descend(ByteView key);
    void hang(NodeIndex below, size_t count, ByteView key);
    NodeIndex own(NodeIndex index);
    NodeIndex make_inner(uint16_t bit, NodeIndex left, NodeIndex right);
    NodeIndex make_leaf(ByteView key, const LeafValue& value);
    NodeIndex make_fresh(NodeKind kind);
    Leaf& leaf_of(NodeIndex index) { return leaves_[nodes_[index].left]; }
    const Hash& hash_of(NodeIndex index);
    // memory.cpp
    NodeIndex make_stored(const Hash& hash, const NodeId& id);
    Result<void> load(NodeIndex index, int32_t bit_above);
    Result<NodeIndex> load_at(ByteView page, const NodeId& at, int32_t bit_above,
                              size_t& bytes_left);
    void forget_below(NodeIndex index);
    void release(NodeIndex index);
    void evict();

    const PageSource* source_;
    RootRef committed_;
    size_t nodes_in_memory_max_;
    Pool<Node> nodes_;
    Pool<Leaf> leaves_;
    NodeIndex root_ = no_node;
    NodeIndex committed_root_ = no_node;
    std::vector<NodeIndex> fresh_;       ///< every node made since the last commit, in order
    std::vector<NodeIndex> superseded_;  ///< every node that left the tree since, in order
    std::vector<NodeIndex> path_;        ///< of the last descend(): from the root to a leaf
    uint32_t epoch_ = 0;                 ///< nodes made in it may be written to
    uint32_t commit_count_ = 0;
    std::optional<uint64_t> last_height_;  ///< at which this object wrote pages
};

}  // namespace tally::tree
