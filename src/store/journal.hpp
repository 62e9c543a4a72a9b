// Journal: what must be durable before anything that depends on it is sent.
//
// Records (store/journal_record.hpp) are appended to segments of 64 MiB, journal-000001 and on.
// Recovery gives them back in order: all that were reported synced, and perhaps some after them. A
// crash can tear only what was not synced, at the end of the last segment, and that is cut off; any
// other damage is an error, because a participant that forgets what it signed is a liar.
//
// Damage at the end of the last segment looks like a crash, unless something after it proves that
// it was durable. So the journal also writes down, now and then, how far it was told that it is;
// what was synced after the last such mark is protected by the disk alone.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/strong.hpp"
#include "ports/disk.hpp"
#include "store/error.hpp"
#include "store/journal_record.hpp"

namespace tally::store {

/// Whose journal it is. Another's is refused.
struct JournalIdentity {
    Hash network;
    Participant participant;
    /// Known to this participant alone, the same at every start: authenticates the synced marks.
    /// Zero: no marks are written or believed.
    Hash mark_key{};
};

/// Where a record begins.
struct JournalPosition {
    uint32_t segment = 0;
    uint64_t offset = 0;
    auto operator<=>(const JournalPosition&) const = default;
    /// "journal-000001, byte 52"
    [[nodiscard]] std::string text() const;
};

class Journal {
public:
    static constexpr uint64_t segment_bytes_default = 64 * 1024 * 1024;

    /// The payload is borrowed for the call.
    using OnRecord =
        std::function<void(uint8_t kind, ByteView payload, const JournalPosition& position)>;

    /// Calls `on_record` for every record, oldest first. All of them are durable when this returns.
    /// Borrows the disk. Errors: the disk's; StoreError::journal_damaged, journal_newer,
    /// journal_other_network, journal_other_participant.
    [[nodiscard]] static Result<std::unique_ptr<Journal>> open(
        ports::Disk& disk, const JournalIdentity& identity, const OnRecord& on_record,
        uint64_t segment_bytes_max = segment_bytes_default);

    /// Queues a record. Requires kind ≤ record_kind_max and at most record_payload_bytes_max.
    JournalPosition append(uint8_t kind, ByteView payload);
    /// Asks that all records so far become durable; the Disk's driver reports the ticket.
    uint64_t sync();
    /// To be called with each ticket that is reported synced.
    void on_synced(uint64_t ticket);

    /// Reads one record back, checked. Errors: the disk's; StoreError::no_such_record,
    /// journal_damaged.
    [[nodiscard]] Result<Bytes> read(const JournalPosition& position) const;

    /// Removes the segments before this one, but none that a durable one does not follow.
    [[nodiscard]] Result<void> prune_before(uint32_t segment);

    /// Where the next record goes, unless it begins a segment.
    [[nodiscard]] JournalPosition end() const { return end_; }
    [[nodiscard]] uint32_t first_segment() const { return first_segment_; }
    /// What recovery cut off: records, or parts of some, that had not been synced.
    [[nodiscard]] uint64_t torn_bytes() const { return torn_bytes_; }

private:
    Journal(ports::Disk& disk, const JournalIdentity& identity, uint64_t segment_bytes_max)
        : disk_(disk), identity_(identity), segment_bytes_max_(segment_bytes_max) {}

    // journal_recovery.cpp
    Result<void> recover(const OnRecord& on_record);
    Result<bool> recover_segment(uint32_t segment, bool is_last, const OnRecord& on_record);
    Result<void> check_header(const RecordView& record, uint32_t segment) const;

    void begin_segment(uint32_t segment);
    void append_record(uint8_t kind, ByteView payload);

    ports::Disk& disk_;
    JournalIdentity identity_;
    uint64_t segment_bytes_max_;

    uint32_t first_segment_ = 0;
    JournalPosition end_;
    JournalPosition synced_;  // durable up to here
    Checksum last_{};         // of the last record
    uint64_t torn_bytes_ = 0;

    struct Asked {
        uint64_t ticket;
        JournalPosition end;
    };
    std::deque<Asked> asked_;
};

/// How far the records of closed segments were read again.
struct JournalScan {
    uint32_t segment = 0;
    uint64_t offset = 0;
    Checksum last{};                 ///< of the record before
    std::optional<Checksum> before;  ///< of the last record of the segment before, if known
    bool operator==(const JournalScan&) const = default;
};
/// Reads on in the segments below `end`, about so many bytes or the next record, and finds every
/// record whole. How many bytes that were; `at.segment` is `end` once all are. Any thread. Errors:
/// the disk's; StoreError::journal_damaged.
[[nodiscard]] Result<uint64_t> check_records(const ports::Disk& disk, JournalScan& at, uint32_t end,
                                             size_t bytes_max);

/// journal-000001
[[nodiscard]] std::string segment_name(uint32_t segment);

}  // namespace tally::store
