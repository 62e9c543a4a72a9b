// Envelope: a transaction as its signer made it, a compact JWS (RFC 7515) with EdDSA (RFC 8037) or
// ES256K (RFC 8812) (docs/protocol.md, section 9).
//
//     header:  {"alg": "EdDSA" or "ES256K", "kid": did:key of the signer}
//     payload: {"network", "ledger", "nonce", "expire", "fuel", "tx"}, or "sealed" in place of "tx"
//
// What is checked here depends on the bytes alone, so that every participant judges alike. Whether
// the signer is known, the time right and the changes allowed is for ledger/ to say.
#pragma once

#include <boost/json/array.hpp>
#include <variant>

#include "base/limits.hpp"
#include "crypto/keys.hpp"
#include "model/json.hpp"

namespace tally::model {

/// Why bytes are no envelope. The integers are pinned: they are hashed into blocks as results.
enum class EnvelopeError : uint16_t {
    too_large = 100,
    not_compact_jws = 101,
    bad_base64url = 102,
    bad_header = 103,
    unknown_header_field = 104,
    unsupported_algorithm = 105,
    bad_key_id = 106,
    wrong_key_type = 107,
    bad_signature = 108,
    bad_payload = 109,
    duplicate_key = 110,
    not_an_integer = 111,
    too_deep = 112,
    missing_field = 113,
    unknown_field = 114,
    bad_network = 115,
    wrong_network = 116,
    bad_ledger = 117,
    wrong_ledger = 118,
    bad_nonce = 119,
    bad_expire = 120,
    bad_fuel = 121,
    bad_changes = 122,
    too_many_changes = 123,
    bad_sealed = 124,
    wrong_epoch = 125,
};
ErrorText describe(EnvelopeError error);
/// Every pinned integer, in order, for tables and tests.
[[nodiscard]] std::span<const EnvelopeError> all_envelope_errors();

struct SealedText;
struct SealingKeys;

/// What a valid envelope says.
struct Transaction {
    PublicKey signer;
    std::string signer_did;
    Signature signature{};  ///< ES256K: with low s
    std::string ledger;
    std::string nonce;
    uint64_t expire_ms = 0;      ///< at most 2^53 − 1
    uint64_t fuel = 0;           ///< at most 2^53 − 1
    boost::json::array changes;  ///< 1 to limits::transaction_changes_max objects; none if sealed
    std::shared_ptr<const SealedText> sealed = nullptr;  ///< model/sealed.hpp
};

struct CheckedEnvelope {
    Hash id;
    /// What takes effect once: the id, or of a sealed transaction its signer and nonce.
    Hash once;
    std::optional<Transaction> transaction;                ///< nothing: invalid by its bytes
    EnvelopeError error = EnvelopeError::not_compact_jws;  ///< meant only without a transaction
    std::string detail;                                    ///< of the error, for people

    [[nodiscard]] bool valid() const { return transaction.has_value(); }
    /// Requires an invalid envelope.
    [[nodiscard]] Error why() const { return fail(error, detail); }
    /// Of memory beyond this struct, estimated: the tree of changes is many times its text.
    [[nodiscard]] size_t heap_bytes() const;
};

/// SHA-256 of the bytes before the last dot, if there are exactly two dots; of any other bytes
/// H(tag ‖ bytes). A re-signed copy is the same transaction.
[[nodiscard]] Hash transaction_id_of(ByteView envelope);

/// Pure, thread-safe, never throws. `ledger` is where the envelope was handed in; an empty name
/// accepts whatever ledger the payload names. `sealing`: to whom a sealed transaction must be
/// sealed; without it, any epoch and any holders will do.
[[nodiscard]] CheckedEnvelope check_envelope(ByteView envelope, const Hash& network,
                                             std::string_view ledger,
                                             const SealingKeys* sealing = nullptr);
/// The changes in the text of `tx`: a list of 1 to limits::transaction_changes_max objects.
[[nodiscard]] Result<boost::json::array> parse_changes(ByteView text);

/// The payload's fields, as a signer chooses them. `changes` is JSON text: a list of subject maps.
struct Payload {
    Hash network;
    std::string ledger;
    std::string nonce;
    uint64_t expire_ms = 0;
    uint64_t fuel = 0;
    std::string changes;
};

using SecretKey = std::variant<Ed25519Secret, Secp256k1Secret>;
[[nodiscard]] PublicKey public_key_of(const SecretKey& secret);

/// A compact JWS of the payload. Nothing is checked, so that tests can sign nonsense.
[[nodiscard]] std::string sign_envelope(const Payload& payload, const SecretKey& secret);
/// A compact JWS of any payload text.
[[nodiscard]] std::string sign_payload(std::string_view payload, const SecretKey& secret);

}  // namespace tally::model
