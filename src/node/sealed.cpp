// Telling and asking for the shares of sealed transactions (docs/protocol.md, section 3). Only of a
// decided block's, which are executed: the pipeline says which those are.
#include <algorithm>

#include "node/parts.hpp"

namespace tally::node {
namespace {

/// Of shares that come before their block is looked at here: for so many slots after it.
constexpr uint64_t slots_early_max = 64;
/// A word on a box of a block so old counts only once shares were asked for in vain: those who
/// could sign it then may be others' prey by now.
constexpr uint64_t slots_old = 16;
constexpr uint32_t asked_in_vain = 2;
constexpr uint64_t ask_shares_us = 300'000, ask_shares_us_max = 5'000'000;

}  // namespace

/// The holder signed it, in the transaction's epoch or in the next one under the same number.
bool Node::Parts::is_bad_box(LedgerIndex ledger, Slot slot, Participant holder, uint32_t index,
                             const Hash& commitment, const model::BadBoxSaid& said) const {
    const auto& sets = epochs.all();
    const Epoch of_slot = epochs.at(slot).epoch;
    if (said.epoch < of_slot || said.epoch > of_slot.next() || said.epoch.value >= sets.size())
        return false;
    const auto opening = own_openings.find(ledger);
    const uint32_t asked = opening == own_openings.end() ? 0 : opening->second.asked;
    const bool is_old = slot.value + slots_old < followed.value;
    if (said.epoch != of_slot && is_old && asked < asked_in_vain) return false;
    const auto& then = epochs.body_of(of_slot).participants;
    const auto& since = epochs.body_of(said.epoch).participants;
    const bool is_same = holder.value < then.size() && holder.value < since.size() &&
                         then[holder.value].identity_key == since[holder.value].identity_key;
    return is_same && model::check_signature(sets[said.epoch.value], *self.verifier,
                                             model::BadBox{ledger, slot, index, commitment}, holder,
                                             said.signature);
}

/// What this participant has for a block that waits is told to all, again and again: shares, and
/// which of its boxes are bad, once it may sign that.
void Node::Parts::tell_own_shares(LedgerIndex ledger) {
    const auto* wanted = pipeline.shares_wanted(ledger);
    const auto opening = own_openings.find(ledger);
    if (wanted == nullptr || opening == own_openings.end() ||
        opening->second.slot != wanted->slot())
        return;
    model::SharesOfBlock own{ledger, wanted->slot(), {}};
    for (const auto& [index, share] : opening->second.own) {
        const auto* envelope = wanted->envelope(index);
        const bool denies = canaries.deny_boxes && index % 2 == 0;
        if (share && !denies) {
            own.shares.push_back({index, opening->second.holder, *share});
        } else if (signing == Signing::allowed && envelope != nullptr) {
            const auto bad = model::sign(
                signatories, self.index, signer,
                model::BadBox{ledger, own.slot, index, envelope->transaction->sealed->commitment});
            own.shares.push_back(
                {index, self.index, model::BadBoxSaid{signatories.epoch, bad.signature}});
        }
    }
    if (own.shares.empty()) return;
    send_all_and_guests(own);
    add_shares(self.index, own);
}

/// A block has sealed transactions to open.
void Node::Parts::begin_to_open(const PipelineOutput::Sealed& sealed) {
    own_openings.insert_or_assign(sealed.ledger,
                                  OwnOpening{sealed.slot, sealed.holder, sealed.own});
    ask_shares_after_us = ask_shares_us;
    ask_shares_at_us = std::min(ask_shares_at_us, now.monotonic_us + ask_shares_after_us);
    tell_own_shares(sealed.ledger);
    // What was kept of an earlier execution, and what others were faster with.
    const auto stored = ChainReader(key_value).sealed_shares(sealed.ledger, sealed.slot);
    if (stored.ok() && *stored)
        add_shares(self.index, {sealed.ledger, sealed.slot, std::move(**stored)});
    // What it completes may begin another block: so all of it is taken out first.
    std::vector<std::pair<Participant, model::SharesOfBlock>> early;
    for (auto at = early_shares.begin(); at != early_shares.end();) {
        const auto& [slot, ledger, from] = at->first;
        const bool is_over = ledger == sealed.ledger && slot <= sealed.slot;
        if (is_over && slot == sealed.slot) early.emplace_back(from, std::move(at->second));
        at = is_over ? early_shares.erase(at) : std::next(at);
    }
    for (const auto& [from, shares] : early) add_shares(from, shares);
    // Whoever has executed it tells nothing more by itself.
    const auto* wanted = pipeline.shares_wanted(sealed.ledger);
    if (wanted != nullptr && wanted->slot() == sealed.slot && sealed.slot < followed)
        send_all_and_guests(model::FetchShares{sealed.ledger, sealed.slot});
}

void Node::Parts::send_all_and_guests(const model::Message& message) {
    for (const Participant other : others) send(other, message);
    for (size_t i = 0; i < guests.size(); ++i) send(guest_number(i), message);
}

void Node::Parts::add_shares(Participant from, const model::SharesOfBlock& message) {
    PipelineOutput out;
    const bool refused = pipeline.on_shares(
        message,
        [&](Participant holder, uint32_t index, const Hash& commitment,
            const model::BadBoxSaid& said) {
            return is_bad_box(message.ledger, message.slot, holder, index, commitment, said);
        },
        out);
    if (refused && from != self.index) ++counters["refused_sealed_shares"];
    take(out);
}

void Node::Parts::on_shares(Participant from, const model::SharesOfBlock& message) {
    if (message.ledger.value >= charter->body.ledgers.size() ||
        message.slot <= pipeline.passed(message.ledger))
        return;
    const auto* wanted = pipeline.shares_wanted(message.ledger);
    if (wanted != nullptr && wanted->slot() == message.slot) return add_shares(from, message);
    if (message.slot.value > pipeline.passed(message.ledger).value + slots_early_max) return;
    // Of all blocks together no more from one peer than one block may have.
    std::erase_if(early_shares, [&](const auto& one) {
        return std::get<Slot>(one.first) <= pipeline.passed(std::get<LedgerIndex>(one.first));
    });
    size_t kept = 0;
    for (const auto& [place, shares] : early_shares) {
        if (std::get<Participant>(place) == from) kept += shares.shares.size() + 1;
    }
    if (kept + message.shares.size() > limits::sealed_shares_per_block_max) return;
    early_shares.insert_or_assign({message.slot, message.ledger, from}, message);
}

void Node::Parts::on_fetch(Participant from, const model::FetchShares& request) {
    if (request.ledger.value >= charter->body.ledgers.size() || !may_ask(from)) return;
    const auto* wanted = pipeline.shares_wanted(request.ledger);
    if (wanted != nullptr && wanted->slot() == request.slot) {
        if (auto kept = wanted->kept(); !kept.empty())
            answer(from, model::SharesOfBlock{request.ledger, request.slot, std::move(kept)});
        return;
    }
    auto stored = ChainReader(key_value).sealed_shares(request.ledger, request.slot);
    if (stored.ok() && *stored)
        answer(from, model::SharesOfBlock{request.ledger, request.slot, std::move(**stored)});
}

/// What did not come is asked for again, ever less often: its holders may be down.
void Node::Parts::ask_for_shares() {
    if (now.monotonic_us < ask_shares_at_us) return;
    bool any = false;
    for (size_t i = 0; i < charter->body.ledgers.size(); ++i) {
        const auto* wanted = pipeline.shares_wanted({uint16_t(i)});
        if (wanted == nullptr) continue;
        any = true;
        if (const auto own = own_openings.find({uint16_t(i)}); own != own_openings.end())
            ++own->second.asked;
        send_all_and_guests(model::FetchShares{{uint16_t(i)}, wanted->slot()});
        tell_own_shares({uint16_t(i)});
    }
    ask_shares_after_us = std::min(2 * ask_shares_after_us, ask_shares_us_max);
    ask_shares_at_us = any ? now.monotonic_us + ask_shares_after_us : UINT64_MAX;
}

/// Until what the epoch before left sealed is open here, this participant does not say that it
/// takes part in this one: who left may have the shares, and goes once enough of those who stay
/// have begun.
bool Node::Parts::may_lack_shares() {
    constexpr uint64_t patience_us = 30'000'000;
    const Slot last = epochs.handover_slot();
    if (now.monotonic_us >= open_shares_until_us) return false;
    for (size_t i = 0; i < charter->body.ledgers.size(); ++i) {
        const LedgerIndex ledger{uint16_t(i)};
        if (!pipeline.goes_on(ledger) || pipeline.passed(ledger) >= last) continue;
        if (open_shares_until_us == UINT64_MAX)
            open_shares_until_us = now.monotonic_us + patience_us;
        return true;
    }
    return false;
}

/// What this participant made of a ledger is not what was certified: words that false holders may
/// have said are not believed again.
void Node::Parts::forget_words(LedgerIndex ledger) {
    const ChainReader stored(key_value);
    const auto slots = stored.with_sealed_shares(ledger, followed, SIZE_MAX);
    if (!slots.ok()) return;
    ports::WriteBatch writes;
    for (const Slot slot : *slots) {
        const auto kept = stored.sealed_shares(ledger, slot);
        const bool is_word =
            !kept.ok() || !*kept ||
            std::any_of((*kept)->begin(), (*kept)->end(), [](const model::SealedShare& one) {
                return std::holds_alternative<model::BadBoxSaid>(one.share);
            });
        if (is_word) erase_sealed_shares(writes, ledger, slot);
    }
    write(writes);
}

/// Opening keys of earlier epochs are needed as long as there is a block of theirs to execute, and
/// until what opened it is safe in the database. Who is alone could get that from nobody.
void Node::Parts::forget_opening_keys() {
    if (config.opening_secrets.size() < 2 || effects == nullptr || others.empty()) return;
    for (size_t i = 0; i < charter->body.ledgers.size(); ++i) {
        if (pipeline.passed({uint16_t(i)}) < epochs.handover_slot()) return;
    }
    if (!key_value.flush().ok()) return;
    config.opening_secrets.resize(1);
    pipeline.keep_first_opening_secret();
    effects->push_back(OpeningKeysOver{});
}

/// Whoever leaves stays until its own ledgers, as far as they go on, have passed the last slot: it
/// may hold the shares that the last blocks lack.
bool Node::Parts::has_told_shares() {
    constexpr uint64_t patience_us = 60'000'000;
    if (leaving->since_us == 0) leaving->since_us = now.monotonic_us;
    if (now.monotonic_us - leaving->since_us > patience_us) return true;
    for (size_t i = 0; i < charter->body.ledgers.size(); ++i) {
        const LedgerIndex ledger{uint16_t(i)};
        if (pipeline.goes_on(ledger) && pipeline.passed(ledger) < followed) return false;
    }
    return true;
}

}  // namespace tally::node
