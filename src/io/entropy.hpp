// Entropy: the operating system's random bytes, for keys alone. Nothing at or below node/ may ask
// for them.
#pragma once

#include <cstdint>
#include <span>

namespace tally::io {

/// Never fails: aborts if the system has no entropy.
void fill_random(std::span<uint8_t> bytes);

}  // namespace tally::io
