// Keys of the tree as strings of bits: bit 0 is the most significant bit of the first byte, so that
// the order of bits is the order of bytes.
#pragma once

#include <bit>
#include <optional>

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "tree/error.hpp"

namespace tally::tree {

constexpr uint32_t key_bits_max = 8 * limits::key_bytes_max;

inline Result<void> check_key(ByteView key) {
    if (key.empty() || key.size() > limits::key_bytes_max) return TreeError::bad_key;
    return success();
}

/// Bits past the end are 0. That is only ever asked of a key that is looked up: the keys in a tree
/// are prefix-free, so two of them differ inside both, and every inner node's bit lies inside every
/// key below it. A looked-up key that ends early is thus led to some leaf with another key, which
/// is what shows its absence.
inline bool bit_of(ByteView key, uint32_t bit) {
    const uint32_t byte = bit / 8;
    return byte < key.size() && (key[byte] >> (7 - bit % 8) & 1) != 0;
}

/// The first bit in which two keys differ; nothing if they are equal or one is a prefix of the
/// other.
inline std::optional<uint32_t> first_difference(ByteView a, ByteView b) {
    const size_t common = a.size() < b.size() ? a.size() : b.size();
    for (size_t i = 0; i < common; ++i) {
        if (a[i] != b[i]) return uint32_t(8 * i) + uint32_t(std::countl_zero(uint8_t(a[i] ^ b[i])));
    }
    return std::nullopt;
}

}  // namespace tally::tree
