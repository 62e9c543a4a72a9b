// JSON as transactions have it (RFC 8259), read strictly: one meaning for every reader.
//
// Refused beyond what RFC 8259 refuses: a key twice in one object, any number that is not an
// integer within ±(2^53 − 1) (larger ones travel as decimal strings), nesting deeper than
// limits::json_depth_max, text that is not UTF-8, a byte order mark.
#pragma once

#include <boost/json/value.hpp>

#include "base/bytes.hpp"

namespace tally::model {

enum class JsonError { not_json, duplicate_key, not_an_integer, too_deep };
ErrorText describe(JsonError error);

/// The largest integer that every JSON reader keeps exact.
constexpr int64_t json_integer_max = (int64_t{1} << 53) - 1;

/// Pure and thread-safe. Numbers in the result are int64.
[[nodiscard]] Result<boost::json::value> parse_json(ByteView text);

/// A text as JSON has it, for people; of a long one only how long it is.
[[nodiscard]] std::string quoted(std::string_view text);

/// What a value's tree takes on the heap: not less than the library asked for, and at most a few
/// bytes an allocation more. A text of small objects takes about 20 times its length.
[[nodiscard]] size_t heap_bytes_of(const boost::json::value& value);
[[nodiscard]] size_t heap_bytes_of(const boost::json::array& array);

}  // namespace tally::model
