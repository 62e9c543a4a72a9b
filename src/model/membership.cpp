#include "model/membership.hpp"

#include <algorithm>

namespace tally::model {

Hash EpochProposal::hash() const {
    return tagged_hash(Tag::epoch_proposal, cbor::encode(*this));
}

uint32_t EpochProposal::count() const {
    return uint32_t(std::count_if(participants.begin(), participants.end(),
                                  [](const auto& entry) { return !entry.is_vacant(); }));
}

Bytes proposal_statement(const Hash& proposal) {
    Bytes statement = copy_of(view_of("tally epoch proposal "));
    append(statement, proposal.view());
    return statement;
}

Bytes Ready::signed_bytes() const {
    Bytes bytes = copy_of(view_of("tally ready for the next epoch "));
    append(bytes, cbor::encode(Ready{proposal, participant, keys, possession, {}}));
    return bytes;
}

Bytes possession_statement(const Ed25519Public& identity, const EpochKeys& keys) {
    Bytes bytes = copy_of(view_of("tally signing key held by "));
    append(bytes, identity);
    append(bytes, cbor::encode(keys));
    return bytes;
}

ParticipantEntries entries_of(const EpochProposal& proposal, const NextEpoch& next) {
    ParticipantEntries entries = proposal.participants;
    for (const auto& [participant, keys] : next.ready) {
        if (participant.value >= entries.size()) continue;
        entries[participant.value].signing_key = keys.signing_key;
        entries[participant.value].opening_key = keys.opening_key;
    }
    return entries;
}

const CommitQC* last_of(const Beginning& beginning) {
    if (const auto* handover = std::get_if<Handover>(&beginning)) return &handover->last;
    const auto& last = std::get<Recovery>(beginning).body.last;
    return last ? &*last : nullptr;
}

Slot last_slot_of(const Beginning& beginning) {
    const auto* last = last_of(beginning);
    return last == nullptr ? Slot{} : last->body.slot;
}

Epoch epoch_of(const Beginning& beginning) {
    if (const auto* handover = std::get_if<Handover>(&beginning)) return handover->proposal.epoch;
    return std::get<Recovery>(beginning).body.epoch;
}

}  // namespace tally::model
