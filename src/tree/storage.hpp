// Where versions of the tree are kept: pages of nodes, named by the block height that wrote them.
//
// Pages are never changed. A version is a RootRef; it stays readable as long as the pages it
// reaches are kept, however many later versions share them.
#pragma once

#include <optional>

#include "crypto/hash.hpp"
#include "tree/error.hpp"

namespace tally::tree {

/// Where a stored node lies: in page `page` of those written at `height`, from byte `offset` on.
struct NodeId {
    uint64_t height = 0;
    uint32_t page = 0;
    uint32_t offset = 0;
    auto operator<=>(const NodeId&) const = default;
};

/// One version of the tree. The empty tree has the hash H(0x12) and no node.
struct RootRef {
    Hash hash;
    std::optional<NodeId> node;
    bool operator==(const RootRef&) const = default;

    [[nodiscard]] static RootRef empty();
};
constexpr size_t root_ref_bytes = 32 + 1 + 8 + 4 + 4;
/// Always root_ref_bytes long, and the only encoding of `root`.
[[nodiscard]] Bytes encode(const RootRef& root);
[[nodiscard]] Result<RootRef> decode_root_ref(ByteView bytes);

/// About 4 KiB of nodes. Pages of one height are numbered from 0 without gaps.
struct Page {
    uint64_t height = 0;
    uint32_t number = 0;
    Bytes bytes;
};

/// What the tree needs of a store. A page may have been damaged meanwhile: the tree checks it.
class PageSource {
public:
    virtual ~PageSource() = default;
    /// The bytes of a page as stored; an error if there is no such page.
    [[nodiscard]] virtual Result<Bytes> page(uint64_t height, uint32_t number) const = 0;
};

/// Of a tree that is all in memory.
class NoPages final : public PageSource {
public:
    Result<Bytes> page(uint64_t, uint32_t) const override { return TreeError::damaged; }
};

}  // namespace tally::tree
