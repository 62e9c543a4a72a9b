// OpenSSL's low-level calls take 68 ns for 64 bytes where its one-shot calls take 297; they are
// deprecated but promised for all of OpenSSL 3.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/hash.hpp"

#include <openssl/sha.h>

#include <algorithm>

namespace tally {
namespace {

SHA256_CTX* context_of(std::array<uint8_t, 128>& state) {
    static_assert(sizeof(SHA256_CTX) <= sizeof(state));
    static_assert(std::is_trivially_copyable_v<SHA256_CTX>);
    return reinterpret_cast<SHA256_CTX*>(state.data());
}

}  // namespace

Result<Hash> hash_from_hex(std::string_view text) {
    TRY(bytes, from_hex(text));
    if (bytes.size() != 32) return fail(BytesError::bad_hex, "a hash has 64 digits");
    Hash hash;
    std::copy(bytes.begin(), bytes.end(), hash.bytes.begin());
    return hash;
}

Hasher::Hasher() {
    SHA256_Init(context_of(state_));
}
Hasher::Hasher(Tag tag) : Hasher() {
    add_u8(uint8_t(tag));
}
Hasher& Hasher::add(ByteView bytes) {
    SHA256_Update(context_of(state_), bytes.data(), bytes.size());
    return *this;
}
Hasher& Hasher::add_u8(uint8_t value) {
    return add(ByteView(&value, 1));
}
Hasher& Hasher::add_u16(uint16_t value) {
    const uint8_t bytes[2] = {uint8_t(value >> 8), uint8_t(value)};
    return add(bytes);
}
Hasher& Hasher::add_u32(uint32_t value) {
    add_u16(uint16_t(value >> 16));
    return add_u16(uint16_t(value));
}
Hasher& Hasher::add_u64(uint64_t value) {
    add_u32(uint32_t(value >> 32));
    return add_u32(uint32_t(value));
}
Hash Hasher::finish() {
    Hash hash;
    SHA256_Final(hash.bytes.data(), context_of(state_));
    return hash;
}

Hash sha256(ByteView bytes) {
    return Hasher().add(bytes).finish();
}
Hash tagged_hash(Tag tag, ByteView bytes) {
    return Hasher(tag).add(bytes).finish();
}

// Not libsodium's: its SHA-256 does not use the processor's instructions, and salts need seven of
// these a transaction.
Hash hmac_sha256(ByteView key, ByteView message) {
    std::array<uint8_t, 64> block{};
    if (key.size() > block.size()) {
        const Hash shorter = sha256(key);
        std::copy(shorter.bytes.begin(), shorter.bytes.end(), block.begin());
    } else {
        std::copy(key.begin(), key.end(), block.begin());
    }
    for (uint8_t& byte : block) byte ^= 0x36;
    const Hash inner = Hasher().add(block).add(message).finish();
    for (uint8_t& byte : block) byte ^= 0x36 ^ 0x5c;
    return Hasher().add(block).add(inner).finish();
}

Hash hkdf_extract(ByteView salt, ByteView input) {
    return hmac_sha256(salt, input);
}

Bytes hkdf_expand(const Hash& pseudorandom_key, ByteView info, size_t length) {
    ENSURE(length <= size_t{255} * 32);
    Bytes output;
    Bytes block;
    for (uint8_t counter = 1; output.size() < length; ++counter) {
        append(block, info);
        block.push_back(counter);
        const Hash next = hmac_sha256(pseudorandom_key.view(), block);
        block.assign(next.bytes.begin(), next.bytes.end());
        append(output, next.view().first(std::min<size_t>(32, length - output.size())));
    }
    return output;
}

}  // namespace tally
