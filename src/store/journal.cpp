#include "store/journal.hpp"

#include <algorithm>

namespace tally::store {

std::string segment_name(uint32_t segment) {
    const std::string digits = std::to_string(segment);
    return "journal-" + std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0') + digits;
}

std::string JournalPosition::text() const {
    return segment_name(segment) + ", byte " + std::to_string(offset);
}

Result<std::unique_ptr<Journal>> Journal::open(ports::Disk& disk, const JournalIdentity& identity,
                                               const OnRecord& on_record,
                                               uint64_t segment_bytes_max) {
    std::unique_ptr<Journal> journal(new Journal(disk, identity, segment_bytes_max));
    CHECK(journal->recover(on_record));
    return journal;
}

JournalPosition Journal::append(uint8_t kind, ByteView payload) {
    ENSURE(kind <= record_kind_max);
    if (end_.offset + record_extra_bytes + payload.size() > segment_bytes_max_) {
        begin_segment(end_.segment + 1);
    }
    const JournalPosition position = end_;
    append_record(kind, payload);
    return position;
}

void Journal::append_record(uint8_t kind, ByteView payload) {
    Bytes record = encode_record(kind, payload, last_);
    std::copy_n(record.end() - ptrdiff_t(last_.size()), last_.size(), last_.begin());
    end_.offset += record.size();
    disk_.append(segment_name(end_.segment), std::move(record));
}

void Journal::begin_segment(uint32_t segment) {
    const SegmentHeader header{SegmentHeader::format_version, identity_.network,
                               identity_.participant, segment, last_};
    end_ = {segment, 0};
    last_ = {};
    append_record(uint8_t(OwnKind::header), encode_header(header));
}

uint64_t Journal::sync() {
    const uint64_t ticket = disk_.sync();
    asked_.push_back({ticket, end_});
    return ticket;
}

void Journal::on_synced(uint64_t ticket) {
    const JournalPosition before = synced_;
    while (!asked_.empty() && asked_.front().ticket <= ticket) {
        synced_ = asked_.front().end;
        asked_.pop_front();
    }
    // Of a segment that is not the last, the next one's existence says as much.
    if (synced_ == before || synced_.segment != end_.segment) return;
    if (identity_.mark_key.is_zero()) return;
    append_record(uint8_t(OwnKind::synced_mark),
                  encode_mark(identity_.mark_key, synced_.segment, synced_.offset));
}

Result<Bytes> Journal::read(const JournalPosition& position) const {
    // The checksum that the record follows lies before it, unless it is a header.
    constexpr size_t before = std::tuple_size_v<Checksum>;
    if (position.offset < before || position >= end_ || position.segment < first_segment_) {
        return fail(StoreError::no_such_record, position.text());
    }
    const std::string name = segment_name(position.segment);
    const uint64_t from = position.offset - before;
    TRY(head, disk_.read(name, from, before + record_head_bytes));
    if (head.size() < before + record_head_bytes) {
        return fail(StoreError::no_such_record, position.text());
    }
    const size_t length = read_u32(ByteView(head).subspan(before));
    if (length > record_payload_bytes_max) {
        return fail(StoreError::journal_damaged, position.text());
    }
    TRY(bytes, disk_.read(name, position.offset, record_extra_bytes + length));
    Checksum previous;
    std::copy_n(head.begin(), before, previous.begin());
    const auto record = read_record(bytes, previous);
    if (!record) return fail(StoreError::journal_damaged, position.text());
    if (record->kind > record_kind_max) return fail(StoreError::no_such_record, position.text());
    return copy_of(record->payload);
}

Result<void> Journal::prune_before(uint32_t segment) {
    // Oldest first, so that a crash on the way leaves no gap.
    while (first_segment_ < std::min(segment, synced_.segment)) {
        CHECK(disk_.remove(segment_name(first_segment_)));
        ++first_segment_;
    }
    return success();
}

}  // namespace tally::store
