// What `tally doctor` makes of what it has measured: each function judges one reading.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace tally::cli {

enum class Health : uint8_t { ok, warning, failed };
[[nodiscard]] std::string_view name_of(Health health);

struct Finding {
    Health health = Health::ok;
    std::string check;      ///< what was looked at: "clock", "disk space", …
    std::string what;       ///< what was found
    std::string why = {};   ///< why that is not well; empty if it is
    std::string next = {};  ///< what to do; empty if nothing
};
using Findings = std::vector<Finding>;

/// Of adjtimex(2).
struct ClockReading {
    bool known = false;
    bool synchronised = false;
    uint64_t error_us_max = 0;
};
[[nodiscard]] Finding judge_clock(const ClockReading& reading);

/// Of statvfs(3). File systems that make inodes as they need them say zero in all.
struct SpaceReading {
    uint64_t bytes = 0, bytes_free = 0;
    uint64_t inodes = 0, inodes_free = 0;
};
[[nodiscard]] Findings judge_space(const SpaceReading& reading, const std::string& folder);

/// Of some writes of 4 KiB, each synced. Requires at least one.
[[nodiscard]] Finding judge_syncs(std::vector<uint64_t> times_us);

/// Of stat(2).
struct FileReading {
    std::string path;
    uint32_t mode = 0, owner = 0;
};
[[nodiscard]] Finding judge_key_file(const FileReading& file);
[[nodiscard]] Finding judge_config_file(const FileReading& file);

[[nodiscard]] Finding judge_open_files(uint64_t descriptors_max);

/// Of a running participant's `/v1/status`.
[[nodiscard]] Findings judge_status(const boost::json::object& status);

}  // namespace tally::cli
