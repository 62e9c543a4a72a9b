// What one participant knows of one lane: what it acknowledged, the certificates and headers it
// holds, and what of the lane it must still fetch.
//
// Bookkeeping only: signatures are checked, and effects made, by the machine.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "availability/retrieval.hpp"
#include "model/messages.hpp"

namespace tally::availability {

class Lane {
public:
    // --- acknowledging ---
    /// The newest own acknowledgement. Older ones serve nobody: a batch above theirs exists, so its
    /// author had their certificate.
    [[nodiscard]] const std::optional<model::Signed<model::Acknowledgement>>& acknowledged() const {
        return acknowledged_;
    }
    void acknowledge(const model::Signed<model::Acknowledgement>& acknowledgement) {
        acknowledged_ = acknowledgement;
    }

    // --- certificates ---
    [[nodiscard]] const model::LaneCertificate* certificate(LaneHeight height) const;
    [[nodiscard]] const std::map<LaneHeight, model::LaneCertificate>& certificates() const {
        return certificates_;
    }
    /// The highest of all, decided or not; null if none is held.
    [[nodiscard]] const model::LaneCertificate* newest_certificate() const;
    /// Keeps a checked certificate, and `kept_max` in all: the oldest go first. False if it is not
    /// kept: one is held at this height, the height is decided, or it is the oldest of too many.
    bool hold_certificate(const model::LaneCertificate& certificate, size_t kept_max);
    /// Of a decided tip; it may be asked for a little longer.
    void hold_decided_certificate(const model::LaneCertificate& certificate);

    // --- batches ---
    [[nodiscard]] bool holds(const LanePlace& place) const { return held_.contains(place); }
    void hold(const model::BatchHeader& header, const Hash& hash);
    /// Its header is known, and the batch is not held yet.
    void see(const model::BatchHeader& header, const Hash& hash);
    /// What was gathered of a batch that is not held; null if nothing is.
    [[nodiscard]] const Gathering* gathering(const LanePlace& place) const;
    /// Keeps verified cells, as long as the batch is fetched, and returns what there is now.
    /// Requires that the batch is not held.
    Gathering& gather(const model::BatchHeader& header, const Hash& hash, model::CellSet cells);

    // --- the decided part ---
    [[nodiscard]] const model::CutEntry& cut() const { return cut_; }
    /// Total bytes of the lane at the highest decided header that is held: at most the true total.
    [[nodiscard]] uint64_t decided_bytes() const { return decided_bytes_; }
    void resume_from(const model::CutEntry& executed, uint64_t total_bytes);
    /// What was decided up to here is needed no more, though it was never held.
    void skip_to(const model::CutEntry& executed, uint64_t total_bytes);
    /// Ignored unless higher than the cut known.
    void decide(const model::CutEntry& tip);
    /// Before decide(): what that decides at `now` is held back from execution until `until`.
    void hold_back(const model::CutEntry& tip, Micros now, Micros until);
    /// From here the window counts: the highest of what is decided and not held back.
    [[nodiscard]] LaneHeight window_from() const {
        return held_back_.empty() ? cut_.height : held_back_.front().second;
    }
    /// Every decided batch up to here is held.
    [[nodiscard]] LaneHeight held_through() const { return held_through_; }

    // --- fetching ---
    /// Finds out what is to be fetched now: the lowest decided batches that are missing, and
    /// certified ones above the cut. Newly noticed ones at `now_us`, but certified ones of which
    /// nothing is known at `unseen_at_us`.
    void refresh_fetches(uint64_t now_us, uint64_t unseen_at_us);
    [[nodiscard]] std::map<LanePlace, Fetch>& fetches() { return fetches_; }
    [[nodiscard]] const std::map<LanePlace, Fetch>& fetches() const { return fetches_; }

private:
    struct Held {
        Hash parent;
        uint64_t total_bytes = 0;
    };
    [[nodiscard]] std::optional<LanePlace> first_missing(LanePlace from, LaneHeight floor) const;
    void settle();
    void forget_held_through();
    void drop_old_certificates();

    std::optional<model::Signed<model::Acknowledgement>> acknowledged_;
    std::map<LaneHeight, model::LaneCertificate> certificates_;
    std::map<LanePlace, Held> held_;  ///< above held_through_
    std::map<LanePlace, Held> seen_;  ///< likewise, of headers alone
    model::CutEntry cut_;
    std::deque<std::pair<Micros, LaneHeight>> held_back_;  ///< until when what is above is
    uint64_t decided_bytes_ = 0;
    LaneHeight held_through_;
    std::map<LaneHeight, Hash> tips_;  ///< decided, above held_through_
    std::map<LanePlace, Fetch> fetches_;
    std::map<LanePlace, Gathering> gatherings_;  ///< of some fetches
};

}  // namespace tally::availability
