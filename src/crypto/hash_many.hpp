// Many SHA-256 at once: a processor hashes several messages side by side in far less time than one
// after the other.
#pragma once

#include <span>
#include <vector>

#include "crypto/hash.hpp"

namespace tally {

/// Plain SHA-256 of each.
[[nodiscard]] std::vector<Hash> sha256_of_each(std::span<const ByteView> messages);

/// H(tag ‖ message) of each.
[[nodiscard]] std::vector<Hash> tagged_hashes(Tag tag, std::span<const ByteView> messages);

/// RFC 9162 roots of many trees of `leaves_each` leaves, whose leaves lie end to end. Requires
/// leaves_each > 0, and leaves of whole trees.
[[nodiscard]] std::vector<Hash> merkle_roots(std::vector<Hash> leaves, size_t leaves_each);

}  // namespace tally
