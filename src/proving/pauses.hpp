// When a ledger pauses: a function of decided blocks alone (docs/protocol.md, section 4).
//
// Fed with every decided block in the order of slots, when its cut is about to be executed, it
// answers for that very slot. Execution depends on it: keep its encoding with the executed state,
// or feed it again from slot one.
#pragma once

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
    cbor::List<DecidedDispute, limits::participants_max> disputes;  ///< ascending by prover
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

enum class Pause : uint8_t {
    none,
    disputes,  ///< more than f_p provers dispute; lapses after the window
    lag,       ///< too many blocks without a carried certificate
};

/// The rule: of a ledger whose newest block before the slot has `height`, in a slot whose block
/// says `carried` of it. `_network` never pauses: the way out must stay open.
[[nodiscard]] Pause pause_of(const model::CharterBody& charter, LedgerIndex ledger, bool disputed,
                             Height height, Height carried);

class Pauses {
public:
    /// By each epoch's provers and parameters; borrowed.
    explicit Pauses(const model::Epochs& epochs);
    /// Of a network of one epoch.
    explicit Pauses(const model::CharterBody& charter);

    /// The next slot is about to be executed.
    void on_slot(const model::Block& block);
    /// For the slot given last: a window is open, counted from the slot that decided the last
    /// Dispute needed.
    [[nodiscard]] bool disputed(LedgerIndex ledger) const;
    /// For the slot given last, by pause_of() with the highest carried height in its own block.
    [[nodiscard]] Pause paused(LedgerIndex ledger, Height height) const;
    /// Some ledger's window is open: slots are wanted even without other work, so that it ends.
    [[nodiscard]] bool window_open() const;

    [[nodiscard]] Bytes encode() const { return cbor::encode(ledgers_); }
    /// What encode() gave; an error leaves it unchanged.
    [[nodiscard]] Result<void> decode(ByteView bytes);

private:
    [[nodiscard]] bool over(const model::Block& now, Slot slot, Micros time) const;

    [[nodiscard]] const model::CharterBody& charter_at(Slot slot) const {
        return epochs_ == nullptr ? *charter_ : epochs_->body_at(slot);
    }

    const model::Epochs* epochs_ = nullptr;
    const model::CharterBody* charter_ = nullptr;
    Slot slot_;  ///< given last
    cbor::List<LedgerPause, limits::ledgers_max> ledgers_;
};

}  // namespace tally::proving
