// Checking what a participant says against the charter, by the proof files that it gives out.
#pragma once

#include "cli/client.hpp"
#include "proving/verify/verify.hpp"

namespace tally::cli {

enum class CheckError { contradiction };
ErrorText describe(CheckError error);

/// A proof file; waits a little for the block's certificate. `statement` is "transactions/ID" or
/// "subjects/NAME", encoded as a path.
[[nodiscard]] Result<Bytes> fetch_proof(Client& client, const std::string& ledger,
                                        const std::string& statement);
/// Fetches the proof of a transaction's inclusion and result, and checks that it is true and says
/// what the participant said.
[[nodiscard]] Result<proving::Verdict> check_outcome(Client& client, const model::Charter& charter,
                                                     const std::string& ledger,
                                                     const std::string& transaction, bool applied);

}  // namespace tally::cli
