// Running seeds: many, or one again; telling what was found; shrinking it to a short scenario.
#pragma once

#include <ostream>

#include "sim/seed_run.hpp"

namespace tally::sim {

struct Options {
    uint64_t seed = 1;
    uint64_t seeds = 1;
    uint32_t participants = 0;  ///< 0: drawn, mostly 4
    uint64_t steps = 0;         ///< at most so many events a seed; 0: the usual limit
    std::string canary;         ///< a name of canary_names(): this mistake is made
    std::string scenario;       ///< text of a scenario to run in place of seeds
    bool hashes = false;        ///< one line `seed hash` each, and nothing else
    bool verbose = false;       ///< tells of each seed, and of one that fails everything
    bool shrink = true;         ///< a failing seed is made as small as it goes
};

[[nodiscard]] const std::vector<std::string>& canary_names();
[[nodiscard]] Result<node::Canaries> canaries_of(const std::string& name);

/// In this process.
[[nodiscard]] SeedReport run_seed(uint64_t seed, const Options& options = {});

/// The same violation with fewer faults, liars and requests.
[[nodiscard]] SeedReport shrink(const SeedReport& failed, const node::Canaries& canaries,
                                const RunLimits& limits, uint32_t tries_max = 200);

/// What many seeds came to.
struct Summary {
    uint64_t seeds = 0, failures = 0;
    uint64_t cpu_us_median = 0;  ///< a seed
    Coverage coverage;           ///< of all
};
/// Tells `out` as it goes. Errors: SimError, of the options.
[[nodiscard]] Result<Summary> run_sim(const Options& options, std::ostream& out);

}  // namespace tally::sim
