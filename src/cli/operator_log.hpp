// OperatorLog: what a participant tells its operator, one line for each event. Every line has the
// time, a level, the part of the program, and an event code from docs/operate.md; then fields, for
// programs, and the same in words, for people.
//
//     2026-01-31T12:00:00.000Z info peers peer_connected peer=bob address=… -- connected to …
//     {"time":"2026-01-31T12:00:00.000Z","level":"info","component":"peers",…}
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "node/node.hpp"

namespace tally::cli {

using LogLevel = node::Log::Level;

struct LogLine {
    LogLevel level;
    std::string_view component;  ///< static; "process", "peers", "node" or "network"
    std::string_view event;      ///< static
    node::LogFields fields;
    std::string text;
};

enum class LogFormat : uint8_t { text, json };
[[nodiscard]] std::string_view name_of(LogLevel level);
[[nodiscard]] std::optional<LogLevel> log_level_of(std::string_view name);
[[nodiscard]] std::optional<LogFormat> log_format_of(std::string_view name);

struct LogSetup {
    LogLevel level = LogLevel::info;  ///< what is below is left out
    LogFormat format = LogFormat::text;
};

using LogTime = std::chrono::system_clock::time_point;
/// One line, without its end. No value can begin a line of its own, or a field.
[[nodiscard]] std::string format_line(const LogLine& line, LogFormat format, LogTime time);

/// Thread-safe. Of one event at most so many lines are written in a while: the next says in a field
/// `left_out` how many were not.
class OperatorLog {
public:
    using Sink = std::function<void(const std::string& line)>;
    OperatorLog(LogSetup setup, Sink sink) : setup_(setup), sink_(std::move(sink)) {}
    void write(LogLine line) { write(std::move(line), std::chrono::system_clock::now()); }
    void write(LogLine line, LogTime time);

    static constexpr double lines_max = 60;  ///< of one event, at once; then so many a second:
    static constexpr double lines_per_s = 1;

private:
    struct Event {
        double allowance = lines_max;
        LogTime filled;
        uint64_t left_out = 0;
    };
    const LogSetup setup_;
    const Sink sink_;
    std::mutex mutex_;
    std::map<std::string_view, Event> events_;  ///< as many as there are event codes
};

}  // namespace tally::cli
