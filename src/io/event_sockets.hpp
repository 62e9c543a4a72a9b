// Sockets for an event loop: addresses as people write them, listening, connecting by a deadline.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <string>

#include "base/result.hpp"

namespace tally::io {

struct HostPort {
    std::string host;  ///< a name or an address, without brackets
    uint16_t port = 0;
    /// host:port, or [host]:port for an IPv6 address.
    [[nodiscard]] std::string text() const;
};
/// "host:port" or "[v6]:port"; ports::NetError::bad_address otherwise.
[[nodiscard]] Result<HostPort> parse_host_port(std::string_view text);

/// Resolves a name if need be, which may block: for start-up. ports::NetError.
[[nodiscard]] Result<boost::asio::ip::tcp::acceptor> listen_on(boost::asio::io_context& context,
                                                               const HostPort& at);

[[nodiscard]] std::string address_text(const boost::asio::ip::tcp::endpoint& endpoint);
/// The other side, or "unknown" once it is gone.
[[nodiscard]] std::string remote_text(const boost::asio::ip::tcp::socket& socket);

/// Resolves and connects, without Nagle's delay; `done` is called once, on the loop, with the
/// reason in words if it did not work out within `timeout_ms`.
using Connected = std::function<void(boost::asio::ip::tcp::socket socket, std::string why_not)>;
void connect_to(boost::asio::io_context& context, const HostPort& to, int timeout_ms,
                Connected done);

}  // namespace tally::io
