// Data that is damaged is put aside under another name, never removed, before it is made again.
#pragma once

#include <functional>
#include <string>

#include "cli/operator_log.hpp"

namespace tally::cli {

using SayLine = std::function<void(LogLine)>;

/// More often the disk itself is not to be trusted.
constexpr uint32_t set_asides_max = 8;

/// `database` becomes `database.damaged-N`: all of it can be made again from the journal and the
/// others. Errors: `why`, if it cannot be renamed; disk_untrusted after set_asides_max times.
[[nodiscard]] Result<void> set_database_aside(const std::string& data_folder, const Error& why,
                                              const SayLine& log);
/// `journal` becomes `journal.damaged-N`, and an empty one that counts as lost takes its place.
/// Nobody else knows what it holds: whatever was signed, nothing more is in this epoch.
[[nodiscard]] Result<void> set_damaged_journal_aside(const std::string& data_folder,
                                                     const Error& why, const SayLine& log);

}  // namespace tally::cli
