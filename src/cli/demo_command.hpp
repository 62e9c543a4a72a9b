// `tally demo`: four organisations keep one ledger of real package records, on this machine.
#pragma once

#include "cli/output.hpp"

namespace tally::cli {

struct DemoOptions {
    std::string folder;   ///< where everything is kept; empty: a temporary one, removed at the end
    std::string records;  ///< a package index; empty: the one that comes with the program
    bool check = false;   ///< do not stay; fail if any step fails
};

[[nodiscard]] Result<Exit> run_demo(const DemoOptions& options, const Output& output);

}  // namespace tally::cli
