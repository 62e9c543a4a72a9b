// LogValve: keeps a stranger who knocks all day from filling the operator's disk.
#pragma once

#include <chrono>
#include <map>
#include <string>

namespace tally::io {

/// Lets a line through unless it was said within the last minute, or there were too many lately. A
/// port number makes no news: a refused peer comes back from another port each time.
class LogValve {
public:
    using Time = std::chrono::steady_clock::time_point;
    explicit LogValve(Time now) : last_(now) {}

    [[nodiscard]] bool lets(const std::string& line, Time now);
    /// What was said may be said again: things have changed.
    void forget_lines() { said_.clear(); }

private:
    std::map<std::string, Time> said_;  // By the line without its port numbers.
    Time last_;
    double allowance_ = lines_max;

    static constexpr double lines_max = 20;  // At once; then so many a second:
    static constexpr double lines_per_s = 2;
    static constexpr auto silence = std::chrono::seconds(60);
    static constexpr size_t remembered_max = 64;
};

}  // namespace tally::io
