// Evidence: two signed statements that no honest key signs both, across its crashes
// (docs/protocol.md, section 7, "One signature in one place"). It proves itself to anyone who
// knows the epoch's keys.
//
// Pure functions. What convicts is read off the statements alone: who collected them is not
// believed.
#pragma once

#include "model/messages.hpp"

namespace tally::proving {

/// Two different statements of one kind at one (slot, view).
template <class Body>
struct Conflict {
    model::Signed<Body> first, second;
    bool operator==(const Conflict&) const = default;
};

/// A CommitVote in v, and a Timeout of the same slot, in v or later, that reports a QC below v or
/// none: the voter forgot the very QC that it voted with.
struct Amnesia {
    model::Signed<model::CommitVote> vote;
    model::Signed<model::Timeout> timeout;
    bool operator==(const Amnesia&) const = default;
};

using Evidence =
    std::variant<Conflict<model::Report>, Conflict<model::Proposal>, Conflict<model::PrepareVote>,
                 Conflict<model::CommitVote>, Conflict<model::Timeout>, Amnesia>;

/// Whether an honest key never signs both; their signatures apart.
template <class Body>
[[nodiscard]] bool conflict(const Body& first, const Body& second) {
    return first.slot == second.slot && first.view == second.view && !(first == second);
}
[[nodiscard]] bool conflict(const model::CommitVote& vote, const model::Timeout& timeout);

/// Whom it accuses. Believe it only after check_evidence().
[[nodiscard]] Participant culprit_of(const Evidence& evidence);
/// True iff one participant of this set truly signed both, and they conflict.
[[nodiscard]] bool check_evidence(const model::Signatories& set, const Verifier& verifier,
                                  const Evidence& evidence);
/// In words, for people: what was signed, and where.
[[nodiscard]] std::string describe(const Evidence& evidence);

}  // namespace tally::proving
