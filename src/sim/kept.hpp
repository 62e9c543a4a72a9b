// What is kept of decided batches: as long as the charter wants it, every honest participant has
// its cells (docs/protocol.md, section 1, "Keep").
#pragma once

#include "availability/dispersal.hpp"
#include "sim/checker.hpp"
#include "sim/world.hpp"

namespace tally::sim {

/// The batch with this header, from whoever of these has it or had it.
[[nodiscard]] std::optional<model::BatchBody> find_batch(const World& world,
                                                         const std::vector<Participant>& among,
                                                         const availability::Coder& coder,
                                                         Participant lane, LaneHeight height,
                                                         const Hash& header);

/// Waits until nobody gets cells back any more; then each of these participants has every batch
/// that is to be kept, as its own cells or whole. `log`: what was decided, from slot 1.
void check_kept(World& world, const std::vector<Participant>& participants,
                const model::Epochs& epochs, const std::vector<model::Decision>& log,
                uint64_t events_max, Findings& findings);

/// Those whose disks lose something at some time.
[[nodiscard]] ParticipantSet lost_disks(const Scenario& scenario);
/// More lost their disks than the others can make up for.
[[nodiscard]] bool may_lose_batches(const Scenario& scenario);

}  // namespace tally::sim
