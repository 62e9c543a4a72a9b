// HttpServer and HttpClient: HTTP without the library that speaks it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace tally::ports {

struct HttpRequest {
    std::string method;                          ///< "GET", "POST", …
    std::string path;                            ///< decoded, without the query, starts with '/'
    std::map<std::string, std::string> query;    ///< decoded
    std::map<std::string, std::string> headers;  ///< names in lower case
    std::string body;                            ///< at most limits::http_body_bytes_max
    std::string client;                          ///< "address:port" of the other side
};

struct HttpResponse {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::map<std::string, std::string> headers = {};
};

/// Called once per request, on the server's own thread; `respond` is called exactly once, then or
/// later, from any thread. A response after the client left is dropped.
using HttpRespond = std::function<void(HttpResponse)>;
using HttpHandler = std::function<void(HttpRequest request, HttpRespond respond)>;

/// What became of a server's connections, for metrics.
struct HttpServerState {
    uint64_t connections = 0;          ///< open now
    uint64_t connections_refused = 0;  ///< there was no room
    uint64_t connections_dropped = 0;  ///< closed to make room for others
    uint64_t unsent_bytes = 0;         ///< of answers that clients have not read yet
};

class HttpServer {
public:
    virtual ~HttpServer() = default;
    /// Safe from any thread.
    [[nodiscard]] virtual HttpServerState state() const = 0;
    /// The port in use, also when 0 was asked for.
    [[nodiscard]] virtual uint16_t port() const = 0;
    /// Stops accepting, closes connections, waits for the thread. Idempotent.
    virtual void stop() = 0;
};

/// One connection to one server, kept alive between calls; not for use from two threads.
class HttpClient {
public:
    virtual ~HttpClient() = default;
    [[nodiscard]] virtual Result<HttpResponse> call(const HttpRequest& request, int timeout_ms) = 0;
};

}  // namespace tally::ports
