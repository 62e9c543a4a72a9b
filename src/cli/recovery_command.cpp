#include "cli/recovery_command.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <filesystem>
#include <map>

#include "cli/charter_draft.hpp"
#include "cli/epoch_files.hpp"
#include "cli/old_epoch.hpp"
#include "cli/usage.hpp"
#include "io/file_disk.hpp"
#include "store/error.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;

/// More than a quorum of 255 signatures and keys.
constexpr size_t recovery_bytes_max = size_t{256} * 1024;

/// A participant's own files.
struct Own {
    NodeConfig config;
    model::Charter charter;
    ParticipantKeyFile keys;
    Participant self;
};
Result<Own> read_own(const std::string& path) {
    Own own;
    TRY(config, read_node_config(path));
    const EpochFiles files(config.charter, config.keys, config.data, [](const LogLine&) {});
    TRY(charter, files.charter());
    TRY(keys, files.keys(charter));
    TRY(self, participant_of(charter, keys));
    own.config = std::move(config);
    own.charter = std::move(charter);
    own.keys = keys;
    own.self = self;
    return own;
}

Epoch next_epoch(const model::Charter& charter) {
    return charter.epoch().next();
}

std::string words_of(const std::optional<model::CommitQC>& last) {
    return last ? "slot " + std::to_string(last->body.slot.value) : std::string("no slot");
}

bj::value slot_json(const std::optional<model::CommitQC>& last) {
    return last ? bj::value(last->body.slot.value) : bj::value(nullptr);
}

Result<model::Recovery> read_recovery(const std::string& path) {
    TRY(bytes, read_file(path, recovery_bytes_max));
    auto recovery = cbor::decode<model::Recovery>(view_of(bytes));
    if (!recovery.ok()) return fail(RecoveryError::not_a_recovery, path);
    return std::move(*recovery);
}

Result<void> write_recovery(const std::string& path, const model::Recovery& recovery,
                            bool replace) {
    return write_file(path, text_of(cbor::encode(recovery)), false, replace);
}

/// Those whose signature stands there and is true.
std::vector<Participant> signers_of(const model::Charter& charter,
                                    const model::Recovery& recovery) {
    std::vector<Participant> signers;
    const Bytes statement = model::recovery_statement(recovery.body.hash());
    for (const auto& [signer, signature] : recovery.signatures) {
        if (signer.value < charter.places() &&
            ed25519_verify(charter.now().participants[signer.value].identity_key, statement,
                           signature))
            signers.push_back(signer);
    }
    return signers;
}

/// Whose signature stands there and does not hold.
std::vector<std::string> invalid_signers_of(const model::Charter& charter,
                                            const model::Recovery& recovery) {
    return model::invalid_signatures(charter.now(), recovery.signatures,
                                     model::recovery_statement(recovery.body.hash()));
}

bj::object recovery_json(const model::Charter& charter, const model::Recovery& recovery) {
    bj::array signers, invalid;
    for (const auto& name : invalid_signers_of(charter, recovery)) invalid.emplace_back(name);
    const auto signed_by = signers_of(charter, recovery);
    const bool is_sound = invalid.empty();
    for (const Participant one : signed_by)
        signers.emplace_back(std::string(charter.now().participants[one.value].name));
    const uint32_t needed = Quorum::of(charter.participant_count()).votes_min;
    return {{"recovery", recovery.body.hash().hex()},
            {"network", recovery.body.network.hex()},
            {"epoch", recovery.body.epoch.value},
            {"last_slot", slot_json(recovery.body.last)},
            {"signed_by", std::move(signers)},
            {"invalid_signatures", std::move(invalid)},
            {"needed", needed},
            {"complete", is_sound && signed_by.size() >= needed}};
}

