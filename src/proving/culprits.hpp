// Culprits: who signed what no honest key signs both, out of all that somebody received and saved.
//
// It takes apart what it is given into single statements, those inside certificates too, keeps the
// first of each place and compares. That is enough to name f + 1 liars when more than f, but fewer
// than a quorum, make two honest participants decide differently in slot s, if what those two and
// the honest voters received and saved is given to it:
//   - Two CommitQCs of one view share 2q − n ≥ f + 1 signers, each with two CommitVotes there.
//   - Else let CommitQC(v, b) be the earlier, and w the first view from v on with a PrepareQC of
//     another block; each honest CommitVote was saved with such a one. If w = v, it shares f + 1
//     signers with the PrepareQC of b there: two PrepareVotes each.
//   - If w > v, an honest voter in it saved its TC(w − 1). That names no QC of b from v on, or the
//     vote would have been for b, nor of another block, for w is the first. So all in it report
//     QCs below v, and the f + 1 who are in the CommitQC too have forgotten theirs.
//
// Of one epoch. What is kept is bounded: of each signer one statement of each kind and place in the
// slots around the one that was decided last and in the first 32 views of them, and one conviction.
#pragma once

#include <map>

#include "model/records.hpp"
#include "proving/evidence.hpp"

namespace tally::proving {

class Culprits {
public:
    /// Slots that are kept, before and after the last that on_decided() named.
    static constexpr uint64_t slots_kept = 8;
    static constexpr uint32_t views_kept = 32;

    /// Both are borrowed.
    Culprits(const model::Signatories& set, const Verifier& verifier)
        : set_(&set), verifier_(&verifier) {}

    /// Unchecked: what is false is passed over.
    void hear(const model::Message& message);
    void see(const model::Record& record);
    /// What lies slots before it is forgotten; convictions are not.
    void on_decided(Slot slot);

    /// The first evidence against each. Each passes check_evidence().
    [[nodiscard]] const std::map<Participant, Evidence>& named() const { return named_; }
    /// Statements that are kept.
    [[nodiscard]] size_t size() const;

private:
    using Place = std::tuple<Slot, Participant, View>;
    template <class Body>
    using Statements = std::map<Place, model::Signed<Body>>;

    template <class T>
    void walk(const T& value);
    template <class Body>
    void keep(const model::Signed<Body>& statement);
    template <class Body>
    Statements<Body>& statements() {
        return std::get<Statements<Body>>(kept_);
    }
    void compare(const model::Signed<model::CommitVote>& vote);
    void compare(const model::Signed<model::Timeout>& timeout);

    const model::Signatories* set_;
    const Verifier* verifier_;
    Slot decided_;
    std::tuple<Statements<model::Report>, Statements<model::Proposal>,
               Statements<model::PrepareVote>, Statements<model::CommitVote>,
               Statements<model::Timeout>>
        kept_;
    std::map<Participant, Evidence> named_;
};

}  // namespace tally::proving
