// Epochs after the first, which recovery charters begin (docs/protocol.md, section 5).
//
// A journal is of one epoch. What the epochs before decided is in the database, or with the others;
// until all of it is here, this participant signs nothing in the new one. What they left undecided
// or uncarried has lapsed: batches are made anew, and blocks attested anew.
#include <algorithm>

#include "node/checked_state.hpp"
#include "node/parts.hpp"

namespace tally::node {

/// Before the journal is read, which at the first start in an epoch is empty.
Result<void> Node::Parts::recover_earlier_epochs() {
    const Slot last = epochs.handover_slot();
    const ChainReader stored(key_value);
    const auto marked = stored.epoch();
    if (!marked.ok() && !is_own_damage(marked.error())) return marked.error();
    // If it was altered: as if it were entered for the first time, which does no harm.
    const Epoch epoch = marked.ok() ? *marked : Epoch{};
    if (epoch > signatories.epoch)
        return fail(model::CharterError::older_epoch, "the database is of epoch " +
                                                          std::to_string(epoch.value) +
                                                          ", and the charter names none after " +
                                                          std::to_string(signatories.epoch.value));
    epoch_begun = signatories.epoch.value == 0;
    if (epoch_begun) return success();
    if (epoch == signatories.epoch) return success();
    CHECK(enter_epoch());
    // From the first that is missing or altered on, the others are asked. Hashes lead from one to
    // the next; what is stored beside them is made anew.
    Hash parent = network;
    for (Slot slot{1}; slot <= last; slot = slot.next()) {
        const auto found = stored.decision(slot);
        if (!found.ok() && !is_own_damage(found.error())) return found.error();
        if (!found.ok() || !*found) break;
        const model::Decision& decision = (*found)->decision;
        const Hash hash = decision.block.hash();
        if (decision.block.parent != parent || decision.qc.body.block != hash) break;
        CHECK(recover_record(model::Record{decision}));
        parent = hash;
    }
    return drop_lapsed_certificates();
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

/// The database still is as an earlier epoch left it, or the new one's first start lost what it
/// wrote. Refuses it if it holds what a recovery charter gave up.
Result<void> Node::Parts::enter_epoch() {
    const ChainReader stored(key_value);
    for (const model::Beginning& beginning : charter->beginnings) {
        const Slot last = model::last_slot_of(beginning);
        TRY(newest, last.value > 0 ? stored.decision(last) : std::optional<StoredDecision>{});
        TRY(after, stored.decision(last.next()));
        const bool other =
            newest && newest->decision.qc.body.block != model::last_of(beginning)->body.block;
        const bool given_up = after && !model::check_quorum(epochs.at(last.next()), *self.verifier,
                                                            after->decision.qc);
        if (other || given_up)
            return fail(ports::KeyValueError::damaged,
                        "it holds decisions that the recovery charter to epoch " +
                            std::to_string(model::epoch_of(beginning).value) + " gave up");
    }
    epoch_stored = false;
    return success();
}

/// Certificates that no block carries yet are of old keys, and no later block may carry them.
Result<void> Node::Parts::drop_lapsed_certificates() {
    const ChainReader stored(key_value);
    ports::WriteBatch writes;
    for (size_t i = 0; i < charter->body.ledgers.size(); ++i) {
        const LedgerIndex ledger{uint16_t(i)};
        const auto& provers = charter->now().ledgers[i].provers;
        Height from = carried[i].next();
        while (true) {
            TRY(height, stored.next_certificate(ledger, from));
            if (!height) break;
            from = height->next();
            const auto certificate = stored.certificate(ledger, *height);
            if (!certificate.ok() || !*certificate ||
                !model::check_block_certificate(signatories, *self.verifier, provers,
                                                **certificate))
                erase_certificate(writes, ledger, *height);
        }
    }
    return key_value.write(writes);
}

/// Once, as soon as everything that the epochs before decided is followed, and the own lane's tip
/// there is here.
void Node::Parts::begin_epoch_if_reached() {
    if (epoch_begun) return;
    const Slot last = epochs.handover_slot();
    if (followed < last || may_lack_shares()) return;
    const ChainReader stored(key_value);
    model::Cut cut;
    cut.resize(signatories.places());
    if (last.value > 0) {
        const auto decision = stored.decision(last);
        if (!decision.ok() || !*decision) return;
        cut = model::padded((*decision)->decision.block.cut, signatories.places());
    }
    std::optional<model::BatchHeader> own_tip;
    if (const auto& tip = model::tip_of(cut, self.index); tip.height.value > 0) {
        auto header = stored.batch_header({self.index, tip.height}, tip.header);
        const bool is_here = header.ok() && *header;
        if (!is_here && availability->needs_tip(tip)) return;
        if (is_here) own_tip = std::move(**header);
    }
    availability->begin_epoch(cut, std::move(own_tip));
    epoch_begun = true;
    if (effects == nullptr || signing != Signing::allowed) return;
    sign_from_now();
    attest_what_is_executed();
}

/// One of f + 1 is honest, and takes part in no epoch that has not begun. Where that was decided,
/// the decision is soon here; where it is not, a recovery charter began it.
void Node::Parts::notice_newer_epoch() {
    constexpr uint64_t patience_us = 5'000'000;
    const uint32_t liars_max = signatories.quorum().liars_max;
    std::vector<Epoch> said;
    for (const Participant other : others) {
        const auto& epoch = peers[other.value].epoch;
        if (epoch && *epoch > signatories.epoch) said.push_back(*epoch);
    }
    if (said.size() <= liars_max || leaving) return;
    newer_since_us = std::min(newer_since_us, now.monotonic_us);
    if (now.monotonic_us - newer_since_us < patience_us) return;
    std::nth_element(said.begin(), said.begin() + liars_max, said.end(), std::greater<>());
    const bool is_news = newer_epoch != said[liars_max];
    newer_epoch = said[liars_max];
    if (is_news) log(Log::Level::error, newer_epoch_note(), "epoch_over");
}

std::string Node::Parts::newer_epoch_note() const {
    return "the others take part in epoch " + std::to_string(newer_epoch->value) +
           ", and this participant in epoch " + std::to_string(signatories.epoch.value) +
           ", where nothing is ordered any more: stop it, get the recovery charter from another "
           "operator, and apply it (`tally recovery apply`)";
}

}  // namespace tally::node
