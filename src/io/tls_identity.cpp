#include "io/tls_identity.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

namespace tally::io {
namespace {

constexpr uint8_t extension_version = 1;
constexpr size_t extension_bytes = 1 + 32 + 32 + 64;
constexpr size_t certificate_bytes_max = 4096;
// Clocks of participants differ: a certificate begins a day early and may end five minutes late.
constexpr uint64_t early_start_s = 24 * 60 * 60;
constexpr uint64_t late_end_s = 5 * 60;

template <auto free_function>
struct Free {
    template <class T>
    void operator()(T* object) const {
        free_function(object);
    }
};
using KeyPointer = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using CertificatePointer = std::unique_ptr<X509, Free<X509_free>>;
using OidPointer = std::unique_ptr<ASN1_OBJECT, Free<ASN1_OBJECT_free>>;
using OctetsPointer = std::unique_ptr<ASN1_OCTET_STRING, Free<ASN1_OCTET_STRING_free>>;
using ExtensionPointer = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;

OidPointer extension_oid() {
    OidPointer oid(OBJ_txt2obj(identity_extension_oid, 1));
    ENSURE(oid);
    return oid;
}

/// Runs one of OpenSSL's i2d functions into Bytes; empty when it fails.
template <class Encode>
Bytes der_of(const Encode& encode) {
    const int length = encode(nullptr);
    if (length <= 0) return {};
    Bytes der(static_cast<size_t>(length));
    uint8_t* end = der.data();
    ENSURE(encode(&end) == length);
    return der;
}

Bytes public_key_der(const X509* certificate) {
    X509_PUBKEY* key = X509_get_X509_PUBKEY(certificate);
    return der_of([&](uint8_t** out) { return i2d_X509_PUBKEY(key, out); });
}

Bytes signed_bytes(const Hash& network, ByteView tls_public_key, uint64_t not_after_s) {
    Bytes bytes{uint8_t(Tag::tls_certificate)};
    append(bytes, network.view());
    append_u32(bytes, uint32_t(tls_public_key.size()));
    append(bytes, tls_public_key);
    append_u64(bytes, not_after_s);
    return bytes;
}

void add_identity(X509* certificate, const Hash& network, const Signer& identity,
                  uint64_t not_after_s) {
    Bytes value{extension_version};
    append(value, network.view());
    append(value, identity.public_key());
    append(value, identity.sign(signed_bytes(network, public_key_der(certificate), not_after_s)));

    const OctetsPointer inner(ASN1_OCTET_STRING_new());
    ENSURE(inner && ASN1_OCTET_STRING_set(inner.get(), value.data(), int(value.size())) == 1);
    const Bytes der =
        der_of([&](uint8_t** out) { return i2d_ASN1_OCTET_STRING(inner.get(), out); });
    const OctetsPointer outer(ASN1_OCTET_STRING_new());
    ENSURE(outer && ASN1_OCTET_STRING_set(outer.get(), der.data(), int(der.size())) == 1);
    const OidPointer oid = extension_oid();
    const ExtensionPointer extension(
        X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), 0, outer.get()));
    ENSURE(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

/// The extension's inner bytes, or empty when there is none, or not exactly one of our shape.
Bytes identity_extension(const X509* certificate) {
    const OidPointer oid = extension_oid();
    const int place = X509_get_ext_by_OBJ(certificate, oid.get(), -1);
    if (place < 0 || X509_get_ext_by_OBJ(certificate, oid.get(), place) >= 0) return {};
    ASN1_OCTET_STRING* outer = X509_EXTENSION_get_data(X509_get_ext(certificate, place));
    const uint8_t* from = ASN1_STRING_get0_data(outer);
    const uint8_t* const end = from + ASN1_STRING_length(outer);
    const OctetsPointer inner(d2i_ASN1_OCTET_STRING(nullptr, &from, ASN1_STRING_length(outer)));
    if (!inner || from != end) return {};
    const uint8_t* const data = ASN1_STRING_get0_data(inner.get());
    return {data, data + ASN1_STRING_length(inner.get())};
}

std::optional<uint64_t> seconds_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
    const time_t seconds = timegm(&parts);
    if (seconds < 0) return {};
    return uint64_t(seconds);
}

}  // namespace

