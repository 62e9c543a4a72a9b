// Merkle trees over lists, as RFC 9162 section 2.1 has them: leaf = H(0x00 ‖ bytes), inner = H(0x01
// ‖ l ‖ r), the empty list = H(). The last leaf of an odd level is not duplicated.
#pragma once

#include <vector>

#include "crypto/hash.hpp"

namespace tally {

/// H(0x00 ‖ bytes): what the functions below call a leaf.
[[nodiscard]] Hash merkle_leaf(ByteView bytes);
/// Root over leaf hashes.
[[nodiscard]] Hash merkle_root(std::span<const Hash> leaves);

/// Inclusion path of leaf `index`, nearest sibling first (RFC 9162 section 2.1.3.1).
/// Requires index < leaves.size().
[[nodiscard]] std::vector<Hash> merkle_path(std::span<const Hash> leaves, size_t index);

/// True iff `path` leads from `leaf` at `index` of `count` leaves to `root` (section 2.1.3.2).
[[nodiscard]] bool merkle_verify(const Hash& root, size_t count, size_t index, const Hash& leaf,
                                 std::span<const Hash> path);

}  // namespace tally
