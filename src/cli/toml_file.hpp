// TOML as people write it: a file is parsed, and what is missing, misspelt or of the wrong type or
// range in it is named, with what was expected and what was found.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/result.hpp"

// The parser asserts what some broken files do not keep. It is told to throw, which parse_toml()
// catches: no file may end the program.
namespace tally::cli {
struct TomlAssertion {};
}  // namespace tally::cli
// Where it asserts in what must not throw, the program ends after all, as it would have anyway.
#pragma GCC diagnostic push
#ifdef __clang__
#pragma GCC diagnostic ignored "-Wexceptions"
#else
#pragma GCC diagnostic ignored "-Wterminate"
#endif
#define TOML_EXCEPTIONS 1
#define TOML_ASSERT(expression)                                 \
    do {                                                        \
        if (!(expression)) throw ::tally::cli::TomlAssertion{}; \
    } while (false)
#include <toml++/toml.h>
#pragma GCC diagnostic pop

namespace tally::cli {

enum class TomlError { not_toml, unknown_key, bad_value };
ErrorText describe(TomlError error);

/// `what` names the file in messages.
[[nodiscard]] Result<toml::table> parse_toml(std::string_view text, std::string_view what);

[[nodiscard]] Result<void> only_keys(const toml::table& table,
                                     std::initializer_list<std::string_view> known,
                                     std::string_view where);
/// bad_value, in words: `key` in `where` must be `expected`, not what it is.
[[nodiscard]] Error wrong_value(const toml::table& table, std::string_view key,
                                std::string_view where, std::string_view expected);
/// Not empty.
[[nodiscard]] Result<std::string> text_of_key(const toml::table& table, std::string_view key,
                                              std::string_view where);
/// Not empty if the key is there; `otherwise` if it is not.
[[nodiscard]] Result<std::string> text_of_key_or(const toml::table& table, std::string_view key,
                                                 std::string_view where, std::string otherwise);
struct NumberRange {
    uint64_t min, max;
};
[[nodiscard]] Result<uint64_t> number_of_key_or(const toml::table& table, std::string_view key,
                                                std::string_view where, NumberRange range,
                                                uint64_t otherwise);
/// A pointer to the list at the key, or nullptr if the key is not there. `expected` says what the
/// list holds, for the message.
[[nodiscard]] Result<const toml::array*> list_of_key(const toml::table& table, std::string_view key,
                                                     std::string_view where,
                                                     std::string_view expected);

}  // namespace tally::cli
