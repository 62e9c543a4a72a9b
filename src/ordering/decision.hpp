// What a decided block must be for anyone who knows the one before: catch-up, light clients and
// verifiers share it (docs/protocol.md, section 2).
#pragma once

#include "model/messages.hpp"

namespace tally::ordering {

enum class DecisionError {
    wrong_slot,
    wrong_parent,
    wrong_shape,
    wrong_quorum,
    wrong_certificates
};
ErrorText describe(DecisionError error);

/// Slot 0, which nobody votes on: no lane has a batch, nothing is carried. Its hash is never used:
/// the parent of slot 1 is the network id.
[[nodiscard]] model::Block genesis_block(Micros genesis_time, uint32_t participants,
                                         uint32_t ledgers);
/// What the next block names as its parent.
[[nodiscard]] Hash parent_of_next(const model::Block& block, const Hash& network);

/// True iff `certificates` are exactly those that `block.cut` names above `previous`, ascending by
/// lane. Digests bind every byte, so that no signature needs checking where a quorum has voted.
[[nodiscard]] bool names_exactly(const model::Cut& previous, const model::Cut& cut,
                                 const model::LaneCertificates& certificates);

/// A quorum decided this block after `previous`. That it obeys the rules follows: at least f+1
/// honest participants checked it before they voted.
[[nodiscard]] Result<void> check_decision(const model::Signatories& set, const Verifier& verifier,
                                          const model::Block& previous,
                                          const model::Decision& decision);

}  // namespace tally::ordering
