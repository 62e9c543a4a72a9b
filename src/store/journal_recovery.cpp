#include <algorithm>
#include <charconv>

#include "store/journal.hpp"

namespace tally::store {
namespace {

/// Nothing if the name is not a segment's.
std::optional<uint32_t> segment_of(const std::string& name) {
    const size_t dash = name.find('-');
    if (dash == std::string::npos) return std::nullopt;
    uint32_t segment = 0;
    std::from_chars(name.data() + dash + 1, name.data() + name.size(), segment);
    // One name for each number.
    return segment > 0 && name == segment_name(segment) ? std::optional(segment) : std::nullopt;
}

Result<std::vector<uint32_t>> list_segments(const ports::Disk& disk) {
    TRY(names, disk.list());
    std::vector<uint32_t> segments;
    for (const std::string& name : names) {
        if (const auto segment = segment_of(name)) segments.push_back(*segment);
    }
    std::sort(segments.begin(), segments.end());
    return segments;
}

std::string without_header(uint32_t segment) {
    return segment_name(segment) + " does not begin with a header";
}

}  // namespace

namespace {

/// A part of a file as it lies there.
struct Piece {
    Bytes bytes;
    bool is_all = false;  ///< nothing of the file comes after them
};

Result<Piece> read_piece(const ports::Disk& disk, const std::string& name, uint64_t offset,
                         size_t bytes_max) {
    TRY(size, disk.size(name));
    const uint64_t left = size > offset ? size - offset : 0;
    Piece piece;
    TRY(bytes, disk.read(name, offset, size_t(std::min<uint64_t>(left, bytes_max))));
    piece.bytes = std::move(bytes);
    piece.is_all = piece.bytes.size() >= left;
    return piece;
}

/// A segment's first record is its header, which names the last record of the segment before.
bool is_in_place(const RecordView& record, const JournalScan& at) {
    if (at.offset > 0) return true;
    const auto header =
        record.kind == uint8_t(OwnKind::header) ? decode_header(record.payload) : std::nullopt;
    return header && header->segment == at.segment &&
           (!at.before || *at.before == header->previous);
}

}  // namespace

Result<uint64_t> check_records(const ports::Disk& disk, JournalScan& at, uint32_t end,
                               size_t bytes_max) {
    TRY(segments, list_segments(disk));
    const auto next = std::lower_bound(segments.begin(), segments.end(), at.segment);
    if (next == segments.end() || *next >= end) {
        at = {end, 0, {}, {}};
        return uint64_t{0};
    }
    if (*next != at.segment) at = {*next, 0, {}, {}};
    const std::string name = segment_name(at.segment);
    TRY(piece, read_piece(disk, name, at.offset, bytes_max));
    uint64_t read = 0;
    while (read < piece.bytes.size()) {
        const auto record = read_record(ByteView(piece.bytes).subspan(size_t(read)), at.last);
        if (!record || !is_in_place(*record, at)) break;
        read += record->size;
        at.offset += record->size;
        at.last = record->checksum;
    }
    if (read > 0 && read == piece.bytes.size() && piece.is_all) {
        at = {at.segment + 1, 0, {}, at.last};
        return read;
    }
    constexpr size_t record_bytes_max = record_payload_bytes_max + record_extra_bytes;
    if (read > 0) return read;
    if (!piece.is_all && bytes_max < record_bytes_max)
        return check_records(disk, at, end, record_bytes_max);
    return fail(StoreError::journal_damaged,
                JournalPosition{at.segment, at.offset}.text() + ", though later segments follow");
}

Result<void> Journal::recover(const OnRecord& on_record) {
    TRY(segments, list_segments(disk_));
    // A segment that was begun and got no byte.
    while (!segments.empty()) {
        TRY(size, disk_.size(segment_name(segments.back())));
        if (size > 0) break;
        CHECK(disk_.remove(segment_name(segments.back())));
        segments.pop_back();
    }
    if (!segments.empty()) first_segment_ = segments.front();
    for (size_t index = 0; index < segments.size(); ++index) {
        const uint32_t segment = segments[index];
        if (index > 0 && segment != segments[index - 1] + 1) {
            return fail(StoreError::journal_damaged,
                        segment_name(segments[index - 1] + 1) + " is missing");
        }
        const bool is_last = index + 1 == segments.size();
        TRY(begun, recover_segment(segment, is_last, on_record));
        if (begun) continue;
        if (segment == first_segment_ && segment > 1) {
            // Those before it were pruned, so it was durable.
            return fail(StoreError::journal_damaged, without_header(segment));
        }
        CHECK(disk_.remove(segment_name(segment)));
        segments.pop_back();
    }
    if (segments.empty()) {
        first_segment_ = 1;
        begin_segment(1);
        return success();
    }
    synced_ = end_;
    // Cuts off what is torn. Even when nothing is, a process that was only killed may have left
    // bytes that are not durable yet, and what was recovered will be relied on.
    return disk_.truncate(segment_name(end_.segment), end_.offset);
}

/// Moves end_ and last_ to the end of the segment. False if it is the last and its header did not
/// reach the disk whole: end_ stays in the one before.
Result<bool> Journal::recover_segment(uint32_t segment, bool is_last, const OnRecord& on_record) {
    const std::string name = segment_name(segment);
    TRY(size, disk_.size(name));
    TRY(file, disk_.read(name, 0, size_t(size)));
    uint64_t offset = 0;
    Checksum last{};
    while (offset < file.size()) {
        const auto record = read_record(ByteView(file).subspan(size_t(offset)), last);
        if (!record) break;
        if (offset == 0) {
            CHECK(check_header(*record, segment));
        } else if (record->kind <= record_kind_max) {
            on_record(record->kind, record->payload, {segment, offset});
        }
        offset += record->size;
        last = record->checksum;
    }
    const JournalPosition broken{segment, offset};
    if (!is_last && (offset == 0 || offset < file.size())) {
        return fail(StoreError::journal_damaged, broken.text() + ", with later segments after it");
    }
    if (offset < file.size()) {
        const bool has_marks = !identity_.mark_key.is_zero();
        if (has_marks && was_synced_beyond(file, identity_.mark_key, segment, offset)) {
            return fail(StoreError::journal_damaged,
                        broken.text() + ", though it was synced beyond that");
        }
        torn_bytes_ = file.size() - offset;
    }
    if (offset == 0) return false;
    end_ = {segment, offset};
    last_ = last;
    return true;
}

Result<void> Journal::check_header(const RecordView& record, uint32_t segment) const {
    const std::string name = segment_name(segment);
    const auto header =
        record.kind == uint8_t(OwnKind::header) ? decode_header(record.payload) : std::nullopt;
    if (!header) return fail(StoreError::journal_damaged, without_header(segment));
    if (header->format > SegmentHeader::format_version) {
        return fail(StoreError::journal_newer, name + " has format " +
                                                   std::to_string(header->format) +
                                                   ", this version knows up to " +
                                                   std::to_string(SegmentHeader::format_version));
    }
    if (header->network != identity_.network) {
        return fail(
            StoreError::journal_other_network,
            name + " is of network " + header->network.hex() + ", not " + identity_.network.hex());
    }
    if (header->participant != identity_.participant) {
        return fail(StoreError::journal_other_participant,
                    name + " is of participant " + std::to_string(header->participant.value) +
                        ", not " + std::to_string(identity_.participant.value));
    }
    if (header->segment != segment) {
        return fail(StoreError::journal_damaged,
                    name + " says that it is " + segment_name(header->segment));
    }
    const bool follows = segment == first_segment_ || header->previous == last_;
    if (!follows) {
        return fail(StoreError::journal_damaged,
                    name + " does not follow " + segment_name(segment - 1));
    }
    return success();
}

}  // namespace tally::store
