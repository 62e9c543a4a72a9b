// Running a scenario in a process of its own, so that a failed ENSURE, a crash or an endless loop
// of the code under test is a finding like any other.
#pragma once

#include "sim/seed_run.hpp"

namespace tally::sim {

/// As run_scenario(), with the CPU time that it took. What the child printed on its way down
/// becomes part of the violation "no participant crashes".
[[nodiscard]] SeedReport run_apart(const Scenario& scenario, const node::Canaries& canaries,
                                   const RunLimits& limits);

}  // namespace tally::sim
