#include "cli/key_file.hpp"

#include <boost/json/object.hpp>

#include "cli/output.hpp"
#include "cli/usage.hpp"
#include "io/entropy.hpp"
#include "model/json.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;

constexpr size_t key_file_bytes_max = 4'096;
constexpr std::string_view participant_kind = "participant-keys/1";
constexpr std::string_view identity_kind = "identity-key/1";

Result<bj::object> read_object(const std::string& path) {
    TRY(text, read_file(path, key_file_bytes_max));
    auto value = model::parse_json(view_of(text));
    if (!value.ok() || !value->is_object())
        return fail(FileError::bad_content, path + " is not a key file");
    return std::move(value->get_object());
}

Result<std::array<uint8_t, 32>> secret_of(const bj::object& object, std::string_view name,
                                          const std::string& path) {
    const auto* value = object.if_contains(name);
    if (value != nullptr && value->is_string()) {
        const auto bytes = from_hex(value->get_string());
        if (bytes.ok() && bytes->size() == 32) {
            std::array<uint8_t, 32> secret;
            std::copy(bytes->begin(), bytes->end(), secret.begin());
            return secret;
        }
    }
    return fail(FileError::bad_content, path + " has no usable \"" + std::string(name) + "\"");
}

std::string_view kind_of(const bj::object& object) {
    const auto* kind = object.if_contains("tally");
    return kind != nullptr && kind->is_string() ? std::string_view(kind->get_string())
                                                : std::string_view{};
}

Result<model::SecretKey> identity_key(std::string_view algorithm,
                                      const std::array<uint8_t, 32>& secret) {
    if (algorithm == "EdDSA") return model::SecretKey{Ed25519Secret::from_seed(secret)};
    if (algorithm == "ES256K") {
        TRY(key, Secp256k1Secret::from_bytes(secret));
        return model::SecretKey{std::move(key)};
    }
    return fail(KeyError::unsupported_key_type, "the algorithms are EdDSA and ES256K");
}

}  // namespace

std::array<uint8_t, 32> random_secret() {
    std::array<uint8_t, 32> secret;
    io::fill_random(secret);
    return secret;
}

ParticipantKeys ParticipantKeyFile::keys() const {
    ParticipantKeys keys{
        Ed25519Secret::from_seed(identity), Ed25519Secret::from_seed(signing), {opening}};
    keys.opening.insert(keys.opening.end(), past_openings.begin(), past_openings.end());
    return keys;
}

bj::object ParticipantKeyFile::public_json() const {
    const ParticipantKeys pair = keys();
    const PublicKey identity_key{KeyType::ed25519, copy_of(pair.identity.public_key())};
    return {{"identity", to_hex(pair.identity.public_key())},
            {"signing", to_hex(pair.signing.public_key())},
            {"opening", to_hex(x25519_public(opening))},
            {"did", identity_key.did()}};
}

model::EpochKeys EpochSecrets::public_keys() const {
    return {Ed25519Secret::from_seed(signing).public_key(), x25519_public(opening)};
}

ParticipantKeyFile new_participant_keys() {
    return {random_secret(), random_secret(), random_secret(), {}, {}};
}

void ParticipantKeyFile::keep_past_opening() {
    constexpr size_t kept_max = 8;
    past_openings.insert(past_openings.begin(), opening);
    if (past_openings.size() > kept_max) past_openings.resize(kept_max);
}

Result<ParticipantKeyFile> read_participant_keys(const std::string& path) {
    TRY(object, read_object(path));
    if (kind_of(object) != participant_kind)
        return fail(FileError::bad_content, path + " does not hold a participant's keys");
    TRY(identity, secret_of(object, "identity", path));
    TRY(signing, secret_of(object, "signing", path));
    TRY(opening, secret_of(object, "opening", path));
    ParticipantKeyFile keys{identity, signing, opening, {}, {}};
    if (object.if_contains("next_signing") != nullptr) {
        TRY(next_signing, secret_of(object, "next_signing", path));
        TRY(next_opening, secret_of(object, "next_opening", path));
        keys.next = EpochSecrets{next_signing, next_opening};
    }
    if (const auto* past = object.if_contains("past_openings")) {
        if (!past->is_array())
            return fail(FileError::bad_content, path + " has no usable \"past_openings\"");
        for (const auto& one : past->get_array()) {
            TRY(secret, secret_of(bj::object{{"past_openings", one}}, "past_openings", path));
            keys.past_openings.push_back(secret);
        }
    }
    return keys;
}

Result<void> write_participant_keys(const std::string& path, const ParticipantKeyFile& keys,
                                    bool replace) {
    bj::object object{{"tally", participant_kind},
                      {"identity", to_hex(keys.identity)},
                      {"signing", to_hex(keys.signing)},
                      {"opening", to_hex(keys.opening)}};
    if (keys.next) {
        object["next_signing"] = to_hex(keys.next->signing);
        object["next_opening"] = to_hex(keys.next->opening);
    }
    if (!keys.past_openings.empty()) {
        bj::array past;
        for (const auto& secret : keys.past_openings) past.emplace_back(to_hex(secret));
        object["past_openings"] = std::move(past);
    }
    return write_file(path, pretty(object) + "\n", true, replace);
}

Result<model::SecretKey> read_identity_key(const std::string& path) {
    TRY(object, read_object(path));
    if (kind_of(object) == participant_kind) {
        TRY(secret, secret_of(object, "identity", path));
        return identity_key("EdDSA", secret);
    }
    if (kind_of(object) != identity_kind)
        return fail(FileError::bad_content, path + " is not a key file");
    const auto* algorithm = object.if_contains("alg");
    if (algorithm == nullptr || !algorithm->is_string())
        return fail(FileError::bad_content, path + " has no \"alg\"");
    TRY(secret, secret_of(object, "secret", path));
    return identity_key(algorithm->get_string(), secret);
}

Result<model::SecretKey> new_identity_key(const std::string& path, std::string_view algorithm) {
    const auto secret = random_secret();
    TRY(key, identity_key(algorithm, secret));
    const bj::object object{
        {"tally", identity_kind}, {"alg", algorithm}, {"secret", to_hex(secret)}};
    CHECK(write_file(path, pretty(object) + "\n", true, false));
    return key;
}

Result<Participant> participant_of(const model::Charter& charter, const ParticipantKeyFile& file) {
    const ParticipantKeys keys = file.keys();
    const auto& participants = charter.now().participants;
    for (size_t i = 0; i < participants.size(); ++i) {
        if (participants[i].is_vacant() ||
            participants[i].identity_key != keys.identity.public_key())
            continue;
        const Participant self{uint8_t(i)};
        const auto [signing, opening] = charter.keys_of(self);
        const auto other = [&](const char* what) {
            const size_t epoch = charter.beginnings.size();
            return fail(UsageError::not_a_founder,
                        "the identity key is " + participants[i].name +
                            "'s, but the charter lists another " + what + " key for it" +
                            (epoch > 0 ? " in epoch " + std::to_string(epoch) : ""));
        };
        if (signing != keys.signing.public_key()) return other("signing");
        if (opening != x25519_public(file.opening)) return other("opening");
        return self;
    }
    return fail(UsageError::not_a_founder, "no participant has this identity key");
}

}  // namespace tally::cli
