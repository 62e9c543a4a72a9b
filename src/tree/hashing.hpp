// How the tree is hashed (docs/protocol.md, section 9). Frozen: every replica and verifier must
// agree.
#pragma once

#include "crypto/hash.hpp"

namespace tally::tree {

/// What a leaf says of a key's value: its length and its hash, never the value itself.
struct LeafValue {
    uint32_t length = 0;
    Hash hash;
    bool operator==(const LeafValue&) const = default;
};

/// H(0x10 ‖ u16 key length ‖ key ‖ u32 value length ‖ value hash). Requires a key within the limit.
[[nodiscard]] Hash leaf_hash(ByteView key, const LeafValue& value);
/// H(0x11 ‖ u16 bit ‖ left ‖ right); keys whose `bit` is 0 are on the left.
[[nodiscard]] Hash inner_hash(uint16_t bit, const Hash& left, const Hash& right);
/// H(0x12): the root of the empty tree.
[[nodiscard]] const Hash& empty_hash();

}  // namespace tally::tree
