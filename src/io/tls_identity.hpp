// TlsIdentity: the certificate by which one process speaks TLS in a participant's name.
//
// Each process makes a TLS key in memory. Its self-signed certificate carries, in an extension of
// our own, the network id, the participant's identity key, and that key's signature over (network
// id, TLS public key, not-after). So the identity key signs once in a while and may live in an HSM.
// A certificate alone proves nothing fresh: after the TLS handshake each side also signs a
// challenge bound to the session by its exporter value (RFC 8446 section 7.5, RFC 9266).
#pragma once

#include "crypto/keys.hpp"

namespace tally::io {

enum class TlsError { bad_certificate, not_ours, forged, expired };
ErrorText describe(TlsError error);

/// The extension's object identifier (ITU-T X.667: a UUID's own arc). Frozen. Its value is an OCTET
/// STRING: u8 version 1 ‖ network id ‖ identity key ‖ signature.
constexpr const char* identity_extension_oid = "2.25.242450044041306313585198777249627994766";

struct TlsIdentity {
    Bytes private_key;  ///< PKCS #8 DER, Ed25519
    Bytes certificate;  ///< X.509 DER
    uint64_t not_after_s = 0;
};

/// Makes a fresh TLS key and its certificate. Aborts only if OpenSSL has no randomness or memory.
[[nodiscard]] TlsIdentity make_tls_identity(const Hash& network, const Signer& identity,
                                            uint64_t now_s, uint64_t lifetime_s);

/// What a certificate says, once its signature by the identity key was found true.
struct TlsClaim {
    Hash network;
    Ed25519Public identity_key;
    uint64_t not_after_s = 0;
    Hash process;  ///< of the TLS key: another process of the same identity has another
};

/// Reads a stranger's certificate (DER) and checks the identity key's signature in it, and that it
/// has not ended before `now_s`. Whether network and key are welcome is the caller's question.
[[nodiscard]] Result<TlsClaim> check_certificate(ByteView certificate, uint64_t now_s);

enum class TlsRole : uint8_t { dialler = 0, listener = 1 };

/// The bytes that the side in `role` signs with its identity key, once per session.
[[nodiscard]] Bytes session_challenge(const Hash& network, ByteView exporter, TlsRole role,
                                      const Ed25519Public& dialler_key,
                                      const Ed25519Public& listener_key);

}  // namespace tally::io
