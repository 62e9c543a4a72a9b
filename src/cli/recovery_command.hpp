// `tally recovery`: how the operators of a network that lost too many journals begin its next epoch
// (docs/protocol.md, section 5; docs/run-a-network.md).
#pragma once

#include "cli/output.hpp"

namespace tally::cli {

struct RecoveryState {
    std::string config;
    std::string out;
    std::string new_keys;  ///< where to write keys for the next epoch; empty: they stay
};
struct RecoveryDraft {
    std::string charter;
    std::vector<std::string> statements;
    std::string out;
};
struct RecoverySign {
    std::string file;
    std::string config;
};
struct RecoveryShow {
    std::string file;
    std::string charter;
};
struct RecoveryApply {
    std::string file;
    std::string config;
};

/// The participant must be stopped, as for signing and applying.
[[nodiscard]] Result<Exit> recovery_state(const RecoveryState& options, const Output& output);
[[nodiscard]] Result<Exit> recovery_draft(const RecoveryDraft& options, const Output& output);
[[nodiscard]] Result<Exit> recovery_sign(const RecoverySign& options, const Output& output);
[[nodiscard]] Result<Exit> recovery_show(const RecoveryShow& options, const Output& output);
[[nodiscard]] Result<Exit> recovery_apply(const RecoveryApply& options, const Output& output);

}  // namespace tally::cli
