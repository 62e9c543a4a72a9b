// What an audit asks: a function of what is decided, of who asks and of who is asked, so that
// nobody chooses it (docs/protocol.md, section 1, "Audit").
#pragma once

#include <optional>

#include "availability/sampling.hpp"
#include "model/messages.hpp"
#include "node/slot_plan.hpp"

namespace tally::node {

/// Audits of one round are about the batches that each lane had between these cuts.
struct AuditRound {
    Slot slot;    ///< which begins it
    Hash beacon;  ///< of the block that was decided there
    model::Cut from, to;
};

/// What is asked, before the batch's header says how many cells and leaves there are.
struct AuditDraw {
    BatchPlace place;
    bool is_whole = false;  ///< all cells of the holder are asked for, not one leaf
    uint64_t cell = 0;      ///< of the holder's, counted in a circle
    uint64_t leaf = 0;      ///< of the cell, likewise
    bool operator==(const AuditDraw&) const = default;
};
/// Nothing if there is no batch between the round's cuts.
[[nodiscard]] std::optional<AuditDraw> draw_audit(const AuditRound& round, Participant auditor,
                                                  Participant holder);

struct AuditQuestion {
    BatchPlace place;
    Hash header;
    model::BatchHeader of;  ///< with that hash, as the auditor holds it
    bool is_whole = false;
    uint16_t cell = 0, leaf = 0;  ///< unless it is whole
    [[nodiscard]] model::Message message() const;
};
/// Nothing if no quorum can have acknowledged such a header, which the own disk then altered.
[[nodiscard]] std::optional<AuditQuestion> question_of(const AuditDraw& draw,
                                                       model::BatchHeader header,
                                                       const availability::Coder& coder,
                                                       Participant holder);

}  // namespace tally::node
