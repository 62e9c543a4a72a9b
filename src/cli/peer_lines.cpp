#include "cli/peer_lines.hpp"

#include <charconv>

namespace tally::cli {
namespace {

/// What the network layer says of "participant 2", with the name that people know it by.
std::string with_names(const std::string& line, const model::CharterBody& charter) {
    constexpr std::string_view word = "participant ";
    std::string named;
    for (size_t at = 0; at < line.size();) {
        const size_t found = std::min(line.find(word, at), line.size());
        named.append(line, at, found - at);
        at = found;
        if (found == line.size()) break;
        size_t index = 0;
        const char* end = line.data() + line.size();
        const auto number = std::from_chars(line.data() + found + word.size(), end, index);
        const bool known = number.ec == std::errc{} && index < charter.participants.size();
        named += known ? std::string(charter.participants[index].name) : std::string(word);
        at = known ? size_t(number.ptr - line.data()) : found + word.size();
    }
    return named;
}

}  // namespace

LogLine log_line_of(const io::PeerLine& line, const model::CharterBody& charter) {
    using Event = io::PeerLine::Event;
    LogLine written{LogLevel::warning, "peers", "", {}, with_names(line.text, charter)};
    switch (line.event) {
    case Event::connected:
        written.level = LogLevel::info;
        written.event = "peer_connected";
        break;
    case Event::unreachable: written.event = "peer_unreachable"; break;
    case Event::refused: written.event = "peer_refused"; break;
    }
    if (line.peer) {
        const size_t index = line.peer->value;
        const bool is_known = index < charter.participants.size();
        written.fields.emplace_back(
            "peer", is_known ? std::string(charter.participants[index].name) : "a guest");
    }
    written.fields.emplace_back("address", line.address);
    return written;
}

}  // namespace tally::cli
