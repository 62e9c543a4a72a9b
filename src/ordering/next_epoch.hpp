// What decided blocks say of the next epoch: a function of control entries, built by leaders and
// checked by voters (docs/protocol.md, section 5).
#pragma once

#include "ordering/fresh_block.hpp"

namespace tally::ordering {

/// What is decided of the epoch after the one that a block after `chain` belongs to; null: nothing.
[[nodiscard]] const model::NextEpoch* decided_next(const Rules& rules, const Chain& chain);

/// True iff the proposal may stand in the block after `chain`, its votes apart: it follows the
/// rules, and its attempt is above that of the one decided last in this epoch.
[[nodiscard]] bool may_stand_in_control(const Rules& rules, const Chain& chain,
                                        const model::EpochProposal& proposal);
/// True iff it may stand in a block of this slot and time whose ready participants so far are
/// `next`'s, its signature apart: by a participant of the proposal decided last, which has not
/// lapsed, with keys that nobody else has.
[[nodiscard]] bool may_stand_in_control(const Rules& rules, const Chain& chain, Slot slot,
                                        Micros time, const model::NextEpoch& next,
                                        const model::Ready& ready);
/// By the identity key that the proposal names, and by the signing key. Requires that it may stand.
[[nodiscard]] bool is_signed(const Rules& rules, const Chain& chain, const model::Ready& ready);

/// What is decided of the next epoch after a block with these entries. False: one of them may not
/// stand there.
[[nodiscard]] bool next_after(const Rules& rules, const Chain& chain, const model::Block& block,
                              std::optional<model::NextEpoch>& next);

}  // namespace tally::ordering
