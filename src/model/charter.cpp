#include "model/charter.hpp"

#include <set>

#include "model/cut_limits.hpp"
#include "model/messages.hpp"

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

/// `fault`: of the charter, or of what is proposed to be it.
Result<void> check_participants(const ParticipantEntries& participants, CharterError fault) {
    std::set<std::string_view> names;
    std::set<Ed25519Public> keys;
    uint32_t count = 0;
    for (const auto& participant : participants) {
        if (participant.is_vacant()) {
            if (participant == ParticipantEntry{}) continue;
            return fail(fault, "a participant has no name");
        }
        ++count;
        if (!names.insert(participant.name).second)
            return fail(fault, "two are named " + participant.name);
        const bool is_key = participant.identity_key != Ed25519Public{} &&
                            participant.signing_key != Ed25519Public{};
        if (!is_key || !keys.insert(participant.identity_key).second ||
            !keys.insert(participant.signing_key).second)
            return fail(fault, "a key of " + participant.name + " is used twice");
        if (participant.addresses.empty()) return fail(fault, participant.name + " has no address");
        if (participant.vote_weight > vote_weight_max)
            return fail(fault, "the vote weight of " + participant.name + " is above " +
                                   std::to_string(vote_weight_max));
    }
    if (count == 0) return fail(fault, "there are none");
    return success();
}

Result<void> check_provers(const std::string& ledger, const Provers& provers,
                           const ParticipantEntries& participants, CharterError fault) {
    if (provers.empty()) return fail(fault, ledger + " has no prover");
    for (size_t i = 0; i < provers.size(); ++i) {
        const bool is_known =
            provers[i].value < participants.size() && !participants[provers[i].value].is_vacant();
        if (!is_known || (i > 0 && provers[i] <= provers[i - 1]))
            return fail(fault, "the provers of " + ledger + " are not ascending participants");
    }
    const auto count = size_t(std::count_if(participants.begin(), participants.end(),
                                            [](const auto& one) { return !one.is_vacant(); }));
    // Participants and keys will change through it: none may be left out (section 0).
    if (ledger == network_ledger_name && provers.size() != count)
        return fail(fault, ledger + " is proved by all participants: list all " +
                               std::to_string(count) + " instead of " +
                               std::to_string(provers.size()));
    return success();
}

