// `tally node`: one participant as a process, until SIGINT or SIGTERM.
#pragma once

#include <string>

#include "cli/output.hpp"

namespace tally::cli {

struct NodeOptions {
    std::string config;
    int with_parent = 0;  ///< not 0: end when the process with this id, which started this, ends
    bool quiet = false;   ///< log warnings and errors only
    std::string log_level, log_format;  ///< empty: as configured
};

[[nodiscard]] Result<Exit> run_node(const NodeOptions& options, const Output& output);

}  // namespace tally::cli
