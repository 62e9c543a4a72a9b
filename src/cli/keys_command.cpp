#include "cli/keys_command.hpp"

#include <chrono>

#include "cli/charter_draft.hpp"
#include "cli/key_file.hpp"
#include "cli/usage.hpp"
#include "model/reader_token.hpp"

namespace tally::cli {

namespace bj = boost::json;

namespace {

void show_public(const bj::object& json, const Output& output) {
    if (output.json()) return output.json_only(json);
    for (const auto& [name, value] : json)
        output.line(std::string(name) + " = \"" + std::string(value.get_string()) + "\"");
}

bj::object public_json(const model::SecretKey& key) {
    const PublicKey pair = model::public_key_of(key);
    return {{"alg", pair.type == KeyType::ed25519 ? "EdDSA" : "ES256K"}, {"did", pair.did()}};
}

}  // namespace

Result<Exit> keys_new(const KeysNew& options, const Output& output) {
    if (options.participant) {
        const auto keys = new_participant_keys();
        CHECK(write_participant_keys(options.file, keys));
        show_public(keys.public_json(), output);
    } else {
        TRY(key, new_identity_key(options.file, options.algorithm));
        show_public(public_json(key), output);
    }
    output.note("Secret keys are in " + options.file +
                ", readable by you alone. Keep a copy safe.");
    return Exit::applied;
}

Result<Exit> keys_show(const KeysShow& options, const Output& output) {
    if (const auto keys = read_participant_keys(options.file); keys.ok()) {
        show_public(keys->public_json(), output);
        return Exit::applied;
    }
    TRY(key, read_identity_key(options.file));
    show_public(public_json(key), output);
    return Exit::applied;
}

Result<Exit> keys_token(const KeysToken& options, const Output& output) {
    Hash network;
    if (!options.network.empty()) {
        const auto given = hash_from_hex(options.network);
        if (!given.ok())
            return fail(UsageError::bad_argument,
                        "--network is a network's id, 64 lower-case hexadecimal digits, not \"" +
                            options.network + "\"");
        network = *given;
    } else if (!options.charter.empty()) {
        TRY(charter, read_charter(options.charter));
        network = model::network_id_of(charter.body);
        bool known = false;
        for (const auto& participant : charter.now().participants)
            known = known || participant.name == options.participant;
        if (!known) return fail(UsageError::no_such_participant, options.participant);
    } else {
        return fail(UsageError::missing_argument, "give --network or --charter");
    }
    TRY(key, read_identity_key(options.file));
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    const std::string token = model::sign_token(network, options.participant, uint64_t(now), key);
    output.json_only(bj::object{{"token", token}, {"seconds", model::token_seconds_max}});
    output.line(token);
    output.note("Valid at " + options.participant +
                " for five minutes, as an HTTP header: Authorization: Bearer TOKEN");
    return Exit::applied;
}

}  // namespace tally::cli
