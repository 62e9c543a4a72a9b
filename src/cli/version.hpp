// What this build of the program calls itself.
#pragma once

#include <string>

namespace tally::cli {

/// Of --version, the log and the status: the version, and what TALLY_BUILD says behind it.
[[nodiscard]] std::string build_version();

}  // namespace tally::cli
