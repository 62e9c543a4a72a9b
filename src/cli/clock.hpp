// The clocks of this machine, in the units of the node.
#pragma once

#include <chrono>

#include "model/effects.hpp"

namespace tally::cli {

/// Since 1970, by the machine's wall clock.
[[nodiscard]] inline Micros wall_now() {
    using namespace std::chrono;
    return {uint64_t(duration_cast<microseconds>(system_clock::now().time_since_epoch()).count())};
}
/// Microseconds since some moment before this process began; never goes back.
[[nodiscard]] inline uint64_t steady_now_us() {
    using namespace std::chrono;
    return uint64_t(duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count());
}

}  // namespace tally::cli
