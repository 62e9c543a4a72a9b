// Proofs that a key is in a tree with this root, or is not; checked without any storage.
//
// A proof is the way that the key itself takes from the root: at each inner node its bit and the
// hash on the other side, then the leaf at the end. Presence: that leaf has the key. Absence: it
// has another, or the tree is empty. The side taken is never written down but follows from the key,
// so two proofs for one key and one root pass through the same nodes to the same leaf: no key can
// be proved both present and absent, even under a root that no honest tree has.
#pragma once

#include <optional>

#include "model/cbor.hpp"
#include "tree/hashing.hpp"
#include "tree/key.hpp"
#include "tree/storage.hpp"

namespace tally::tree {

/// A proof, witness or chunk that a stranger sent is refused, and why.
[[nodiscard]] Error invalid_proof(const char* why);

struct ProofStep {
    uint16_t bit = 0;
    Hash sibling;
    bool operator==(const ProofStep&) const = default;
    static constexpr auto fields() { return std::tuple{&ProofStep::bit, &ProofStep::sibling}; }
};

struct ProofLeaf {
    cbor::Blob<limits::key_bytes_max> key;
    uint32_t value_length = 0;
    Hash value_hash;
    bool operator==(const ProofLeaf&) const = default;
    static constexpr auto fields() {
        return std::tuple{&ProofLeaf::key, &ProofLeaf::value_length, &ProofLeaf::value_hash};
    }
};

/// Encoded as the CBOR array [version, [[bit, sibling], …], [key, value length, value hash] or
/// null].
struct Proof {
    static constexpr uint8_t version_known = 1;

    uint8_t version = version_known;
    cbor::List<ProofStep, key_bits_max> steps;  ///< from the root down; bits strictly increase
    std::optional<ProofLeaf> leaf;              ///< none iff the tree is empty
    bool operator==(const Proof&) const = default;
    static constexpr auto fields() {
        return std::tuple{&Proof::version, &Proof::steps, &Proof::leaf};
    }
};

[[nodiscard]] Bytes encode(const Proof& proof);
/// Strict: one proof has one encoding. Says nothing yet of what it proves.
[[nodiscard]] Result<Proof> decode_proof(ByteView bytes);

/// The key's leaf value, or nothing: the key is absent.
using Presence = std::optional<LeafValue>;

/// What `proof` shows of `key` under `root`; TreeError::invalid_proof if it shows nothing.
[[nodiscard]] Result<Presence> check(const Hash& root, ByteView key, const Proof& proof);

/// The one root under which `proof` may be given for `key`; TreeError::invalid_proof if none can.
[[nodiscard]] Result<Hash> root_of(ByteView key, const Proof& proof);

/// Proves `key` in a stored version of the tree.
[[nodiscard]] Result<Proof> prove(const PageSource& source, const RootRef& root, ByteView key);
/// Looks `key` up in a stored version of the tree.
[[nodiscard]] Result<Presence> lookup(const PageSource& source, const RootRef& root, ByteView key);

}  // namespace tally::tree
