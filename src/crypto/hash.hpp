// SHA-256 and the tags that keep one kind of hashed thing from being taken for another.
#pragma once

#include <array>
#include <compare>
#include <cstring>
#include <initializer_list>

#include "base/bytes.hpp"

namespace tally {

/// A SHA-256 digest.
struct Hash {
    std::array<uint8_t, 32> bytes{};
    auto operator<=>(const Hash&) const = default;
    [[nodiscard]] ByteView view() const { return bytes; }
    [[nodiscard]] std::string hex() const { return to_hex(bytes); }
    [[nodiscard]] bool is_zero() const { return *this == Hash{}; }
};

/// 64 lower-case hexadecimal digits.
[[nodiscard]] Result<Hash> hash_from_hex(std::string_view text);

/// First byte of everything hashed here (docs/protocol.md, section 9). Values are frozen.
enum class Tag : uint8_t {
    merkle_leaf = 0x00,   // RFC 9162
    merkle_inner = 0x01,  // RFC 9162
    tree_leaf = 0x10,
    tree_inner = 0x11,
    tree_empty = 0x12,
    row_field = 0x13,
    row_empty = 0x14,
    charter = 0x20,
    recovery = 0x25,        // a recovery charter
    epoch_proposal = 0x26,  // of the next epoch
    da_root = 0x21,
    batch_header = 0x22,
    lane_certificate = 0x23,
    cell = 0x24,
    audit = 0x27,  // what one participant asks another in a round
    block = 0x30,  // an ordering block B
    block_field = 0x31,
    leader_order = 0x32,   // of an epoch
    ledger_header = 0x40,  // a ledger's block header
    trace_leaf = 0x41,
    read_digest = 0x42,       // of one segment
    execution_digest = 0x43,  // D, over the segments' read digests
    execution_digest_commitment = 0x44,
    attestation_tag = 0x45,
    running_digest = 0x46,          // of an open transaction at a segment boundary
    read_digest_commitment = 0x47,  // of one segment's read digest
    invalid_envelope = 0x50,
    sealed_commitment = 0x51,  // C: what a sealed transaction's shares are bound to
    sealed_share = 0x52,
    sealed_once = 0x53,     // what makes a sealed transaction take effect once
    sealed_context = 0x54,  // of its encryption
    signed_message = 0x60,
    session_challenge = 0x61,
    tls_certificate = 0x62,
    record = 0x70,  // a journal record's checksum
};

/// Incremental SHA-256; cheap to make (no allocation).
class Hasher {
public:
    Hasher();
    explicit Hasher(Tag tag);
    Hasher& add(ByteView bytes);
    Hasher& add(const Hash& hash) { return add(hash.view()); }
    Hasher& add_u8(uint8_t value);
    Hasher& add_u16(uint16_t value);
    Hasher& add_u32(uint32_t value);
    Hasher& add_u64(uint64_t value);
    /// May be called once.
    [[nodiscard]] Hash finish();

private:
    alignas(16) std::array<uint8_t, 128> state_;  // SHA256_CTX, kept out of this header
};

[[nodiscard]] Hash sha256(ByteView bytes);
/// H(tag ‖ bytes).
[[nodiscard]] Hash tagged_hash(Tag tag, ByteView bytes);

/// HMAC-SHA-256 (RFC 2104) and HKDF-SHA-256 (RFC 5869): at most 255 · 32 bytes of output.
[[nodiscard]] Hash hmac_sha256(ByteView key, ByteView message);
[[nodiscard]] Hash hkdf_extract(ByteView salt, ByteView input);
[[nodiscard]] Bytes hkdf_expand(const Hash& pseudorandom_key, ByteView info, size_t length);

}  // namespace tally
