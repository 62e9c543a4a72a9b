// Witness: the part of a tree that a computation needs, so that whoever holds the root alone can
// repeat the computation; and proofs that a range of keys is shown whole.
//
// Nodes stand in preorder: an inner node's bit, then its two sides; a leaf; or the hash of a hidden
// subtree. Of every two sides at least one shows a leaf, so the bits with which each hidden
// subtree's keys begin are known: those of a leaf beside it, up to where they part. That is why a
// tree opened from a witness (Tree::open) can put a key beside a hidden subtree, let a hidden
// subtree take its erased parent's place, and say that nothing hidden lies in a range.
//
// A witness made for some keys shows the way of each (Tree::way) in the tree that it was made from.
// It then decides every get, put and erase of these keys, in any order and number; and a scan whose
// two ends, and all keys between them, are among them.
//
// What is shown is true of an honest root: one that honest participants computed. Under a root that
// no honest tree has, hidden subtrees may hold anything.
#pragma once

#include "tree/proof.hpp"

namespace tally::tree {

/// Bounds what a stranger may make us hold; about 20 MiB.
constexpr size_t witness_nodes_max = size_t{1} << 18;

/// The bit of an inner node, the hash of a hidden subtree, or a leaf.
using WitnessNode = std::variant<uint16_t, Hash, ProofLeaf>;

/// Encoded as the CBOR array [version, [node, …]], a node being [0, bit], [1, hash] or [2, [key,
/// value length, value hash]].
struct Witness {
    static constexpr uint8_t version_known = 1;

    uint8_t version = version_known;
    cbor::List<WitnessNode, witness_nodes_max> nodes;  ///< none iff the tree is empty
    bool operator==(const Witness&) const = default;
    static constexpr auto fields() { return std::tuple{&Witness::version, &Witness::nodes}; }
};

[[nodiscard]] Bytes encode(const Witness& witness);
/// Strict: one witness has one encoding. Says nothing yet of what it shows.
[[nodiscard]] Result<Witness> decode_witness(ByteView bytes);
/// The one root under which `witness` may be given; TreeError::invalid_proof if none can.
[[nodiscard]] Result<Hash> root_of(const Witness& witness);

struct RangeEntry {
    Bytes key;
    LeafValue value;
    bool operator==(const RangeEntry&) const = default;
};

/// Proves what a stored version of the tree has in [from, to); an empty `to` means the end.
[[nodiscard]] Result<Witness> prove_range(const PageSource& source, const RootRef& root,
                                          ByteView from, ByteView to);
/// All that a tree with this root has in [from, to), ascending; TreeError::invalid_proof or
/// outside_witness if `witness` does not show that.
[[nodiscard]] Result<std::vector<RangeEntry>> check_range(const Hash& root, ByteView from,
                                                          ByteView to, const Witness& witness);

}  // namespace tally::tree
