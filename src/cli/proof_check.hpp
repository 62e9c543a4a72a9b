// Checking what a participant says against the charter, by the proof files that it gives out.
#pragma once

#include "cli/client.hpp"

namespace tally::cli {

/// Fetches the proof of a transaction's inclusion and result, waiting a little for its certificate,
/// and checks it. Returns what was found out, in words.
[[nodiscard]] Result<std::string> check_outcome(Client& client, const model::Charter& charter,
                                                const std::string& ledger,
                                                const std::string& transaction, bool applied);

}  // namespace tally::cli
