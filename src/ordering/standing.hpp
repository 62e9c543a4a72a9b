// Standing: what a machine has said and knows in the slot that it works on, signatures apart. For
// those who explore what may happen next and want to know whether they have been here before.
#pragma once

#include "model/signed.hpp"

namespace tally::ordering {

struct Standing {
    struct Named {
        View view;
        Hash block;
        auto operator<=>(const Named&) const = default;
    };

    Slot slot;
    Hash parent;  ///< of the last decided block
    View view;
    std::optional<View> timed_out;              ///< the highest view that it has left
    std::optional<Named> reported;              ///< the QC that its Timeout there names
    std::optional<Named> prepared;              ///< its last PrepareVote
    std::optional<Named> committed;             ///< its last CommitVote
    std::optional<Named> highest;               ///< the highest PrepareQC
    std::optional<Named> justified;             ///< the QC that the TC which led here names
    bool has_reported = false;                  ///< in this view
    bool has_proposed = false;                  ///< in this view
    std::optional<Hash> proposal;               ///< of this view's leader, the first that was heard
    std::vector<std::pair<Hash, Hash>> bodies;  ///< known: H(B) as it is voted for, and the body's
};

}  // namespace tally::ordering
