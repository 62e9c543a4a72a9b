#include "io/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace tally::io {
namespace {

constexpr std::string_view exporter_label = "EXPORTER-Channel-Binding";
constexpr size_t exporter_bytes = 32;
constexpr long peer_certificate_bytes_max = 8192;

int accept_any_certificate(X509_STORE_CTX*, void*) {
    return 1;
}

}  // namespace

std::shared_ptr<boost::asio::ssl::context> make_tls_context(const TlsIdentity& identity) {
    auto context = std::make_shared<boost::asio::ssl::context>(boost::asio::ssl::context::tlsv13);
    SSL_CTX* const tls = context->native_handle();
    ENSURE(SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) == 1);
    ENSURE(SSL_CTX_set_max_proto_version(tls, TLS1_3_VERSION) == 1);
    ENSURE(SSL_CTX_set1_groups_list(tls, "X25519:P-256") == 1);
    ENSURE(SSL_CTX_set1_sigalgs_list(tls, "ed25519:ECDSA+SHA256") == 1);
    ENSURE(SSL_CTX_use_certificate_ASN1(tls, int(identity.certificate.size()),
                                        identity.certificate.data()) == 1);
    ENSURE(SSL_CTX_use_PrivateKey_ASN1(EVP_PKEY_ED25519, tls, identity.private_key.data(),
                                       long(identity.private_key.size())) == 1);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(tls, 0);
    SSL_CTX_set_max_cert_list(tls, peer_certificate_bytes_max);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_set_cert_verify_callback(tls, accept_any_certificate, nullptr);
    return context;
}

Bytes peer_certificate(SSL* session) {
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        SSL_get1_peer_certificate(session), &X509_free);
    if (!certificate) return {};
    const int length = i2d_X509(certificate.get(), nullptr);
    if (length <= 0) return {};
    Bytes der(static_cast<size_t>(length));
    uint8_t* end = der.data();
    ENSURE(i2d_X509(certificate.get(), &end) == length);
    return der;
}

Bytes session_exporter(SSL* session) {
    Bytes value(exporter_bytes);
    const int made =
        SSL_export_keying_material(session, value.data(), value.size(), exporter_label.data(),
                                   exporter_label.size(), nullptr, 0, 0);
    if (made != 1) {
        ERR_clear_error();
        return {};
    }
    return value;
}

}  // namespace tally::io
