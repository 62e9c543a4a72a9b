// What one participant knows of one lane: what it acknowledged, the certificates and headers it
// holds, and what of the decided part it must still fetch.
//
// Bookkeeping only: signatures are checked, and effects made, by the machine.
#pragma once

#include <map>
#include <set>

#include "availability/dispersal.hpp"
#include "availability/refusal.hpp"
#include "model/messages.hpp"

namespace tally::availability {

/// A batch of a lane that is to be fetched: asked of one participant after another until held.
struct Fetch {
    uint64_t ask_at_us = 0;
    uint32_t asked = 0;
    auto operator<=>(const Fetch&) const = default;
};

class Lane {
public:
    using At = std::pair<LaneHeight, Hash>;  ///< a place in the lane and a header hash

    // --- acknowledging ---
    /// The own acknowledgement at this height, if one was signed and is still kept.
    [[nodiscard]] const model::Signed<model::Acknowledgement>* acknowledged(
        LaneHeight height) const;
    [[nodiscard]] LaneHeight acknowledged_height() const { return acknowledged_height_; }
    /// No time at or before this may be signed again in this lane.
    [[nodiscard]] Micros acknowledged_time() const { return acknowledged_time_; }
    void acknowledge(const model::Signed<model::Acknowledgement>& acknowledgement);

    // --- certificates ---
    [[nodiscard]] const model::LaneCertificate* certificate(LaneHeight height) const;
    [[nodiscard]] const model::LaneCertificate* newest_certificate() const;
    /// Keeps a checked certificate; at most `kept_max`, the oldest go first. False if one is held
    /// at this height, or its height is long decided.
    bool hold_certificate(const model::LaneCertificate& certificate, size_t kept_max);

    // --- batches ---
    [[nodiscard]] bool holds(const At& at) const { return held_.contains(at); }
    void hold(const model::BatchHeader& header, const Hash& hash);

    // --- the decided part ---
    [[nodiscard]] LaneHeight cut_height() const { return cut_.height; }
    [[nodiscard]] const model::CutEntry& cut() const { return cut_; }
    /// Total bytes of the lane at the highest held header that is decided: never more than the true
    /// total at the cut.
    [[nodiscard]] uint64_t decided_bytes() const { return decided_bytes_; }
    [[nodiscard]] LaneHeight held_through() const { return held_through_; }
    void resume_from(const model::CutEntry& executed, uint64_t total_bytes);
    void decide(const model::CutEntry& tip);

    /// The fetches now wanted: of the decided part the lowest missing ones, and certified batches
    /// above it. New ones are due at `decided_at_us` or `certified_at_us`.
    std::map<At, Fetch>& refresh_fetches(uint64_t decided_at_us, uint64_t certified_at_us);
    [[nodiscard]] const std::map<At, Fetch>& fetches() const { return fetches_; }

private:
    struct Held {
        Hash parent;
        uint64_t total_bytes = 0;
    };
    void settle();

    std::map<LaneHeight, model::Signed<model::Acknowledgement>> acknowledged_;
    LaneHeight acknowledged_height_;
    Micros acknowledged_time_;
    std::map<LaneHeight, model::LaneCertificate> certificates_;
    std::map<At, Held> held_;
    model::CutEntry cut_;
    uint64_t decided_bytes_ = 0;
    LaneHeight held_through_;
    std::map<LaneHeight, Hash> anchors_;  ///< decided tips that are not whole yet
    std::map<At, Fetch> fetches_;
};

}  // namespace tally::availability
