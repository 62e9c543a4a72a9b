// Who leads: leader(s, v) = perm_epoch[(s + v) mod n] (docs/protocol.md, section 2).
#pragma once

#include "model/signed.hpp"

namespace tally::ordering {

class Leaders {
public:
    /// The permutation follows from the network id and the epoch: nobody chose it alone.
    explicit Leaders(const model::Signatories& set);
    [[nodiscard]] Participant of(Slot slot, View view) const;

private:
    std::vector<Participant> order_;
};

}  // namespace tally::ordering
