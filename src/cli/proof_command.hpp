// `tally proof` and `tally verify`: take a proof away, and check it offline.
#pragma once

#include <optional>

#include "cli/connection.hpp"

namespace tally::cli {

struct ProofOptions {
    std::string ledger;
    std::string what;  ///< a transaction's id, or a subject
    std::string out;
    std::optional<uint64_t> at;  ///< subjects only
    Connection connection;
};
struct VerifyOptions {
    std::string file, charter;
};

[[nodiscard]] Result<Exit> prove_transaction(const ProofOptions& options, const Output& output);
[[nodiscard]] Result<Exit> prove_subject(const ProofOptions& options, const Output& output);
/// Needs no participant. 0: proved; 1: the file proves nothing.
[[nodiscard]] Result<Exit> verify_file(const VerifyOptions& options, const Output& output);

}  // namespace tally::cli
