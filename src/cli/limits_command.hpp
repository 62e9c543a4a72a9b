// `tally limits`: the table of limits, from the constants that enforce them.
#pragma once

#include "cli/output.hpp"

namespace tally::cli {

struct LimitsOptions {
    bool markdown = false;  ///< as the README has it
};

[[nodiscard]] Result<Exit> show_limits(const LimitsOptions& options, const Output& output);

}  // namespace tally::cli
