// Blocks with sealed transactions: what is to be opened is found, shares are gathered, and only
// then is the block executed.
#include "node/pipeline.hpp"

namespace tally::node {

/// Everything that the block waits for is here; else it is looked for, or being gathered.
bool Pipeline::is_opened(LedgerIndex index, const std::shared_ptr<const SlotPlan>& plan,
                         PipelineOutput& out) {
    Ledger& ledger = ledgers_[index.value];
    const Slot slot = plan->facts.slot;
    if (ledger.shares && ledger.shares->slot() == slot) return ledger.shares->complete();
    const auto& body = epochs_.body_at(slot);
    FindSealedWork::Task task{index,
                              plan,
                              model::sealing_keys_of(epochs_.at(slot).epoch, body),
                              {},
                              ledger.tree.get(),
                              config_.opening_secrets,
                              config_.open_copies};
    task.context.height = ledger.mark.height.next();
    task.context.time = plan->facts.time;
    task.context.epoch = plan->facts.epoch;
    task.context.ahead_ms = body.parameters.expire_ahead_ms;
    task.context.execute_duplicates = config_.execute_duplicates;
    ledger.in_flight = true;
    out.work.push_back(std::make_shared<FindSealedWork>(std::move(task)));
    return false;
}

void Pipeline::finish_find(FindSealedWork& work, PipelineOutput& out) {
    const auto& task = work.task();
    const LedgerIndex index = task.ledger;
    Ledger& ledger = ledgers_[index.value];
    ledger.in_flight = false;
    if (ledger.restart_when_done) {
        restart_ledger(index, out);
        return;
    }
    if (!work.wanted().ok()) {
        ledger.is_set_aside = true;
        Damage damage;
        damage.kind = Damage::Kind::ledger;
        damage.ledger = index;
        damage.height = ledger.mark.height;
        damage.detail = work.wanted().error().message();
        out.damages.push_back(std::move(damage));
        return;
    }
    const Slot slot = task.plan->facts.slot;
    ledger.shares = std::make_shared<SealedShares>(slot, task.keys, *work.wanted());
    if (!ledger.shares->complete()) {
        const Participant holder = work.holder();
        out.sealed.push_back({index, slot, holder, work.take_own()});
    }
}

const SealedShares* Pipeline::shares_wanted(LedgerIndex ledger) const {
    const Ledger& one = ledgers_[ledger.value];
    const bool waits = one.shares && one.shares->slot() == one.next && !one.shares->complete();
    return waits ? one.shares.get() : nullptr;
}

bool Pipeline::on_shares(const model::SharesOfBlock& message, const SealedShares::IsTrue& is_true,
                         PipelineOutput& out) {
    Ledger& ledger = ledgers_[message.ledger.value];
    const auto* wanted = shares_wanted(message.ledger);
    if (wanted == nullptr || wanted->slot() != message.slot) return false;
    bool refused = false;
    std::set<Participant> unbelieved;
    for (const model::SealedShare& share : message.shares) {
        const bool is_word = std::holds_alternative<model::BadBoxSaid>(share.share);
        if (is_word && unbelieved.contains(share.holder)) continue;
        if (ledger.shares->add(share, is_true) != SealedShares::Taken::refused) continue;
        refused = true;
        // A word may be signed in an epoch that is not known here. Whoever is honest has the same
        // list, and right shares: what comes after a false one is worth no look.
        if (!is_word) break;
        unbelieved.insert(share.holder);
    }
    if (ledger.shares->complete()) advance(out);
    return refused;
}

void Pipeline::name_false_words(const ExecuteBlockWork& work, const StoredBlock& block,
                                PipelineOutput& out) const {
    const auto& shares = work.task().shares;
    if (shares == nullptr) return;
    for (const model::Opening& opening : block.openings) {
        if (!opening.key) continue;
        for (const Participant holder : shares->called_bad_by(opening.index))
            out.false_words.push_back(
                {block.header.slot, block.list[opening.index].transaction, holder});
    }
}

}  // namespace tally::node
