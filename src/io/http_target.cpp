#include "io/http_target.hpp"

#include <cstdint>
#include <cstdlib>

namespace tally::io {
namespace {

constexpr size_t parameters_max = 64;

int digit_of(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

Result<std::string> decode(std::string_view text, bool plus_is_space) {
    std::string decoded;
    decoded.reserve(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus_is_space) {
            decoded += ' ';
        } else if (text[i] != '%') {
            decoded += text[i];
        } else {
            if (text.size() - i < 3) return TargetError::bad_escape;
            const int high = digit_of(text[i + 1]);
            const int low = digit_of(text[i + 2]);
            if (high < 0 || low < 0) return TargetError::bad_escape;
            decoded += char(high << 4 | low);
            i += 2;
        }
    }
    return decoded;
}

std::string encode(std::string_view text, std::string_view also_plain) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::string_view plain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string encoded;
    for (const char c : text) {
        if (plain.find(c) != plain.npos || also_plain.find(c) != also_plain.npos) {
            encoded += c;
        } else {
            encoded += '%';
            encoded += digits[uint8_t(c) >> 4];
            encoded += digits[uint8_t(c) & 15];
        }
    }
    return encoded;
}

}  // namespace

ErrorText describe(TargetError error) {
    switch (error) {
    case TargetError::not_a_path:
        return {"bad_request", "the request's target is not a path", "Begin it with /"};
    case TargetError::bad_escape:
        return {"bad_request", "the request's target has a broken % escape",
                "Write % itself as %25"};
    case TargetError::too_many_parameters:
        return {"bad_request", "the request has too many query parameters",
                "Give each parameter once"};
    }
    std::abort();
}

Result<HttpTarget> parse_target(std::string_view text) {
    if (!text.starts_with('/')) return TargetError::not_a_path;
    const size_t mark = text.find('?');
    HttpTarget target;
    TRY(path, decode(text.substr(0, mark), false));
    target.path = std::move(path);
    std::string_view rest = mark == text.npos ? std::string_view() : text.substr(mark + 1);
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        if (pair.empty()) continue;
        const size_t equals = pair.find('=');
        TRY(name, decode(pair.substr(0, equals), true));
        TRY(value, decode(equals == pair.npos ? "" : pair.substr(equals + 1), true));
        target.query[name] = value;
        if (target.query.size() > parameters_max) return TargetError::too_many_parameters;
    }
    return target;
}

std::string target_text(const std::string& path, const std::map<std::string, std::string>& query) {
    std::string text = encode(path, "/:@!$&'()*,;=");
    char mark = '?';
    for (const auto& [name, value] : query) {
        text += mark + encode(name, "") + '=' + encode(value, "");
        mark = '&';
    }
    return text;
}

}  // namespace tally::io
