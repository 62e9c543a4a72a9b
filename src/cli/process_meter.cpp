#include "cli/process_meter.hpp"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace tally::cli {
namespace {

constexpr auto half_a_minute = std::chrono::seconds(30);

uint64_t micros(const timeval& time) {
    return uint64_t(time.tv_sec) * 1'000'000 + uint64_t(time.tv_usec);
}

/// proc(5): the second number of statm, in pages.
uint64_t resident_bytes() {
    std::ifstream file("/proc/self/statm");
    uint64_t all = 0, resident = 0;
    file >> all >> resident;
    return resident * uint64_t(::sysconf(_SC_PAGESIZE));
}

uint64_t open_descriptors() {
    std::error_code failed;
    const std::filesystem::directory_iterator all("/proc/self/fd", failed);
    return failed ? 0 : uint64_t(std::distance(begin(all), end(all)));
}

}  // namespace

void ProcessMeter::on_sync(uint64_t us) {
    const auto now = Clock::now();
    const std::lock_guard lock(mutex_);
    ++syncs_;
    sync_us_ += us;
    if (now - half_began_ >= half_a_minute) {
        longest_before_us_ = now - half_began_ < 2 * half_a_minute ? longest_us_ : 0;
        longest_us_ = 0;
        half_began_ = now;
    }
    longest_us_ = std::max(longest_us_, us);
}

api::ProcessUse ProcessMeter::use(const std::string& folder) const {
    api::ProcessUse use;
    use.resident_bytes = resident_bytes();
    rusage usage{};
    if (::getrusage(RUSAGE_SELF, &usage) == 0)
        use.cpu_us = micros(usage.ru_utime) + micros(usage.ru_stime);
    use.descriptors = open_descriptors();
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) use.descriptors_max = limit.rlim_cur;
    use.started_s = uint64_t(
        std::chrono::duration_cast<std::chrono::seconds>(started_.time_since_epoch()).count());
    struct statvfs space {};
    if (::statvfs(folder.c_str(), &space) == 0)
        use.disk_free_bytes = space.f_bavail * space.f_frsize;
    const std::lock_guard lock(mutex_);
    use.syncs = syncs_;
    use.sync_us = sync_us_;
    use.sync_us_max = std::max(longest_us_, longest_before_us_);
    return use;
}

}  // namespace tally::cli
