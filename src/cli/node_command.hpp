// `tally node`: one participant as a process, until SIGINT or SIGTERM.
#pragma once

#include <string>

#include "cli/output.hpp"

namespace tally::cli {

struct NodeOptions {
    std::string config;
    bool with_parent = false;  ///< end when the process that started this one ends
    bool quiet = false;        ///< log warnings and errors only
};

[[nodiscard]] Result<Exit> run_node(const NodeOptions& options, const Output& output);

}  // namespace tally::cli
