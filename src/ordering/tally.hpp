// Votes counted by signer. Every slot of a signer is its own: a liar can fill only what is his.
#pragma once

#include <map>

#include "model/messages.hpp"

namespace tally::ordering {

/// How many views of one signer are kept; the lowest goes first, for honest signers only ascend.
inline constexpr size_t views_per_signer_max = 8;

/// Checked votes of one kind in one slot; the first of each (signer, view) counts.
template <class Vote>
class VoteTally {
public:
    explicit VoteTally(uint32_t participants = 0) : by_signer_(participants) {}

    /// Ask before checking a signature: a duplicate costs nothing.
    [[nodiscard]] bool wants(Participant signer, View view) const {
        if (signer.value >= by_signer_.size()) return false;
        const auto& views = by_signer_[signer.value];
        if (views.contains(view)) return false;
        return views.size() < views_per_signer_max || views.begin()->first < view;
    }
    void add(const model::Signed<Vote>& vote) {
        auto& views = by_signer_.at(vote.signer.value);
        views.try_emplace(vote.body.view, vote);
        if (views.size() > views_per_signer_max) views.erase(views.begin());
    }
    [[nodiscard]] bool has(Participant signer, const Vote& vote) const {
        const auto& views = by_signer_.at(signer.value);
        const auto at = views.find(vote.view);
        return at != views.end() && at->second.body == vote;
    }
    /// The quorum behind this vote, if there are enough.
    [[nodiscard]] std::optional<model::QuorumOf<Vote>> quorum(const Vote& vote,
                                                              uint32_t votes_min) const {
        model::QuorumOf<Vote> quorum{vote, {}};
        for (const auto& views : by_signer_) {
            const auto at = views.find(vote.view);
            if (at != views.end() && at->second.body == vote)
                quorum.endorsements.push_back({at->second.signer, at->second.signature});
        }
        if (quorum.endorsements.size() < votes_min) return std::nullopt;
        return quorum;
    }

private:
    std::vector<std::map<View, model::Signed<Vote>>> by_signer_;
};

/// Checked Timeouts of one slot, each with the QC that it reports.
class TimeoutTally {
public:
    explicit TimeoutTally(uint32_t participants = 0) : by_signer_(participants) {}

    [[nodiscard]] bool wants(Participant signer, View view) const;
    void add(const model::TimeoutMessage& message);
    /// TC = a quorum's Timeouts of the same view, with a QC that matches their maximum.
    /// `first_qc` is a canary: the first QC instead of the highest.
    [[nodiscard]] std::optional<model::TimeoutCertificate> certificate(Slot slot, View view,
                                                                       uint32_t votes_min,
                                                                       bool first_qc) const;
    /// The rank-th largest (from zero) of the highest views that participants timed out in; none
    /// if fewer did.
    [[nodiscard]] std::optional<View> ranked_view(size_t rank) const;

private:
    std::vector<std::map<View, model::TimeoutMessage>> by_signer_;
};

}  // namespace tally::ordering
