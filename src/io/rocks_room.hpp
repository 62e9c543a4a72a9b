// Files of RocksDB that are begun only where there is room for them.
#pragma once

#include <rocksdb/file_system.h>

#include <memory>

namespace tally::io {

/// Begins no new file while the disk has less than this left.
[[nodiscard]] std::shared_ptr<rocksdb::FileSystem> file_system_with_room(
    const std::shared_ptr<rocksdb::FileSystem>& below, uint64_t room_bytes_min);

}  // namespace tally::io
