// Batches that are held back: a slot executes what is due in it of what it and the slots before it
// decided (docs/protocol.md, section 3).
#include <algorithm>

#include "node/pipeline.hpp"

namespace tally::node {

std::shared_ptr<const SlotPlan> Pipeline::plan_for(Slot slot, PipelineOutput& out) {
    auto own = decided_plan(slot, out);
    if (own == nullptr || own->facts.hold_us == 0) return own;
    if (const auto& known = plannings_.at(slot).released) return known;
    const Micros before = own->facts.time_before;
    std::vector<std::shared_ptr<const SlotPlan>> decided{own};
    bool complete = true;
    for (uint64_t earlier = slot.value - 1; earlier > 0; --earlier) {
        if (epochs_.body_at({earlier}).parameters.hold_us == 0) break;
        if (!load_or_note({earlier}, out)) return nullptr;
        if (!may_hold_back(plannings_.at({earlier}).facts, before)) break;
        auto plan = decided_plan({earlier}, out);
        // Of the others what is missing is asked for as well.
        complete = complete && plan != nullptr;
        decided.push_back(std::move(plan));
    }
    if (!complete) return nullptr;
    std::reverse(decided.begin(), decided.end());
    auto& planning = plannings_.at(slot);
    planning.released = std::make_shared<const SlotPlan>(released_plan(decided));
    return planning.released;
}

/// A slot that some ledger looks at next, or is to be decided next, may execute some of it.
bool Pipeline::may_be_needed(const Planning& planning) const {
    if (planning.facts.hold_us == 0) return false;
    const auto is_needed_by = [&](const Ledger& ledger) {
        if (ledger.failed() || ledger.on_hold || ledger.next <= planning.facts.slot) return false;
        const auto before = plannings_.find({ledger.next.value - 1});
        // Where it stands is not known here: then what it needs is loaded again.
        return before != plannings_.end() &&
               may_hold_back(planning.facts, before->second.facts.time);
    };
    return std::any_of(ledgers_.begin(), ledgers_.end(), is_needed_by);
}

std::optional<Micros> Pipeline::next_due(Micros after) const {
    std::optional<Micros> next;
    for (const auto& [slot, planning] : plannings_) {
        if (planning.plan == nullptr || !may_hold_back(planning.facts, after)) continue;
        const auto note = [&](Micros due) {
            if (due > after && (!next || due < *next)) next = due;
        };
        const auto& manifest = planning.plan->manifest;
        for (const auto& batch : manifest) note(due_of(planning.facts, batch));
        // A lane may have no room for more before the whole slot counts as released.
        if (2 * manifest.size() >= epochs_.body_at(slot).parameters.window_batches)
            note({planning.facts.time.value + planning.facts.hold_us});
    }
    return next;
}

}  // namespace tally::node
