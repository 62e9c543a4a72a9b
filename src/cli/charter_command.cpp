#include "cli/charter_command.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <chrono>

#include "base/quorum.hpp"
#include "cli/charter_draft.hpp"
#include "cli/key_file.hpp"
#include "cli/usage.hpp"
#include "ledger/value.hpp"

namespace tally::cli {

namespace bj = boost::json;

namespace {

Result<void> write_charter(const std::string& path, const model::Charter& charter, bool replace) {
    return write_file(path, text_of(cbor::encode(charter)), false, replace);
}

const model::IdentitySignature* signature_of(const model::Charter& charter, size_t index) {
    for (const auto& one : charter.signatures) {
        if (one.participant.value == index) return &one;
    }
    return nullptr;
}

bool has_signed(const model::Charter& charter, size_t index) {
    const auto* one = signature_of(charter, index);
    return one != nullptr &&
           ed25519_verify(charter.body.participants[index].identity_key,
                          model::founder_statement(model::network_id_of(charter.body)),
                          one->signature);
}

/// Whose signature stands there and does not hold.
std::vector<std::string> names_invalid(const model::Charter& charter) {
    return model::invalid_signatures(charter.body, charter.signatures,
                                     model::founder_statement(model::network_id_of(charter.body)));
}

std::vector<std::string> names_missing(const model::Charter& charter) {
    std::vector<std::string> names;
    for (size_t i = 0; i < charter.body.participants.size(); ++i) {
        if (!has_signed(charter, i)) names.emplace_back(charter.body.participants[i].name);
    }
    return names;
}

bj::object participant_json(const model::Charter& charter, size_t index) {
    const auto& participant = charter.body.participants[index];
    bj::array addresses;
    for (const auto& address : participant.addresses) addresses.emplace_back(std::string(address));
    return {{"name", std::string(participant.name)},
            {"addresses", std::move(addresses)},
            {"identity", to_hex(participant.identity_key)},
            {"signing", to_hex(participant.signing_key)},
            {"opening", to_hex(participant.opening_key)},
            {"vote_weight", participant.vote_weight},
            {"signed", has_signed(charter, index)}};
}

bj::object parameters_json(const model::Parameters& p) {
    return {{"window_batches", p.window_batches},
            {"window_bytes", p.window_bytes},
            {"late_after_us", p.late_after_us},
            {"pause_after_blocks", p.pause_after_blocks},
            {"view_timer_us", p.view_timer_us},
            {"clock_behind_us_max", p.clock_behind_us_max},
            {"hold_us", p.hold_us},
            {"carried_certificates_max", p.carried_certificates_max},
            {"expire_ahead_ms", p.expire_ahead_ms},
            {"dispute_window_us", p.dispute_window_us},
            {"dispute_window_slots", p.dispute_window_slots},
            {"coded_bytes_min", p.coded_bytes_min},
            {"retention_us", p.retention_us},
            {"retention_slots", p.retention_slots},
            {"whole_us", p.whole_us},
            {"whole_slots", p.whole_slots},
            {"change_us", p.change_us},
            {"change_slots", p.change_slots}};
}

bj::object charter_json(const model::Charter& charter) {
    const auto& body = charter.body;
    bj::array participants, ledgers, missing, invalid;
    for (size_t i = 0; i < body.participants.size(); ++i)
        participants.push_back(participant_json(charter, i));
    for (const auto& ledger : body.ledgers) {
        bj::array provers, genesis;
        for (const auto prover : ledger.provers)
            provers.emplace_back(std::string(body.participants[prover.value].name));
        for (const auto& change : ledger.genesis) genesis.emplace_back(std::string(change));
        ledgers.push_back({{"name", std::string(ledger.name)},
                           {"provers", std::move(provers)},
                           {"execution", "replicated"},
                           {"forwarding", std::string(model::name_of(ledger.forwarding))},
                           {"genesis", std::move(genesis)}});
    }
    for (const auto& name : names_missing(charter)) missing.emplace_back(name);
    for (const auto& name : names_invalid(charter)) invalid.emplace_back(name);
    const bool complete = missing.empty() && invalid.empty();
    bj::array epochs;
    for (const model::Beginning& beginning : charter.beginnings)
        epochs.push_back(
            {{"epoch", model::epoch_of(beginning).value},
             {"after_slot", model::last_slot_of(beginning).value},
             {"begun_by", std::holds_alternative<model::Recovery>(beginning) ? "recovery charter"
                                                                             : "decision"}});
    bj::array taking_part;
    for (const auto& entry : charter.now().participants) {
        if (entry.is_vacant()) continue;
        taking_part.push_back({{"name", std::string(entry.name)},
                               {"address", std::string(entry.addresses.front())},
                               {"identity", to_hex(entry.identity_key)},
                               {"signing", to_hex(entry.signing_key)},
                               {"opening", to_hex(entry.opening_key)},
                               {"vote_weight", entry.vote_weight}});
    }
    return {{"network", model::network_id_of(body).hex()},
            {"name", std::string(body.name)},
            {"genesis_time_us", body.genesis_time.value},
            {"consensus", std::string(body.consensus)},
            {"execution_version", body.execution},
            {"losses_survived", Quorum::of(charter.participant_count()).liars_max},
            {"participants", std::move(participants)},
            {"ledgers", std::move(ledgers)},
            {"parameters", parameters_json(body.parameters)},
            {"later_epochs", std::move(epochs)},
            {"taking_part_now", std::move(taking_part)},
            {"parameters_now", parameters_json(charter.now().parameters)},
            {"not_signed_by", std::move(missing)},
            {"invalid_signatures", std::move(invalid)},
            {"complete", complete}};
}

void tell_participant(const model::Charter& charter, size_t index, const Output& output) {
    const auto& participant = charter.body.participants[index];
    std::vector<std::string> addresses(participant.addresses.begin(), participant.addresses.end());
    output.line("participant   " + participant.name + " at " + joined(addresses) +
                ", vote weight " + std::to_string(participant.vote_weight) +
                (has_signed(charter, index)                ? ", signed"
                 : signature_of(charter, index) == nullptr ? ", NOT SIGNED"
                                                           : ", SIGNATURE NOT VALID"));
    output.line("                identity " + to_hex(participant.identity_key));
    output.line("                signing  " + to_hex(participant.signing_key));
    output.line("                opening  " + to_hex(participant.opening_key));
}

void tell_ledger(const model::CharterBody& body, const model::LedgerEntry& ledger,
                 const Output& output) {
    std::vector<std::string> provers;
    for (const auto prover : ledger.provers)
        provers.emplace_back(body.participants[prover.value].name);
    output.line("ledger        " + ledger.name + ", proved by " + joined(provers));
    output.line("                executed by all of them, batches " +
                std::string(model::name_of(ledger.forwarding)) + "; its first " +
                std::to_string(ledger.genesis.size()) + " changes:");
    for (const auto& change : ledger.genesis) output.line("                " + change);
}

void note_missing(const model::Charter& charter, const std::string& file, const Output& output) {
    const std::string sign = " (tally charter sign " + file + " --keys FILE)";
    const auto invalid = names_invalid(charter);
    if (!invalid.empty())
        output.note("NOT VALID: the signature of " + joined(invalid) +
                    ". The file was changed after it was signed: get it again from who signed "
                    "it, or have them sign what it says now" +
                    sign);
    std::vector<std::string> missing;
    for (size_t i = 0; i < charter.body.participants.size(); ++i) {
        if (signature_of(charter, i) == nullptr)
            missing.emplace_back(charter.body.participants[i].name);
    }
    if (!missing.empty()) output.note("Still to sign: " + joined(missing) + sign);
    if (invalid.empty() && missing.empty())
        output.note("Every founder has signed: the network can start.");
}

}  // namespace

Result<Exit> charter_new(const CharterNew& options, const Output& output) {
    const auto now = std::chrono::duration_cast<std::chrono::microseconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    TRY(body, read_draft(options.draft, Micros{uint64_t(now)}));
    const model::Charter charter{std::move(body), {}, {}};
    CHECK(write_charter(options.out, charter, false));
    const std::string network = model::network_id_of(charter.body).hex();
    output.json_only(bj::object{{"charter", options.out}, {"network", network}});
    output.line("network " + network);
    note_missing(charter, options.out, output);
    return Exit::applied;
}

Result<Exit> charter_sign(const CharterSign& options, const Output& output) {
    TRY(charter, read_unsigned_charter(options.file));
    TRY(keys, read_participant_keys(options.keys));
    const auto secret = keys.keys().identity;
    const auto& participants = charter.body.participants;
    const auto found = std::find_if(participants.begin(), participants.end(), [&](const auto& one) {
        return one.identity_key == secret.public_key();
    });
    if (found == participants.end()) return fail(UsageError::not_a_founder, options.keys);
    const Participant self{uint8_t(found - participants.begin())};
    const Hash network = model::network_id_of(charter.body);

    auto& signatures = charter.signatures;
    const auto place = std::find_if(signatures.begin(), signatures.end(),
                                    [&](const auto& one) { return one.participant >= self; });
    const model::IdentitySignature mine{self, secret.sign(model::founder_statement(network))};
    if (place != signatures.end() && place->participant == self) {
        *place = mine;
    } else {
        signatures.insert(place, mine);
    }
    CHECK(write_charter(options.file, charter, true));
    output.json_only(charter_json(charter));
    output.line("signed for " + found->name + ": network " + network.hex());
    note_missing(charter, options.file, output);
    return Exit::applied;
}

Result<Exit> charter_show(const CharterShow& options, const Output& output) {
    TRY(charter, read_unsigned_charter(options.file));
    const bj::object json = charter_json(charter);
    const Exit exit =
        json.at("invalid_signatures").get_array().empty() ? Exit::applied : Exit::rejected;
    if (output.json()) {
        output.json_only(json);
        return exit;
    }
    const auto& body = charter.body;
    output.line("network       " + model::network_id_of(body).hex());
    output.line("name          " + body.name);
    output.line("begins at     " + ledger::instant_text({int64_t(body.genesis_time.value)}));
    output.line("agreement     " + body.consensus + ", execution version " +
                std::to_string(body.execution));
    output.line("survives      " +
                std::to_string(Quorum::of(charter.participant_count()).liars_max) + " of " +
                std::to_string(charter.participant_count()) + " participants lost or lying");
    for (size_t i = 0; i < body.participants.size(); ++i) tell_participant(charter, i, output);
    for (const auto& ledger : body.ledgers) tell_ledger(body, ledger, output);
    for (const auto& one : json.at("later_epochs").get_array())
        output.line("epoch         " + std::to_string(one.at("epoch").to_number<uint64_t>()) +
                    " after slot " + std::to_string(one.at("after_slot").to_number<uint64_t>()) +
                    ", by " + std::string(one.at("begun_by").as_string()));
    if (charter.epoch().value > 0) {
        for (const auto& one : json.at("taking_part_now").get_array())
            output.line("takes part    " + std::string(one.at("name").as_string()) + " at " +
                        std::string(one.at("address").as_string()) + ", signing " +
                        std::string(one.at("signing").as_string()));
    }
    for (const auto& [name, value] : json.at("parameters_now").get_object())
        output.line("parameter     " + std::string(name) + " = " +
                    std::to_string(value.to_number<uint64_t>()));
    note_missing(charter, options.file, output);
    return exit;
}

}  // namespace tally::cli
