// What stands beside a journal and says that it is lost: the participant then starts, and signs
// nothing in this epoch (docs/protocol.md, section 5).
#pragma once

#include <optional>
#include <string>

#include "model/charter.hpp"
#include "ports/key_value.hpp"

namespace tally::cli {

/// Before the journal is opened, which would begin a new one: it is marked, or it is missing while
/// the database holds executed blocks of this epoch. Nothing says that it is lost: nothing.
[[nodiscard]] Result<std::optional<std::string>> why_journal_is_lost(
    const std::string& journal_folder, const model::Charter& charter,
    const ports::KeyValue& database);
/// Nothing was ever signed in it, or it is not there.
[[nodiscard]] bool is_journal_empty(const std::string& journal_folder);
/// Creates the folder. A journal put there afterwards counts as lost, until the folder is replaced.
[[nodiscard]] Result<void> mark_journal_lost(const std::string& journal_folder,
                                             const std::string& why);

/// How often the participant has started, as it was written down outside of the journal's disk;
/// nothing if the file is not there yet, or counts those of an earlier epoch.
[[nodiscard]] Result<std::optional<uint64_t>> read_start_counter(const std::string& path,
                                                                 Epoch epoch);
[[nodiscard]] Result<void> write_start_counter(const std::string& path, Epoch epoch,
                                               uint64_t count);

}  // namespace tally::cli
