#include "base/bytes.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace tally {
namespace {

constexpr std::string_view base64url_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view base58_digits =
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr size_t base58_characters_max = 128;

constexpr std::array<int8_t, 256> reverse_of(std::string_view digits) {
    std::array<int8_t, 256> table{};
    for (auto& entry : table) entry = -1;
    for (size_t i = 0; i < digits.size(); ++i) table[static_cast<uint8_t>(digits[i])] = int8_t(i);
    return table;
}

constexpr auto base64url_values = reverse_of(base64url_digits);
constexpr auto base58_values = reverse_of(base58_digits);

void append_big_endian(Bytes& to, uint64_t value, int width) {
    for (int shift = 8 * (width - 1); shift >= 0; shift -= 8) to.push_back(uint8_t(value >> shift));
}

uint64_t read_big_endian(ByteView from, size_t width) {
    ENSURE(from.size() >= width);
    uint64_t value = 0;
    for (size_t i = 0; i < width; ++i) value = value << 8 | from[i];
    return value;
}

}  // namespace

ErrorText describe(BytesError error) {
    switch (error) {
    case BytesError::bad_hex:
        return {"bad_hex", "not lower-case hexadecimal", "Write pairs of the digits 0-9 and a-f"};
    case BytesError::bad_base64url:
        return {"bad_base64url", "not base64url without padding",
                "Use A-Z, a-z, 0-9, - and _ only"};
    case BytesError::bad_base58: return {"bad_base58", "not base58btc", "Copy it again, whole"};
    }
    std::abort();
}

int compare(ByteView a, ByteView b) {
    const size_t common = std::min(a.size(), b.size());
    const int order = common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);
    if (order != 0) return order;
    return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
}

void append_u16(Bytes& to, uint16_t value) {
    append_big_endian(to, value, 2);
}
void append_u32(Bytes& to, uint32_t value) {
    append_big_endian(to, value, 4);
}
void append_u64(Bytes& to, uint64_t value) {
    append_big_endian(to, value, 8);
}
uint16_t read_u16(ByteView from) {
    return uint16_t(read_big_endian(from, 2));
}
uint32_t read_u32(ByteView from) {
    return uint32_t(read_big_endian(from, 4));
}
uint64_t read_u64(ByteView from) {
    return read_big_endian(from, 8);
}

std::string to_hex(ByteView bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * bytes.size());
    for (const uint8_t byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

Result<Bytes> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) return BytesError::bad_hex;
    const auto value_of = [](char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    };
    Bytes bytes;
    bytes.reserve(text.size() / 2);
    for (size_t i = 0; i < text.size(); i += 2) {
        const int high = value_of(text[i]);
        const int low = value_of(text[i + 1]);
        if (high < 0 || low < 0) return BytesError::bad_hex;
        bytes.push_back(uint8_t(high << 4 | low));
    }
    return bytes;
}

std::string to_base64url(ByteView bytes) {
    std::string text;
    text.reserve((bytes.size() * 4 + 2) / 3);
    uint32_t buffer = 0;
    int bits = 0;
    for (const uint8_t byte : bytes) {
        buffer = buffer << 8 | byte;
        for (bits += 8; bits >= 6; bits -= 6) text += base64url_digits[buffer >> (bits - 6) & 63];
    }
    if (bits > 0) text += base64url_digits[buffer << (6 - bits) & 63];
    return text;
}

Result<Bytes> from_base64url(std::string_view text) {
    if (text.size() % 4 == 1) return BytesError::bad_base64url;
    Bytes bytes;
    bytes.reserve(text.size() * 3 / 4);
    uint32_t buffer = 0;
    int bits = 0;
    for (const char c : text) {
        const int value = base64url_values[static_cast<uint8_t>(c)];
        if (value < 0) return BytesError::bad_base64url;
        buffer = (buffer << 6 | uint32_t(value)) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes.push_back(uint8_t(buffer >> bits));
        }
    }
    if ((buffer & ((1u << bits) - 1)) != 0) return BytesError::bad_base64url;
    return bytes;
}

std::string to_base58(ByteView bytes) {
    std::vector<uint8_t> digits;  // Least significant first.
    for (const uint8_t byte : bytes) {
        uint32_t carry = byte;
        for (auto& digit : digits) {
            carry += uint32_t(digit) << 8;
            digit = uint8_t(carry % 58);
            carry /= 58;
        }
        for (; carry > 0; carry /= 58) digits.push_back(uint8_t(carry % 58));
    }
    std::string text;
    for (size_t i = 0; i < bytes.size() && bytes[i] == 0; ++i) text += '1';
    for (size_t i = digits.size(); i > 0; --i) text += base58_digits[digits[i - 1]];
    return text;
}

Result<Bytes> from_base58(std::string_view text) {
    if (text.size() > base58_characters_max) return BytesError::bad_base58;
    Bytes reversed;
    for (const char c : text) {
        const int value = base58_values[static_cast<uint8_t>(c)];
        if (value < 0) return BytesError::bad_base58;
        uint32_t carry = uint32_t(value);
        for (auto& byte : reversed) {
            carry += uint32_t(byte) * 58;
            byte = uint8_t(carry);
            carry >>= 8;
        }
        for (; carry > 0; carry >>= 8) reversed.push_back(uint8_t(carry));
    }
    for (size_t i = 0; i < text.size() && text[i] == '1'; ++i) reversed.push_back(0);
    return Bytes(reversed.rbegin(), reversed.rend());
}

}  // namespace tally
