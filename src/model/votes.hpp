// The votes of agreement, and quorums of them (docs/protocol.md, section 2).
#pragma once

#include "model/signed.hpp"

namespace tally::model {

struct PrepareVote {
    static constexpr Statement statement = Statement::prepare_vote;
    Slot slot;
    View view;
    Hash block;
    bool operator==(const PrepareVote&) const = default;
    static constexpr auto fields() {
        return std::tuple{&PrepareVote::slot, &PrepareVote::view, &PrepareVote::block};
    }
};
struct CommitVote {
    static constexpr Statement statement = Statement::commit_vote;
    Slot slot;
    View view;
    Hash block;
    bool operator==(const CommitVote&) const = default;
    static constexpr auto fields() {
        return std::tuple{&CommitVote::slot, &CommitVote::view, &CommitVote::block};
    }
};
using PrepareQC = QuorumOf<PrepareVote>;
using CommitQC = QuorumOf<CommitVote>;

}  // namespace tally::model
