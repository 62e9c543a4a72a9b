// Chain: the decided history, as far as the rules of the next slot read it.
#pragma once

#include "ordering/decision.hpp"
#include "ordering/machine.hpp"

namespace tally::ordering {

struct Chain {
    model::Block last;                  ///< of slot 0 at first
    Hash parent;                        ///< what the next block names
    std::optional<model::CommitQC> qc;  ///< of `last`
    model::Cut cut_before;              ///< of the slot before `last`: how far back a wake may look
    std::vector<Height> carried_before;
    DecidedDisputes disputes;                      ///< up to and including `last`
    std::optional<model::EpochProposal> proposal;  ///< of `last.next`

    static Chain genesis(const Config& config);
    /// `hash` is the block's. Gaps are allowed: what lies before is then unknown.
    void append(const model::Decision& decision, const Hash& hash);
    [[nodiscard]] Slot next_slot() const { return last.slot.next(); }
};

/// True iff the dispute may stand in the block after `chain`, its signature apart: by a prover of
/// that ledger, about a height that the ledger can have reached, above every height that this
/// prover has disputed there before. Ascending heights keep what must be remembered bounded, and
/// decide each (ledger, height, prover) at most once.
[[nodiscard]] bool may_stand_in_control(const Chain& chain,
                                        std::span<const std::vector<Participant>> provers,
                                        const model::Signed<model::Dispute>& dispute);

}  // namespace tally::ordering
