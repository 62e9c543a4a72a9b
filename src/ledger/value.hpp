// Typed values of fields: their one encoding, their order and their spelling in JSON.
#pragma once

#include <boost/json/value.hpp>
#include <variant>

#include "ledger/ids.hpp"
#include "model/cbor.hpp"

namespace tally::ledger {

/// Pinned: stored in the schema.
enum class Type : uint8_t { string = 0, integer = 1, boolean = 2, bytes = 3, instant = 4, ref = 5 };
constexpr Type last_of(Type) {
    return Type::ref;
}
/// "string", "int", "bool", "bytes", "instant", "ref", as the schema spells them.
[[nodiscard]] std::string_view name_of(Type type);
[[nodiscard]] std::optional<Type> type_of_name(std::string_view name);

/// Microseconds since the Unix epoch, within the years 1 to 9999.
struct Instant {
    int64_t micros = 0;
    auto operator<=>(const Instant&) const = default;
};

/// Alternatives in the order of Type.
using Value = std::variant<std::string, int64_t, bool, Bytes, Instant, SubjectId>;
[[nodiscard]] inline Type type_of(const Value& value) {
    return Type(value.index());
}

/// CBOR: text, integer, boolean, bytes, integer of microseconds, unsigned. The type is the
/// predicate's to say.
void write_value(cbor::Writer& to, const Value& value);
[[nodiscard]] Result<Value> read_value(cbor::Reader& from, Type type);

/// Bytes whose order is the order of values of one type.
[[nodiscard]] Bytes order_bytes(const Value& value);
[[nodiscard]] bool value_less(const Value& a, const Value& b);

/// JSON spelling: bytes as base64url, instants as RFC 3339 in UTC with microseconds, integers
/// beyond ±(2^53 − 1) as decimal strings, refs as numbers.
[[nodiscard]] boost::json::value to_json(const Value& value);
/// The inverse, and an instant may be an integer of microseconds; refs by number only. Nothing if
/// `from` does not spell a value of this type.
[[nodiscard]] std::optional<Value> value_from_json(Type type, const boost::json::value& from);

/// "2026-01-31T12:00:00.000000Z".
[[nodiscard]] std::string instant_text(Instant instant);
/// RFC 3339 with offset Z and at most six digits of fraction.
[[nodiscard]] std::optional<Instant> instant_from_text(std::string_view text);

}  // namespace tally::ledger
