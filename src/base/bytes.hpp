// Bytes and their spellings: hexadecimal, base64url without padding (RFC 4648 §5) and base58btc.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace tally {

using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;

enum class BytesError { bad_hex, bad_base64url, bad_base58 };
ErrorText describe(BytesError error);

[[nodiscard]] inline ByteView view_of(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view text_of(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline Bytes copy_of(ByteView bytes) {
    return {bytes.begin(), bytes.end()};
}
inline void append(Bytes& to, ByteView from) {
    to.insert(to.end(), from.begin(), from.end());
}
/// Lexicographic order of raw bytes: negative, zero or positive.
[[nodiscard]] int compare(ByteView a, ByteView b);
[[nodiscard]] inline bool equal(ByteView a, ByteView b) {
    return a.size() == b.size() && compare(a, b) == 0;
}
/// Order for std::map over Bytes that also accepts views.
struct BytesLess {
    using is_transparent = void;
    bool operator()(ByteView a, ByteView b) const { return compare(a, b) < 0; }
};

/// Big-endian integers, as keys and hashed bytes have them.
void append_u16(Bytes& to, uint16_t value);
void append_u32(Bytes& to, uint32_t value);
void append_u64(Bytes& to, uint64_t value);
/// Requires at least 2, 4 or 8 bytes.
[[nodiscard]] uint16_t read_u16(ByteView from);
[[nodiscard]] uint32_t read_u32(ByteView from);
[[nodiscard]] uint64_t read_u64(ByteView from);

[[nodiscard]] std::string to_hex(ByteView bytes);
/// Lower-case digits only, an even number of them.
[[nodiscard]] Result<Bytes> from_hex(std::string_view text);

[[nodiscard]] std::string to_base64url(ByteView bytes);
/// Strict: no padding, no white space, unused bits zero, so that one value has one spelling.
[[nodiscard]] Result<Bytes> from_base64url(std::string_view text);

/// Quadratic in the length: for keys only. `from_base58` refuses more than 128 characters.
[[nodiscard]] std::string to_base58(ByteView bytes);
[[nodiscard]] Result<Bytes> from_base58(std::string_view text);

}  // namespace tally
