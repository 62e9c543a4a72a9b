#include "cli/operator_log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "cli/output.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;

std::string time_text(LogTime time) {
    using namespace std::chrono;
    const auto ms = duration_cast<milliseconds>(time.time_since_epoch());
    const auto seconds = floor<std::chrono::seconds>(ms);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds.count()),
                       (ms - seconds).count());
}

bool is_plain(std::string_view value) {
    return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
        return uint8_t(c) > ' ' && c != '"' && c != '=' && c != '\\' && uint8_t(c) != 0x7f;
    });
}

/// As it is, or as a JSON string.
std::string field_text(std::string_view value) {
    return is_plain(value) ? std::string(value) : bj::serialize(bj::value(value));
}

/// Nothing in it begins a line of its own.
std::string one_line(std::string text) {
    for (char& c : text) {
        if (uint8_t(c) < ' ' || uint8_t(c) == 0x7f) c = ' ';
    }
    return text;
}

}  // namespace

std::string_view name_of(LogLevel level) {
    switch (level) {
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warning";
    case LogLevel::error: return "error";
    }
    std::abort();
}

std::optional<LogLevel> log_level_of(std::string_view name) {
    for (const auto level : {LogLevel::info, LogLevel::warning, LogLevel::error}) {
        if (name_of(level) == name) return level;
    }
    return {};
}

std::optional<LogFormat> log_format_of(std::string_view name) {
    if (name == "text") return LogFormat::text;
    if (name == "json") return LogFormat::json;
    return {};
}

std::string format_line(const LogLine& line, LogFormat format, LogTime time) {
    if (format == LogFormat::json) {
        bj::object json{{"time", time_text(time)},
                        {"level", name_of(line.level)},
                        {"component", line.component},
                        {"event", line.event}};
        for (const auto& [name, value] : line.fields) json[name] = value;
        json["message"] = line.text;
        return compact(json);
    }
    std::string text = fmt::format("{} {} {} {}", time_text(time), name_of(line.level),
                                   line.component, line.event);
    for (const auto& [name, value] : line.fields)
        text += fmt::format(" {}={}", name, field_text(value));
    // A peer may have said it, and a terminal shows it.
    return visible_in_line(text + " -- " + one_line(line.text));
}

void OperatorLog::write(LogLine line, LogTime time) {
    if (line.level < setup_.level) return;
    const std::lock_guard lock(mutex_);
    const auto [found, is_new] = events_.try_emplace(line.event);
    Event& event = found->second;
    if (!is_new && time > event.filled) {
        const double passed_s = std::chrono::duration<double>(time - event.filled).count();
        event.allowance = std::min(lines_max, event.allowance + passed_s * lines_per_s);
    }
    event.filled = time;
    if (event.allowance < 1) {
        ++event.left_out;
        return;
    }
    event.allowance -= 1;
    if (event.left_out > 0)
        line.fields.emplace_back("left_out", std::to_string(std::exchange(event.left_out, 0)));
    sink_(format_line(line, setup_.format, time));
}

}  // namespace tally::cli
