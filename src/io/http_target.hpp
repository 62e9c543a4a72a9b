// The target of an HTTP request, as in `GET /v1/query?at=7`: decoded and encoded (RFC 3986, and '+'
// for a space in queries, as HTML forms have it).
#pragma once

#include <map>
#include <string>

#include "base/result.hpp"

namespace tally::io {

enum class TargetError { not_a_path, bad_escape, too_many_parameters };
ErrorText describe(TargetError error);

struct HttpTarget {
    std::string path;                          ///< decoded, starts with '/'
    std::map<std::string, std::string> query;  ///< decoded; of a repeated name the last counts
};

/// A stranger's text. Bytes of any value may come out of escapes.
[[nodiscard]] Result<HttpTarget> parse_target(std::string_view text);
[[nodiscard]] std::string target_text(const std::string& path,
                                      const std::map<std::string, std::string>& query);

}  // namespace tally::io
