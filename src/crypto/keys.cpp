#include "crypto/keys.hpp"

#include <secp256k1.h>
#include <sodium.h>

#include <algorithm>
#include <deque>
#include <set>

namespace tally {
namespace {

// Multicodec prefixes as unsigned varints: ed25519-pub is 0xed, secp256k1-pub is 0xe7.
constexpr std::array<uint8_t, 2> ed25519_prefix{0xed, 0x01};
constexpr std::array<uint8_t, 2> secp256k1_prefix{0xe7, 0x01};
constexpr std::string_view did_prefix = "did:key:z";

const secp256k1_context* curve() {
    return secp256k1_context_static;
}

secp256k1_context* signing_context() {
    static secp256k1_context* const context =
        secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
    return context;
}

class SecretSigner final : public Signer {
public:
    explicit SecretSigner(Ed25519Secret secret) : secret_(std::move(secret)) {}
    Ed25519Public public_key() const override { return secret_.public_key(); }
    Signature sign(ByteView message) const override { return secret_.sign(message); }

private:
    Ed25519Secret secret_;
};

class RememberingVerifier final : public Verifier {
public:
    explicit RememberingVerifier(size_t remembered_max) : remembered_max_(remembered_max) {}

    bool verify(const Ed25519Public& key, ByteView message,
                const Signature& signature) const override {
        if (remembered_max_ == 0) return ed25519_verify(key, message, signature);
        const Hash place = Hasher().add(key).add(signature).add(message).finish();
        if (known_.contains(place)) return true;
        if (!ed25519_verify(key, message, signature)) return false;
        known_.insert(place);
        order_.push_back(place);
        if (order_.size() > remembered_max_) {
            known_.erase(order_.front());
            order_.pop_front();
        }
        return true;
    }

private:
    size_t remembered_max_;
    mutable std::set<Hash> known_;
    mutable std::deque<Hash> order_;  // Oldest first.
};

}  // namespace

ErrorText describe(KeyError error) {
    switch (error) {
    case KeyError::bad_public_key:
        return {"bad_public_key", "not a valid public key", "Check that it was copied whole"};
    case KeyError::bad_secret_key:
        return {"bad_secret_key", "not a valid secret key",
                "Check that the key file was copied whole"};
    case KeyError::bad_did_key:
        return {"bad_did_key", "not a valid did:key", "Copy it as `tally keys show` prints it"};
    case KeyError::unsupported_key_type:
        return {"unsupported_key_type", "this key type is not supported",
                "Use an Ed25519 or a secp256k1 key"};
    }
    std::abort();
}

void crypto_start() {
    ENSURE(sodium_init() >= 0);
}

std::string PublicKey::did() const {
    const auto& prefix = type == KeyType::ed25519 ? ed25519_prefix : secp256k1_prefix;
    Bytes all(prefix.begin(), prefix.end());
    append(all, bytes);
    return std::string(did_prefix) + to_base58(all);
}

Result<PublicKey> public_key_from_did(std::string_view did) {
    if (!did.starts_with(did_prefix)) return KeyError::bad_did_key;
    TRY(all, from_base58(did.substr(did_prefix.size())));
    if (all.size() < 2) return KeyError::bad_did_key;
    PublicKey key;
    key.bytes.assign(all.begin() + 2, all.end());
    if (std::equal(ed25519_prefix.begin(), ed25519_prefix.end(), all.begin())) {
        if (key.bytes.size() != 32) return KeyError::bad_did_key;
        key.type = KeyType::ed25519;
    } else if (std::equal(secp256k1_prefix.begin(), secp256k1_prefix.end(), all.begin())) {
        if (key.bytes.size() != 33) return KeyError::bad_did_key;
        key.type = KeyType::secp256k1;
        secp256k1_pubkey point;
        if (secp256k1_ec_pubkey_parse(curve(), &point, key.bytes.data(), key.bytes.size()) != 1)
            return KeyError::bad_public_key;
    } else {
        return KeyError::unsupported_key_type;
    }
    if (key.did() != did) return KeyError::bad_did_key;  // Another spelling of the same key.
    return key;
}

Ed25519Secret Ed25519Secret::from_seed(const std::array<uint8_t, 32>& seed) {
    Ed25519Secret secret;
    Ed25519Public ignored;
    crypto_sign_seed_keypair(ignored.data(), secret.key_.data(), seed.data());
    return secret;
}

Ed25519Secret::~Ed25519Secret() {
    sodium_memzero(key_.data(), key_.size());
}

Ed25519Public Ed25519Secret::public_key() const {
    Ed25519Public key;
    std::copy(key_.begin() + 32, key_.end(), key.begin());
    return key;
}

Signature Ed25519Secret::sign(ByteView message) const {
    Signature signature;
    crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), key_.data());
    return signature;
}

