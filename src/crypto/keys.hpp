// Keys and signatures: Ed25519 (libsodium) and ECDSA over secp256k1 (libsecp256k1), and did:key
// names.
//
// Ed25519 validity (RFC 8032) is exactly libsodium's: cofactorless, S < L, canonical A and R,
// small-order A and R refused; RFC 8032 leaves this open, and libraries differ (Chalkias, Garillot,
// Nikolaenko, "Taming the many EdDSAs", 2020). tests/golden/ed25519-vectors.json holds every
// verifier to it: read them with crypto/testing/ed25519_vectors.hpp.
#pragma once

#include <memory>
#include <optional>

#include "crypto/hash.hpp"

namespace tally {

enum class KeyError { bad_public_key, bad_secret_key, bad_did_key, unsupported_key_type };
ErrorText describe(KeyError error);

/// Call once before anything else here; idempotent. Aborts if libsodium cannot start.
void crypto_start();

using Signature = std::array<uint8_t, 64>;
using Ed25519Public = std::array<uint8_t, 32>;
using X25519Public = std::array<uint8_t, 32>;

enum class KeyType : uint8_t { ed25519 = 0, secp256k1 = 1 };

/// A public key of either kind: 32 bytes (Ed25519) or 33 bytes (secp256k1, compressed).
struct PublicKey {
    KeyType type = KeyType::ed25519;
    Bytes bytes;
    auto operator<=>(const PublicKey&) const = default;

    /// did:key:z… (W3C did:key method, multicodec 0xed or 0xe7, base58btc).
    [[nodiscard]] std::string did() const;
};
/// Strict: one key has one spelling; secp256k1 points must be on the curve.
[[nodiscard]] Result<PublicKey> public_key_from_did(std::string_view did);

/// The 64-byte secret key of libsodium (seed ‖ public), wiped when destroyed.
class Ed25519Secret {
public:
    /// Any 32 bytes are a seed.
    static Ed25519Secret from_seed(const std::array<uint8_t, 32>& seed);
    Ed25519Secret(const Ed25519Secret&) = default;
    Ed25519Secret& operator=(const Ed25519Secret&) = default;
    ~Ed25519Secret();

    [[nodiscard]] Ed25519Public public_key() const;
    [[nodiscard]] Signature sign(ByteView message) const;
    [[nodiscard]] std::array<uint8_t, 32> seed() const;

private:
    Ed25519Secret() = default;
    std::array<uint8_t, 64> key_{};
};

[[nodiscard]] bool ed25519_verify(const Ed25519Public& key, ByteView message,
                                  const Signature& signature);

/// ES256K (RFC 8812): ECDSA over secp256k1 with SHA-256, signature r ‖ s.
class Secp256k1Secret {
public:
    static Result<Secp256k1Secret> from_bytes(const std::array<uint8_t, 32>& bytes);
    ~Secp256k1Secret();
    [[nodiscard]] Bytes public_key() const;  ///< 33 bytes, compressed
    [[nodiscard]] Signature sign(ByteView message) const;

private:
    Secp256k1Secret() = default;
    std::array<uint8_t, 32> key_{};
};

/// `signature` with s replaced by n − s when it is high, so that one signature has one form; empty
/// when r or s is out of range.
[[nodiscard]] std::optional<Signature> es256k_normalised(const Signature& signature);
/// Accepts high s too: it is normalised first.
[[nodiscard]] bool es256k_verify(ByteView public_key, ByteView message, const Signature& signature);

/// The X25519 public key for a 32-byte secret (opening keys).
[[nodiscard]] X25519Public x25519_public(const std::array<uint8_t, 32>& secret);

/// Who can sign for one participant. The real one holds an Ed25519Secret; the simulator's keeps
/// books.
class Signer {
public:
    virtual ~Signer() = default;
    [[nodiscard]] virtual Ed25519Public public_key() const = 0;
    [[nodiscard]] virtual Signature sign(ByteView message) const = 0;
};

/// Who can check participants' signatures (not those of transactions).
class Verifier {
public:
    virtual ~Verifier() = default;
    [[nodiscard]] virtual bool verify(const Ed25519Public& key, ByteView message,
                                      const Signature& signature) const = 0;
};

[[nodiscard]] std::unique_ptr<Signer> ed25519_signer(Ed25519Secret secret);
/// Remembers the last `remembered_max` signatures that verified, keyed by the hash of every byte of
/// (key, signature, message); none if it is zero. Not for use from two threads.
[[nodiscard]] std::unique_ptr<Verifier> ed25519_verifier(size_t remembered_max = 16'384);

}  // namespace tally
