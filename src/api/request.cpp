#include "api/request.hpp"

#include <algorithm>
#include <charconv>

namespace tally::api {

ErrorText describe(RequestError error) {
    switch (error) {
    case RequestError::bad_parameter:
        return {"bad_parameter", "a parameter is not usable",
                "See /v1/openapi.json for what it may be"};
    case RequestError::not_found:
        return {"not_found", "there is no such address here", "See /v1/openapi.json"};
    case RequestError::method_not_allowed:
        return {"method_not_allowed", "this address is not for that method",
                "See /v1/openapi.json"};
    case RequestError::bad_transaction_id:
        return {"bad_transaction_id", "a transaction id is 64 lower-case hexadecimal digits",
                "The answer to a submitted transaction has it"};
    }
    std::abort();
}

std::optional<uint64_t> number_in_text(std::string_view text, NumberRange range) {
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < range.min ||
        number > range.max)
        return {};
    return number;
}

Result<std::optional<uint64_t>> number_parameter(const ports::HttpRequest& request,
                                                 const std::string& name, NumberRange range) {
    const auto found = request.query.find(name);
    if (found == request.query.end()) return std::optional<uint64_t>{};
    const auto number = number_in_text(found->second, range);
    if (!number)
        return fail(RequestError::bad_parameter, name + " is a number from " +
                                                     std::to_string(range.min) + " to " +
                                                     std::to_string(range.max));
    return number;
}

Result<void> only_parameters(const ports::HttpRequest& request,
                             std::initializer_list<std::string_view> known) {
    for (const auto& [name, value] : request.query) {
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        std::string names;
        for (const auto one : known) names += (names.empty() ? "" : ", ") + std::string(one);
        return fail(RequestError::bad_parameter,
                    "\"" + name + "\" is unknown here" +
                        (names.empty() ? std::string("; there are none") : "; known: " + names));
    }
    return success();
}

}  // namespace tally::api
