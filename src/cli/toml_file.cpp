#include "cli/toml_file.hpp"

#include <algorithm>
#include <sstream>

namespace tally::cli {
namespace {

constexpr size_t dots_per_line_max = 32;

/// A key of very many parts makes a table as deep, which the parser's own limit does not count.
/// Dots within quotes are part of texts.
Result<void> check_depth(std::string_view text, std::string_view what) {
    size_t dots = 0, line = 1;
    char quote = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\n') {
            ++line;
            dots = 0;
            quote = 0;
        } else if (quote != 0) {
            if (c == '\\' && quote == '"') ++i;
            if (c == quote) quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '#') {
            i = std::min(text.find('\n', i), text.size()) - 1;
        } else if (c == '.' && ++dots > dots_per_line_max) {
            return fail(TomlError::not_toml, std::string(what) + ": more than " +
                                                 std::to_string(dots_per_line_max) +
                                                 " dots in line " + std::to_string(line));
        }
    }
    return success();
}

/// Where it looks for blanks, the parser's behaviour is undefined for many characters outside of
/// ASCII. So they stand in comment lines alone; texts have another way to write them.
Result<void> check_letters(std::string_view text, std::string_view what) {
    size_t line = 1;
    for (size_t from = 0; from < text.size(); ++line) {
        const size_t end = std::min(text.find('\n', from), text.size());
        const std::string_view one = text.substr(from, end - from);
        from = end + 1;
        const size_t first = one.find_first_not_of(" \t");
        if (first != one.npos && one[first] == '#') continue;
        if (std::all_of(one.begin(), one.end(), [](char c) { return uint8_t(c) < 0x80; })) continue;
        return fail(TomlError::not_toml,
                    std::string(what) + ": a letter outside of ASCII in line " +
                        std::to_string(line) + "; within quotes write it as \\u00FC");
    }
    return success();
}

std::string shown(const toml::node* node) {
    constexpr size_t shown_max = 60;
    if (node == nullptr) return "nothing";
    std::ostringstream text;
    text << std::boolalpha;
    if (const auto* string = node->as_string()) {
        text << "the text \"" << string->get() << '"';
    } else if (node->is_table()) {
        return "a table";
    } else if (node->is_array()) {
        return "a list";
    } else {
        node->visit([&](const auto& value) {
            if constexpr (toml::is_value<decltype(value)>) text << value.get();
        });
    }
    std::string shown = text.str();
    if (shown.size() > shown_max) shown = shown.substr(0, shown_max) + "…";
    return shown;
}

}  // namespace

ErrorText describe(TomlError error) {
    switch (error) {
    case TomlError::not_toml:
        return {"not_toml", "the file is not TOML", "Correct that line: see https://toml.io"};
    case TomlError::unknown_key:
        return {"unknown_key", "the file has a key that means nothing here",
                "Remove or correct it"};
    case TomlError::bad_value:
        return {"bad_value", "the file has a value that is not usable", "Correct it in the file"};
    }
    std::abort();
}

Result<toml::table> parse_toml(std::string_view text, std::string_view what) {
    CHECK(check_letters(text, what));
    CHECK(check_depth(text, what));
    try {
        return toml::parse(text);
    } catch (const toml::parse_error& error) {
        return fail(TomlError::not_toml, std::string(what) + ": " +
                                             std::string(error.description()) + " in line " +
                                             std::to_string(error.source().begin.line));
    } catch (const TomlAssertion&) {
        return fail(TomlError::not_toml,
                    std::string(what) +
                        ": after [ or [[ at the start of a line there must be a table's name");
    }
}

Result<void> only_keys(const toml::table& table, std::initializer_list<std::string_view> known,
                       std::string_view where) {
    for (const auto& [key, value] : table) {
        if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
        std::string names;
        for (const auto name : known) names += (names.empty() ? "" : ", ") + std::string(name);
        return fail(TomlError::unknown_key, "\"" + std::string(key.str()) + "\" in " +
                                                std::string(where) + "; known are " + names);
    }
    return success();
}

Error wrong_value(const toml::table& table, std::string_view key, std::string_view where,
                  std::string_view expected) {
    return fail(TomlError::bad_value, std::string(key) + " in " + std::string(where) + " must be " +
                                          std::string(expected) + ", not " + shown(table.get(key)));
}

Result<std::string> text_of_key(const toml::table& table, std::string_view key,
                                std::string_view where) {
    const auto* node = table.get(key);
    const auto* text = node == nullptr ? nullptr : node->as_string();
    if (text == nullptr || text->get().empty()) return wrong_value(table, key, where, "a text");
    return text->get();
}

Result<std::string> text_of_key_or(const toml::table& table, std::string_view key,
                                   std::string_view where, std::string otherwise) {
    if (!table.contains(key)) return otherwise;
    return text_of_key(table, key, where);
}

Result<uint64_t> number_of_key_or(const toml::table& table, std::string_view key,
                                  std::string_view where, NumberRange range, uint64_t otherwise) {
    const auto* node = table.get(key);
    if (node == nullptr) return otherwise;
    const auto* number = node->as_integer();
    if (number == nullptr || number->get() < 0 || uint64_t(number->get()) < range.min ||
        uint64_t(number->get()) > range.max)
        return wrong_value(
            table, key, where,
            "a number from " + std::to_string(range.min) + " to " + std::to_string(range.max));
    return uint64_t(number->get());
}

Result<const toml::array*> list_of_key(const toml::table& table, std::string_view key,
                                       std::string_view where, std::string_view expected) {
    const toml::array* none = nullptr;
    const auto* node = table.get(key);
    if (node == nullptr) return none;
    if (node->as_array() == nullptr) return wrong_value(table, key, where, expected);
    return node->as_array();
}

}  // namespace tally::cli
