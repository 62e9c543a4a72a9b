// Deliberate mistakes of the ordering machine, for tests alone: each must be caught by a checker,
// because a checker never seen failing is not trusted.
#pragma once

#include <optional>

#include "base/strong.hpp"

namespace tally::ordering {

struct Canaries {
    bool quorum_one_short = false;       ///< q − 1 votes make a quorum
    bool quorum_two_f_plus_one = false;  ///< 2f + 1 votes make a quorum, also where n ≠ 3f + 1
    bool send_before_save = false;       ///< a signed message may leave before it is durable
    bool forget_qc_on_restart = false;   ///< recovers votes, but not the QCs saved with them
    bool votes_depend_on_execution = false;  ///< refuses to carry what its own result contradicts
    bool skip_justification_check = false;   ///< votes for a fresh block whatever the TC says
    bool vote_after_timeout = false;         ///< a CommitVote may follow a Timeout of its view
    bool digest_without_block = false;       ///< H(B) binds the slot and the parent only
    bool first_qc_in_tc = false;   ///< a TC stands for the first QC in it, not the highest
    bool propose_over_tc = false;  ///< for liars: leads with a fresh block whatever the TC names
    /// For liars: leads with the Reports that know least of this lane, or leaves it out at all.
    std::optional<Participant> censored = std::nullopt;

    bool operator==(const Canaries&) const = default;
};

}  // namespace tally::ordering
