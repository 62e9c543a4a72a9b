#include "tree/storage.hpp"

#include <algorithm>

#include "tree/hashing.hpp"

namespace tally::tree {

RootRef RootRef::empty() {
    return {empty_hash(), std::nullopt};
}

Bytes encode(const RootRef& root) {
    const NodeId node = root.node.value_or(NodeId{});
    Bytes bytes = copy_of(root.hash.view());
    bytes.push_back(root.node ? 1 : 0);
    append_u64(bytes, node.height);
    append_u32(bytes, node.page);
    append_u32(bytes, node.offset);
    return bytes;
}

Result<RootRef> decode_root_ref(ByteView bytes) {
    const auto damaged = [] { return fail(TreeError::damaged, "a root's reference"); };
    if (bytes.size() != root_ref_bytes) return damaged();
    RootRef root;
    std::copy_n(bytes.begin(), 32, root.hash.bytes.begin());
    root.node = {read_u64(bytes.subspan(33)), read_u32(bytes.subspan(41)),
                 read_u32(bytes.subspan(45))};
    if (bytes[32] == 0) root.node.reset();
    // Only the empty tree has no node, and one root has one encoding.
    if (!root.node && root.hash != empty_hash()) return damaged();
    if (!equal(encode(root), bytes)) return damaged();
    return root;
}

}  // namespace tally::tree
