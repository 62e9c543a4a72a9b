#include "io/peer_log_valve.hpp"

#include <algorithm>

namespace tally::io {
namespace {

std::string without_ports(const std::string& line) {
    std::string shape;
    for (const char c : line) {
        const bool is_port_digit = c >= '0' && c <= '9' && shape.ends_with(':');
        if (!is_port_digit) shape += c;
    }
    return shape;
}

}  // namespace

bool LogValve::lets(const std::string& line, Time now) {
    const double passed_s = std::chrono::duration<double>(now - last_).count();
    allowance_ = std::min(lines_max, allowance_ + passed_s * lines_per_s);
    last_ = now;
    const std::string shape = without_ports(line);
    const auto said = said_.find(shape);
    if (said != said_.end() && now - said->second < silence) return false;
    if (allowance_ < 1) return false;
    allowance_ -= 1;
    if (said_.size() >= remembered_max) said_.clear();
    said_[shape] = now;
    return true;
}

}  // namespace tally::io
