// What a decision is stored with, derived from what the one before it was stored with; so that what
// no signature covers can be checked, and made again.
#pragma once

#include "node/chain_store.hpp"

namespace tally::node {

/// `before`: of the slot before; none for slot 1. Errors: what is stored before is damaged.
[[nodiscard]] Result<StoredDecision> derive_stored(const model::Epochs& epochs,
                                                   const StoredDecision* before,
                                                   const model::Decision& decision);

/// True iff the stored decision names the stored one before it as its parent, its own certificate
/// names it, and what is stored beside it follows. Signatures are not looked at: whoever decided
/// the block before did not decide two.
[[nodiscard]] bool is_as_decided(const model::Epochs& epochs, const StoredDecision* before,
                                 const StoredDecision& stored);

/// Its certificate is of this block: what rots alone cannot keep that.
[[nodiscard]] bool is_intact(const model::Decision& decision);

/// The certificate of a block that is carried by a slot up to `decided`. It lies by itself; where
/// it does not, or is damaged, it is put back from the decision that carries it. Nothing if that
/// does not carry it. Errors: decisions that are damaged, and those of the database.
[[nodiscard]] Result<std::optional<model::BlockCertificate>> carried_certificate(
    ports::KeyValue& key_value, LedgerIndex ledger, Height height, Slot decided);

}  // namespace tally::node
