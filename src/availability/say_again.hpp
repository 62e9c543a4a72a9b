// Something that is said again at growing intervals until it has had its effect.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace tally::availability {

class SayAgain {
public:
    static constexpr uint64_t never_us = std::numeric_limits<uint64_t>::max();

    void start(uint64_t now_us, uint64_t after_us) {
        after_us_ = after_us;
        at_us_ = now_us + after_us;
    }
    void stop() { at_us_ = never_us; }
    [[nodiscard]] uint64_t at_us() const { return at_us_; }
    /// True iff it is time; the next time is then twice as far away, at most `after_us_max`.
    bool due(uint64_t now_us, uint64_t after_us_max) {
        if (now_us < at_us_) return false;
        after_us_ = std::min(2 * after_us_, after_us_max);
        at_us_ = now_us + after_us_;
        return true;
    }

private:
    uint64_t at_us_ = never_us;
    uint64_t after_us_ = 0;
};

}  // namespace tally::availability
