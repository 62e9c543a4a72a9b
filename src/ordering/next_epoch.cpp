#include "ordering/next_epoch.hpp"

#include <algorithm>

namespace tally::ordering {
namespace {

bool has_lapsed(const model::Parameters& parameters, const model::NextEpoch& next, Slot slot,
                Micros time) {
    return slot.value >= next.slot.value + parameters.change_slots &&
           time.value >= next.time.value + parameters.change_us;
}

/// Nobody else of the proposed epoch has it, or may come to have it.
bool is_own_key(const model::EpochProposal& proposal, const model::NextEpoch& next,
                Participant participant, const Ed25519Public& key) {
    if (key == Ed25519Public{}) return false;
    for (size_t i = 0; i < proposal.participants.size(); ++i) {
        const auto& entry = proposal.participants[i];
        if (entry.is_vacant()) continue;
        if (entry.identity_key == key) return false;
        if (i != participant.value && entry.signing_key == key) return false;
    }
    return std::none_of(next.ready.begin(), next.ready.end(),
                        [&](const auto& one) { return one.keys.signing_key == key; });
}

}  // namespace

const model::NextEpoch* decided_next(const Rules& rules, const Chain& chain) {
    // What an epoch's last block says of the next one came true.
    const bool is_of_this = rules.set_before->epoch == rules.set->epoch;
    if (!chain.last.next || !is_of_this || chain.last.ends_epoch()) return nullptr;
    return &*chain.last.next;
}

bool may_stand_in_control(const Rules& rules, const Chain& chain,
                          const model::EpochProposal& proposal) {
    const auto* decided = decided_next(rules, chain);
    return rules.body != nullptr &&
           proposal.attempt > (decided != nullptr ? decided->attempt : 0) &&
           model::check_proposal(rules.set->network, rules.set->epoch, *rules.body, proposal).ok();
}

bool may_stand_in_control(const Rules& rules, const Chain& chain, Slot slot, Micros time,
                          const model::NextEpoch& next, const model::Ready& ready) {
    const auto* decided = decided_next(rules, chain);
    if (decided == nullptr || !chain.proposal || ready.proposal != decided->proposal ||
        has_lapsed(*rules.parameters, *decided, slot, time))
        return false;
    const auto& entries = chain.proposal->participants;
    if (ready.participant.value >= entries.size() || entries[ready.participant.value].is_vacant())
        return false;
    const bool is_there = std::any_of(next.ready.begin(), next.ready.end(), [&](const auto& one) {
        return one.participant == ready.participant;
    });
    return !is_there &&
           is_own_key(*chain.proposal, next, ready.participant, ready.keys.signing_key);
}

bool is_signed(const Rules& rules, const Chain& chain, const model::Ready& ready) {
    const auto& entry = chain.proposal->participants[ready.participant.value];
    const Bytes possession = model::possession_statement(entry.identity_key, ready.keys);
    return rules.verifier->verify(entry.identity_key, ready.signed_bytes(), ready.signature) &&
           rules.verifier->verify(ready.keys.signing_key, possession, ready.possession);
}

bool next_after(const Rules& rules, const Chain& chain, const model::Block& block,
                std::optional<model::NextEpoch>& next) {
    next.reset();
    if (const auto* decided = decided_next(rules, chain)) next = *decided;
    for (size_t i = 0; i < block.ready.size(); ++i) {
        const model::Ready& ready = block.ready[i];
        const bool ascends = i == 0 || block.ready[i - 1].participant < ready.participant;
        if (!ascends || !next ||
            !may_stand_in_control(rules, chain, block.slot, block.time, *next, ready))
            return false;
        auto& list = next->ready;
        const auto at = std::lower_bound(
            list.begin(), list.end(), ready.participant,
            [](const auto& one, Participant who) { return one.participant < who; });
        list.insert(at, {ready.participant, ready.keys});
    }
    if (next && !block.ready.empty()) {
        const Quorum quorum = Quorum::of(chain.proposal->count());
        next->begins = next->ready.size() >= quorum.votes_min;
    }
    if (!block.proposal) return true;
    // What it replaces must not begin in the same block.
    const auto& proposal = block.proposal->proposal;
    if ((next && next->begins) || !may_stand_in_control(rules, chain, proposal)) return false;
    next = model::NextEpoch{proposal.hash(), proposal.attempt, block.slot, block.time, {}, false};
    return true;
}

}  // namespace tally::ordering
