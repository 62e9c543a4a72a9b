// What operators do when too many journals are lost.
#pragma once

#include "model/charter.hpp"
#include "sim/world.hpp"

namespace tally::sim {

/// Each of these says how far it knows the newest epoch, by what its database holds, and the
/// farthest counts. Everybody takes part in the next with these keys.
[[nodiscard]] model::RecoveryBody recovery_stated_by(const std::vector<Participant>& signers,
                                                     const World& world,
                                                     const model::Epochs& epochs,
                                                     const std::vector<model::EpochKeys>& keys);

}  // namespace tally::sim