void tell_recovery(const model::Charter& charter, const model::Recovery& recovery,
                   const Output& output) {
    output.json_only(recovery_json(charter, recovery));
    const auto signed_by = signers_of(charter, recovery);
    const uint32_t needed = Quorum::of(charter.participant_count()).votes_min;
    output.line("recovery      " + recovery.body.hash().hex());
    output.line("network       " + recovery.body.network.hex());
    output.line("begins        epoch " + std::to_string(recovery.body.epoch.value));
    output.line("after         " + words_of(recovery.body.last) +
                ", the last that its signers know; what was decided later is given up");
    for (uint32_t i = 0; i < charter.places(); ++i) {
        const Participant one{uint8_t(i)};
        if (charter.now().participants[i].is_vacant()) continue;
        const bool has_signed =
            std::find(signed_by.begin(), signed_by.end(), one) != signed_by.end();
        const bool has_failed =
            !has_signed && std::any_of(recovery.signatures.begin(), recovery.signatures.end(),
                                       [&](const auto& is) { return is.participant == one; });
        const bool new_keys =
            i < recovery.body.keys.size() && recovery.body.keys[i] != charter.keys_of(one);
        output.line("participant   " + charter.now().participants[i].name +
                    (has_signed   ? ", signed"
                     : has_failed ? ", SIGNATURE NOT VALID"
                                  : ", not signed") +
                    (new_keys ? ", new keys" : ""));
    }
    if (const auto invalid = invalid_signers_of(charter, recovery); !invalid.empty()) {
        output.note("NOT VALID: the signature of " + joined(invalid) +
                    ". The file was changed after it was signed: get it again from who signed it");
        return;
    }
    output.note(signed_by.size() >= needed
                    ? "Enough have signed: each applies it with `tally recovery apply`"
                    : std::to_string(signed_by.size()) + " of " + std::to_string(needed) +
                          " needed have signed");
}

struct Stated {
    model::RecoveryStatement statement;
    std::string file;
};
Result<Stated> read_statement(const model::Charter& charter, const std::string& path) {
    TRY(bytes, read_file(path, recovery_bytes_max));
    const auto decoded = cbor::decode<model::SignedRecoveryStatement>(view_of(bytes));
    if (!decoded.ok()) return fail(RecoveryError::bad_statement, path + " does not hold one");
    const auto& statement = decoded->statement;
    const auto refuse = [&](const std::string& why) {
        return fail(RecoveryError::bad_statement, path + ": " + why);
    };
    if (statement.network != model::network_id_of(charter.body))
        return refuse("it is of another network");
    if (statement.epoch != next_epoch(charter))
        return refuse("it is for epoch " + std::to_string(statement.epoch.value) + ", not " +
                      std::to_string(next_epoch(charter).value));
    if (statement.participant.value >= charter.places())
        return refuse("the charter has no such participant");
    const auto& who = charter.now().participants[statement.participant.value];
    if (!ed25519_verify(who.identity_key, statement.signed_bytes(), decoded->signature))
        return refuse("it is not signed by " + who.name);
    const model::Epochs epochs(charter);
    if (statement.last && !model::check_quorum(epochs.at(statement.last->body.slot),
                                               *ed25519_verifier(0), *statement.last))
        return refuse("no quorum decided what " + who.name + " says it knows");
    return Stated{statement, path};
}

std::string stated_path(const Own& own) {
    return own.config.data + "/recovery-stated";
}

/// What this participant has stated last, if it has.
Result<std::optional<model::EpochKeys>> stated_keys(const Own& own) {
    std::error_code failed;
    if (!std::filesystem::exists(stated_path(own), failed))
        return std::optional<model::EpochKeys>();
    TRY(bytes, read_file(stated_path(own), recovery_bytes_max));
    const auto stated = cbor::decode<model::SignedRecoveryStatement>(view_of(bytes));
    if (!stated.ok()) return fail(RecoveryError::bad_statement, stated_path(own));
    // One that was made for an epoch before says nothing of this one.
    if (stated->statement.epoch != next_epoch(own.charter))
        return std::optional<model::EpochKeys>();
    return std::optional(stated->statement.keys);
}

