// Deterministic CBOR (RFC 8949 section 4.2), decoded strictly: one value has one encoding.
//
// Only what Tally hashes, signs or sends: unsigned and negative integers, byte and text strings,
// arrays, maps with ascending text or integer keys, false, true and null. No floats, tags or
// indefinite lengths.
//
// `Writer` and `Reader` are the primitive layer. Above it, `encode(x)` and `decode<T>(bytes)` work
// on any struct that lists its members,
//
//     struct Vote {
//         Slot slot;
//         Hash block;
//         static constexpr auto fields() { return std::tuple{&Vote::slot, &Vote::block}; }
//     };
//
// as an array of their encodings in that order. Bounds are part of the types (List, Blob, Text), so
// that a stranger's length is refused before anything is allocated.
#pragma once

#include <array>
#include <concepts>
#include <limits>
#include <optional>
#include <tuple>
#include <variant>

#include "base/limits.hpp"
#include "base/strong.hpp"
#include "crypto/hash.hpp"

namespace tally::cbor {

enum class CborError {
    truncated,
    not_canonical,
    wrong_type,
    too_long,
    too_deep,
    trailing,
    bad_text,
    bad_value
};
ErrorText describe(CborError error);

enum class Major : uint8_t {
    unsigned_ = 0,
    negative = 1,
    bytes = 2,
    text = 3,
    array = 4,
    map = 5,
    simple = 7
};

class Writer {
public:
    void uint(uint64_t value) { head(Major::unsigned_, value); }
    void integer(int64_t value);
    void bytes(ByteView value);
    void text(std::string_view value);
    void array(uint64_t count) { head(Major::array, count); }
    void map(uint64_t count) { head(Major::map, count); }
    void boolean(bool value) { out_.push_back(value ? 0xf5 : 0xf4); }
    void null() { out_.push_back(0xf6); }
    /// An item that is already encoded, canonically.
    void raw(ByteView item) { append(out_, item); }
    [[nodiscard]] const Bytes& out() const { return out_; }
    [[nodiscard]] Bytes take() { return std::move(out_); }

private:
    void head(Major major, uint64_t argument);
    Bytes out_;
};

/// Reads one item after another; the first failure is returned and the reader is then not to be
/// used.
class Reader {
public:
    explicit Reader(ByteView bytes) : bytes_(bytes) {}
    Result<uint64_t> uint();
    Result<int64_t> integer();
    /// Borrowed from the input. Refuses more than `bytes_max`.
    Result<ByteView> bytes(size_t bytes_max);
    /// Valid UTF-8 of at most `bytes_max` bytes, borrowed from the input.
    Result<std::string_view> text(size_t bytes_max);
    /// Opens an array or map of at most `count_max` items or pairs and returns how many; depth is
    /// counted until the matching close().
    Result<uint64_t> array(uint64_t count_max);
    Result<uint64_t> map(uint64_t count_max);
    void close() {
        ENSURE(depth_ > 0);
        --depth_;
    }
    Result<bool> boolean();
    /// Takes a null if one is next.
    Result<bool> null();
    /// The kind of the next item, without taking it.
    Result<Major> peek() const;
    [[nodiscard]] bool at_end() const { return position_ == bytes_.size(); }
    [[nodiscard]] size_t position() const { return position_; }
    /// Success iff every byte was read.
    Result<void> finish() const;

private:
    Result<uint64_t> head(Major major);
    Result<uint64_t> open(Major major, uint64_t count_max);
    ByteView bytes_;
    size_t position_ = 0;
    uint32_t depth_ = 0;
};

/// A list of at most `Max` elements.
template <class T, size_t Max>
struct List : std::vector<T> {
    using std::vector<T>::vector;
    static constexpr size_t count_max = Max;
};
/// At most `Max` bytes.
template <size_t Max>
struct Blob : Bytes {
    using Bytes::Bytes;
    Blob(Bytes bytes) : Bytes(std::move(bytes)) {}
    static constexpr size_t bytes_max = Max;
};
/// UTF-8 text of at most `Max` bytes.
template <size_t Max>
struct Text : std::string {
    using std::string::string;
    Text(std::string text) : std::string(std::move(text)) {}
    static constexpr size_t bytes_max = Max;
};

template <class T>
concept Struct = requires {
    T::fields();
};
/// A closed enum with `constexpr E last_of(E)`: values 0 to last, all meant.
template <class T>
concept ClosedEnum = std::is_enum_v<T> && requires(T value) {
    { last_of(value) } -> std::same_as<T>;
};

// --- writing ---

inline void write(Writer& to, bool value) {
    to.boolean(value);
}
template <std::unsigned_integral Int>
requires(!std::same_as<Int, bool>) void write(Writer& to, Int value) {
    to.uint(value);
}
inline void write(Writer& to, int64_t value) {
    to.integer(value);
}
template <class Tag, class Int>
void write(Writer& to, const Ordinal<Tag, Int>& value) {
    to.uint(value.value);
}
template <ClosedEnum E>
void write(Writer& to, E value) {
    to.uint(uint64_t(value));
}
inline void write(Writer& to, const Hash& value) {
    to.bytes(value.view());
}
template <size_t N>
void write(Writer& to, const std::array<uint8_t, N>& value) {
    to.bytes(value);
}
template <size_t Max>
void write(Writer& to, const Blob<Max>& value) {
    to.bytes(value);
}
template <size_t Max>
void write(Writer& to, const Text<Max>& value) {
    to.text(value);
}
template <class T, size_t Max>
void write(Writer& to, const List<T, Max>& value);
template <class T>
void write(Writer& to, const std::optional<T>& value);
template <class... Ts>
void write(Writer& to, const std::variant<Ts...>& value);
template <Struct T>
void write(Writer& to, const T& value) {
    std::apply(
        [&](auto... member) {
            to.array(sizeof...(member));
            (write(to, value.*member), ...);
        },
        T::fields());
}
template <class T, size_t Max>
void write(Writer& to, const List<T, Max>& value) {
    to.array(value.size());
    for (const auto& element : value) write(to, element);
}
template <class T>
void write(Writer& to, const std::optional<T>& value) {
    if (value) {
        write(to, *value);
    } else {
        to.null();
    }
}
template <class... Ts>
void write(Writer& to, const std::variant<Ts...>& value) {
    to.array(2);
    to.uint(value.index());
    std::visit([&](const auto& held) { write(to, held); }, value);
}

// --- reading ---

inline Result<void> read(Reader& from, bool& value) {
    TRY(got, from.boolean());
    value = got;
    return success();
}
template <std::unsigned_integral Int>
requires(!std::same_as<Int, bool>) Result<void> read(Reader& from, Int& value) {
    TRY(got, from.uint());
    if (got > std::numeric_limits<Int>::max()) return CborError::bad_value;
    value = Int(got);
    return success();
}
inline Result<void> read(Reader& from, int64_t& value) {
    TRY(got, from.integer());
    value = got;
    return success();
}
template <class Tag, class Int>
Result<void> read(Reader& from, Ordinal<Tag, Int>& value) {
    return read(from, value.value);
}
template <ClosedEnum E>
Result<void> read(Reader& from, E& value) {
    TRY(got, from.uint());
    if (got > uint64_t(last_of(E{}))) return CborError::bad_value;
    value = E(got);
    return success();
}
template <size_t N>
Result<void> read(Reader& from, std::array<uint8_t, N>& value) {
    TRY(got, from.bytes(N));
    if (got.size() != N) return CborError::bad_value;
    std::copy(got.begin(), got.end(), value.begin());
    return success();
}
inline Result<void> read(Reader& from, Hash& value) {
    return read(from, value.bytes);
}
template <size_t Max>
Result<void> read(Reader& from, Blob<Max>& value) {
    TRY(got, from.bytes(Max));
    value.assign(got.begin(), got.end());
    return success();
}
template <size_t Max>
Result<void> read(Reader& from, Text<Max>& value) {
    TRY(got, from.text(Max));
    value.assign(got);
    return success();
}
template <class T, size_t Max>
Result<void> read(Reader& from, List<T, Max>& value);
template <class T>
Result<void> read(Reader& from, std::optional<T>& value);
template <class... Ts>
Result<void> read(Reader& from, std::variant<Ts...>& value);
template <Struct T>
Result<void> read(Reader& from, T& value) {
    return std::apply(
        [&](auto... member) -> Result<void> {
            TRY(count, from.array(sizeof...(member)));
            if (count != sizeof...(member)) return CborError::bad_value;
            std::optional<Error> error;
            const auto one = [&](auto& field) {
                auto got = read(from, field);
                if (!got.ok()) error = std::move(got).error();
                return !error;
            };
            if (!(one(value.*member) && ...)) return *std::move(error);
            from.close();
            return success();
        },
        T::fields());
}
template <class T, size_t Max>
Result<void> read(Reader& from, List<T, Max>& value) {
    TRY(count, from.array(Max));
    value.clear();
    // Grown as elements arrive: the count is a stranger's claim, the bytes behind it are not.
    for (uint64_t i = 0; i < count; ++i) {
        value.emplace_back();
        CHECK(read(from, value.back()));
    }
    from.close();
    return success();
}
template <class T>
Result<void> read(Reader& from, std::optional<T>& value) {
    TRY(absent, from.null());
    if (absent) {
        value.reset();
        return success();
    }
    return read(from, value.emplace());
}
template <class... Ts>
Result<void> read(Reader& from, std::variant<Ts...>& value) {
    TRY(count, from.array(2));
    if (count != 2) return CborError::bad_value;
    TRY(index, from.uint());
    if (index >= sizeof...(Ts)) return CborError::bad_value;
    Result<void> got;
    [&]<size_t... I>(std::index_sequence<I...>) {
        ((index == I ? void(got = read(from, value.template emplace<I>())) : void()), ...);
    }
    (std::index_sequence_for<Ts...>{});
    CHECK(std::move(got));
    from.close();
    return success();
}

template <class T>
[[nodiscard]] Bytes encode(const T& value) {
    Writer writer;
    write(writer, value);
    return writer.take();
}

/// Success iff `bytes` are one item, canonical, nested no deeper than the limit, and nothing after.
/// For a file that a person hands over: `decode` names the first item of a wrong kind, and never
/// gets to what is wrong with the bytes after it.
[[nodiscard]] Result<void> check_item(ByteView bytes);

/// The one value that these bytes encode, all of them.
template <class T>
[[nodiscard]] Result<T> decode(ByteView bytes) {
    Reader reader(bytes);
    T value;
    CHECK(read(reader, value));
    CHECK(reader.finish());
    return value;
}

}  // namespace tally::cbor
