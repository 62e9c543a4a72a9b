// The pages of a ledger's state tree, in Map::nodes: u16 ledger ‖ u64 height ‖ u32 page → bytes.
#pragma once

#include <span>

#include "base/strong.hpp"
#include "ports/key_value.hpp"
#include "tree/storage.hpp"

namespace tally::store {

/// Adds the pages of a commit to the batch that holds the rest of its block.
void put_pages(ports::WriteBatch& to, LedgerIndex ledger, std::span<const tree::Page> pages);

/// Borrows the reader. Errors: the reader's, and StoreError::page_missing.
class TreePages : public tree::PageSource {
public:
    TreePages(const ports::Reader& reader, LedgerIndex ledger)
        : reader_(&reader), ledger_(ledger) {}
    Result<Bytes> page(uint64_t height, uint32_t number) const override;

private:
    const ports::Reader* reader_;
    LedgerIndex ledger_;
};

}  // namespace tally::store
