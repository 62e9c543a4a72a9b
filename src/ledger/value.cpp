#include "ledger/value.hpp"

#include <charconv>
#include <chrono>

#include "model/json.hpp"

namespace tally::ledger {
namespace {

namespace bj = boost::json;
using namespace std::chrono;

constexpr std::string_view type_names[] = {"string", "int", "bool", "bytes", "instant", "ref"};

constexpr int64_t micros_per_day = 86'400'000'000;
constexpr int64_t micros_of(sys_days day) {
    return day.time_since_epoch().count() * micros_per_day;
}
constexpr int64_t instant_min = micros_of(sys_days{year{1} / January / 1});
constexpr int64_t instant_max =
    micros_of(sys_days{year{9999} / December / 31}) + micros_per_day - 1;

Bytes order_of_integer(int64_t value) {
    Bytes bytes;
    append_u64(bytes, uint64_t(value) ^ uint64_t{1} << 63);  // Negative numbers come first.
    return bytes;
}

/// "-?(0|[1-9][0-9]*)" within 64 bits, so that one integer has one spelling.
std::optional<int64_t> integer_from_text(std::string_view text) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    if (std::to_string(value) != text) return {};
    return value;
}

std::optional<int64_t> integer_from_json(const bj::value& from) {
    if (const auto* number = from.if_int64()) return *number;
    if (const auto* text = from.if_string()) return integer_from_text(*text);
    return {};
}

/// Exactly `width` digits.
std::optional<int> digits(std::string_view text, size_t at, size_t width) {
    if (at + width > text.size()) return {};
    int value = 0;
    for (const char c : text.substr(at, width)) {
        if (c < '0' || c > '9') return {};
        value = 10 * value + (c - '0');
    }
    return value;
}

std::string padded(int64_t value, size_t width) {
    std::string text = std::to_string(value);
    return text.size() < width ? std::string(width - text.size(), '0') + text : text;
}

}  // namespace

std::string_view name_of(Type type) {
    return type_names[size_t(type)];
}

std::optional<Type> type_of_name(std::string_view name) {
    for (size_t i = 0; i < std::size(type_names); ++i) {
        if (type_names[i] == name) return Type(i);
    }
    return {};
}

void write_value(cbor::Writer& to, const Value& value) {
    switch (type_of(value)) {
    case Type::string: return to.text(std::get<std::string>(value));
    case Type::integer: return to.integer(std::get<int64_t>(value));
    case Type::boolean: return to.boolean(std::get<bool>(value));
    case Type::bytes: return to.bytes(std::get<Bytes>(value));
    case Type::instant: return to.integer(std::get<Instant>(value).micros);
    case Type::ref: return to.uint(std::get<SubjectId>(value).value);
    }
    std::abort();
}

Result<Value> read_value(cbor::Reader& from, Type type) {
    switch (type) {
    case Type::string: {
        TRY(text, from.text(limits::value_bytes_max));
        return Value(std::string(text));
    }
    case Type::integer: {
        TRY(number, from.integer());
        return Value(number);
    }
    case Type::boolean: {
        TRY(flag, from.boolean());
        return Value(flag);
    }
    case Type::bytes: {
        TRY(bytes, from.bytes(limits::value_bytes_max));
        return Value(copy_of(bytes));
    }
    case Type::instant: {
        TRY(micros, from.integer());
        return Value(Instant{micros});
    }
    case Type::ref: {
        TRY(subject, from.uint());
        return Value(SubjectId{subject});
    }
    }
    std::abort();
}

Bytes order_bytes(const Value& value) {
    switch (type_of(value)) {
    case Type::string: return copy_of(view_of(std::get<std::string>(value)));
    case Type::integer: return order_of_integer(std::get<int64_t>(value));
    case Type::boolean: return {uint8_t(std::get<bool>(value) ? 1 : 0)};
    case Type::bytes: return std::get<Bytes>(value);
    case Type::instant: return order_of_integer(std::get<Instant>(value).micros);
    case Type::ref: {
        Bytes bytes;
        append_u64(bytes, std::get<SubjectId>(value).value);
        return bytes;
    }
    }
    std::abort();
}

