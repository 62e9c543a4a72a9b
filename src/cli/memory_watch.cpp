#include "cli/memory_watch.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>

namespace tally::cli {
namespace {

/// proc(5): the second number of statm, in pages. Zero once the process is gone.
uint64_t resident_mib_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
    uint64_t all = 0, resident = 0;
    file >> all >> resident;
    return resident * uint64_t(::sysconf(_SC_PAGESIZE)) / (1024 * 1024);
}

}  // namespace

MemoryWatch::MemoryWatch(std::vector<pid_t> processes)
    : processes_(std::move(processes)), thread_([this] { run(); }) {}

void MemoryWatch::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        changed_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

void MemoryWatch::run() {
    std::unique_lock lock(mutex_);
    do {
        uint64_t largest = 0;
        for (const pid_t pid : processes_) largest = std::max(largest, resident_mib_of(pid));
        samples_mib_.push_back(largest);
    } while (!changed_.wait_for(lock, std::chrono::seconds(1), [&] { return stopping_; }));
}

std::vector<uint64_t> MemoryWatch::largest_mib(size_t count_max) const {
    return spread(samples_mib_, count_max);
}

std::vector<uint64_t> spread(const std::vector<uint64_t>& samples, size_t count_max) {
    if (samples.size() <= count_max || count_max < 2) return samples;
    std::vector<uint64_t> kept;
    for (size_t i = 0; i < count_max; ++i)
        kept.push_back(samples[i * (samples.size() - 1) / (count_max - 1)]);
    return kept;
}

}  // namespace tally::cli
