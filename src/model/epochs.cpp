// Epochs after the first: that each was begun by those who may, and what follows from it.
#include <set>

#include "model/charter.hpp"
#include "model/messages.hpp"

namespace tally::model {
namespace {

CharterBody body_after(const CharterBody& before, const Beginning& beginning) {
    CharterBody body = before;
    for (auto& ledger : body.ledgers) ledger.genesis.clear();
    if (const auto* handover = std::get_if<Handover>(&beginning)) {
        body.parameters = handover->proposal.parameters;
        body.participants = entries_of(handover->proposal, handover->next);
        for (size_t i = 0; i < body.ledgers.size(); ++i)
            body.ledgers[i].provers = handover->proposal.provers[i];
        return body;
    }
    const auto& keys = std::get<Recovery>(beginning).body.keys;
    for (size_t i = 0; i < body.participants.size(); ++i) {
        body.participants[i].signing_key = keys[i].signing_key;
        body.participants[i].opening_key = keys[i].opening_key;
    }
    return body;
}

Signatories signatories_of(const Hash& network, Epoch epoch, const CharterBody& body) {
    Signatories set{network, epoch, {}};
    for (const auto& participant : body.participants) set.keys.push_back(participant.signing_key);
    return set;
}

}  // namespace

Epochs::Epochs(const Charter& charter) {
    const Hash network = network_id_of(charter.body);
    bodies_.push_back(std::make_shared<const CharterBody>(charter.body));
    sets_.push_back(signatories_of(network, {}, charter.body));
    for (const Beginning& beginning : charter.beginnings) {
        bodies_.push_back(
            std::make_shared<const CharterBody>(body_after(*bodies_.back(), beginning)));
        sets_.push_back(signatories_of(network, epoch_of(beginning), *bodies_.back()));
        ends_.push_back(last_slot_of(beginning));
        const auto* last = last_of(beginning);
        handover_ = last != nullptr ? std::optional(*last) : std::nullopt;
    }
}

/// The last epoch that began before it: one may have decided nothing.
size_t Epochs::index_of(Slot slot) const {
    return size_t(std::lower_bound(ends_.begin(), ends_.end(), slot) - ends_.begin());
}

void Charter::begin(Beginning beginning) {
    newest = std::make_shared<const CharterBody>(body_after(now(), beginning));
    beginnings.push_back(std::move(beginning));
}

const CharterBody& Charter::now() const {
    if (beginnings.empty()) return body;
    ENSURE(newest != nullptr);
    return *newest;
}

uint32_t Charter::participant_count() const {
    const auto& entries = now().participants;
    return uint32_t(std::count_if(entries.begin(), entries.end(),
                                  [](const auto& entry) { return !entry.is_vacant(); }));
}

EpochKeys Charter::keys_of(Participant participant) const {
    const auto& entry = now().participants[participant.value];
    return {entry.signing_key, entry.opening_key};
}

Result<void> check_votes(const CharterBody& now, const Verifier& verifier,
                         const VotedProposal& voted) {
    uint64_t all = 0, given = 0;  // No weight is above vote_weight_max.
    for (const auto& entry : now.participants) all += entry.is_vacant() ? 0 : entry.vote_weight;
    const Bytes statement = proposal_statement(voted.proposal.hash());
    for (size_t i = 0; i < voted.votes.size(); ++i) {
        const auto& [voter, signature] = voted.votes[i];
        if (voter.value >= now.participants.size() || now.participants[voter.value].is_vacant() ||
            (i > 0 && voter <= voted.votes[i - 1].participant))
            return fail(CharterError::bad_proposal, "its voters are not ascending participants");
        const auto& entry = now.participants[voter.value];
        if (!verifier.verify(entry.identity_key, statement, signature))
            return fail(CharterError::bad_proposal, "the vote of " + entry.name);
        given += entry.vote_weight;
    }
    if (3 * given <= 2 * all)
        return fail(CharterError::too_few_votes, "of " + std::to_string(all) + " votes it has " +
                                                     std::to_string(given) +
                                                     ", and needs more than two thirds");
    return success();
}

namespace {

bool keys_are_distinct(const ParticipantEntries& entries) {
    std::set<Ed25519Public> keys;
    return std::all_of(entries.begin(), entries.end(), [&](const auto& entry) {
        return entry.is_vacant() ||
               (keys.insert(entry.identity_key).second && keys.insert(entry.signing_key).second);
    });
}

Result<void> check_handover_of(const Hash& network, const Charter& charter,
                               const Handover& handover) {
    constexpr auto fault = CharterError::bad_handover;
    const Signatories before = signatories_of(network, charter.epoch(), charter.now());
    const Slot began =
        charter.beginnings.empty() ? Slot{} : last_slot_of(charter.beginnings.back());
    const auto& [proposal, next, field_hashes, last] = handover;
    if (charter.beginnings.size() >= beginnings_max)
        return fail(fault, "there are " + std::to_string(beginnings_max) + " epochs already");
    CHECK(check_proposal(network, before.epoch, charter.now(), proposal));
    if (next.proposal != proposal.hash()) return fail(fault, "another epoch was decided");
    const auto& ready = next.ready;
    for (size_t i = 0; i < ready.size(); ++i) {
        const bool is_known = ready[i].participant.value < proposal.participants.size() &&
                              !proposal.participants[ready[i].participant.value].is_vacant();
        if (!is_known || (i > 0 && ready[i].participant <= ready[i - 1].participant))
            return fail(fault, "who was ready are not ascending participants");
    }
    if (!next.begins || ready.size() < Quorum::of(proposal.count()).votes_min)
        return fail(fault, "too few were ready for it");
    if (!keys_are_distinct(entries_of(proposal, next))) return fail(fault, "it names a key twice");
    std::array<Hash, block_fields> fields;
    if (field_hashes.size() != fields.size()) return fail(fault, "a block has twelve fields");
    std::copy(field_hashes.begin(), field_hashes.end(), fields.begin());
    if (fields.front() != block_field_hash(last.body.slot) ||
        fields.back() != block_field_hash(std::optional(next)) ||
        block_hash_of(fields) != last.body.block)
        return fail(fault, "the decided block does not say so");
    if (last.body.slot <= began) return fail(fault, "it ends an epoch before it began");
    if (!check_quorum(before, *ed25519_verifier(0), last))
        return fail(fault, "no quorum decided that block");
    return success();
}

}  // namespace

Result<void> check_handover(const Charter& charter, const Handover& handover) {
    return check_handover_of(network_id_of(charter.body), charter, handover);
}

Result<void> check_beginnings(const Charter& charter) {
    const Hash network = network_id_of(charter.body);
    Charter so_far{charter.body, {}, {}};
    for (const Beginning& beginning : charter.beginnings) {
        const auto* handover = std::get_if<Handover>(&beginning);
        CHECK(handover != nullptr ? check_handover_of(network, so_far, *handover)
                                  : check_recovery(so_far, std::get<Recovery>(beginning)));
        so_far.begin(beginning);
    }
    return success();
}

Result<void> check_recovery_body(const Charter& charter, const RecoveryBody& body) {
    const Epochs epochs(charter);
    const Signatories& before = epochs.current();
    if (charter.beginnings.size() >= beginnings_max)
        return fail(CharterError::bad_recovery,
                    "there are " + std::to_string(beginnings_max) + " epochs already");
    if (body.network != before.network)
        return fail(CharterError::bad_recovery, "it is of another network");
    if (body.epoch.value != before.epoch.value + 1)
        return fail(CharterError::bad_recovery,
                    "it begins epoch " + std::to_string(body.epoch.value) + ", and the next is " +
                        std::to_string(before.epoch.value + 1));
    if (body.keys.size() != before.places())
        return fail(CharterError::bad_recovery, "it has not one set of keys a participant");
    std::set<Ed25519Public> keys;
    for (const auto& participant : charter.now().participants)
        keys.insert(participant.identity_key);
    for (size_t i = 0; i < body.keys.size(); ++i) {
        const auto& one = body.keys[i];
        if (!before.has({uint8_t(i)})) {
            if (one != EpochKeys{})
                return fail(CharterError::bad_recovery, "it names keys for a vacant place");
        } else if (!keys.insert(one.signing_key).second)
            return fail(CharterError::bad_recovery, "it names a key twice");
    }
    if (body.last_slot() < epochs.handover_slot())
        return fail(CharterError::bad_recovery, "it ends an epoch before it began");
    // An epoch that decided nothing ends as it began; not everybody holds the same quorum's votes.
    const auto& handover = epochs.handover();
    if (!body.last && !handover) return success();
    const bool other_end = body.last && handover && body.last_slot() == handover->body.slot &&
                           body.last->body != handover->body;
    if (!body.last || other_end ||
        !check_quorum(epochs.at(body.last_slot()), *ed25519_verifier(0), *body.last))
        return fail(CharterError::bad_recovery, "no quorum decided what it calls the last");
    return success();
}

Result<void> check_recovery(const Charter& charter, const Recovery& recovery) {
    CHECK(check_recovery_body(charter, recovery.body));
    const uint32_t needed = Quorum::of(charter.participant_count()).votes_min;
    const auto& signatures = recovery.signatures;
    if (signatures.size() < needed)
        return fail(CharterError::bad_recovery, std::to_string(signatures.size()) + " of " +
                                                    std::to_string(needed) + " have signed it");
    const Bytes statement = recovery_statement(recovery.body.hash());
    for (size_t i = 0; i < signatures.size(); ++i) {
        const Participant signer = signatures[i].participant;
        const auto& participants = charter.now().participants;
        if (signer.value >= participants.size() || participants[signer.value].is_vacant() ||
            (i > 0 && signer <= signatures[i - 1].participant))
            return fail(CharterError::bad_recovery, "its signers do not ascend");
        const auto& participant = participants[signer.value];
        if (!ed25519_verify(participant.identity_key, statement, signatures[i].signature))
            return fail(CharterError::bad_recovery, "the signature of " + participant.name);
    }
    return success();
}

}  // namespace tally::model
