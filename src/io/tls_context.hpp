// A TLS 1.3 context for both roles of a connection between participants.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <memory>

#include "io/tls_identity.hpp"

namespace tally::io {

/// TLS 1.3 only, both sides show a certificate, no resumption, no early data. TLS itself accepts
/// any certificate, so that a peer who is refused can be told why: the caller must check
/// peer_certificate() and the session challenge before it believes a byte.
[[nodiscard]] std::shared_ptr<boost::asio::ssl::context> make_tls_context(
    const TlsIdentity& identity);

/// DER; empty when there is none.
[[nodiscard]] Bytes peer_certificate(SSL* session);
/// RFC 9266: 32 bytes that only the two ends of this session know. Empty before the handshake.
[[nodiscard]] Bytes session_exporter(SSL* session);

}  // namespace tally::io
