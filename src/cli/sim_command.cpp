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

template <class Kind, size_t count>
bj::object counts_by_name(const std::array<uint64_t, count>& counts) {
    bj::object named;
    for (size_t i = 0; i < count; ++i) named[sim::name_of(Kind(i))] = counts[i];
    return named;
}

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
    std::ostringstream said;
    TRY(summary, sim::run_sim(chosen, output.json() ? said : std::cout));
    const Exit exit = summary.failures == 0 ? Exit::applied : Exit::rejected;
    if (!output.json()) return exit;
    bj::array lines;
    std::istringstream from(said.str());
    for (std::string line; std::getline(from, line);) lines.emplace_back(line);
    output.json_only(
        bj::object{{"ok", exit == Exit::applied},
                   {"seeds", summary.seeds},
                   {"failures", summary.failures},
                   {"median_cpu_us", summary.cpu_us_median},
                   {"faults_struck", counts_by_name<sim::FaultKind>(summary.coverage.strikes)},
                   {"liars_lied", counts_by_name<sim::LiarKind>(summary.coverage.acts)},
                   {"lines", std::move(lines)}});
    return exit;
}

}  // namespace tally::cli
