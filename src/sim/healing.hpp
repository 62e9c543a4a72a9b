// What was altered on disks is found and healed, and then every state is the same everywhere.
#pragma once

#include "sim/checker.hpp"
#include "sim/world.hpp"

namespace tally::sim {

/// Has each of these participants read its whole disk until two passes in a row find nothing; and
/// compares what they hold then.
void check_healing(World& world, const std::vector<Participant>& participants, uint64_t events_max,
                   Findings& findings);

}  // namespace tally::sim
