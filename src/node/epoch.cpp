// Epochs after the first, which recovery charters begin (docs/protocol.md, section 5).
//
// A journal is of one epoch. What the epochs before decided is in the database, or with the others;
// until all of it is here, this participant signs nothing in the new one. What they left undecided
// or uncarried has lapsed: batches are made anew, and blocks attested anew.
#include "node/parts.hpp"

namespace tally::node {

/// A journal of another epoch is refused as one of another network is.
Hash Node::Parts::journal_network() const {
    if (signatories.epoch.value == 0) return network;
    return Hasher(Tag::recovery).add(network).add_u32(signatories.epoch.value).finish();
}

/// Before the journal is read, which at the first start in an epoch is empty.
Result<void> Node::Parts::recover_earlier_epochs() {
    const Slot last = epochs.handover_slot();
    const ChainReader stored(key_value);
    TRY(epoch, stored.epoch());
    if (epoch > signatories.epoch)
        return fail(model::CharterError::older_epoch, "the database is of epoch " +
                                                          std::to_string(epoch.value) +
                                                          ", and the charter names none after " +
                                                          std::to_string(signatories.epoch.value));
    epoch_begun = signatories.epoch.value == 0;
    if (epoch_begun) return success();
    if (epoch == signatories.epoch) return success();
    CHECK(enter_epoch());
    for (Slot slot{1}; slot <= last; slot = slot.next()) {
        TRY(decision, stored.decision(slot));
        if (!decision) break;
        CHECK(recover_record(model::Record{decision->decision}));
    }
    return success();
}

/// At the first start in an epoch: with what the epochs before decided, the new journal is as good
/// as if it had been there from the beginning, and all else can be made again from it.
void Node::Parts::copy_history() {
    if (epoch_stored) return;
    const ChainReader stored(key_value);
    for (Slot slot{1}; slot <= std::min(followed, epochs.handover_slot()); slot = slot.next()) {
        const auto decision = stored.decision(slot);
        if (!decision.ok()) return halt(decision.error().message());
        if (!*decision) return halt("a decided slot is missing");
        model::Save save{std::make_shared<const model::Record>((*decision)->decision)};
        take_one(save);
    }
}

/// The database still is as the epoch before left it. May be done again after a crash.
Result<void> Node::Parts::enter_epoch() {
    const ChainReader stored(key_value);
    const auto& handover = epochs.handover();
    const Slot last = epochs.handover_slot();
    TRY(given_up, stored.decision(last.next()));
    TRY(newest, last.value > 0 ? stored.decision(last) : std::optional<StoredDecision>{});
    const bool other = newest && newest->decision.qc.body.block != handover->body.block;
    if (given_up || other)
        return fail(ports::KeyValueError::damaged,
                    "it holds decisions that the recovery charter to epoch " +
                        std::to_string(signatories.epoch.value) + " gave up");
    // Certificates that no block carries yet are of the old keys, and no later block may carry
    // them.
    for (size_t i = 0; i < charter->body.ledgers.size(); ++i) {
        const LedgerIndex ledger{uint16_t(i)};
        const Height at = newest ? newest->decision.block.highest_carried[i] : Height{};
        CHECK(erase_certificates(key_value, ledger, at.next()));
    }
    epoch_stored = false;
    return success();
}

/// Once, as soon as everything that the epochs before decided is followed, and the own lane's tip
/// there is here.
void Node::Parts::begin_epoch_if_reached() {
    if (epoch_begun) return;
    const Slot last = epochs.handover_slot();
    if (followed < last) return;
    const ChainReader stored(key_value);
    model::Cut cut;
    cut.resize(signatories.count());
    if (last.value > 0) {
        const auto decision = stored.decision(last);
        if (!decision.ok() || !*decision) return;
        cut = (*decision)->decision.block.cut;
    }
    std::optional<model::BatchHeader> own_tip;
    if (const auto& tip = cut[self.index.value]; tip.height.value > 0) {
        const auto body = stored.body({self.index, tip.height});
        if (!body.ok() || !*body || (*body)->header.hash() != tip.header) return;
        own_tip = (*body)->header;
    }
    availability->begin_epoch(cut, std::move(own_tip));
    epoch_begun = true;
    if (effects == nullptr || signing != Signing::allowed) return;
    sign_from_now();
    attest_what_is_executed();
}

}  // namespace tally::node
