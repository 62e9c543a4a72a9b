#include "tree/hashing.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace tally::tree {

// Each node's bytes are laid out first and hashed with one call: updates of a few bytes each cost
// as much as the compression itself.

Hash leaf_hash(ByteView key, const LeafValue& value) {
    ENSURE(key.size() <= limits::key_bytes_max);
    std::array<uint8_t, 1 + 2 + limits::key_bytes_max + 4 + 32> bytes;
    uint8_t* to = bytes.data();
    *to++ = uint8_t(Tag::tree_leaf);
    *to++ = uint8_t(key.size() >> 8);
    *to++ = uint8_t(key.size());
    to = std::copy(key.begin(), key.end(), to);
    for (int shift = 24; shift >= 0; shift -= 8) *to++ = uint8_t(value.length >> shift);
    to = std::copy(value.hash.bytes.begin(), value.hash.bytes.end(), to);
    return sha256({bytes.data(), size_t(to - bytes.data())});
}

Hash inner_hash(uint16_t bit, const Hash& left, const Hash& right) {
    std::array<uint8_t, 1 + 2 + 32 + 32> bytes;
    bytes[0] = uint8_t(Tag::tree_inner);
    bytes[1] = uint8_t(bit >> 8);
    bytes[2] = uint8_t(bit);
    std::copy(left.bytes.begin(), left.bytes.end(), bytes.begin() + 3);
    std::copy(right.bytes.begin(), right.bytes.end(), bytes.begin() + 35);
    return sha256(bytes);
}

const Hash& empty_hash() {
    static const Hash hash = tagged_hash(Tag::tree_empty, {});
    return hash;
}

}  // namespace tally::tree
