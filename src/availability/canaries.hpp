// How liars date batches and choose what vouches for them; never set outside of tests.
#pragma once

#include <cstdint>

namespace tally::availability {

struct Canaries {
    /// Its acknowledgements say a time so much earlier than its clock, of its own batches too.
    uint64_t backdates_us = 0;
    /// As an author it waits a while for more acknowledgements than a quorum, and certifies with
    /// those of the earliest or of the latest times.
    enum class Pick : uint8_t { first, earliest, latest } pick = Pick::first;

    bool operator==(const Canaries&) const = default;
};

}  // namespace tally::availability
