// What participants say of themselves, for whoever looks for the reason of a finding.
#pragma once

#include "sim/world.hpp"

namespace tally::sim {

[[nodiscard]] std::string where_they_stand(const World& world,
                                           const std::vector<Participant>& participants);

}  // namespace tally::sim
