// Whom honest participants blame: never each other, and in the end whoever keeps nothing
// (docs/protocol.md, section 1, "Audit").
#pragma once

#include <functional>

#include "model/charter.hpp"
#include "sim/checker.hpp"
#include "sim/world.hpp"

namespace tally::sim {

/// Gives the network work until each of these participants says of every discarder that it does not
/// keep what it should. Whose own disk lost something need not.
void check_discarders(World& world, const Scenario& scenario, const model::CharterBody& charter,
                      const std::vector<Participant>& participants,
                      const std::function<void()>& give_work, uint64_t events_max,
                      Findings& findings);

/// None of these participants holds evidence against another, or says that it does not keep what it
/// should. How often one of them named an equivocator.
[[nodiscard]] uint64_t check_blame(const World& world, const Scenario& scenario,
                                   const std::vector<Participant>& participants,
                                   Findings& findings);

}  // namespace tally::sim
