#include "cli/sim_command.hpp"

#include <iostream>

#include "sim/run.hpp"

namespace tally::cli {
namespace {

constexpr size_t scenario_bytes_max = 1024 * 1024;

}  // namespace

Result<Exit> run_simulation(const SimOptions& options, const Output&) {
    sim::Options chosen;
    chosen.seed = options.seed;
    chosen.seeds = options.seeds;
    chosen.steps = options.steps;
    chosen.participants = options.participants;
    chosen.canary = options.canary;
    chosen.hashes = options.hashes;
    chosen.verbose = options.verbose;
    if (!options.scenario.empty()) {
        TRY(text, read_file(options.scenario, scenario_bytes_max));
        chosen.scenario = text;
    }
    return Exit(sim::run_sim(chosen, std::cout));
}

}  // namespace tally::cli
