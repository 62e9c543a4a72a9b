#include "model/envelope.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "crypto/hash_many.hpp"
#include "model/sealed.hpp"
#include "model/transaction_ids.hpp"

namespace tally::model {
namespace {

namespace bj = boost::json;

constexpr std::string_view eddsa = "EdDSA";
constexpr std::string_view es256k = "ES256K";

constexpr EnvelopeError envelope_errors[] = {
    EnvelopeError::too_large,
    EnvelopeError::not_compact_jws,
    EnvelopeError::bad_base64url,
    EnvelopeError::bad_header,
    EnvelopeError::unknown_header_field,
    EnvelopeError::unsupported_algorithm,
    EnvelopeError::bad_key_id,
    EnvelopeError::wrong_key_type,
    EnvelopeError::bad_signature,
    EnvelopeError::bad_payload,
    EnvelopeError::duplicate_key,
    EnvelopeError::not_an_integer,
    EnvelopeError::too_deep,
    EnvelopeError::missing_field,
    EnvelopeError::unknown_field,
    EnvelopeError::bad_network,
    EnvelopeError::wrong_network,
    EnvelopeError::bad_ledger,
    EnvelopeError::wrong_ledger,
    EnvelopeError::bad_nonce,
    EnvelopeError::bad_expire,
    EnvelopeError::bad_fuel,
    EnvelopeError::bad_changes,
    EnvelopeError::too_many_changes,
    EnvelopeError::bad_sealed,
    EnvelopeError::wrong_epoch,
};

/// A fault with its pinned integer; `Error` keeps only the text.
struct Fault {
    EnvelopeError error;
    std::string detail;
};
using MaybeFault = std::optional<Fault>;

struct Parts {
    std::string_view header, payload, signature, signing_input;
};

/// The three parts; nothing if there are not exactly two dots.
std::optional<Parts> split(std::string_view text) {
    const size_t first = text.find('.');
    if (first == text.npos) return {};
    const size_t second = text.find('.', first + 1);
    if (second == text.npos || text.find('.', second + 1) != text.npos) return {};
    return Parts{text.substr(0, first), text.substr(first + 1, second - first - 1),
                 text.substr(second + 1), text.substr(0, second)};
}

EnvelopeError envelope_error_of(const Error& error, EnvelopeError otherwise) {
    if (error.is(JsonError::duplicate_key)) return EnvelopeError::duplicate_key;
    if (error.is(JsonError::not_an_integer)) return EnvelopeError::not_an_integer;
    if (error.is(JsonError::too_deep)) return EnvelopeError::too_deep;
    return otherwise;
}

/// A JSON object from a base64url part.
MaybeFault read_object(std::string_view part, EnvelopeError otherwise, std::string_view name,
                       bj::object& into) {
    auto bytes = from_base64url(part);
    if (!bytes.ok()) return Fault{EnvelopeError::bad_base64url, "the " + std::string(name)};
    auto value = parse_json(*bytes);
    if (!value.ok())
        return Fault{envelope_error_of(value.error(), otherwise), "the " + std::string(name)};
    if (!value->is_object()) return Fault{otherwise, "it is no JSON object"};
    into = std::move(value->get_object());
    return {};
}

MaybeFault check_fields(const bj::object& object, std::span<const std::string_view> known,
                        EnvelopeError unknown_error) {
    for (const auto& member : object) {
        if (std::find(known.begin(), known.end(), std::string_view(member.key())) == known.end())
            return Fault{unknown_error, quoted(member.key())};
    }
    return {};
}

MaybeFault read_header(std::string_view part, Transaction& to) {
    bj::object header;
    if (auto fault = read_object(part, EnvelopeError::bad_header, "header", header)) return fault;
    constexpr std::string_view known[] = {"alg", "kid"};
    if (auto fault = check_fields(header, known, EnvelopeError::unknown_header_field)) return fault;
    const auto* algorithm = header.if_contains("alg");
    if (algorithm == nullptr || !algorithm->is_string())
        return Fault{EnvelopeError::bad_header, "\"alg\" is missing or no string"};
    const auto* kid = header.if_contains("kid");
    if (kid == nullptr || !kid->is_string())
        return Fault{EnvelopeError::bad_header, "\"kid\" is missing or no string"};

    const std::string_view alg = algorithm->get_string();
    if (alg != eddsa && alg != es256k)
        return Fault{EnvelopeError::unsupported_algorithm, quoted(alg)};
    to.signer_did = std::string(kid->get_string());
    auto key = public_key_from_did(to.signer_did);
    if (!key.ok()) return Fault{EnvelopeError::bad_key_id, quoted(to.signer_did)};
    to.signer = *std::move(key);
    const KeyType wanted = alg == eddsa ? KeyType::ed25519 : KeyType::secp256k1;
    if (to.signer.type != wanted) return Fault{EnvelopeError::wrong_key_type, std::string(alg)};
    return {};
}

std::optional<uint64_t> natural(const bj::value& value) {
    const auto* number = value.if_int64();
    if (number == nullptr || *number < 0) return {};
    return uint64_t(*number);
}

MaybeFault read_changes(bj::value& changes, Transaction& to) {
    if (!changes.is_array() || changes.get_array().empty())
        return Fault{EnvelopeError::bad_changes, "\"tx\" is no list, or an empty one"};
    if (changes.get_array().size() > limits::transaction_changes_max)
        return Fault{EnvelopeError::too_many_changes,
                     std::to_string(changes.get_array().size()) + ", at most " +
                         std::to_string(limits::transaction_changes_max)};
    for (const auto& change : changes.get_array()) {
        if (!change.is_object())
            return Fault{EnvelopeError::bad_changes, "an element of \"tx\" is no object"};
    }
    to.changes = std::move(changes.get_array());
    return {};
}

MaybeFault check_network(const bj::value& value, const Hash& network) {
    const auto* text = value.if_string();
    const auto named = text == nullptr ? Result<Hash>(BytesError::bad_hex) : hash_from_hex(*text);
    if (!named.ok()) return Fault{EnvelopeError::bad_network, {}};
    if (*named != network)
        return Fault{EnvelopeError::wrong_network,
                     "signed for " + named->hex() + ", this is " + network.hex()};
    return {};
}

MaybeFault read_ledger(const bj::value& value, std::string_view ledger, Transaction& to) {
    const auto* text = value.if_string();
    if (text == nullptr || text->empty() || text->size() > limits::ledger_name_bytes_max)
        return Fault{EnvelopeError::bad_ledger, {}};
    to.ledger = std::string(*text);
    if (!ledger.empty() && to.ledger != ledger)
        return Fault{EnvelopeError::wrong_ledger,
                     "signed for " + quoted(to.ledger) + ", sent to " + quoted(ledger)};
    return {};
}

MaybeFault read_sealed_text(const bj::value& value, const Hash& network, const SealingKeys* keys,
                            Transaction& to) {
    auto read = read_sealed(value);
    if (!read.ok()) return Fault{EnvelopeError::bad_sealed, read.error().detail};
    if (keys != nullptr && read->epoch != keys->epoch)
        return Fault{EnvelopeError::wrong_epoch,
                     "sealed for epoch " + std::to_string(read->epoch.value) + ", this is " +
                         std::to_string(keys->epoch.value)};
    if (keys != nullptr && read->boxes.size() != keys->holders.size())
        return Fault{EnvelopeError::bad_sealed,
                     std::to_string(read->boxes.size()) + " shares for " +
                         std::to_string(keys->holders.size()) + " participants"};
    read->commitment = sealed_commitment(network, to, *read);
    to.sealed = std::make_shared<const SealedText>(std::move(*read));
    return {};
}

MaybeFault read_payload(std::string_view part, const Hash& network, std::string_view ledger,
                        const SealingKeys* sealing, Transaction& to) {
    bj::object payload;
    if (auto fault = read_object(part, EnvelopeError::bad_payload, "payload", payload))
        return fault;
    const std::string_view content = payload.contains("sealed") ? "sealed" : "tx";
    const std::string_view known[] = {"network", "ledger", "nonce", "expire", "fuel", content};
    if (auto fault = check_fields(payload, known, EnvelopeError::unknown_field)) return fault;
    for (const auto name : known) {
        if (!payload.contains(name)) return Fault{EnvelopeError::missing_field, quoted(name)};
    }
    if (auto fault = check_network(payload.at("network"), network)) return fault;
    if (auto fault = read_ledger(payload.at("ledger"), ledger, to)) return fault;

    const auto* nonce = payload.at("nonce").if_string();
    if (nonce == nullptr || nonce->size() > limits::nonce_bytes_max)
        return Fault{EnvelopeError::bad_nonce, {}};
    to.nonce = std::string(*nonce);
    const auto expire = natural(payload.at("expire"));
    if (!expire) return Fault{EnvelopeError::bad_expire, {}};
    to.expire_ms = *expire;
    const auto fuel = natural(payload.at("fuel"));
    if (!fuel) return Fault{EnvelopeError::bad_fuel, {}};
    to.fuel = *fuel;
    if (content == "sealed") return read_sealed_text(payload.at(content), network, sealing, to);
    return read_changes(payload.at(content), to);
}

MaybeFault check_signature(const Parts& parts, Transaction& to) {
    const auto bytes = from_base64url(parts.signature);
    if (!bytes.ok()) return Fault{EnvelopeError::bad_base64url, "the signature"};
    if (bytes->size() != to.signature.size())
        return Fault{EnvelopeError::bad_signature,
                     std::to_string(bytes->size()) + " bytes instead of 64"};
    std::copy(bytes->begin(), bytes->end(), to.signature.begin());

    const ByteView message = view_of(parts.signing_input);
    if (to.signer.type == KeyType::ed25519) {
        Ed25519Public key;
        std::copy(to.signer.bytes.begin(), to.signer.bytes.end(), key.begin());
        if (!ed25519_verify(key, message, to.signature))
            return Fault{EnvelopeError::bad_signature, {}};
        return {};
    }
    // Half of what JOSE libraries make has a high s: one signature, one form.
    const auto normalised = es256k_normalised(to.signature);
    if (!normalised || !es256k_verify(to.signer.bytes, message, *normalised))
        return Fault{EnvelopeError::bad_signature, {}};
    to.signature = *normalised;
    return {};
}

/// The signature last: it costs the most.
MaybeFault read_envelope(ByteView envelope, const Hash& network, std::string_view ledger,
                         const SealingKeys* sealing, Transaction& to) {
    if (envelope.size() > limits::envelope_bytes_max)
        return Fault{EnvelopeError::too_large, std::to_string(envelope.size()) +
                                                   " bytes, at most " +
                                                   std::to_string(limits::envelope_bytes_max)};
    const auto parts = split(text_of(envelope));
    if (!parts) return Fault{EnvelopeError::not_compact_jws, {}};
    if (auto fault = read_header(parts->header, to)) return fault;
    if (auto fault = read_payload(parts->payload, network, ledger, sealing, to)) return fault;
    return check_signature(*parts, to);
}

}  // namespace

ErrorText describe(EnvelopeError error) {
    switch (error) {
    case EnvelopeError::too_large:
        return {"envelope_too_large", "the transaction is too large",
                "Split it into several transactions"};
    case EnvelopeError::not_compact_jws:
        return {"not_compact_jws", "not a compact JWS (three parts, joined by two dots)",
                "Sign the payload with a JOSE library or with `tally tx`"};
    case EnvelopeError::bad_base64url:
        return {"bad_base64url", "a part of the JWS is not base64url without padding",
                "Encode each part as base64url without padding"};
    case EnvelopeError::bad_header:
        return {"bad_header", "the JWS header is not {\"alg\", \"kid\"}",
                "Write these two fields and no other: docs/transactions.md"};
    case EnvelopeError::unknown_header_field:
        return {"unknown_header_field", "the JWS header has a field that is not understood",
                "Leave only \"alg\" and \"kid\""};
    case EnvelopeError::unsupported_algorithm:
        return {"unsupported_algorithm", "the signature algorithm is not supported",
                "Use EdDSA (Ed25519) or ES256K (secp256k1)"};
    case EnvelopeError::bad_key_id:
        return {"bad_key_id", "\"kid\" is not the did:key of an Ed25519 or secp256k1 key",
                "Copy it as `tally keys show` prints it"};
    case EnvelopeError::wrong_key_type:
        return {"wrong_key_type", "the key in \"kid\" is not of the kind that \"alg\" needs",
                "EdDSA needs an Ed25519 key, ES256K a secp256k1 key"};
    case EnvelopeError::bad_signature:
        return {"bad_signature", "the signature does not match the transaction and its \"kid\"",
                "Sign again with the key that \"kid\" names"};
    case EnvelopeError::bad_payload:
        return {"bad_payload", "the payload is not a JSON object in UTF-8",
                "Sign an object as docs/transactions.md describes it"};
    case EnvelopeError::duplicate_key:
        return {"duplicate_key", "a JSON object has the same key twice", "Give each key once"};
    case EnvelopeError::not_an_integer:
        return {"not_an_integer", "a number is not an integer within ±(2^53 − 1)",
                "Write larger integers as decimal strings"};
    case EnvelopeError::too_deep:
        return {"too_deep", "the JSON nests too deeply",
                "Nest at most 16 levels: refer to further changes by temporary ids"};
    case EnvelopeError::missing_field:
        return {"missing_field", "the payload lacks a field",
                "It needs network, ledger, nonce, expire, fuel, and tx or sealed"};
    case EnvelopeError::unknown_field:
        return {"unknown_field", "the payload has a field that is not understood",
                "This execution version knows network, ledger, nonce, expire, fuel, and tx or "
                "sealed"};
    case EnvelopeError::bad_network:
        return {"bad_network", "\"network\" is not 64 lower-case hexadecimal digits",
                "Copy it from `tally status`"};
    case EnvelopeError::wrong_network:
        return {"wrong_network", "the transaction is for another network",
                "Sign it again with this network's id"};
    case EnvelopeError::bad_ledger:
        return {"bad_ledger", "\"ledger\" is not a name of 1 to 64 bytes",
                "`tally status` lists the ledgers"};
    case EnvelopeError::wrong_ledger:
        return {"wrong_ledger", "the transaction is for another ledger",
                "Send it to the ledger that it names"};
    case EnvelopeError::bad_nonce:
        return {"bad_nonce", "\"nonce\" is not a string of at most 64 bytes",
                "Choose a shorter text that you have not used before"};
    case EnvelopeError::bad_expire:
        return {"bad_expire", "\"expire\" is not a time in milliseconds since 1970",
                "Give a whole number: the present time and at most ten minutes more"};
    case EnvelopeError::bad_fuel:
        return {"bad_fuel", "\"fuel\" is not an integer ≥ 0",
                "Give a whole number, such as 100000"};
    case EnvelopeError::bad_changes:
        return {"bad_changes", "\"tx\" is not a list of changes, each an object",
                "Write it as docs/transactions.md describes it"};
    case EnvelopeError::too_many_changes:
        return {"too_many_changes", "the transaction has too many changes",
                "Split it into several transactions"};
    case EnvelopeError::bad_sealed:
        return {"bad_sealed", "\"sealed\" is not a sealed text",
                "Seal it with `tally tx --sealed`, or as docs/transactions.md describes it"};
    case EnvelopeError::wrong_epoch:
        return {"wrong_epoch", "the transaction is sealed for another epoch's participants",
                "Seal it again, with the same \"nonce\" and \"expire\": it takes effect once"};
    }
    std::abort();
}

size_t CheckedEnvelope::heap_bytes() const {
    size_t bytes = detail.capacity();
    if (transaction)
        bytes += transaction->signer_did.capacity() + transaction->ledger.capacity() +
                 transaction->nonce.capacity() + heap_bytes_of(transaction->changes) +
                 (transaction->sealed ? transaction->sealed->heap_bytes() : 0);
    return bytes;
}

std::span<const EnvelopeError> all_envelope_errors() {
    return envelope_errors;
}

Hash transaction_id_of(ByteView envelope) {
    const auto parts = split(text_of(envelope));
    return parts ? sha256(view_of(parts->signing_input))
                 : tagged_hash(Tag::invalid_envelope, envelope);
}

std::vector<Hash> transaction_ids_of(std::span<const ByteView> envelopes) {
    std::vector<Hash> ids(envelopes.size());
    std::vector<ByteView> inputs;
    std::vector<size_t> places;
    inputs.reserve(envelopes.size());
    places.reserve(envelopes.size());
    for (size_t i = 0; i < envelopes.size(); ++i) {
        if (const auto parts = split(text_of(envelopes[i]))) {
            inputs.push_back(view_of(parts->signing_input));
            places.push_back(i);
        } else {
            ids[i] = tagged_hash(Tag::invalid_envelope, envelopes[i]);
        }
    }
    const auto hashes = sha256_of_each(inputs);
    for (size_t i = 0; i < places.size(); ++i) ids[places[i]] = hashes[i];
    return ids;
}

CheckedEnvelope check_envelope(ByteView envelope, const Hash& network, std::string_view ledger,
                               const SealingKeys* sealing) {
    CheckedEnvelope checked;
    checked.id = checked.once = transaction_id_of(envelope);
    Transaction transaction;
    if (auto fault = read_envelope(envelope, network, ledger, sealing, transaction)) {
        checked.error = fault->error;
        checked.detail = std::move(fault->detail);
    } else {
        if (transaction.sealed) checked.once = sealed_once(transaction);
        checked.transaction = std::move(transaction);
    }
    return checked;
}

Result<bj::array> parse_changes(ByteView text) {
    TRY(value, parse_json(text));
    Transaction read;
    if (auto fault = read_changes(value, read)) return fail(fault->error, fault->detail);
    return std::move(read.changes);
}

std::optional<Epoch> sealed_epoch_of(ByteView envelope) {
    const auto parts = split(text_of(envelope));
    bj::object payload;
    if (!parts || read_object(parts->payload, EnvelopeError::bad_payload, "payload", payload))
        return {};
    const auto* sealed = payload.if_contains("sealed");
    if (sealed == nullptr) return {};
    const auto read = read_sealed(*sealed);
    return read.ok() ? std::optional(read->epoch) : std::nullopt;
}

PublicKey public_key_of(const SecretKey& secret) {
    if (const auto* key = std::get_if<Ed25519Secret>(&secret)) {
        const Ed25519Public bytes = key->public_key();
        return {KeyType::ed25519, {bytes.begin(), bytes.end()}};
    }
    return {KeyType::secp256k1, std::get<Secp256k1Secret>(secret).public_key()};
}

std::string sign_payload(std::string_view payload, const SecretKey& secret) {
    const PublicKey key = public_key_of(secret);
    const bool is_ed25519 = key.type == KeyType::ed25519;
    const std::string header = R"({"alg":")" + std::string(is_ed25519 ? eddsa : es256k) +
                               R"(","kid":")" + key.did() + R"("})";
    const std::string input = to_base64url(view_of(header)) + '.' + to_base64url(view_of(payload));
    const Signature signature =
        std::visit([&](const auto& held) { return held.sign(view_of(input)); }, secret);
    return input + '.' + to_base64url(signature);
}

namespace {

/// The payload with this field in place of its changes.
std::string payload_text(const Payload& payload, std::string_view field, std::string_view content) {
    const auto string = [](std::string_view text) { return bj::serialize(bj::string(text)); };
    return R"({"network":")" + payload.network.hex() + R"(","ledger":)" + string(payload.ledger) +
           R"(,"nonce":)" + string(payload.nonce) + R"(,"expire":)" +
           std::to_string(payload.expire_ms) + R"(,"fuel":)" + std::to_string(payload.fuel) +
           ",\"" + std::string(field) + "\":" + std::string(content) + '}';
}

}  // namespace

std::string sign_envelope(const Payload& payload, const SecretKey& secret) {
    return sign_payload(payload_text(payload, "tx", payload.changes), secret);
}

std::string sign_sealed(const Payload& payload, const SealedText& sealed, const SecretKey& secret) {
    return sign_payload(payload_text(payload, "sealed", sealed_json(sealed)), secret);
}

}  // namespace tally::model
