// A backup: a folder with copies of a participant's database and journal, its charter, and a
// manifest, backup.json, which is written last and names every file with its hash.
#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <string>
#include <vector>

#include "crypto/hash.hpp"

namespace tally::cli {

enum class BackupError { incomplete, damaged, newer, foreign, not_empty };
ErrorText describe(BackupError error);

constexpr uint64_t backup_format = 1;

struct BackupFile {
    std::string path;  ///< below the backup's folder: one of the places that is_backup_path() knows
    uint64_t bytes = 0;
    Hash hash;  ///< SHA-256 of the content
};
struct BackupManifest {
    std::string network;  ///< its id, in hexadecimal digits
    std::string participant;
    uint64_t index = 0;  ///< the participant's, in the charter
    uint64_t slot = 0;   ///< the last decided; the copies hold at least that
    std::vector<std::pair<std::string, uint64_t>> ledgers;  ///< and the last executed blocks
    uint64_t time_us = 0;
    std::vector<BackupFile> files;
    uint64_t epoch = 0;  ///< that the journal is of

    [[nodiscard]] uint64_t bytes() const;
    [[nodiscard]] boost::json::object json() const;
};
/// Errors: incomplete (there is none, or it names less than a participant needs), damaged, newer.
[[nodiscard]] Result<BackupManifest> read_manifest(const std::string& backup);
[[nodiscard]] Result<BackupManifest> parse_manifest(const std::string& text);
/// That the files named are a participant's: a database, a journal and a charter. Error:
/// incomplete.
[[nodiscard]] Result<void> check_names(const BackupManifest& manifest);

/// database/NAME, journal/journal-NAME, charter or keys: never out of the folder.
[[nodiscard]] bool is_backup_path(const std::string& path);

/// Is told how many bytes more are done.
using OnBytes = std::function<void(uint64_t)>;
/// Copies the first `bytes` of a file, synced, and gives their hash. Never over a file.
[[nodiscard]] Result<Hash> copy_file(const std::string& from, const std::string& to, uint64_t bytes,
                                     const OnBytes& on_bytes);
/// That every file is there, whole and unchanged. Errors: incomplete, damaged.
[[nodiscard]] Result<void> check_files(const std::string& backup, const BackupManifest& manifest,
                                       const OnBytes& on_bytes);
/// A folder that is empty or not there yet.
[[nodiscard]] Result<void> check_empty(const std::string& folder);

}  // namespace tally::cli