bool value_less(const Value& a, const Value& b) {
    return compare(order_bytes(a), order_bytes(b)) < 0;
}

bj::value to_json(const Value& value) {
    switch (type_of(value)) {
    case Type::string: return bj::string(std::get<std::string>(value));
    case Type::integer: {
        const int64_t number = std::get<int64_t>(value);
        if (number < -model::json_integer_max || number > model::json_integer_max)
            return bj::string(std::to_string(number));
        return number;
    }
    case Type::boolean: return std::get<bool>(value);
    case Type::bytes: return bj::string(to_base64url(std::get<Bytes>(value)));
    case Type::instant: return bj::string(instant_text(std::get<Instant>(value)));
    case Type::ref: return int64_t(std::get<SubjectId>(value).value);
    }
    std::abort();
}

std::optional<Value> value_from_json(Type type, const bj::value& from) {
    const auto* text = from.if_string();
    switch (type) {
    case Type::string:
        if (text == nullptr) return {};
        return Value(std::string(*text));
    case Type::integer: {
        const auto number = integer_from_json(from);
        if (!number) return {};
        return Value(*number);
    }
    case Type::boolean:
        if (!from.is_bool()) return {};
        return Value(from.get_bool());
    case Type::bytes: {
        if (text == nullptr) return {};
        auto bytes = from_base64url(*text);
        if (!bytes.ok()) return {};
        return Value(*std::move(bytes));
    }
    case Type::instant: {
        if (text != nullptr) {
            const auto instant = instant_from_text(*text);
            if (!instant) return {};
            return Value(*instant);
        }
        const auto* micros = from.if_int64();
        if (micros == nullptr || *micros < instant_min || *micros > instant_max) return {};
        return Value(Instant{*micros});
    }
    case Type::ref: {
        const auto* number = from.if_int64();
        if (number == nullptr || *number <= 0 || uint64_t(*number) > subject_max) return {};
        return Value(SubjectId{uint64_t(*number)});
    }
    }
    std::abort();
}

std::string instant_text(Instant instant) {
    const sys_time<microseconds> time{microseconds{instant.micros}};
    const auto day = floor<days>(time);
    const year_month_day date{day};
    const hh_mm_ss clock{time - day};
    return padded(int(date.year()), 4) + '-' + padded(unsigned(date.month()), 2) + '-' +
           padded(unsigned(date.day()), 2) + 'T' + padded(clock.hours().count(), 2) + ':' +
           padded(clock.minutes().count(), 2) + ':' + padded(clock.seconds().count(), 2) + '.' +
           padded(clock.subseconds().count(), 6) + 'Z';
}

std::optional<Instant> instant_from_text(std::string_view text) {
    constexpr std::string_view form = "....-..-..T..:..:..";
    if (text.size() < form.size() + 1 || text.back() != 'Z') return {};
    for (size_t i = 0; i < form.size(); ++i) {
        if (form[i] != '.' && form[i] != text[i]) return {};
    }
    const auto y = digits(text, 0, 4), m = digits(text, 5, 2), d = digits(text, 8, 2);
    const auto h = digits(text, 11, 2), min = digits(text, 14, 2), s = digits(text, 17, 2);
    if (!y || !m || !d || !h || !min || !s) return {};
    const year_month_day date{year{*y}, month{unsigned(*m)}, day{unsigned(*d)}};
    if (*y < 1 || !date.ok() || *h > 23 || *min > 59 || *s > 59) return {};

    int64_t fraction = 0;
    std::string_view rest = text.substr(form.size(), text.size() - form.size() - 1);
    if (!rest.empty()) {
        if (rest.front() != '.' || rest.size() < 2 || rest.size() > 7) return {};
        const auto value = digits(rest, 1, rest.size() - 1);
        if (!value) return {};
        fraction = *value;
        for (size_t i = rest.size(); i < 7; ++i) fraction *= 10;
    }
    const int64_t seconds = (int64_t{*h} * 60 + *min) * 60 + *s;
    return Instant{micros_of(sys_days{date}) + seconds * 1'000'000 + fraction};
}

}  // namespace tally::ledger
