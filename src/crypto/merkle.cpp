#include "crypto/merkle.hpp"

#include <bit>

namespace tally {
namespace {

Hash inner(const Hash& left, const Hash& right) {
    return Hasher(Tag::merkle_inner).add(left).add(right).finish();
}

/// The largest power of two below `count`. Requires count ≥ 2.
size_t split_of(size_t count) {
    return std::bit_floor(count - 1);
}

}  // namespace

Hash merkle_leaf(ByteView bytes) {
    return tagged_hash(Tag::merkle_leaf, bytes);
}

Hash merkle_root(std::span<const Hash> leaves) {
    if (leaves.empty()) return sha256({});
    if (leaves.size() == 1) return leaves[0];
    const size_t split = split_of(leaves.size());
    return inner(merkle_root(leaves.first(split)), merkle_root(leaves.subspan(split)));
}

std::vector<Hash> merkle_path(std::span<const Hash> leaves, size_t index) {
    ENSURE(index < leaves.size());
    if (leaves.size() == 1) return {};
    const size_t split = split_of(leaves.size());
    const bool in_left = index < split;
    auto path = in_left ? merkle_path(leaves.first(split), index)
                        : merkle_path(leaves.subspan(split), index - split);
    path.push_back(in_left ? merkle_root(leaves.subspan(split)) : merkle_root(leaves.first(split)));
    return path;
}

bool merkle_verify(const Hash& root, size_t count, size_t index, const Hash& leaf,
                   std::span<const Hash> path) {
    if (index >= count) return false;
    size_t position = index;
    size_t last = count - 1;
    Hash hash = leaf;
    for (const Hash& sibling : path) {
        if (last == 0) return false;
        if ((position & 1) != 0 || position == last) {
            hash = inner(sibling, hash);
            while ((position & 1) == 0 && position != 0) {
                position >>= 1;
                last >>= 1;
            }
        } else {
            hash = inner(hash, sibling);
        }
        position >>= 1;
        last >>= 1;
    }
    return last == 0 && hash == root;
}

}  // namespace tally
