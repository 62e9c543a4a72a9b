// The ports::HttpServer of a real machine: HTTP/1.1 with keep-alive, on one thread of its own.
#pragma once

#include <memory>

#include "base/limits.hpp"
#include "ports/http_server.hpp"

namespace tally::io {

struct HttpServerLimits {
    /// Beyond it the one that has rested longest, without a whole request, makes room; then one
    /// that has waited long for its answer, or reads it slowly; and if there is none: 503, at once.
    size_t connections_max = 4'096;
    int busy_ms_min = 5'000;  ///< for which a request under way is safe from that
    /// Of answers that clients have not read, of all together: beyond it the slowest reader's
    /// connection is closed.
    size_t unsent_bytes_max = size_t{256} * 1024 * 1024;
    /// Of request bodies on their way, of all together, each taken for as long as it says that it
    /// is: beyond it the connection that has been sending longest is closed.
    size_t arriving_bytes_max = size_t{64} * 1024 * 1024;
    size_t header_bytes_max = size_t{16} * 1024;
    size_t body_bytes_max = limits::http_body_bytes_max;
    int idle_ms_max = 30'000;   ///< for a whole request to arrive, and between requests
    int write_ms_max = 60'000;  ///< for a response to leave
    int drain_ms_max = 2'000;   ///< for a client to read why it is turned away
};

/// Listens on address:port (port 0 takes a free one). What the server itself has to say, it says
/// as {"error":{"code","message","next"}}: 400 malformed, 413 and 431 too large, 500 when the
/// handler let go of `respond` without calling it, 503 too many connections. Fails with
/// ports::NetError when the address cannot be listened on.
[[nodiscard]] Result<std::unique_ptr<ports::HttpServer>> serve_http(const std::string& address,
                                                                    uint16_t port,
                                                                    ports::HttpHandler handler,
                                                                    HttpServerLimits limits = {});

}  // namespace tally::io
