// Allowance: how much one peer may still ask of us. A small question may have a large answer, so
// answers are counted against whoever asked, in number and in bytes.
#pragma once

#include <algorithm>
#include <cstdint>

namespace tally {

/// Two buckets that fill with time, by the monotonic clock that it is told. Pure; never wraps.
class Allowance {
public:
    struct Rates {
        uint64_t answers_per_second, answers_burst;
        uint64_t bytes_per_second, bytes_burst;
    };
    explicit constexpr Allowance(const Rates& rates)
        : answers_{rates.answers_per_second, rates.answers_burst * units},
          bytes_{rates.bytes_per_second, rates.bytes_burst * units},
          answers_max_(answers_.level),
          bytes_max_(bytes_.level) {}

    /// Counts one answer; false when too many or too large ones were given lately. The size of an
    /// answer need not be known before: the last one may be larger than what is left, and the time
    /// that pays for it passes before the next.
    [[nodiscard]] constexpr bool take_answer(uint64_t now_us) {
        if (now_us > filled_us_) {
            answers_.fill(now_us - filled_us_, answers_max_);
            bytes_.fill(now_us - filled_us_, bytes_max_);
            filled_us_ = now_us;
        }
        if (answers_.level < units || bytes_.level == 0) return false;
        answers_.level -= units;
        return true;
    }
    /// How large the answer was.
    constexpr void take_bytes(uint64_t bytes) {
        const uint64_t taken = std::min(bytes, bytes_max_ / units) * units;
        if (taken > bytes_.level)
            bytes_.debt = std::min(bytes_.debt + (taken - bytes_.level), bytes_max_);
        bytes_.level -= std::min(taken, bytes_.level);
    }

private:
    static constexpr uint64_t units = 1'000'000;  ///< a microsecond fills `per_second` of them
    struct Bucket {
        uint64_t per_second;
        uint64_t level;
        uint64_t debt = 0;
        constexpr void fill(uint64_t us, uint64_t level_max) {
            const uint64_t room = debt + (level_max - level);
            if (per_second == 0) return;
            const uint64_t poured = us >= room / per_second + 1 ? room : us * per_second;
            const uint64_t paid = std::min(poured, debt);
            debt -= paid;
            level += std::min(poured - paid, level_max - level);
        }
    };
    Bucket answers_, bytes_;
    uint64_t answers_max_, bytes_max_;
    uint64_t filled_us_ = 0;
};

/// What an honest laggard needs to catch up fast, of each of us; and no more.
inline constexpr Allowance::Rates answers_to_a_peer{4'000, 8'000, 32ull * 1024 * 1024,
                                                    64ull * 1024 * 1024};

}  // namespace tally
