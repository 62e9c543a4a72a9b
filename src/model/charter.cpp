#include "model/charter.hpp"

#include <set>

#include "model/block.hpp"
#include "model/cut_limits.hpp"

namespace tally::model {
namespace {

/// Parts of letters, digits, '.', '_' and '-', each starting with a letter or '_', between single
/// '/': what fits a URL and a file name, and is no option of a command and no way out of a folder.
bool is_ledger_name(std::string_view name) {
    bool is_start = true;
    for (const char c : name) {
        const bool starts = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        const bool goes_on = starts || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '/';
        if (is_start ? !starts : !goes_on) return false;
        is_start = c == '/';
    }
    return !is_start;
}

Result<void> check_participants(const CharterBody& body) {
    if (body.participants.empty()) return fail(CharterError::bad_participants, "there are none");
    std::set<std::string_view> names;
    std::set<Ed25519Public> keys;
    for (const auto& participant : body.participants) {
        if (participant.name.empty())
            return fail(CharterError::bad_participants, "a participant has no name");
        if (!names.insert(participant.name).second)
            return fail(CharterError::bad_participants, "two are named " + participant.name);
        if (!keys.insert(participant.identity_key).second ||
            !keys.insert(participant.signing_key).second)
            return fail(CharterError::bad_participants,
                        "a key of " + participant.name + " is used twice");
        if (participant.addresses.empty())
            return fail(CharterError::bad_participants, participant.name + " has no address");
    }
    return success();
}

Result<void> check_ledgers(const CharterBody& body) {
    std::set<std::string_view> names;
    for (const auto& ledger : body.ledgers) {
        if (!is_ledger_name(ledger.name))
            return fail(CharterError::bad_ledgers, "'" + ledger.name + "' is not a ledger name");
        if (!names.insert(ledger.name).second)
            return fail(CharterError::bad_ledgers, "two are named " + ledger.name);
        if (ledger.provers.empty())
            return fail(CharterError::bad_ledgers, ledger.name + " has no prover");
        for (size_t i = 0; i < ledger.provers.size(); ++i) {
            if (ledger.provers[i].value >= body.participants.size() ||
                (i > 0 && ledger.provers[i] <= ledger.provers[i - 1]))
                return fail(CharterError::bad_ledgers,
                            "the provers of " + ledger.name + " are not ascending participants");
        }
        // Participants and keys will change through it: none may be left out (section 0).
        if (ledger.name == network_ledger_name && ledger.provers.size() != body.participants.size())
            return fail(CharterError::bad_ledgers,
                        ledger.name + " is proved by all participants: list all " +
                            std::to_string(body.participants.size()) + " instead of " +
                            std::to_string(ledger.provers.size()));
    }
    if (body.ledgers.empty()) return fail(CharterError::bad_ledgers, "there are none");
    return success();
}

struct Range {
    std::string_view name;
    uint64_t Parameters::*member;
    uint64_t min, max;
};
constexpr Range ranges[] = {
    {"window_batches", &Parameters::window_batches, 1, 4'096},
    {"window_bytes", &Parameters::window_bytes, limits::batch_bytes_max, uint64_t{1} << 32},
    {"late_after_us", &Parameters::late_after_us, 1'000, 60'000'000},
    {"pause_after_blocks", &Parameters::pause_after_blocks, 2, 4'096},
    {"view_timer_us", &Parameters::view_timer_us, 10'000, 600'000'000},
    {"clock_behind_us_max", &Parameters::clock_behind_us_max, 10'000, 600'000'000},
    {"hold_us", &Parameters::hold_us, 0, 0},
    {"carried_certificates_max", &Parameters::carried_certificates_max, 1, limits::ledgers_max},
    {"expire_ahead_ms", &Parameters::expire_ahead_ms, 1'000, limits::expire_ahead_ms_max},
    {"dispute_window_us", &Parameters::dispute_window_us, 0, 86'400'000'000},
    {"dispute_window_slots", &Parameters::dispute_window_slots, 1, 1'000'000},
    {"coded_bytes_min", &Parameters::coded_bytes_min, 64, limits::batch_bytes_max},
    {"retention_us", &Parameters::retention_us, 0, 3'153'600'000'000'000},
    {"retention_slots", &Parameters::retention_slots, 8, 1'000'000'000'000},
    {"whole_us", &Parameters::whole_us, 0, 3'153'600'000'000'000},
    {"whole_slots", &Parameters::whole_slots, 1, 1'000'000'000'000},
};

Result<void> check_parameters(const Parameters& parameters) {
    for (const Range& range : ranges) {
        const uint64_t value = parameters.*range.member;
        if (value >= range.min && value <= range.max) continue;
        return fail(CharterError::bad_parameters,
                    std::string(range.name) + " must be " + std::to_string(range.min) +
                        (range.min == range.max ? "" : " to " + std::to_string(range.max)) +
                        ", not " + std::to_string(value));
    }
    if (parameters.whole_us > parameters.retention_us ||
        parameters.whole_slots > parameters.retention_slots)
        return fail(CharterError::bad_parameters,
                    "whole_us and whole_slots must be at most retention_us and retention_slots: "
                    "whoever keeps a batch keeps its cells");
    return success();
}

/// One cut may add a full window of every lane, and the block made of it must fit its lists.
Result<void> check_windows(const CharterBody& body) {
    static_assert(Manifest::count_max == cut_batches_max);
    const auto check = [&](std::string_view name, uint64_t window, uint64_t max) -> Result<void> {
        const size_t lanes = body.participants.size();
        if (window * lanes <= max) return success();
        return fail(CharterError::bad_parameters,
                    std::string(name) + " of " + std::to_string(lanes) +
                        " participants must be at most " + std::to_string(max / lanes) + ", not " +
                        std::to_string(window));
    };
    CHECK(check("window_batches", body.parameters.window_batches, cut_batches_max));
    return check("window_bytes", body.parameters.window_bytes, cut_bytes_max);
}

}  // namespace

ErrorText describe(CharterError error) {
    switch (error) {
    case CharterError::not_a_charter:
        return {"not_a_charter", "this is not a charter",
                "Give the file that `tally charter new` wrote"};
    case CharterError::unknown_consensus:
        return {"unknown_consensus",
                "the charter names an agreement protocol this version does not have",
                "Run a version that has it"};
    case CharterError::unknown_execution:
        return {"unknown_execution",
                "the charter names an execution version this version does not have",
                "Run a version that has it"};
    case CharterError::bad_participants:
        return {"bad_participants", "the charter's participants are not usable",
                "Correct them in the draft"};
    case CharterError::bad_ledgers:
        return {"bad_ledgers", "the charter's ledgers are not usable", "Correct them in the draft"};
    case CharterError::bad_parameters:
        return {"bad_parameters", "a parameter of the charter is out of range",
                "Correct it in the draft"};
    case CharterError::unsigned_by_founder:
        return {"charter_unsigned", "the charter is not signed by every founder",
                "Have each founder run `tally charter sign`"};
    case CharterError::bad_signature:
        return {"charter_bad_signature", "a founder's signature on the charter is not valid",
                "Have that founder sign this very charter again"};
    case CharterError::bad_recovery:
        return {"bad_recovery", "a recovery charter in the charter does not hold",
                "Take the charter from a participant that runs in the newest epoch"};
    case CharterError::bad_recovery_signature:
        return {"recovery_bad_signature", "a signature on the recovery charter is not valid",
                "The file was changed after it was signed: get it again from who signed it"};
    case CharterError::older_epoch:
        return {"charter_of_older_epoch", "this participant has been in a later epoch",
                "Give it the charter to which the recovery charters were added"};
    }
    std::abort();
}

Epochs::Epochs(const Charter& charter) {
    const Hash network = network_id_of(charter.body);
    Signatories set{network, Epoch{0}, {}};
    for (const auto& participant : charter.body.participants)
        set.keys.push_back(participant.signing_key);
    sets_.push_back(std::move(set));
    for (const auto& [body, signatures] : charter.recoveries) {
        Signatories next{network, body.epoch, {}};
        for (const auto& keys : body.keys) next.keys.push_back(keys.signing_key);
        sets_.push_back(std::move(next));
        ends_.push_back(body.last_slot());
        handover_ = body.last;
    }
}

const Signatories& Epochs::at(Slot slot) const {
    size_t epoch = 0;
    while (epoch < ends_.size() && slot > ends_[epoch]) ++epoch;
    return sets_[epoch];
}

EpochKeys Charter::keys_of(Participant participant) const {
    if (!recoveries.empty()) return recoveries.back().body.keys[participant.value];
    const auto& founder = body.participants[participant.value];
    return {founder.signing_key, founder.opening_key};
}

std::optional<LedgerIndex> Charter::ledger(std::string_view name) const {
    for (size_t i = 0; i < body.ledgers.size(); ++i) {
        if (body.ledgers[i].name == name) return LedgerIndex{uint16_t(i)};
    }
    return {};
}

Hash network_id_of(const CharterBody& body) {
    return tagged_hash(Tag::charter, cbor::encode(body));
}

Bytes founder_statement(const Hash& network) {
    Bytes statement = copy_of(view_of("tally charter "));
    append(statement, network.view());
    return statement;
}

std::vector<std::string> invalid_signatures(const CharterBody& body,
                                            const IdentitySignatures& signatures,
                                            ByteView statement) {
    std::vector<std::string> invalid;
    for (size_t i = 0; i < signatures.size(); ++i) {
        const auto& [signer, signature] = signatures[i];
        if (signer.value >= body.participants.size()) {
            invalid.push_back("participant number " + std::to_string(signer.value) +
                              ", which the charter does not name");
            continue;
        }
        const auto& participant = body.participants[signer.value];
        if (!ed25519_verify(participant.identity_key, statement, signature))
            invalid.emplace_back(participant.name);
        else if (i > 0 && signer <= signatures[i - 1].participant)
            invalid.push_back(participant.name + ", which is out of order");
    }
    return invalid;
}

Result<void> check_charter_body(const CharterBody& body) {
    if (body.consensus != consensus_name)
        return fail(CharterError::unknown_consensus, "'" + body.consensus + "'");
    if (body.execution != execution_version)
        return fail(CharterError::unknown_execution, std::to_string(body.execution));
    CHECK(check_participants(body));
    CHECK(check_ledgers(body));
    CHECK(check_parameters(body.parameters));
    return check_windows(body);
}

Result<void> check_recoveries(const Charter& charter) {
    Charter so_far{charter.body, {}, {}};
    for (const auto& recovery : charter.recoveries) {
        CHECK(check_recovery(so_far, recovery));
        so_far.recoveries.push_back(recovery);
    }
    return success();
}

Result<void> check_charter(const Charter& charter) {
    CHECK(check_charter_body(charter.body));
    const Bytes statement = founder_statement(network_id_of(charter.body));
    for (size_t i = 0; i < charter.body.participants.size(); ++i) {
        const auto& founder = charter.body.participants[i];
        if (i >= charter.signatures.size() || charter.signatures[i].participant.value != i)
            return fail(CharterError::unsigned_by_founder, founder.name + " has not signed");
        if (!ed25519_verify(founder.identity_key, statement, charter.signatures[i].signature))
            return fail(CharterError::bad_signature, founder.name);
    }
    if (charter.signatures.size() != charter.body.participants.size())
        return fail(CharterError::bad_signature, "there are more signatures than founders");
    return check_recoveries(charter);
}

Result<void> check_recovery_body(const Charter& charter, const RecoveryBody& body) {
    const Epochs epochs(charter);
    const Signatories& before = epochs.current();
    if (charter.recoveries.size() >= recoveries_max)
        return fail(CharterError::bad_recovery,
                    "there are " + std::to_string(recoveries_max) + " already");
    if (body.network != before.network)
        return fail(CharterError::bad_recovery, "it is of another network");
    if (body.epoch.value != before.epoch.value + 1)
        return fail(CharterError::bad_recovery,
                    "it begins epoch " + std::to_string(body.epoch.value) + ", and the next is " +
                        std::to_string(before.epoch.value + 1));
    if (body.keys.size() != before.count())
        return fail(CharterError::bad_recovery, "it has not one set of keys a participant");
    std::set<Ed25519Public> keys;
    for (const auto& participant : charter.body.participants) keys.insert(participant.identity_key);
    for (const auto& one : body.keys) {
        if (!keys.insert(one.signing_key).second)
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
        if (signer.value >= charter.body.participants.size() ||
            (i > 0 && signer <= signatures[i - 1].participant))
            return fail(CharterError::bad_recovery, "its signers do not ascend");
        const auto& participant = charter.body.participants[signer.value];
        if (!ed25519_verify(participant.identity_key, statement, signatures[i].signature))
            return fail(CharterError::bad_recovery, "the signature of " + participant.name);
    }
    return success();
}

namespace {

/// Of which nothing is checked yet.
Result<Charter> charter_of_bytes(ByteView bytes) {
    if (const auto item = cbor::check_item(bytes); !item.ok())
        return fail(CharterError::not_a_charter, item.error().message());
    auto charter = cbor::decode<Charter>(bytes);
    if (!charter.ok()) return fail(CharterError::not_a_charter, charter.error().message());
    return charter;
}

}  // namespace

Result<Charter> decode_unsigned_charter(ByteView bytes) {
    TRY(charter, charter_of_bytes(bytes));
    CHECK(check_charter_body(charter.body));
    CHECK(check_recoveries(charter));
    return charter;
}

Result<Charter> decode_charter(ByteView bytes) {
    TRY(charter, charter_of_bytes(bytes));
    CHECK(check_charter(charter));
    return charter;
}

}  // namespace tally::model