Result<void> check_ledgers(const CharterBody& body) {
    std::set<std::string_view> names;
    for (const auto& ledger : body.ledgers) {
        if (!is_ledger_name(ledger.name))
            return fail(CharterError::bad_ledgers, "'" + ledger.name + "' is not a ledger name");
        if (!names.insert(ledger.name).second)
            return fail(CharterError::bad_ledgers, "two are named " + ledger.name);
        CHECK(check_provers(ledger.name, ledger.provers, body.participants,
                            CharterError::bad_ledgers));
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
    {"hold_us", &Parameters::hold_us, 0, 10'000'000},
    {"carried_certificates_max", &Parameters::carried_certificates_max, 1, limits::ledgers_max},
    {"expire_ahead_ms", &Parameters::expire_ahead_ms, 1'000, limits::expire_ahead_ms_max},
    {"dispute_window_us", &Parameters::dispute_window_us, 0, 86'400'000'000},
    {"dispute_window_slots", &Parameters::dispute_window_slots, 1, 1'000'000},
    {"coded_bytes_min", &Parameters::coded_bytes_min, 64, limits::batch_bytes_max},
    {"retention_us", &Parameters::retention_us, 0, 3'153'600'000'000'000},
    {"retention_slots", &Parameters::retention_slots, 8, 1'000'000'000'000},
    {"whole_us", &Parameters::whole_us, 0, 3'153'600'000'000'000},
    {"whole_slots", &Parameters::whole_slots, 1, 1'000'000'000'000},
    {"change_us", &Parameters::change_us, 0, 31'536'000'000'000},
    {"change_slots", &Parameters::change_slots, 1, 1'000'000'000},
};

Result<void> check_parameters(const Parameters& parameters, CharterError fault) {
    for (const Range& range : ranges) {
        const uint64_t value = parameters.*range.member;
        if (value >= range.min && value <= range.max) continue;
        return fail(fault, std::string(range.name) + " must be " + std::to_string(range.min) +
                               (range.min == range.max ? "" : " to " + std::to_string(range.max)) +
                               ", not " + std::to_string(value));
    }
    if (parameters.hold_us > 0 && (parameters.hold_us < parameters.late_after_us ||
                                   parameters.hold_us > parameters.retention_us))
        return fail(fault,
                    "hold_us must be 0, or at least late_after_us and at most retention_us: what "
                    "is not late keeps its place, and what is held is kept");
    if (parameters.whole_us > parameters.retention_us ||
        parameters.whole_slots > parameters.retention_slots)
        return fail(fault,
                    "whole_us and whole_slots must be at most retention_us and retention_slots: "
                    "whoever keeps a batch keeps its cells");
    return success();
}

/// One cut may add a full window of every lane, and the block made of it must fit its lists.
Result<void> check_windows(const Parameters& parameters, size_t lanes, CharterError fault) {
    static_assert(Manifest::count_max == cut_batches_max);
    const auto check = [&](std::string_view name, uint64_t window, uint64_t max) -> Result<void> {
        if (window * lanes <= max) return success();
        return fail(fault, std::string(name) + " of " + std::to_string(lanes) +
                               " participants must be at most " + std::to_string(max / lanes) +
                               ", not " + std::to_string(window));
    };
    // What was held back may come into one block together, and its bytes are not counted then.
    const uint64_t batches_max =
        parameters.hold_us > 0 ? cut_bytes_max / limits::batch_bytes_max : cut_batches_max;
    CHECK(check("window_batches", parameters.window_batches, batches_max));
    return check("window_bytes", parameters.window_bytes, cut_bytes_max);
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
                "Give it the charter to which the later epochs were added"};
    case CharterError::bad_proposal:
        return {"bad_epoch_proposal", "the next epoch cannot be what is proposed",
                "Correct the draft, and have it proposed and voted for anew"};
    case CharterError::too_few_votes:
        return {"epoch_too_few_votes", "too few have voted for the proposed epoch",
                "Have more participants run `tally epoch vote`"};
    case CharterError::bad_handover:
        return {"bad_handover", "how an epoch in the charter was decided does not hold",
                "Take the charter from a participant that runs in the newest epoch"};
    }
    std::abort();
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
        if (signer.value >= body.participants.size() ||
            body.participants[signer.value].is_vacant()) {
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
    for (const auto& founder : body.participants) {
        if (founder.is_vacant())
            return fail(CharterError::bad_participants, "a participant has no name");
    }
    CHECK(check_participants(body.participants, CharterError::bad_participants));
    CHECK(check_ledgers(body));
    CHECK(check_parameters(body.parameters, CharterError::bad_parameters));
    return check_windows(body.parameters, body.participants.size(), CharterError::bad_parameters);
}

Result<void> check_proposal(const Hash& network, Epoch epoch, const CharterBody& now,
                            const EpochProposal& proposal) {
    constexpr auto fault = CharterError::bad_proposal;
    const auto& entries = proposal.participants;
    if (proposal.network != network) return fail(fault, "it is of another network");
    if (proposal.epoch != epoch.next())
        return fail(fault, "it is of epoch " + std::to_string(proposal.epoch.value) +
                               ", and the next is " + std::to_string(epoch.value + 1));
    if (epoch.value >= beginnings_max)
        return fail(fault, "there are " + std::to_string(beginnings_max) + " epochs already");
    if (proposal.attempt == 0) return fail(fault, "attempts are counted from 1");
    if (entries.size() < now.participants.size())
        return fail(fault, "who leaves leaves its place vacant: it has " +
                               std::to_string(entries.size()) + " places, and there are " +
                               std::to_string(now.participants.size()));
    for (size_t i = now.participants.size(); i < entries.size(); ++i) {
        if (entries[i].is_vacant()) return fail(fault, "a new place is vacant");
    }
    CHECK(check_participants(entries, fault));
    if (proposal.provers.size() != now.ledgers.size())
        return fail(fault, "it has not one list of provers a ledger");
    for (size_t i = 0; i < now.ledgers.size(); ++i)
        CHECK(check_provers(now.ledgers[i].name, proposal.provers[i], entries, fault));
    CHECK(check_parameters(proposal.parameters, fault));
    return check_windows(proposal.parameters, entries.size(), fault);
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
    return check_beginnings(charter);
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

Charter with_newest(Charter charter) {
    auto beginnings = std::exchange(charter.beginnings, {});
    for (Beginning& beginning : beginnings) charter.begin(std::move(beginning));
    return charter;
}

}  // namespace

Result<Charter> decode_unsigned_charter(ByteView bytes) {
    TRY(charter, charter_of_bytes(bytes));
    CHECK(check_charter_body(charter.body));
    CHECK(check_beginnings(charter));
    return with_newest(std::move(charter));
}

Result<Charter> decode_charter(ByteView bytes) {
    TRY(charter, charter_of_bytes(bytes));
    CHECK(check_charter(charter));
    return with_newest(std::move(charter));
}

}  // namespace tally::model
