#include "ordering/standing.hpp"

#include "ordering/core.hpp"

namespace tally::ordering {

Standing Machine::standing() const {
    const Core::SlotState& slot = core_->slot;
    const auto named = [](const auto& vote) { return Standing::Named{vote.view, vote.block}; };
    Standing standing;
    standing.slot = core_->current();
    standing.parent = core_->chain.parent;
    standing.view = slot.view;
    if (slot.timeout) {
        standing.timed_out = slot.timeout->timeout.body.view;
        if (slot.timeout->qc) standing.reported = named(slot.timeout->qc->body);
    }
    if (slot.prepare_vote) standing.prepared = named(slot.prepare_vote->body);
    if (slot.commit_vote) standing.committed = named(slot.commit_vote->body);
    if (slot.highest) standing.highest = named(slot.highest->body);
    if (slot.tc && slot.tc->highest) standing.justified = named(slot.tc->highest->body);
    standing.has_reported = slot.report && slot.report->body.view == slot.view;
    standing.has_proposed = slot.own_proposal.has_value();
    if (slot.proposal) standing.proposal = slot.proposal->proposal.body.block;
    for (const auto& [hash, body] : slot.bodies)
        standing.bodies.emplace_back(hash, body.block.hash());
    return standing;
}

}  // namespace tally::ordering
