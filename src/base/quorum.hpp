// Quorum arithmetic (docs/protocol.md, section 0).
#pragma once

#include <cstdint>

namespace tally {

/// n participants survive f = ⌊(n−1)/3⌋ liars with votes of q = n − f.
struct Quorum {
    uint32_t liars_max;  ///< f
    uint32_t votes_min;  ///< q

    /// Requires 1 ≤ n ≤ 255.
    static constexpr Quorum of(uint32_t participant_count) {
        const uint32_t liars = (participant_count - 1) / 3;
        return {liars, participant_count - liars};
    }
};

/// More than half of p provers: m = ⌊p/2⌋ + 1.
constexpr uint32_t majority_of(uint32_t prover_count) {
    return prover_count / 2 + 1;
}

// Any two quorums share at least one honest participant: 2q − n ≥ f + 1.
constexpr bool quorums_meet_in_honest(uint32_t n) {
    const Quorum quorum = Quorum::of(n);
    return 2 * quorum.votes_min - n >= quorum.liars_max + 1;
}
constexpr bool every_size_is_safe() {
    for (uint32_t n = 1; n <= 255; ++n) {
        if (!quorums_meet_in_honest(n)) return false;
    }
    return true;
}
static_assert(every_size_is_safe());

}  // namespace tally
