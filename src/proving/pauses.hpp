// When a ledger pauses: a function of decided blocks alone (docs/protocol.md, section 4).
//
// Fed with every decided block in the order of slots, at the time its cut is executed, it answers
// for that very slot. It is part of what execution depends on: keep its encoding with the executed
// state, or feed it again from slot one.
#pragma once

#include <map>

#include "model/messages.hpp"

namespace tally::proving {

/// A prover's decided Dispute, while it counts.
struct DecidedDispute {
    Participant prover;
    Height height;
    Slot slot;    ///< that decided it
    Micros time;  ///< of that slot
    bool operator==(const DecidedDispute&) const = default;
    static constexpr auto fields() {
        return std::tuple{&DecidedDispute::prover, &DecidedDispute::height, &DecidedDispute::slot,
                          &DecidedDispute::time};
    }
};
struct LedgerPause {
    cbor::List<DecidedDispute, limits::participants_max> disputes;  ///< one a prover, ascending
    bool open = false;  ///< a window is open; it began at:
    Slot slot;
    Micros time;
    Height carried;  ///< highest carried height
    bool operator==(const LedgerPause&) const = default;
    static constexpr auto fields() {
        return std::tuple{&LedgerPause::disputes, &LedgerPause::open, &LedgerPause::slot,
                          &LedgerPause::time, &LedgerPause::carried};
    }
};

enum class PauseReason : uint8_t {
    none,
    disputes,  ///< more than f_p provers dispute; lapses after the window
    lag,       ///< too many blocks without a carried certificate
};

class Pauses {
public:
    /// `charter` is borrowed.
    explicit Pauses(const model::CharterBody& charter);

    /// The next slot is going to be executed.
    void on_slot(const model::Block& block);
    /// For the slot given last. `height`: of the ledger's newest block before that slot.
    /// A window opened by disputes counts from the slot that decides the last needed of them; lag
    /// is measured against the highest carried heights of the slot's own block. `_network` never
    /// pauses.
    [[nodiscard]] PauseReason paused(LedgerIndex ledger, Height height) const;

    [[nodiscard]] Bytes encode() const;
    [[nodiscard]] Result<void> decode(ByteView bytes);

private:
    const model::CharterBody* charter_;
    cbor::List<LedgerPause, limits::ledgers_max> ledgers_;
};

}  // namespace tally::proving