ErrorText describe(TlsError error) {
    switch (error) {
    case TlsError::bad_certificate:
        return {"peer_bad_certificate", "the peer's certificate cannot be read", ""};
    case TlsError::not_ours:
        return {"peer_no_identity", "the peer's certificate names no participant",
                "Is another program listening at this address?"};
    case TlsError::forged:
        return {"peer_forged_certificate",
                "the peer's certificate is not signed by the identity key that it names", ""};
    case TlsError::expired:
        return {"peer_expired_certificate", "the peer's certificate has expired",
                "Compare the clocks of both machines"};
    }
    std::abort();
}

TlsIdentity make_tls_identity(const Hash& network, const Signer& identity, uint64_t now_s,
                              uint64_t lifetime_s) {
    TlsIdentity made;
    made.not_after_s = now_s + lifetime_s;
    const KeyPointer key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    const CertificatePointer certificate(X509_new());
    ENSURE(key && certificate);
    X509* const x509 = certificate.get();
    uint64_t serial = 0;
    ENSURE(RAND_bytes(reinterpret_cast<uint8_t*>(&serial), sizeof serial) == 1);
    ENSURE(X509_set_version(x509, X509_VERSION_3) == 1);
    ENSURE(ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial >> 1) == 1);
    ENSURE(X509_set_pubkey(x509, key.get()) == 1);
    const uint64_t not_before_s = now_s - std::min(now_s, early_start_s);
    ENSURE(ASN1_TIME_set(X509_getm_notBefore(x509), time_t(not_before_s)) != nullptr);
    ENSURE(ASN1_TIME_set(X509_getm_notAfter(x509), time_t(made.not_after_s)) != nullptr);
    X509_NAME* const name = X509_get_subject_name(x509);
    const auto* const common_name = reinterpret_cast<const uint8_t*>("tally participant");
    ENSURE(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0) == 1);
    ENSURE(X509_set_issuer_name(x509, name) == 1);
    add_identity(x509, network, identity, made.not_after_s);
    ENSURE(X509_sign(x509, key.get(), nullptr) > 0);
    made.certificate = der_of([&](uint8_t** out) { return i2d_X509(x509, out); });
    made.private_key = der_of([&](uint8_t** out) { return i2d_PrivateKey(key.get(), out); });
    ENSURE(!made.certificate.empty() && !made.private_key.empty());
    return made;
}

Result<TlsClaim> check_certificate(ByteView certificate, uint64_t now_s) {
    if (certificate.size() > certificate_bytes_max) return TlsError::bad_certificate;
    const uint8_t* from = certificate.data();
    const CertificatePointer x509(d2i_X509(nullptr, &from, long(certificate.size())));
    if (!x509 || from != certificate.data() + certificate.size()) return TlsError::bad_certificate;

    const Bytes value = identity_extension(x509.get());
    if (value.size() != extension_bytes || value[0] != extension_version) return TlsError::not_ours;
    const auto not_after_s = seconds_of(X509_get0_notAfter(x509.get()));
    const Bytes tls_public_key = public_key_der(x509.get());
    if (!not_after_s || tls_public_key.empty()) return TlsError::bad_certificate;

    TlsClaim claim;
    Signature signature;
    const auto field = value.begin() + 1;
    std::copy_n(field, 32, claim.network.bytes.begin());
    std::copy_n(field + 32, 32, claim.identity_key.begin());
    std::copy_n(field + 64, 64, signature.begin());
    claim.not_after_s = *not_after_s;
    claim.process = sha256(tls_public_key);
    const Bytes message = signed_bytes(claim.network, tls_public_key, *not_after_s);
    if (!ed25519_verify(claim.identity_key, message, signature)) return TlsError::forged;
    if (claim.not_after_s + late_end_s < now_s)
        return fail(TlsError::expired,
                    "it ended " + std::to_string(now_s - claim.not_after_s) + " seconds ago");
    return claim;
}

Bytes session_challenge(const Hash& network, ByteView exporter, TlsRole role,
                        const Ed25519Public& dialler_key, const Ed25519Public& listener_key) {
    Bytes bytes{uint8_t(Tag::session_challenge)};
    append(bytes, network.view());
    append_u32(bytes, uint32_t(exporter.size()));
    append(bytes, exporter);
    bytes.push_back(uint8_t(role));
    append(bytes, dialler_key);
    append(bytes, listener_key);
    return bytes;
}

}  // namespace tally::io
