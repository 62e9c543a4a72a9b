#include "tree/page_format.hpp"

#include <algorithm>

#include "tree/key.hpp"

namespace tally::tree {
namespace {

constexpr uint8_t page_format = 1;
constexpr uint8_t inner_kind = 0x10;
constexpr uint8_t left_is_here = 1;
constexpr uint8_t right_is_here = 2;
constexpr uint8_t leaf_kind = 0x20;

Hash checksum_of(ByteView content, uint64_t height, uint32_t number) {
    return Hasher(Tag::record).add_u64(height).add_u32(number).add(content).finish();
}

void append_child(Bytes& page, const StoredChild& child) {
    if (!child.is_here) {
        append(page, child.hash.view());
        append_u64(page, child.id.height);
        append_u32(page, child.id.page);
    }
    append_u16(page, uint16_t(child.id.offset));
}

Hash read_hash(ByteView from) {
    Hash hash;
    std::copy_n(from.begin(), hash.bytes.size(), hash.bytes.begin());
    return hash;
}

StoredChild read_child(ByteView from, bool is_here, const NodeId& parent) {
    if (is_here) return {{}, {parent.height, parent.page, read_u16(from)}, true};
    return {read_hash(from),
            {read_u64(from.subspan(32)), read_u32(from.subspan(40)), read_u16(from.subspan(44))},
            false};
}

Result<StoredNode> decode_inner(ByteView from, const NodeId& at) {
    const uint8_t flags = from[0] - inner_kind;
    const bool is_left_here = (flags & left_is_here) != 0;
    const bool is_right_here = (flags & right_is_here) != 0;
    const size_t left_bytes = is_left_here ? child_here_bytes : child_elsewhere_bytes;
    const size_t right_bytes = is_right_here ? child_here_bytes : child_elsewhere_bytes;
    const size_t bytes = inner_bytes + left_bytes + right_bytes;
    if (from.size() < bytes) return damaged(at, "cut short");

    StoredInner inner;
    inner.bit = read_u16(from.subspan(1));
    inner.left = read_child(from.subspan(inner_bytes), is_left_here, at);
    inner.right = read_child(from.subspan(inner_bytes + left_bytes), is_right_here, at);
    // Children only ever lie further on: whoever follows them comes to an end.
    if (inner.bit >= key_bits_max || (is_left_here && inner.left.id.offset <= at.offset) ||
        (is_right_here && inner.right.id.offset <= at.offset)) {
        return damaged(at, "no bit or no place");
    }
    return StoredNode{inner, bytes};
}

Result<StoredNode> decode_leaf(ByteView from, const NodeId& at) {
    if (from.size() < 2) return damaged(at, "cut short");
    const size_t key_bytes = from[1];
    const size_t bytes = leaf_bytes_of(key_bytes);
    if (from.size() < bytes) return damaged(at, "cut short");
    const ByteView key = from.subspan(2, key_bytes);
    if (!check_key(key).ok()) return damaged(at, "no key");
    const ByteView value = from.subspan(2 + key_bytes);
    return StoredNode{StoredLeaf{key, {read_u32(value), read_hash(value.subspan(4))}}, bytes};
}

}  // namespace

Error damaged(const NodeId& at, const char* what) {
    return fail(TreeError::damaged, "height " + std::to_string(at.height) + ", page " +
                                        std::to_string(at.page) + ", offset " +
                                        std::to_string(at.offset) + ": " + what);
}

Bytes begin_page() {
    Bytes page;
    page.reserve(page_bytes_max);
    page.push_back(page_format);
    return page;
}

void append_node(Bytes& page, const StoredInner& inner) {
    page.push_back(inner_kind | (inner.left.is_here ? left_is_here : 0) |
                   (inner.right.is_here ? right_is_here : 0));
    append_u16(page, inner.bit);
    append_child(page, inner.left);
    append_child(page, inner.right);
}

void append_node(Bytes& page, const StoredLeaf& leaf) {
    page.push_back(leaf_kind);
    page.push_back(uint8_t(leaf.key.size()));
    append(page, leaf.key);
    append_u32(page, leaf.value.length);
    append(page, leaf.value.hash.view());
}

void end_page(Bytes& page, uint64_t height, uint32_t number) {
    append(page, checksum_of(page, height, number).view().first(page_checksum_bytes));
    ENSURE(page.size() <= page_bytes_max);
}

Result<ByteView> check_page(ByteView page, const NodeId& at) {
    if (page.size() > page_bytes_max || page.size() <= page_header_bytes + page_checksum_bytes) {
        return damaged(at, "a page of another size");
    }
    const ByteView content = page.first(page.size() - page_checksum_bytes);
    if (!equal(checksum_of(content, at.height, at.page).view().first(page_checksum_bytes),
               page.last(page_checksum_bytes))) {
        return damaged(at, "another checksum");
    }
    if (content[0] != page_format) return damaged(at, "a page of another format");
    return content;
}

Result<StoredNode> decode_node(ByteView page, const NodeId& at) {
    if (at.offset < page_header_bytes || at.offset >= page.size()) {
        return damaged(at, "outside the page");
    }
    const ByteView from = page.subspan(at.offset);
    const uint8_t kind = from[0];
    if (kind == leaf_kind) return decode_leaf(from, at);
    if (kind >= inner_kind && kind <= (inner_kind | left_is_here | right_is_here)) {
        return decode_inner(from, at);
    }
    return damaged(at, "no kind of node");
}

}  // namespace tally::tree
