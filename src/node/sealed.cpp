// Telling and asking for the shares of sealed transactions (docs/protocol.md, section 3). Only of a
// decided block's, which are executed: the pipeline says which those are.
#include "node/parts.hpp"

namespace tally::node {
namespace {

/// Of shares that come before their block is looked at here.
constexpr uint64_t slots_early_max = 64;
constexpr uint64_t ask_shares_us = 300'000, ask_shares_us_max = 5'000'000;

}  // namespace

/// The holder signed it, in the transaction's epoch or in a later one under the same number.
bool Node::Parts::is_bad_box(LedgerIndex ledger, Slot slot, Participant holder, uint32_t index,
                             const Hash& commitment, const model::BadBoxSaid& said) const {
    const auto& sets = epochs.all();
    const Epoch of_slot = epochs.at(slot).epoch;
    if (said.epoch < of_slot || said.epoch.value >= sets.size()) return false;
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
            own.shares.push_back({index, self.index, *share});
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
    own_openings.insert_or_assign(sealed.ledger, sealed);
    ask_shares_after_us = ask_shares_us;
    ask_shares_at_us = now.monotonic_us + ask_shares_after_us;
    tell_own_shares(sealed.ledger);
    // What was kept of an earlier execution, and what others were faster with.
    const auto stored = ChainReader(key_value).sealed_shares(sealed.ledger, sealed.slot);
    if (stored.ok() && *stored)
        add_shares(self.index, {sealed.ledger, sealed.slot, std::move(**stored)});
    std::vector<std::pair<Participant, model::SharesOfBlock>> known_early;
    for (auto early = early_shares.begin(); early != early_shares.end();) {
        const auto& [from, ledger] = early->first;
        if (ledger != sealed.ledger || early->second.slot > sealed.slot) {
            ++early;
            continue;
        }
        const Participant by = from;
        const model::SharesOfBlock shares = std::move(early->second);
        early = early_shares.erase(early);
        // What it completes may begin another block, and end this loop's.
        if (shares.slot == sealed.slot) known_early.emplace_back(by, shares);
    }
    for (const auto& [by, shares] : known_early) add_shares(by, shares);
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
    if (message.slot.value > followed.value + slots_early_max) return;
    // The newest of each ledger is kept, and of one peer no more than one block may have.
    size_t others_kept = 0;
    for (const auto& [of, kept] : early_shares) {
        if (of.first == from && of.second != message.ledger) others_kept += kept.shares.size();
    }
    if (others_kept + message.shares.size() > limits::sealed_shares_per_block_max) return;
    early_shares.insert_or_assign({from, message.ledger}, message);
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

/// Opening keys of earlier epochs are needed as long as there is a block of theirs to execute.
void Node::Parts::forget_opening_keys() {
    if (config.opening_secrets.size() < 2 || effects == nullptr) return;
    for (size_t i = 0; i < charter->body.ledgers.size(); ++i) {
        if (pipeline.passed({uint16_t(i)}) < epochs.handover_slot()) return;
    }
    config.opening_secrets.resize(1);
    pipeline.keep_first_opening_secret();
    effects->push_back(OpeningKeysOver{});
}

}  // namespace tally::node
