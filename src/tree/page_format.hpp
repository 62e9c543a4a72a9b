// The bytes of a page: a format byte, nodes, each after its parent, and a checksum. A child that
// lies in the same page is named by its offset alone, since its hash follows from its bytes; any
// other child by its hash and place. All integers are big-endian.
//
//     inner:  0x10 + (1 if left is here) + (2 if right is here), u16 bit, left, right
//     child:  here: u16 offset;  elsewhere: hash, u64 height, u32 page, u16 offset
//     leaf:   0x20, u8 key length, key, u32 value length, value hash
//     checksum: the first 8 bytes of H(0x70 ‖ u64 height ‖ u32 page ‖ all before it)
//
// Hashes show whether a node is the right one, but do not cover the places of children; the
// checksum does, so that the damaged page is the one that is named, not the one it falsely points
// to.
#pragma once

#include <variant>

#include "tree/hashing.hpp"
#include "tree/storage.hpp"

namespace tally::tree {

constexpr size_t page_bytes_max = 4096;
constexpr size_t page_header_bytes = 1;
constexpr size_t page_checksum_bytes = 8;
constexpr size_t page_nodes_bytes_max = page_bytes_max - page_header_bytes - page_checksum_bytes;
constexpr size_t inner_bytes = 1 + 2;  ///< without its children
constexpr size_t child_here_bytes = 2;
constexpr size_t child_elsewhere_bytes = 32 + 8 + 4 + 2;
constexpr size_t leaf_bytes_of(size_t key_bytes) {
    return 1 + 1 + key_bytes + 4 + 32;
}

struct StoredChild {
    Hash hash;  ///< zero if it is here
    NodeId id;
    bool is_here = false;
};
struct StoredInner {
    uint16_t bit = 0;
    StoredChild left;
    StoredChild right;
};
struct StoredLeaf {
    ByteView key;  ///< borrowed from the page
    LeafValue value;
};

[[nodiscard]] Bytes begin_page();
void append_node(Bytes& page, const StoredInner& inner);
void append_node(Bytes& page, const StoredLeaf& leaf);

void end_page(Bytes& page, uint64_t height, uint32_t number);

/// TreeError::damaged, saying where and what.
[[nodiscard]] Error damaged(const NodeId& at, const char* what);

/// Requires nothing of `page`; TreeError::damaged unless it is as it was stored there. Returns it
/// without its checksum, borrowed.
[[nodiscard]] Result<ByteView> check_page(ByteView page, const NodeId& at);

struct StoredNode {
    std::variant<StoredInner, StoredLeaf> content;
    size_t bytes = 0;  ///< how many of the page it takes
};
/// Reads the node at `at` out of its checked page. A checksum can be made by anyone, so this still
/// trusts nothing: TreeError::damaged unless the node lies within the page and the children here
/// lie after it. Hashes are for the caller to check.
[[nodiscard]] Result<StoredNode> decode_node(ByteView page, const NodeId& at);

}  // namespace tally::tree
