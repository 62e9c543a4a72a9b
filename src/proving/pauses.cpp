#include "proving/pauses.hpp"

#include <algorithm>

namespace tally::proving {

Pauses::Pauses(const model::Epochs& epochs) : epochs_(&epochs) {
    ledgers_.resize(epochs.now().ledgers.size());
}

Pauses::Pauses(const model::CharterBody& charter) : charter_(&charter) {
    ledgers_.resize(charter.ledgers.size());
}

/// A window that began there has ended: both in block time and in slots.
bool Pauses::over(const model::Block& now, Slot slot, Micros time) const {
    const auto& parameters = charter_at(now.slot).parameters;
    return now.slot.value >= slot.value + parameters.dispute_window_slots &&
           now.time.value >= time.value + parameters.dispute_window_us;
}

void Pauses::on_slot(const model::Block& block) {
    slot_ = block.slot;
    for (size_t i = 0; i < ledgers_.size(); ++i) {
        LedgerPause& ledger = ledgers_[i];
        if (i < block.highest_carried.size()) ledger.carried = block.highest_carried[i];
        if (ledger.open && over(block, ledger.slot, ledger.time)) {
            ledger.open = false;
            ledger.disputes.clear();
        }
        if (!ledger.open)
            std::erase_if(ledger.disputes, [&](const DecidedDispute& dispute) {
                return over(block, dispute.slot, dispute.time);
            });
    }
    for (const auto& dispute : block.control) {
        const size_t index = dispute.body.ledger.value;
        if (index >= ledgers_.size()) continue;
        const auto& provers = charter_at(block.slot).ledgers[index].provers;
        if (!std::binary_search(provers.begin(), provers.end(), dispute.signer)) continue;
        LedgerPause& ledger = ledgers_[index];
        const DecidedDispute decided{dispute.signer, dispute.body.height, block.slot, block.time};
        const auto at = std::lower_bound(
            ledger.disputes.begin(), ledger.disputes.end(), dispute.signer,
            [](const DecidedDispute& one, Participant prover) { return one.prover < prover; });
        if (at != ledger.disputes.end() && at->prover == dispute.signer) {
            *at = decided;
        } else {
            ledger.disputes.insert(at, decided);
        }
        // At least one of f_p + 1 is honest.
        if (ledger.open || ledger.disputes.size() <= Quorum::of(uint32_t(provers.size())).liars_max)
            continue;
        ledger.open = true;
        ledger.slot = block.slot;
        ledger.time = block.time;
    }
}

Pause pause_of(const model::CharterBody& charter, LedgerIndex ledger, bool disputed, Height height,
               Height carried) {
    if (charter.ledgers[ledger.value].name == model::network_ledger_name) return Pause::none;
    if (disputed) return Pause::disputes;
    if (height.value > carried.value + charter.parameters.pause_after_blocks) return Pause::lag;
    return Pause::none;
}

bool Pauses::disputed(LedgerIndex index) const {
    ENSURE(index.value < ledgers_.size());
    return ledgers_[index.value].open;
}

Pause Pauses::paused(LedgerIndex index, Height height) const {
    ENSURE(index.value < ledgers_.size());
    const LedgerPause& ledger = ledgers_[index.value];
    return pause_of(charter_at(slot_), index, ledger.open, height, ledger.carried);
}

bool Pauses::window_open() const {
    return std::any_of(ledgers_.begin(), ledgers_.end(),
                       [](const LedgerPause& ledger) { return ledger.open; });
}

Result<void> Pauses::decode(ByteView bytes) {
    TRY(ledgers, cbor::decode<decltype(ledgers_)>(bytes));
    if (ledgers.size() != ledgers_.size()) return cbor::CborError::bad_value;
    ledgers_ = std::move(ledgers);
    return success();
}

}  // namespace tally::proving
