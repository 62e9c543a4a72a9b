// `tally epoch`: propose who takes part from the next epoch on, with which addresses and
// parameters; vote for it, and have it decided.
#pragma once

#include <string>
#include <vector>

#include "cli/connection.hpp"
#include "cli/output.hpp"
#include "model/membership.hpp"

namespace tally::cli {

struct EpochDraft {
    std::string draft, charter, out;
    uint32_t attempt = 1;
};
struct EpochVote {
    std::string file, charter, keys;
};
struct EpochShow {
    std::string file, charter;
};
struct EpochSubmit {
    std::string file;
    Connection connection;
    uint64_t timeout_s = 600;
    bool no_wait = false;
};

[[nodiscard]] Result<model::VotedProposal> read_voted_proposal(const std::string& path);

[[nodiscard]] Result<Exit> epoch_draft(const EpochDraft& options, const Output& output);
[[nodiscard]] Result<Exit> epoch_vote(const EpochVote& options, const Output& output);
[[nodiscard]] Result<Exit> epoch_show(const EpochShow& options, const Output& output);
/// Waits until the epoch has begun at the participant that is asked.
[[nodiscard]] Result<Exit> epoch_submit(const EpochSubmit& options, const Output& output);

}  // namespace tally::cli
