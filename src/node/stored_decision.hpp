// What a decision is stored with, derived from what the one before it was stored with; so that what
// no signature covers can be checked, and made again.
#pragma once

#include "node/chain_store.hpp"

namespace tally::node {

/// `before`: of the slot before; none for slot 1. Errors: what is stored before is damaged.
[[nodiscard]] Result<StoredDecision> derive_stored(const model::CharterBody& charter,
                                                   const StoredDecision* before,
                                                   const model::Decision& decision);

/// True iff the stored decision names the stored one before it as its parent, its own certificate
/// names it, and what is stored beside it follows. Signatures are not looked at: whoever decided
/// the block before did not decide two.
[[nodiscard]] bool is_as_decided(const model::CharterBody& charter, const Hash& network,
                                 const StoredDecision* before, const StoredDecision& stored);

}  // namespace tally::node
