#include "cli/sim_command.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <iostream>
#include <sstream>

#include "sim/run.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;

constexpr size_t scenario_bytes_max = 1024 * 1024;

}  // namespace

Result<Exit> run_simulation(const SimOptions& options, const Output& output) {
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
    if (!output.json()) return Exit(sim::run_sim(chosen, std::cout));
    std::ostringstream said;
    const auto exit = Exit(sim::run_sim(chosen, said));
    bj::array lines;
    std::istringstream from(said.str());
    for (std::string line; std::getline(from, line);) lines.emplace_back(line);
    output.json_only(bj::object{{"ok", exit == Exit::applied}, {"lines", std::move(lines)}});
    return exit;
}

}  // namespace tally::cli