/// Refuses a recovery charter that gives up what this participant knows. While the answer is kept
/// the participant cannot start, and learn more.
Result<OldEpoch> check_knowledge(const Own& own, const model::RecoveryBody& body) {
    TRY(old, read_old_epoch(own.charter, own.self, own.keys.keys(), own.config.data));
    const auto& last = old.last;
    if (old.is_handed_over) return fail(RecoveryError::handed_over, words_of(last));
    if (last && last->body.slot > body.last_slot())
        return fail(RecoveryError::knows_more,
                    "it knows " + words_of(last) + ", the recovery charter " + words_of(body.last));
    if (!body.last) return old;
    TRY(known, old.commit_of(body.last_slot()));
    if (known && known->body.block != body.last->body.block)
        return fail(RecoveryError::other_decision, words_of(body.last));
    return old;
}

/// Whose signature stands there and does not hold is named: the file is not what was signed.
Result<void> check_signatures(const model::Charter& charter, const model::Recovery& recovery) {
    if (recovery.body.network != model::network_id_of(charter.body))
        return fail(model::CharterError::bad_recovery, "it is of another network");
    const auto invalid = invalid_signers_of(charter, recovery);
    if (invalid.empty()) return success();
    return fail(model::CharterError::bad_recovery_signature, "that of " + joined(invalid));
}

/// That it is what the others have signed: an own signature, once given, is not taken back.
Result<void> check_other_signatures(const Own& own, model::Recovery recovery) {
    auto& signatures = recovery.signatures;
    signatures.erase(std::remove_if(signatures.begin(), signatures.end(),
                                    [&](const auto& one) { return one.participant == own.self; }),
                     signatures.end());
    return check_signatures(own.charter, recovery);
}

/// That it is the charter's next, and enough have signed.
Result<void> check_complete(const model::Charter& charter, const model::Recovery& recovery) {
    CHECK(check_signatures(charter, recovery));
    if (recovery.body.epoch != next_epoch(charter))
        return fail(RecoveryError::not_the_next,
                    "it begins epoch " + std::to_string(recovery.body.epoch.value) +
                        ", and the next is " + std::to_string(next_epoch(charter).value));
    const size_t count = signers_of(charter, recovery).size();
    const uint32_t needed = Quorum::of(charter.participant_count()).votes_min;
    if (count < needed)
        return fail(RecoveryError::too_few_signed,
                    std::to_string(count) + " of " + std::to_string(needed));
    return model::check_recovery(charter, recovery);
}

void add_signature(model::Recovery& recovery, Participant self, const Signature& signature) {
    auto& signatures = recovery.signatures;
    const auto place = std::find_if(signatures.begin(), signatures.end(),
                                    [&](const auto& one) { return one.participant >= self; });
    if (place != signatures.end() && place->participant == self) {
        place->signature = signature;
    } else {
        signatures.insert(place, {self, signature});
    }
}

/// Names whoever stated a key that is another's.
Result<void> check_keys_differ(const model::Charter& charter, const model::RecoveryBody& body) {
    std::map<Ed25519Public, std::string_view> owners;
    for (const auto& participant : charter.now().participants)
        owners.emplace(participant.identity_key, participant.name);
    for (size_t i = 0; i < body.keys.size(); ++i) {
        const std::string_view name = charter.now().participants[i].name;
        if (name.empty()) continue;
        const auto [at, is_new] = owners.emplace(body.keys[i].signing_key, name);
        if (!is_new)
            return fail(RecoveryError::bad_statement,
                        std::string(at->second) + " and " + std::string(name) +
                            " would have the same signing key: ask whose it is");
    }
    return success();
}

}  // namespace

