// Data that is damaged is put aside under another name, never removed, before it is made again.
#pragma once

#include <functional>
#include <string>

#include "cli/operator_log.hpp"

namespace tally::cli {

/// More often the disk itself is not to be trusted.
constexpr uint32_t set_asides_max = 8;

/// FOLDER becomes FOLDER.damaged-N; `what` it is, and what happens next, is said in the log.
/// Errors: `why`, if it cannot be renamed or was put aside set_asides_max times already.
[[nodiscard]] Result<void> set_aside(const std::string& folder, const Error& why,
                                     std::string_view event, const std::string& what_next,
                                     const std::function<void(LogLine)>& log);

}  // namespace tally::cli
