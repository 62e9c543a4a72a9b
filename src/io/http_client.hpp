// The ports::HttpClient of a real machine: blocking calls over one kept-alive connection.
#pragma once

#include <memory>

#include "ports/http_server.hpp"

namespace tally::io {

enum class HttpError { unreachable, timed_out, broken };
ErrorText describe(HttpError error);

constexpr size_t http_response_bytes_max = size_t{64} * 1024 * 1024;

/// Nothing is dialled before the first call. A connection that the server closed while it was idle
/// is dialled anew, once, and the request sent again: make requests repeatable.
[[nodiscard]] std::unique_ptr<ports::HttpClient> connect_http(const std::string& host,
                                                              uint16_t port);

}  // namespace tally::io