Result<Exit> recovery_state(const RecoveryState& options, const Output& output) {
    TRY(own, read_own(options.config));
    std::error_code failed;
    if (std::filesystem::exists(options.out, failed)) return fail(FileError::exists, options.out);
    if (failed) return fail(FileError::unwritable, options.out + ": " + failed.message());
    TRY(old, read_old_epoch(own.charter, own.self, own.keys.keys(), own.config.data));
    const auto& last = old.last;
    if (old.is_handed_over) return fail(RecoveryError::handed_over, words_of(last));
    ParticipantKeyFile keys = own.keys;
    if (!options.new_keys.empty()) {
        keys = new_participant_keys();
        auto own_opening = own.keys.opening;
        keys.identity = own.keys.identity;
        keys.past_openings = own.keys.past_openings;
        std::swap(keys.opening, own_opening);
        keys.keep_past_opening();
        std::swap(keys.opening, own_opening);
        CHECK(write_participant_keys(options.new_keys, keys));
    }
    const model::RecoveryStatement statement{
        model::network_id_of(own.charter.body),
        next_epoch(own.charter),
        own.self,
        last,
        {keys.keys().signing.public_key(), x25519_public(keys.opening)}};
    const model::SignedRecoveryStatement said{
        statement, own.keys.keys().identity.sign(statement.signed_bytes())};
    const Bytes bytes = cbor::encode(said);
    CHECK(write_file(options.out, text_of(bytes), false, false));
    CHECK(write_file(stated_path(own), text_of(bytes)));
    const std::string name = own.charter.now().participants[own.self.value].name;
    output.json_only(bj::object{{"statement", options.out},
                                {"participant", name},
                                {"epoch", statement.epoch.value},
                                {"last_slot", slot_json(last)},
                                {"new_keys", !options.new_keys.empty()}});
    output.line(options.out + ": " + name + " knows " + words_of(last) +
                " decided, and is ready for epoch " + std::to_string(statement.epoch.value));
    output.note("Send it to whoever makes the draft; this participant stays stopped");
    return Exit::applied;
}

Result<Exit> recovery_draft(const RecoveryDraft& options, const Output& output) {
    TRY(charter, read_charter(options.charter));
    const model::Epochs epochs(charter);
    model::Recovery recovery;
    auto& body = recovery.body;
    body.network = model::network_id_of(charter.body);
    body.epoch = next_epoch(charter);
    body.last = epochs.handover();
    for (uint32_t i = 0; i < charter.places(); ++i)
        body.keys.push_back(charter.keys_of({uint8_t(i)}));
    std::vector<bool> stated(charter.places());
    for (const auto& path : options.statements) {
        TRY(one, read_statement(charter, path));
        const auto& [network, epoch, participant, last, keys] = one.statement;
        if (stated[participant.value])
            return fail(RecoveryError::bad_statement,
                        path + ": there is another one of " +
                            charter.now().participants[participant.value].name);
        stated[participant.value] = true;
        body.keys[participant.value] = keys;
        if (last && last->body.slot > body.last_slot()) body.last = last;
    }
    const auto count = size_t(std::count(stated.begin(), stated.end(), true));
    const uint32_t needed = Quorum::of(charter.participant_count()).votes_min;
    if (count < needed)
        return fail(RecoveryError::too_few,
                    std::to_string(count) + " of " + std::to_string(needed));
    CHECK(check_keys_differ(charter, body));
    CHECK(model::check_recovery_body(charter, body));
    CHECK(write_recovery(options.out, recovery, false));
    tell_recovery(charter, recovery, output);
    output.note("Each signs it: tally recovery sign " + options.out + " --config FILE");
    return Exit::applied;
}

Result<Exit> recovery_sign(const RecoverySign& options, const Output& output) {
    TRY(own, read_own(options.config));
    TRY(recovery, read_recovery(options.file));
    CHECK(check_other_signatures(own, recovery));
    CHECK(model::check_recovery_body(own.charter, recovery.body));
    const Hash hash = recovery.body.hash();
    TRY(signed_before, signed_recovery(own.config.data, recovery.body.epoch));
    if (signed_before && *signed_before != hash)
        return fail(RecoveryError::signed_another, signed_before->hex());
    const auto& named = recovery.body.keys[own.self.value];
    TRY(stated, stated_keys(own));
    if (named != stated.value_or(own.charter.keys_of(own.self)))
        return fail(RecoveryError::other_keys, to_hex(named.signing_key));
    TRY(old, check_knowledge(own, recovery.body));
    // Again, now that no other command can sign one: `old` keeps them out.
    TRY(signed_meanwhile, signed_recovery(own.config.data, recovery.body.epoch));
    if (signed_meanwhile && *signed_meanwhile != hash)
        return fail(RecoveryError::signed_another, signed_meanwhile->hex());
    // Saved before it is said: from here on the participant does not start in the old epoch.
    CHECK(save_signed_recovery(own.config.data, recovery.body.epoch, hash));
    add_signature(recovery, own.self,
                  own.keys.keys().identity.sign(model::recovery_statement(hash)));
    CHECK(write_recovery(options.file, recovery, true));
    tell_recovery(own.charter, recovery, output);
    return Exit::applied;
}

