// The authenticated ordered map: a binary Patricia tree over raw keys whose root hash commits to
// every key and value, and depends on them alone, never on the order of changes.
//
// `Tree` is the newest version, which can be changed; older versions are read through `prove` and
// `lookup` (tree/proof.hpp) from their RootRef. Keys have 1 to 128 bytes and are prefix-free.
// Nodes are loaded from the PageSource when first needed, each checked against the hash that its
// parent holds, so that a damaged page is an error (TreeError::damaged) and never a wrong answer. A
// call that returns an error has changed nothing, and may be repeated once the page is healed.
//
// A tree opened from a witness (tree/witness.hpp) is the same map of which only a part is known.
// What the part decides is answered and done as in the whole tree, with the same root; all else is
// TreeError::outside_witness. It is never committed.
//
// Not thread-safe. Changes are made to copies: nodes that a commit or a mark has seen are never
// written to until the next commit, which is what makes `restore` and `rollback` cheap.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "tree/node.hpp"
#include "tree/proof.hpp"
#include "tree/storage.hpp"
#include "tree/witness.hpp"

namespace tally::tree {

/// A moment between two commits, to which `restore` can return.
struct Mark {
    NodeIndex root;
    size_t fresh_count;
    size_t superseded_count;
    uint32_t commit_count;
};

/// The way that a key takes from the root.
struct Way {
    uint32_t inner_nodes = 0;
    ByteView leaf;  ///< the key at its end, borrowed until the next call; empty: none
    std::optional<LeafValue> value;  ///< nothing: the key is absent
    /// The commit that wrote that leaf, unless it is newer than the last one: the key has had its
    /// value since then, or for longer.
    uint64_t leaf_height = 0;
};

class Tree {
public:
    /// About 100 bytes each; enough for a million keys.
    static constexpr size_t nodes_in_memory_max_default = 2'000'000;

    /// `source` is borrowed for the tree's life. Reads nothing yet.
    explicit Tree(const PageSource& source, const RootRef& root = RootRef::empty(),
                  size_t nodes_in_memory_max = nodes_in_memory_max_default);

    /// The part that `witness` shows of the tree with this root, everything in it checked;
    /// TreeError::invalid_proof if it shows none.
    [[nodiscard]] static Result<Tree> open(const Hash& root, const Witness& witness);

    /// Adds the key or replaces its value. Refuses a bad_key or a prefix_key.
    [[nodiscard]] Result<void> put(ByteView key, uint32_t value_length, const Hash& value_hash);
    /// Puts entries that ascend and all come after every key in the tree, each in constant time but
    /// for its way's first steps. Refuses not_ascending, a bad_key or a prefix_key.
    [[nodiscard]] Result<void> append(std::span<const RangeEntry> entries);
    /// False if the key was absent.
    [[nodiscard]] Result<bool> erase(ByteView key);
    /// Nothing if the key is absent.
    [[nodiscard]] Result<std::optional<LeafValue>> get(ByteView key);
    /// The key's presence or absence under root().
    [[nodiscard]] Result<Proof> prove(ByteView key);
    /// How much of the tree shows the key's presence or absence.
    [[nodiscard]] Result<Way> way(ByteView key);

    /// The leaves with keys in [from, to), ascending, until `each` returns false; an empty `to`
    /// means the end. The views live only for the call; `each` must not use the tree. What is
    /// visited stays in memory until the next call.
    using EachLeaf = std::function<bool(ByteView key, const LeafValue& value)>;
    [[nodiscard]] Result<void> scan(ByteView from, ByteView to, const EachLeaf& each);
    /// Of these, the leaves that the commit of this version wrote: requires that it is the newest,
    /// unchanged. Loads, and so checks, whatever else that commit wrote on the way to them.
    [[nodiscard]] Result<void> scan_written(uint64_t height, ByteView from, const EachLeaf& each);
    /// Shows the ways of these keys, in any order (see Witness).
    [[nodiscard]] Result<Witness> witness(std::vector<ByteView> keys);

    /// Hashes only what changed since the last call.
    [[nodiscard]] Hash root();

    /// Ends the block at `height`: names every new node that the root reaches and returns the pages
    /// that hold them (none if nothing changed). The caller stores them, atomically with whatever
    /// belongs to this version, before it uses the tree again; if it cannot, the tree is to be
    /// thrown away. Requires a height above that of every earlier commit of this history; or the
    /// same, if what belongs to one height is written piece by piece, with a `first_page` after the
    /// last one's pages.
    [[nodiscard]] std::pair<RootRef, std::vector<Page>> commit(uint64_t height,
                                                               uint32_t first_page = 0);
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
    [[nodiscard]] Result<bool> is_met(ByteView key) const;
    void hang(NodeIndex below, size_t count, ByteView key);
    NodeIndex own(NodeIndex index);
    NodeIndex make_inner(uint16_t bit, NodeIndex left, NodeIndex right);
    NodeIndex make_leaf(ByteView key, const LeafValue& value);
    NodeIndex make_fresh(NodeKind kind);
    Leaf& leaf_of(NodeIndex index) { return leaves_[nodes_[index].left]; }
    const Leaf& leaf_of(NodeIndex index) const { return leaves_[nodes_[index].left]; }
    const Hash& hash_of(NodeIndex index);
    // append.cpp
    Result<void> descend_to_last();
    [[nodiscard]] Result<void> check_after(ByteView last,
                                           std::span<const RangeEntry> entries) const;
    // scan.cpp
    [[nodiscard]] std::optional<uint32_t> difference_from_met(ByteView key) const;
    Result<void> scan_some(ByteView from, ByteView to, std::optional<uint64_t> written_at,
                           const EachLeaf& each);
    // witness.cpp
    friend class WitnessReader;
    Tree() = default;
    Result<void> show(NodeIndex index, int32_t bit_above, std::span<ByteView> keys, Witness& to);
    // memory.cpp
    NodeIndex make_stored(const Hash& hash, const NodeId& id);
    Result<void> visit(NodeIndex index, int32_t bit_above);
    Result<void> load(NodeIndex index, int32_t bit_above);
    Result<NodeIndex> load_at(ByteView page, const NodeId& at, int32_t bit_above,
                              size_t& bytes_left);
    void forget_below(NodeIndex index);
    void release(NodeIndex index);
    void evict();

    const PageSource* source_ = nullptr;  ///< none: opened from a witness
    RootRef committed_;
    size_t nodes_in_memory_max_ = SIZE_MAX;
    Pool<Node> nodes_;
    Pool<Leaf> leaves_;
    NodeIndex root_ = no_node;
    NodeIndex committed_root_ = no_node;
    std::vector<NodeIndex> fresh_;       ///< every node made since the last commit, in order
    std::vector<NodeIndex> superseded_;  ///< every node that left the tree since, in order
    std::vector<NodeIndex>
        path_;            ///< of the last descend(): from the root to a leaf or hidden node
    uint32_t epoch_ = 0;  ///< nodes made in it may be written to
    uint32_t commit_count_ = 0;
    std::optional<uint64_t> last_height_;  ///< at which this object wrote pages
    uint32_t pages_end_ = 0;               ///< after those
};

}  // namespace tally::tree
