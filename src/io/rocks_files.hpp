// The files of a RocksDB database: whether they are as they were written, and what is remembered of
// one that was not.
#pragma once

#include <string>
#include <vector>

#include "ports/key_value.hpp"

namespace rocksdb {
class DB;
class Status;
}  // namespace rocksdb

namespace tally::io {

/// KeyValueError::damaged, if what RocksDB read is not what it wrote; else io_failed.
[[nodiscard]] Error error_of(const rocksdb::Status& status);

/// Paths of all table files in use, ascending.
[[nodiscard]] std::vector<std::string> table_files(rocksdb::DB& db);
/// Reads the file and compares each block with its checksum; returns its size in bytes, or zero if
/// it is not in use any more. From any thread. Errors: KeyValueError::damaged, io_failed.
[[nodiscard]] Result<uint64_t> check_table_file(rocksdb::DB& db, const std::string& file);

/// The same for all table files of the database in a folder that nobody has open; their bytes
/// together. Changes nothing.
[[nodiscard]] Result<uint64_t> check_folder(const std::string& folder);

/// Remembers in the database's folder that it is damaged, whatever else happens to the process.
void mark_damaged(const std::string& folder, const Error& why);
/// Error: damaged, if that was remembered.
[[nodiscard]] Result<void> check_not_marked(const std::string& folder);

}  // namespace tally::io
