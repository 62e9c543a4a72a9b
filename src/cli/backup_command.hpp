// `tally backup` and `tally restore`.
#pragma once

#include "cli/output.hpp"

namespace tally::cli {

struct BackupOptions {
    std::string config;  ///< of the running participant
    std::string to;
    bool with_keys = false;
};
struct RestoreOptions {
    std::string backup;
    std::string to;
    std::string config;  ///< whose backup it must be; may be empty
};

[[nodiscard]] Result<Exit> run_backup(const BackupOptions& options, const Output& output);
/// The restored journal is marked as lost: what was signed after the backup is unknown.
[[nodiscard]] Result<Exit> run_restore(const RestoreOptions& options, const Output& output);

}  // namespace tally::cli
