// Table: rows of text in columns as wide as they need to be.
#pragma once

#include <string>
#include <vector>

namespace tally::cli {

/// The first row is the heading. Cells longer than `cell_max` are cut, with an ellipsis.
[[nodiscard]] std::string table(const std::vector<std::vector<std::string>>& rows,
                                size_t cell_max = 48);

}  // namespace tally::cli
