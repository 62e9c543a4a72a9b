// `tally sim`: seeds of the simulator (sim/run.hpp).
#pragma once

#include <string>

#include "cli/output.hpp"

namespace tally::cli {

struct SimOptions {
    uint64_t seed = 1, seeds = 1, steps = 0;
    uint32_t participants = 0;
    std::string canary;
    std::string scenario;  ///< a file
    bool hashes = false, verbose = false;
};

[[nodiscard]] Result<Exit> run_simulation(const SimOptions& options, const Output& output);

}  // namespace tally::cli
