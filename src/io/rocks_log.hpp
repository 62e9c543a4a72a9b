// What RocksDB says of itself, in the file LOG of its folder.
#pragma once

#include <rocksdb/env.h>

#include <memory>
#include <string>

namespace tally::io {

/// Warnings and errors; what an earlier process left goes to LOG.old. Nothing comes of it when
/// nothing can be written: RocksDB's own log would end the process on a full disk. At most
/// `bytes_max` are written.
[[nodiscard]] std::shared_ptr<rocksdb::Logger> database_log(const std::string& folder,
                                                            size_t bytes_max = 4 << 20);

}  // namespace tally::io
