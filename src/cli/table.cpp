#include "cli/table.hpp"

#include <algorithm>
#include <cstdint>

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
    std::vector<size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], width_of(cut(row[i], cell_max)));
    }
    std::string text;
    for (const auto& row : rows) {
        std::string line;
        for (size_t i = 0; i < row.size(); ++i) {
            const std::string cell = cut(row[i], cell_max);
            line += cell + std::string(widths[i] - width_of(cell) + 2, ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
    }
    if (!text.empty()) text.pop_back();
    return text;
}

}  // namespace tally::cli
