// ProcessMeter: what this process takes of its machine, for `/metrics`.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "api/metrics.hpp"

namespace tally::cli {

/// Thread-safe.
class ProcessMeter {
public:
    /// A sync of the journal took so long.
    void on_sync(uint64_t us);
    /// `folder`: on the disk whose free space counts.
    [[nodiscard]] api::ProcessUse use(const std::string& folder) const;

private:
    using Clock = std::chrono::steady_clock;
    const std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
    mutable std::mutex mutex_;
    uint64_t syncs_ = 0, sync_us_ = 0;
    /// The longest of this half of a minute and of the one before.
    uint64_t longest_us_ = 0, longest_before_us_ = 0;
    Clock::time_point half_began_ = Clock::now();
};

}  // namespace tally::cli
