// RocksDB as a KeyValue: one column family for each map, no write-ahead log, all maps flushed
// together.
//
// The journal is what must survive; these maps are made again from it. So a crash may lose the
// batches since the last flush, in all maps alike, and nothing is synced for each batch.
#pragma once

#include <memory>
#include <string>

#include "ports/key_value.hpp"

namespace tally::io {

class RocksDatabase : public ports::KeyValue {
public:
    /// Makes the folder `path`, in which a database stands as this one is at this moment, in links
    /// to its files where that is the same file system. From any thread, while others write.
    /// Errors: KeyValueError::io_failed, also if `path` exists.
    [[nodiscard]] virtual Result<void> checkpoint(const std::string& path) = 0;
    /// Error: damaged, once a read or write met a file that its checksums contradict, in this or an
    /// earlier process: no read or write mends it. From any thread.
    [[nodiscard]] virtual Result<void> damage() const = 0;
};

/// Opens the database in the folder `path`, or makes one that belongs to `network_id`. Errors:
/// KeyValueError::locked, newer_format, other_network, damaged, io_failed; "database_older".
///
/// So much must be left on the disk for a new file: with less the database takes nothing more,
/// and says so. Should the room end in the middle of a file, RocksDB may end the process.
constexpr uint64_t database_room_bytes_min = 64 << 20;

/// One thread writes; any thread may read. Snapshots may outlive the KeyValue.
[[nodiscard]] Result<std::unique_ptr<RocksDatabase>> open_rocks(
    const std::string& path, ByteView network_id,
    uint64_t room_bytes_min = database_room_bytes_min);

}  // namespace tally::io
