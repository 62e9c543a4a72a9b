// Repair: what to write so that one key of a ledger's state reads again as its tree says, at one
// height and at all between that and the block that wrote it.
#pragma once

#include "ports/key_value.hpp"
#include "tree/tree.hpp"

namespace tally::node {

struct Repair {
    ports::WriteBatch writes;  ///< none: nothing is wrong
    /// The key's leaf, if its value is not held here: nothing is written until that is found.
    std::optional<tree::LeafValue> wanted;
};

/// Where a height is not held, the key has no value there. `value`: what a peer gave, if it did;
/// it need not be true. Errors: the tree's, which is then damaged itself; the reader's.
[[nodiscard]] Result<Repair> repair_key(const ports::Reader& reader, LedgerIndex ledger, Height at,
                                        ByteView key, const std::optional<Bytes>& value = {});

}  // namespace tally::node
