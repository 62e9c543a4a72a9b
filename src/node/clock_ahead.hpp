// ClockAhead: how far a peer's clock is ahead of the own, as its reports show it. For the operator:
// nothing is decided by it.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/strong.hpp"

namespace tally::node {

/// A report is under way for a while, and is said again byte for byte: so only the first of each
/// place counts, and of some the one that came fastest. What is heard first of all may have been
/// said before anyone listened: it only names its place.
class ClockAhead {
public:
    void on_report(Slot slot, View view, Micros theirs, Micros ours) {
        const std::pair place{slot, view};
        if (last_ && place <= *last_) return;
        if (!std::exchange(last_, place)) return;
        const uint64_t apart =
            theirs > ours ? theirs.value - ours.value : ours.value - theirs.value;
        const auto ahead = int64_t(std::min(apart, apart_us_max));
        samples_[count_ % samples_.size()] = theirs > ours ? ahead : -ahead;
        ++count_;
    }
    /// In microseconds, negative if it is behind; none before the second report.
    [[nodiscard]] std::optional<int64_t> us() const {
        if (count_ == 0) return {};
        const auto end = samples_.begin() + std::ptrdiff_t(std::min(count_, samples_.size()));
        return *std::max_element(samples_.begin(), end);
    }

private:
    static constexpr uint64_t apart_us_max =
        366ull * 86'400 * 1'000'000;  ///< what a peer may claim
    std::array<int64_t, 8> samples_{};
    size_t count_ = 0;
    std::optional<std::pair<Slot, View>> last_;
};

}  // namespace tally::node
