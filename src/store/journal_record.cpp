#include "store/journal_record.hpp"

#include <algorithm>

namespace tally::store {
namespace {

constexpr std::string_view magic = "tallyjnl";
constexpr size_t header_fixed_bytes = 12;  // magic and format
constexpr size_t header_bytes = header_fixed_bytes + 32 + 1 + 4 + std::tuple_size_v<Checksum>;
constexpr size_t mark_bytes = 8 + std::tuple_size_v<Checksum>;

Checksum checksum_of(ByteView bytes) {
    Checksum checksum;
    std::copy_n(bytes.begin(), checksum.size(), checksum.begin());
    return checksum;
}

Checksum chained(uint8_t kind, ByteView payload, const Checksum& previous) {
    return checksum_of(Hasher(Tag::record)
                           .add(previous)
                           .add_u32(uint32_t(payload.size()))
                           .add_u8(kind)
                           .add(payload)
                           .finish()
                           .view());
}

}  // namespace

Bytes encode_record(uint8_t kind, ByteView payload, const Checksum& previous) {
    ENSURE(payload.size() <= record_payload_bytes_max);
    Bytes record;
    record.reserve(record_extra_bytes + payload.size());
    append_u32(record, uint32_t(payload.size()));
    record.push_back(kind);
    append(record, payload);
    append(record, chained(kind, payload, previous));
    return record;
}

std::optional<RecordView> read_record(ByteView bytes, const Checksum& previous) {
    if (bytes.size() < record_extra_bytes) return std::nullopt;
    const size_t length = read_u32(bytes);
    // A torn length may say anything: it is believed only within what is there.
    if (length > record_payload_bytes_max || length > bytes.size() - record_extra_bytes) {
        return std::nullopt;
    }
    RecordView record{
        bytes[4], bytes.subspan(record_head_bytes, length), {}, record_extra_bytes + length};
    record.checksum = checksum_of(bytes.subspan(record_head_bytes + length));
    if (record.checksum != chained(record.kind, record.payload, previous)) return std::nullopt;
    return record;
}

Bytes encode_header(const SegmentHeader& header) {
    Bytes payload = copy_of(view_of(magic));
    append_u32(payload, header.format);
    append(payload, header.network.view());
    payload.push_back(header.participant.value);
    append_u32(payload, header.segment);
    append(payload, header.previous);
    return payload;
}

std::optional<SegmentHeader> decode_header(ByteView payload) {
    if (payload.size() < header_fixed_bytes) return std::nullopt;
    if (text_of(payload.first(magic.size())) != magic) return std::nullopt;
    SegmentHeader header;
    header.format = read_u32(payload.subspan(magic.size()));
    if (header.format > SegmentHeader::format_version) return header;
    if (payload.size() != header_bytes) return std::nullopt;
    ByteView rest = payload.subspan(header_fixed_bytes);
    std::copy_n(rest.begin(), 32, header.network.bytes.begin());
    header.participant = {rest[32]};
    header.segment = read_u32(rest.subspan(33));
    header.previous = checksum_of(rest.subspan(37));
    return header;
}

Bytes encode_mark(const Hash& key, uint32_t segment, uint64_t synced_bytes) {
    Bytes message;
    append_u32(message, segment);
    append_u64(message, synced_bytes);
    Bytes payload;
    append_u64(payload, synced_bytes);
    append(payload, checksum_of(hmac_sha256(key.view(), message).view()));
    return payload;
}

bool was_synced_beyond(ByteView file, const Hash& key, uint32_t segment, uint64_t from) {
    // Marks have one kind and one length, so hardly a place but theirs is hashed.
    for (size_t at = size_t(from); at + record_head_bytes + mark_bytes <= file.size(); ++at) {
        if (file[at + 4] != uint8_t(OwnKind::synced_mark)) continue;
        if (read_u32(file.subspan(at)) != mark_bytes) continue;
        const ByteView payload = file.subspan(at + record_head_bytes, mark_bytes);
        const uint64_t synced = read_u64(payload);
        if (synced > from && equal(payload, encode_mark(key, segment, synced))) return true;
    }
    return false;
}

}  // namespace tally::store