std::array<uint8_t, 32> Ed25519Secret::seed() const {
    std::array<uint8_t, 32> seed;
    std::copy_n(key_.begin(), 32, seed.begin());
    return seed;
}

bool ed25519_verify(const Ed25519Public& key, ByteView message, const Signature& signature) {
    return crypto_sign_verify_detached(signature.data(), message.data(), message.size(),
                                       key.data()) == 0;
}

Result<Secp256k1Secret> Secp256k1Secret::from_bytes(const std::array<uint8_t, 32>& bytes) {
    if (secp256k1_ec_seckey_verify(curve(), bytes.data()) != 1) return KeyError::bad_secret_key;
    Secp256k1Secret secret;
    secret.key_ = bytes;
    return secret;
}

Secp256k1Secret::~Secp256k1Secret() {
    sodium_memzero(key_.data(), key_.size());
}

Bytes Secp256k1Secret::public_key() const {
    secp256k1_pubkey point;
    ENSURE(secp256k1_ec_pubkey_create(signing_context(), &point, key_.data()) == 1);
    Bytes bytes(33);
    size_t length = bytes.size();
    secp256k1_ec_pubkey_serialize(curve(), bytes.data(), &length, &point, SECP256K1_EC_COMPRESSED);
    ENSURE(length == 33);
    return bytes;
}

Signature Secp256k1Secret::sign(ByteView message) const {
    secp256k1_ecdsa_signature raw;
    const Hash digest = sha256(message);
    ENSURE(secp256k1_ecdsa_sign(signing_context(), &raw, digest.bytes.data(), key_.data(), nullptr,
                                nullptr) == 1);
    Signature signature;
    secp256k1_ecdsa_signature_serialize_compact(curve(), signature.data(), &raw);
    return signature;
}

std::optional<Signature> es256k_normalised(const Signature& signature) {
    secp256k1_ecdsa_signature raw;
    if (secp256k1_ecdsa_signature_parse_compact(curve(), &raw, signature.data()) != 1) return {};
    secp256k1_ecdsa_signature_normalize(curve(), &raw, &raw);
    Signature normalised;
    secp256k1_ecdsa_signature_serialize_compact(curve(), normalised.data(), &raw);
    return normalised;
}

bool es256k_verify(ByteView public_key, ByteView message, const Signature& signature) {
    secp256k1_pubkey point;
    if (public_key.size() != 33 ||
        secp256k1_ec_pubkey_parse(curve(), &point, public_key.data(), public_key.size()) != 1)
        return false;
    const auto normalised = es256k_normalised(signature);
    if (!normalised) return false;
    secp256k1_ecdsa_signature raw;
    ENSURE(secp256k1_ecdsa_signature_parse_compact(curve(), &raw, normalised->data()) == 1);
    const Hash digest = sha256(message);
    return secp256k1_ecdsa_verify(signing_context(), &raw, digest.bytes.data(), &point) == 1;
}

X25519Public x25519_public(const std::array<uint8_t, 32>& secret) {
    X25519Public key;
    ENSURE(crypto_scalarmult_base(key.data(), secret.data()) == 0);
    return key;
}

std::unique_ptr<Signer> ed25519_signer(Ed25519Secret secret) {
    return std::make_unique<SecretSigner>(std::move(secret));
}

std::unique_ptr<Verifier> ed25519_verifier(size_t remembered_max) {
    return std::make_unique<RememberingVerifier>(remembered_max);
}

}  // namespace tally
