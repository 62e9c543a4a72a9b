// A fresh block, built by a leader and checked by voters: a function of its R
// (docs/protocol.md, section 2, steps 2 and 3).
//
// Nothing here reads what the voter itself executed or which disputes it holds: signatures and
// decided data alone, so that one diverged honest participant cannot veto everything.
#pragma once

#include "ordering/cut.hpp"
#include "ordering/holdings.hpp"

namespace tally::ordering {

/// How many Disputes one block decides.
inline constexpr size_t control_entries_max = 64;

enum class BlockError {
    wrong_slot,
    wrong_parent,
    wrong_shape,
    wrong_reports,
    wrong_time,
    wrong_cut,
    wrong_control,
    wrong_carried,
    bad_signature,
};
ErrorText describe(BlockError error);

struct Rules {
    const model::Signatories* set;
    const model::Signatories* set_before;  ///< of the last decided slot: perhaps an earlier epoch's
    const Verifier* verifier;
    Quorum quorum;
    const model::Parameters* parameters;
    std::span<const std::vector<Participant>> provers;  ///< by ledger
    const model::CharterBody* body;  ///< as this epoch has it; null: no other can follow
};

/// Everything that a Report must be to stand in R, its signature apart.
[[nodiscard]] bool well_formed(const Rules& rules, const model::Report& report);

/// What the leader must fetch before it can propose.
struct Missing {
    std::vector<std::pair<Participant, LaneHeight>> lanes;
    std::vector<Carry> ledgers;
    [[nodiscard]] bool none() const { return lanes.empty() && ledgers.empty(); }
};
/// The block that `reports` (q of them, checked, ascending by signer) force after `chain`. Empty if
/// `missing` names something.
[[nodiscard]] std::optional<model::BlockBody> build_fresh(
    const Rules& rules, const Chain& chain, const Holdings& holdings,
    std::vector<model::Signed<model::Report>> reports, Missing& missing);

/// All that a voter checks of a fresh block proposed in `view`, the cheap things first. What
/// `holdings` has checked before is not checked twice.
[[nodiscard]] Result<void> check_fresh(const Rules& rules, const Chain& chain,
                                       const Holdings& holdings, View view,
                                       const model::Block& block,
                                       const model::LaneCertificates& certificates);

}  // namespace tally::ordering
