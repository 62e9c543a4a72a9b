// What was altered on disks is found and healed, and then every state is the same everywhere.
#pragma once

#include "sim/checker.hpp"
#include "sim/world.hpp"

namespace tally::sim {

/// Has each of these participants read its whole disk until two passes in a row find nothing; and
/// compares what they hold then.
void check_healing(World& world, const std::vector<Participant>& participants, uint64_t events_max,
                   Findings& findings);

/// When all is to be well again at the latest, if nothing more goes wrong.
[[nodiscard]] uint64_t healed_by_us(const World& world, const std::vector<Participant>& honest,
                                    const Scenario& scenario, const Quorum& quorum,
                                    const model::Parameters& parameters);

/// Until a window that disputes opened is over, slots come by time: for at most so long.
[[nodiscard]] uint64_t slots_by_time_us(const Scenario& scenario,
                                        const model::Parameters& parameters);

}  // namespace tally::sim
