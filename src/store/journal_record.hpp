// One record of the journal, as bytes. The format is frozen:
//
//     u32 payload length ‖ u8 kind ‖ payload ‖ checksum
//
// The checksum is the first 8 bytes of H(Tag::record ‖ the previous record's checksum ‖ length ‖
// kind ‖ payload); the first record of a file follows a checksum of zeros. So the records of a file
// are a chain: one that is stale, moved or left over from another file does not fit.
#pragma once

#include <array>
#include <optional>

#include "base/strong.hpp"
#include "crypto/hash.hpp"

namespace tally::store {

using Checksum = std::array<uint8_t, 8>;

/// A record read in place: `payload` is a view of the bytes it was read from.
struct RecordView {
    uint8_t kind;
    ByteView payload;
    Checksum checksum;
    size_t size;  ///< of the whole record
};

constexpr size_t record_head_bytes = 5;
constexpr size_t record_extra_bytes = record_head_bytes + std::tuple_size_v<Checksum>;
constexpr size_t record_payload_bytes_max = 16 * 1024 * 1024;

/// Kinds that the journal keeps for itself.
enum class OwnKind : uint8_t {
    synced_mark = 254,  ///< how far this file was known to be durable
    header = 255,       ///< the first record of each file
};
constexpr uint8_t record_kind_max = 253;  ///< of the journal's users

/// Requires at most record_payload_bytes_max.
[[nodiscard]] Bytes encode_record(uint8_t kind, ByteView payload, const Checksum& previous);
/// The record that `bytes` begin with; nothing if it is incomplete or its checksum is wrong.
[[nodiscard]] std::optional<RecordView> read_record(ByteView bytes, const Checksum& previous);

/// What a file of the journal begins with. Payload of the first record:
/// "tallyjnl" ‖ u32 format ‖ network id ‖ u8 participant ‖ u32 segment ‖ checksum of the last
/// record of the segment before (zeros for the first). Frame and first 12 bytes never change.
struct SegmentHeader {
    static constexpr uint32_t format_version = 1;
    uint32_t format = format_version;
    Hash network;
    Participant participant;
    uint32_t segment = 0;
    Checksum previous{};
    bool operator==(const SegmentHeader&) const = default;
};
[[nodiscard]] Bytes encode_header(const SegmentHeader& header);
/// Of a newer format only `format` is filled in. Nothing if these bytes are no header.
[[nodiscard]] std::optional<SegmentHeader> decode_header(ByteView payload);

/// Says how many bytes of a segment were known to be durable. Payload: u64 bytes ‖ the first 8
/// bytes of HMAC-SHA-256(key; u32 segment ‖ bytes). It is believed wherever it is found, even when
/// the chain before it is broken: that is what it is for. The key is secret, because payloads are
/// made by strangers, who could put a mark into one.
[[nodiscard]] Bytes encode_mark(const Hash& key, uint32_t segment, uint64_t synced_bytes);
/// True if a synced mark after `from` says that the file was durable beyond `from`: then what is
/// broken there was whole once, and no crash has torn it.
[[nodiscard]] bool was_synced_beyond(ByteView file, const Hash& key, uint32_t segment,
                                     uint64_t from);

}  // namespace tally::store