Result<Exit> recovery_show(const RecoveryShow& options, const Output& output) {
    TRY(charter, read_charter(options.charter));
    TRY(recovery, read_recovery(options.file));
    tell_recovery(charter, recovery, output);
    return invalid_signers_of(charter, recovery).empty() ? Exit::applied : Exit::rejected;
}

Result<Exit> recovery_apply(const RecoveryApply& options, const Output& output) {
    TRY(config, read_node_config(options.config));
    const EpochFiles files(config.charter, config.keys, config.data, [](const LogLine&) {});
    TRY(charter, files.charter());
    TRY(recovery, read_recovery(options.file));
    const auto& known = charter.beginnings;
    const bool is_there = std::any_of(known.begin(), known.end(), [&](const auto& one) {
        const auto* is = std::get_if<model::Recovery>(&one);
        return is != nullptr && is->body == recovery.body;
    });
    std::string aside;
    if (is_there) {
        // Perhaps the charter was copied here, and the journal still is of the epoch before.
        const auto epoch = epoch_of_journal(config.data, recovery.body.network);
        if (epoch && epoch->value < known.size()) {
            // Not under a participant that runs.
            TRY(locked, io::open_file_disk(config.data + "/journal",
                                           {[](uint64_t) {}, [](const Error&) {}, {}}));
            TRY(moved, set_journal_aside(config.data, *epoch));
            aside = moved;
        }
    } else {
        TRY(own, read_own(options.config));
        CHECK(check_complete(charter, recovery));
        TRY(signed_before, signed_recovery(config.data, recovery.body.epoch));
        if (signed_before && *signed_before != recovery.body.hash())
            output.note("this participant has signed another one, " + signed_before->hex() +
                        ", which too few have signed");
        // What the journal holds goes into the database, for it is not read again.
        auto old = read_old_epoch(charter, own.self, own.keys.keys(), config.data);
        const bool is_lost = !old.ok() && (old.error().is(ports::KeyValueError::damaged) ||
                                           old.error().is(store::StoreError::journal_damaged));
        if (!old.ok() && !is_lost) return old.error();
        if (is_lost)
            output.note("not all that this participant holds could be read (" +
                        old.error().message() + "): it will be fetched from the others");
        else if (old->last && old->last->body.slot > recovery.body.last_slot())
            output.note(
                "this participant holds decisions that are given up: its database will be "
                "made again from the others");
        const Epoch ended{recovery.body.epoch.value - 1};
        TRY(moved, set_journal_aside(config.data, ended));
        aside = moved;
        charter.begin(recovery);
        CHECK(write_file(config.charter, text_of(cbor::encode(charter)), false, true));
    }
    bj::object json = recovery_json(charter, recovery);
    json["charter"] = config.charter;
    json["already_applied"] = is_there;
    json["journal_aside"] = aside;
    output.json_only(json);
    output.line(config.charter + (is_there ? " had it already: epoch " : " begins epoch ") +
                std::to_string(recovery.body.epoch.value) + " after " +
                words_of(recovery.body.last));
    if (!aside.empty()) output.line("the journal of the epoch before is " + aside);
    TRY(keys, read_participant_keys(config.keys));
    if (!participant_of(charter, keys).ok())
        output.note("The keys in " + config.keys +
                    " are those of the epoch before: name the new file in " + options.config);
    output.note("Give the charter to everyone who verifies, and start the participant");
    return Exit::applied;
}

}  // namespace tally::cli
