// Sealing: a text that a threshold of its holders can open together, and fewer cannot
// (docs/protocol.md, section 3).
//
// The text is encrypted (XChaCha20-Poly1305) under a key derived from one secret. The secret is
// shared among the holders (Shamir, "How to share a secret", CACM 22 (11), 1979), over the scalars
// of ristretto255 (RFC 9496), and each share goes into a box for its holder (libsodium's sealed
// box: X25519 and XSalsa20-Poly1305). Everything that would be random is derived from the secret
// (HKDF-SHA-256), so whoever has the secret can make all of it again, and compare.
#pragma once

#include <span>

#include "crypto/keys.hpp"

namespace tally {

using X25519Secret = std::array<uint8_t, 32>;
/// A scalar of ristretto255, little-endian. As a share: the polynomial's value at holder + 1.
using Scalar = std::array<uint8_t, 32>;
/// A share and the hash that it is bound to, sealed.
using ShareBox = std::array<uint8_t, 48 + 32 + 32>;

/// What a sealing is derived from: uniform if the 64 bytes are.
[[nodiscard]] Scalar sealing_secret(const std::array<uint8_t, 64>& random);

/// One share for each holder, in their order. `threshold` of them give the secret back.
[[nodiscard]] std::vector<Scalar> shares_of(const Scalar& secret, uint32_t threshold,
                                            std::span<const uint8_t> holders);
/// The secret, of shares that belong together; of others some scalar. Requires distinct holders, as
/// many as the threshold.
[[nodiscard]] Scalar secret_from(std::span<const std::pair<uint8_t, Scalar>> shares);

/// For a public key that nobody can have (of small order) a box that nobody can open.
[[nodiscard]] ShareBox seal_share(const Scalar& secret, uint8_t holder, const X25519Public& to,
                                  const Scalar& share, const Hash& bound_to);
/// The share and what it is bound to; nothing if the box does not open.
[[nodiscard]] std::optional<std::pair<Scalar, Hash>> open_share(const ShareBox& box,
                                                                const X25519Secret& holder);

/// Its length shows in steps of 256 bytes only. `context` must be the same when it is opened.
[[nodiscard]] Bytes encrypt_sealed(const Scalar& secret, ByteView text, const Hash& context);
[[nodiscard]] std::optional<Bytes> decrypt_sealed(const Scalar& secret, ByteView ciphertext,
                                                  const Hash& context);
/// The length of what encrypt_sealed() gives.
[[nodiscard]] size_t sealed_bytes_of(size_t text_bytes);

}  // namespace tally
