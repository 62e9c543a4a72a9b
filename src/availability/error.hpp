// What availability tells a submitter.
#pragma once

#include "base/result.hpp"

namespace tally::availability {

enum class AvailabilityError { busy, own_lane_unknown, envelope_too_small, envelope_too_large };
ErrorText describe(AvailabilityError error);

}  // namespace tally::availability
