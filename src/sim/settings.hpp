// The settings of simulated participants, in which real ones differ as well.
#pragma once

#include "node/node.hpp"
#include "sim/scenario.hpp"

namespace tally::sim {

/// For `config.self`, which starts for the `start`-th time.
void draw_settings(const Scenario& scenario, uint64_t start, node::Config& config);

}  // namespace tally::sim
