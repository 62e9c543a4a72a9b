// MemoryWatch: how much memory other processes hold, second by second, while something goes on.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace tally::cli {

class MemoryWatch {
public:
    /// Looks at once, and then every second until it is stopped.
    explicit MemoryWatch(std::vector<pid_t> processes);
    ~MemoryWatch() { stop(); }
    MemoryWatch(const MemoryWatch&) = delete;
    MemoryWatch& operator=(const MemoryWatch&) = delete;
    void stop();

    /// Of whoever held most then, in MiB: at most so many of the samples, evenly spread, the first
    /// and the last among them. Requires that it was stopped.
    [[nodiscard]] std::vector<uint64_t> largest_mib(size_t count_max) const;

private:
    void run();
    const std::vector<pid_t> processes_;
    std::vector<uint64_t> samples_mib_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_ = false;
    std::thread thread_;
};

/// The samples that are kept: evenly spread, with the first and the last.
[[nodiscard]] std::vector<uint64_t> spread(const std::vector<uint64_t>& samples, size_t count_max);

}  // namespace tally::cli
