#include "store/tree_pages.hpp"

#include "store/error.hpp"

namespace tally::store {
namespace {

Bytes page_key(LedgerIndex ledger, uint64_t height, uint32_t number) {
    Bytes key;
    key.reserve(14);
    append_u16(key, ledger.value);
    append_u64(key, height);
    append_u32(key, number);
    return key;
}

}  // namespace

void put_pages(ports::WriteBatch& to, LedgerIndex ledger, std::span<const tree::Page> pages) {
    for (const tree::Page& page : pages) {
        to.put(ports::Map::nodes, page_key(ledger, page.height, page.number), page.bytes);
    }
}

Result<Bytes> TreePages::page(uint64_t height, uint32_t number) const {
    TRY(bytes, reader_->get(ports::Map::nodes, page_key(ledger_, height, number)));
    if (!bytes) {
        return fail(StoreError::page_missing, "page " + std::to_string(number) + " of block " +
                                                  std::to_string(height) + " of ledger " +
                                                  std::to_string(ledger_.value));
    }
    return *std::move(bytes);
}

}  // namespace tally::store
