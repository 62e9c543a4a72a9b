// `tally scrub`: has a participant on this machine read everything on its disk again, now.
#pragma once

#include "cli/output.hpp"

namespace tally::cli {

struct ScrubOptions {
    std::string config;  ///< of the running participant
    bool no_wait = false;
};
[[nodiscard]] Result<Exit> run_scrub(const ScrubOptions& options, const Output& output);

}  // namespace tally::cli
