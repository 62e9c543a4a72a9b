// LanesLeft: which lanes others leave behind in what they report, so that people see who would keep
// whom from being ordered. For the operator: nothing is decided by it, and nobody is proved guilty.
#pragma once

#include <algorithm>
#include <deque>
#include <span>
#include <utility>
#include <vector>

#include "base/strong.hpp"

namespace tally::node {

/// Whoever holds a certificate reports it or a later one. A certificate that was known here for a
/// second has reached all who are well connected; a report that names less then is one that leaves
/// the lane behind.
class LanesLeft {
public:
    static constexpr uint64_t known_us_min = 1'000'000;
    static constexpr size_t heights_max = 64;  ///< that are remembered of a lane

    explicit LanesLeft(uint32_t participants)
        : lanes_(participants),
          places_(participants),
          left_(participants, std::vector<bool>(participants)) {}

    /// Is certified, or decided.
    void on_known(Participant lane, LaneHeight height, uint64_t now_us) {
        auto& known = lanes_[lane.value];
        if (!known.empty() && height <= known.back().first) return;
        while (known.size() > 1 && known[1].second + known_us_min <= now_us) known.pop_front();
        if (known.size() < heights_max) known.emplace_back(height, now_us);
    }
    /// `heights`: of each lane, what the report names. One is said again byte for byte: only the
    /// first of its place counts.
    void on_report(Participant from, std::pair<Slot, View> place,
                   std::span<const LaneHeight> heights, uint64_t now_us) {
        if (place <= places_[from.value]) return;
        places_[from.value] = place;
        for (size_t i = 0; i < std::min(heights.size(), lanes_.size()); ++i)
            left_[from.value][i] = heights[i] < known_by_all(lanes_[i], now_us);
    }
    /// Whose newest report leaves this lane behind.
    [[nodiscard]] std::vector<Participant> by(Participant lane) const {
        std::vector<Participant> who;
        for (size_t i = 0; i < left_.size(); ++i) {
            if (left_[i][lane.value]) who.push_back({uint8_t(i)});
        }
        return who;
    }
    /// The highest known; and since when a higher one than `decided` is.
    [[nodiscard]] LaneHeight certified(Participant lane) const {
        const auto& known = lanes_[lane.value];
        return known.empty() ? LaneHeight{} : known.back().first;
    }
    [[nodiscard]] uint64_t waiting_us(Participant lane, LaneHeight decided, uint64_t now_us) const {
        for (const auto& [height, since_us] : lanes_[lane.value]) {
            if (height > decided) return now_us - since_us;
        }
        return 0;
    }

private:
    using Known = std::deque<std::pair<LaneHeight, uint64_t>>;  ///< ascending, and since when
    static LaneHeight known_by_all(const Known& known, uint64_t now_us) {
        LaneHeight highest;
        for (const auto& [height, since_us] : known) {
            if (since_us + known_us_min > now_us) break;
            highest = height;
        }
        return highest;
    }

    std::vector<Known> lanes_;
    std::vector<std::pair<Slot, View>> places_;  ///< of the newest report of each
    std::vector<std::vector<bool>> left_;        ///< by reporter, then lane
};

}  // namespace tally::node
