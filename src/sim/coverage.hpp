// Coverage: how often each kind of fault struck and each kind of liar lied, and what was kept. What
// was drawn may still have met nobody; these count what happened.
#pragma once

#include <array>

#include "sim/scenario.hpp"

namespace tally::sim {

struct Coverage {
    /// Messages, syncs, writes or processes that it touched.
    std::array<uint64_t, size_t(fault_kind_last) + 1> strikes{};
    /// What a liar changed, kept back or made up.
    std::array<uint64_t, size_t(liar_kind_last) + 1> acts{};

    /// Batches that honest participants dropped and got back, in their last lives.
    uint64_t batches_dropped = 0, batches_restored = 0;
    /// Sealed transactions that were executed, the void ones among them, and batches that were
    /// executed in a later slot than they were decided in.
    uint64_t sealed_opened = 0, sealed_void = 0, held_back = 0;
    /// At the end, by honest participants: that a censor leaves a lane behind.
    uint64_t censors_named = 0;
    /// Audits of honest participants in their last lives, and, at the end, by how many of them a
    /// discarder is named.
    uint64_t audits_passed = 0, audits_missed = 0, discarders_named = 0;

    uint64_t& strikes_of(FaultKind kind) { return strikes[size_t(kind)]; }
    [[nodiscard]] uint64_t strikes_of(FaultKind kind) const { return strikes[size_t(kind)]; }
    uint64_t& acts_of(LiarKind kind) { return acts[size_t(kind)]; }
    [[nodiscard]] uint64_t acts_of(LiarKind kind) const { return acts[size_t(kind)]; }

    Coverage& operator+=(const Coverage& other) {
        for (size_t i = 0; i < strikes.size(); ++i) strikes[i] += other.strikes[i];
        for (size_t i = 0; i < acts.size(); ++i) acts[i] += other.acts[i];
        batches_dropped += other.batches_dropped;
        batches_restored += other.batches_restored;
        censors_named += other.censors_named;
        sealed_opened += other.sealed_opened;
        sealed_void += other.sealed_void;
        held_back += other.held_back;
        audits_passed += other.audits_passed;
        audits_missed += other.audits_missed;
        discarders_named += other.discarders_named;
        return *this;
    }
};

}  // namespace tally::sim
