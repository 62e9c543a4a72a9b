#include "cli/table.hpp"

#include <algorithm>
#include <cstdint>

#include "cli/output.hpp"

namespace tally::cli {
namespace {

bool starts_character(char c) {
    return (uint8_t(c) & 0xc0) != 0x80;
}

/// In characters, so that names outside of ASCII line up.
size_t width_of(const std::string& text) {
    return size_t(std::count_if(text.begin(), text.end(), starts_character));
}

std::string cut(const std::string& text, size_t width_max) {
    if (width_of(text) <= width_max) return text;
    size_t at = 0;
    for (size_t width = 0; at < text.size(); ++at) {
        if (starts_character(text[at]) && ++width == width_max) break;
    }
    return text.substr(0, at) + "…";
}

}  // namespace

std::string table(const std::vector<std::vector<std::string>>& rows, size_t cell_max) {
    std::vector<std::vector<std::string>> shown = rows;
    std::vector<size_t> widths;
    for (auto& row : shown) {
        widths.resize(std::max(widths.size(), row.size()));
        for (size_t i = 0; i < row.size(); ++i) {
            row[i] = cut(visible_in_line(row[i]), cell_max);
            widths[i] = std::max(widths[i], width_of(row[i]));
        }
    }
    std::string text;
    for (const auto& row : shown) {
        std::string line;
        for (size_t i = 0; i < row.size(); ++i)
            line += row[i] + std::string(widths[i] - width_of(row[i]) + 2, ' ');
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
    }
    if (!text.empty()) text.pop_back();
    return text;
}

}  // namespace tally::cli
