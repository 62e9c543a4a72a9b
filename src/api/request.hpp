// What is common to all requests: their parameters, and what is wrong with them.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "ports/http_server.hpp"

namespace tally::api {

enum class RequestError { bad_parameter, not_found, method_not_allowed, bad_transaction_id };
ErrorText describe(RequestError error);

struct NumberRange {
    uint64_t min, max;
};
inline constexpr NumberRange heights{0, uint64_t{1} << 53};

/// All of the text, in the range; nothing if it is none.
[[nodiscard]] std::optional<uint64_t> number_in_text(std::string_view text, NumberRange range);
/// Nothing if it is not given. RequestError::bad_parameter if it is no number in the range.
[[nodiscard]] Result<std::optional<uint64_t>> number_parameter(const ports::HttpRequest& request,
                                                               const std::string& name,
                                                               NumberRange range);
/// A misspelt parameter would change nothing, unnoticed.
[[nodiscard]] Result<void> only_parameters(const ports::HttpRequest& request,
                                           std::initializer_list<std::string_view> known);

}  // namespace tally::api
