#include "node/pipeline.hpp"

#include <algorithm>

#include "node/checked_state.hpp"
#include "node/state_sync.hpp"
#include "node/stored_decision.hpp"
#include "proving/pauses.hpp"

namespace tally::node {
namespace {

/// Of memory, without the parsed trees: of small envelopes what was checked is larger than the
/// text.
size_t bytes_of(const CheckedBatch& batch) {
    return batch.header.da.length + batch.envelopes.size() * sizeof(model::CheckedEnvelope);
}

}  // namespace

Pipeline::Pipeline(Config config, ports::KeyValue& key_value)
    : config_(std::move(config)),
      epochs_(*config_.charter),
      key_value_(key_value),
      wrong_root_at_(config_.wrong_root_at),
      ledgers_(config_.charter->body.ledgers.size()),
      passed_(config_.charter->places()) {}

Result<void> Pipeline::open() {
    // One that is damaged is none: what was half loaded for it is erased.
    const auto goal = stored_sync_goal(key_value_);
    if (!goal.ok() && !is_own_damage(goal.error())) return goal.error();
    std::set<LedgerIndex> loading;
    if (goal.ok() && *goal) {
        for (const auto& stand : (*goal)->ledgers) loading.insert(stand.ledger);
    }
    for (size_t i = 0; i < ledgers_.size(); ++i) {
        const LedgerIndex index{uint16_t(i)};
        CHECK(reopen(index));
        // What a crash left over, unless it is a load's beginning.
        if (!ledgers_[i].has_genesis && !loading.contains(index))
            CHECK(erase_ledger(key_value_, index));
    }
    return success();
}

Result<void> Pipeline::reopen(LedgerIndex index) {
    Ledger& ledger = ledgers_[index.value];
    ENSURE(!ledger.in_flight);
    const auto held = ChainReader(key_value_).held_slot();
    if (!held.ok() && !is_own_damage(held.error())) return held.error();
    // It only spares looking at batches again; damaged, it is as good as none.
    if (held.ok()) held_ = std::max(held_, *held);
    TRY(mark, checked_mark(ChainReader(key_value_), index));
    tree::RootRef root = tree::RootRef::empty();
    if (mark) {
        TRY(decoded, tree::decode_root_ref(mark->root));
        root = decoded;
    }
    ledger.has_genesis = mark.has_value();
    ledger.mark = mark ? std::move(*mark) : LedgerMark{};
    ledger.pages = std::make_unique<store::TreePages>(key_value_, index);
    ledger.tree =
        std::make_unique<tree::Tree>(*ledger.pages, root, config_.tree_nodes_in_memory_max);
    ledger.next = ledger.mark.slot.next();
    ledger.paused = false;
    ledger.is_set_aside = false;
    ledger.failure.clear();
    ledger.shares.reset();
    return success();
}

void Pipeline::hold_all() {
    for (Ledger& ledger : ledgers_) ledger.on_hold = true;
}

void Pipeline::release_all() {
    for (Ledger& ledger : ledgers_) ledger.on_hold = false;
}

Slot Pipeline::next_slot() const {
    Slot lowest = decided_.next();
    for (const auto& ledger : ledgers_) {
        if (!ledger.failed() && !ledger.on_hold) lowest = std::min(lowest, ledger.next);
    }
    return lowest;
}

Slot Pipeline::passed(LedgerIndex ledger) const {
    const Slot next = ledgers_[ledger.value].next;
    return next.value == 0 ? next : Slot{next.value - 1};
}

void Pipeline::on_decided(Slot slot, PipelineOutput& out) {
    decided_ = std::max(decided_, slot);
    advance(out);
}

void Pipeline::on_batch(const model::BatchHeader& header, const Hash& header_hash, ByteView bytes,
                        bool is_void, PipelineOutput& out) {
    const BatchPlace place{header.lane, header.height};
    const auto wanted = wanted_.find(place);
    if (wanted != wanted_.end() && wanted->second != header_hash) return;
    if (wanted == wanted_.end() && header.height <= passed_[header.lane.value]) return;
    // Under load a batch is checked as it arrives, while agreement runs; when too much is waiting
    // for execution it stays in the database until its slot is planned.
    if (wanted == wanted_.end() && checked_bytes_ > config_.checked_bytes_max) return;
    start_check(header, header_hash, bytes, is_void, out);
}

void Pipeline::start_check(const model::BatchHeader& header, const Hash& header_hash,
                           ByteView bytes, bool is_void, PipelineOutput& out) {
    const BatchPlace place{header.lane, header.height};
    if (checking_.contains(place)) return;
    const auto known_batch = checked_.find(place);
    if (known_batch != checked_.end() && known_batch->second->header_hash == header_hash) return;
    model::Batch items;
    if (!is_void) {
        auto decoded = cbor::decode<model::Batch>(bytes);
        ENSURE(decoded.ok());  // Not void means that it parsed, in this process.
        items = std::move(*decoded);
    }
    auto known = known_.take(items);
    checking_.insert(place);
    wanted_.erase(place);
    // Its envelopes are sealed for its epoch's participants, or are invalid.
    const Epoch epoch = header.da.epoch;
    out.work.push_back(std::make_shared<CheckBatchWork>(
        header, header_hash, std::move(items), is_void, std::move(known), config_.charter,
        config_.network, model::sealing_keys_of(epoch, epochs_.body_of(epoch))));
}

bool Pipeline::on_work_done(const std::shared_ptr<Work>& work, PipelineOutput& out) {
    if (const auto check = std::dynamic_pointer_cast<CheckBatchWork>(work)) {
        const CheckedBatchRef batch = check->result();
        const BatchPlace place{batch->header.lane, batch->header.height};
        checking_.erase(place);
        forget_checked(place);
        // What was passed meanwhile nobody asks for, unless a ledger is executed again.
        if (place.height > passed_[place.lane.value] || is_planned(place)) {
            checked_.emplace(place, batch);
            checked_bytes_ += bytes_of(*batch);
        }
        advance(out);
        return true;
    }
    if (const auto find = std::dynamic_pointer_cast<FindSealedWork>(work)) {
        finish_find(*find, out);
        advance(out);
        return true;
    }
    if (const auto block = std::dynamic_pointer_cast<ExecuteBlockWork>(work)) {
        finish_block(*block, out);
        advance(out);
        return true;
    }
    return false;
}

void Pipeline::restart_ledger(LedgerIndex index, PipelineOutput& out) {
    Ledger& ledger = ledgers_[index.value];
    if (ledger.in_flight) {
        ledger.restart_when_done = true;
        return;
    }
    ledger.restart_when_done = false;
    auto erased = erase_ledger(key_value_, index);
    if (erased.ok()) erased = key_value_.flush();
    if (!erased.ok()) {
        fail_write(index, erased.error(), out);
        return;
    }
    ledger.mark = {};
    ledger.has_genesis = false;
    wrong_root_at_ = 0;  // The mistake is made once.
    ledger.next = Slot{1};
    ledger.paused = false;
    ledger.is_set_aside = false;
    ledger.failure.clear();
    ledger.shares.reset();
    ledger.tree = std::make_unique<tree::Tree>(*ledger.pages, tree::RootRef::empty(),
                                               config_.tree_nodes_in_memory_max);
    for (const auto& [slot, planning] : plannings_) forget(planning);
    plannings_.clear();
    advance(out);
}

void Pipeline::forget_through(const model::Cut& cut) {
    const auto is_passed = [&](const BatchPlace& place) {
        return place.lane.value < cut.size() && place.height <= cut[place.lane.value].height;
    };
    for (size_t lane = 0; lane < std::min(cut.size(), passed_.size()); ++lane)
        passed_[lane] = std::max(passed_[lane], cut[lane].height);
    std::erase_if(wanted_, [&](const auto& wanted) { return is_passed(wanted.first); });
    std::vector<BatchPlace> places;
    for (const auto& [place, batch] : checked_) {
        if (is_passed(place)) places.push_back(place);
    }
    for (const BatchPlace& place : places) forget_checked(place);
}

void Pipeline::resume(LedgerIndex index, PipelineOutput& out) {
    ledgers_[index.value].is_set_aside = false;
    advance(out);
}

void Pipeline::advance(PipelineOutput& out) {
    for (size_t i = 0; i < ledgers_.size(); ++i) advance_ledger({uint16_t(i)}, out);
    forget_passed();
}

void Pipeline::advance_ledger(LedgerIndex index, PipelineOutput& out) {
    Ledger& ledger = ledgers_[index.value];
    if (ledger.in_flight || ledger.on_hold || ledger.is_set_aside || ledger.failed()) return;
    if (!ledger.has_genesis) {
        start_genesis(index, out);
        return;
    }
    while (ledger.next <= decided_) {
        const auto plan = plan_for(ledger.next, out);
        if (plan == nullptr) return;
        const Planning& planning = plannings_.at(ledger.next);
        // Read from the log alone: uncarried blocks beyond B, or a decided quorum of disputes.
        const bool disputed = std::find(planning.disputed.begin(), planning.disputed.end(),
                                        index) != planning.disputed.end();
        ledger.paused =
            proving::pause_of(epochs_.body_at(ledger.next), index, disputed, ledger.mark.height,
                              planning.carried[index.value]) != proving::Pause::none;
        const bool has_transactions = plan->lists.contains(index);
        if (!has_transactions || ledger.paused) {
            ledger.next = ledger.next.next();
            continue;
        }
        if (plan->with_sealed.contains(index) && !is_opened(index, plan, out)) return;
        ledger.in_flight = true;
        out.work.push_back(std::make_shared<ExecuteBlockWork>(ExecuteBlockWork::Task{
            index, ledger.mark, config_.network, plan, nullptr,
            epochs_.body_at(plan->facts.slot).parameters.expire_ahead_ms,
            config_.charter->body.genesis_time, key_value_.snapshot(), ledger.tree.get(),
            ledger.mark.height.value + 1 == wrong_root_at_, config_.execute_duplicates,
            config_.believe_the_disk,
            plan->with_sealed.contains(index) ? ledger.shares : nullptr}));
        return;
    }
}

void Pipeline::start_genesis(LedgerIndex index, PipelineOutput& out) {
    Ledger& ledger = ledgers_[index.value];
    ledger.in_flight = true;
    const auto& body = config_.charter->body;
    out.work.push_back(std::make_shared<ExecuteBlockWork>(ExecuteBlockWork::Task{
        index, ledger.mark, config_.network, nullptr, &body.ledgers[index.value],
        body.parameters.expire_ahead_ms, body.genesis_time, key_value_.snapshot(),
        ledger.tree.get(), false, false, false, nullptr}));
}

void Pipeline::finish_block(ExecuteBlockWork& work, PipelineOutput& out) {
    const LedgerIndex index = work.task().ledger;
    Ledger& ledger = ledgers_[index.value];
    ledger.in_flight = false;
    if (ledger.restart_when_done) {
        restart_ledger(index, out);
        return;
    }
    if (!work.result().ok()) {
        ledger.is_set_aside = true;
        out.damages.push_back(work.damage());
        return;
    }
    ExecutedBlock& done = *work.result();
    const auto& header = done.block.header;
    ledger.has_genesis = true;
    ledger.mark = {header.slot,        header.height,           header.hash(),
                   header.state_after, tree::encode(done.root), ledger.mark.history};
    ledger.next = header.slot.next();
    name_false_words(work, done.block, out);
    ledger.shares.reset();
    put_mark(done.writes, index, ledger.mark);
    add_marks(done.writes);
    if (const auto written = key_value_.write(done.writes); !written.ok()) {
        fail_write(index, written.error(), out);
        return;
    }
    out.executed.push_back({index, header, done.block.execution_digest, std::move(done.results)});
}

/// Ledgers that passed slots without a block say so now and then, so that a restart does not look
/// at those slots again.
void Pipeline::add_marks(ports::WriteBatch& to) {
    for (size_t i = 0; i < ledgers_.size(); ++i) {
        Ledger& ledger = ledgers_[i];
        if (ledger.in_flight || ledger.on_hold || !ledger.has_genesis || ledger.next.value == 0)
            continue;
        const Slot passed{ledger.next.value - 1};
        if (passed <= ledger.mark.slot) continue;
        ledger.mark.slot = passed;
        put_mark(to, {uint16_t(i)}, ledger.mark);
    }
    // What every ledger passed had all its batches here. Where none goes on, none passed anything.
    const auto goes_on = [](const Ledger& ledger) { return !ledger.failed() && !ledger.on_hold; };
    if (std::none_of(ledgers_.begin(), ledgers_.end(), goes_on)) return;
    const Slot next = next_slot();
    if (next.value == 0 || next.value - 1 <= held_.value) return;
    held_ = Slot{next.value - 1};
    put_held_slot(to, held_);
}

Result<void> Pipeline::load_planning(Slot slot) {
    const ChainReader stored(key_value_);
    TRY(decision, stored.decision(slot));
    if (!decision) return fail(ports::KeyValueError::damaged, "a decided slot is missing");
    const auto& block = decision->decision.block;
    Planning planning;
    planning.facts.slot = slot;
    planning.facts.time = block.time;
    planning.facts.cut = block.cut;
    planning.facts.tip_times = decision->tip_times;
    planning.facts.epoch = epochs_.at(slot).epoch;
    planning.facts.hold_us = epochs_.body_at(slot).parameters.hold_us;
    planning.facts.ends_epoch = block.ends_epoch();
    planning.disputed = decision->disputed;
    planning.carried = block.highest_carried;
    std::optional<StoredDecision> earlier;
    if (slot.value > 1) {
        TRY(before, decision_before(slot));
        earlier = std::move(before);
    }
    if (!is_as_decided(epochs_, earlier ? &*earlier : nullptr, *decision))
        return fail(ports::KeyValueError::damaged,
                    "slot " + std::to_string(slot.value) + " is not as it was decided");
    if (slot.value == 1) {
        planning.facts.time_before = config_.charter->body.genesis_time;
        planning.facts.cut_before.resize(block.cut.size());
        planning.facts.tip_times_before.resize(block.cut.size());
    } else {
        planning.facts.time_before = earlier->decision.block.time;
        planning.facts.cut_before =
            model::padded(earlier->decision.block.cut, uint32_t(block.cut.size()));
        planning.facts.tip_times_before = earlier->tip_times;
        planning.facts.tip_times_before.resize(block.cut.size());
    }
    planning.places = places_of(planning.facts);
    plannings_.emplace(slot, std::move(planning));
    newest_planned_ = std::move(*decision);
    return success();
}

/// The slot's predecessor: the times of its tips count in the slot, and no later decision shows
/// whether they are right.
Result<StoredDecision> Pipeline::decision_before(Slot slot) {
    const Slot before{slot.value - 1};
    if (newest_planned_ && newest_planned_->decision.block.slot == before) return *newest_planned_;
    const ChainReader stored(key_value_);
    TRY(decision, stored.decision(before));
    if (!decision) return fail(ports::KeyValueError::damaged, "a decided slot is missing");
    std::optional<StoredDecision> earlier;
    if (before.value > 1) {
        auto found = stored.decision({before.value - 1});
        if (found.ok()) earlier = std::move(*found);
    }
    if (is_as_decided(epochs_, earlier ? &*earlier : nullptr, *decision))
        return std::move(*decision);
    damaged_slot_ = before;
    return fail(ports::KeyValueError::damaged,
                "slot " + std::to_string(before.value) + " is not as it was decided");
}

bool Pipeline::load_or_note(Slot slot, PipelineOutput& out) {
    if (plannings_.contains(slot)) return true;
    const auto known = std::exchange(damaged_slot_, std::nullopt);
    if (const auto loaded = load_planning(slot); !loaded.ok()) {
        if (!damaged_slot_) damaged_slot_ = slot;
        if (damaged_slot_ != known) out.failures.push_back(loaded.error().message());
        return false;
    }
    // Another ledger may wait at another slot.
    if (known != slot && (!known || known->next() != slot)) damaged_slot_ = known;
    return true;
}

std::shared_ptr<const SlotPlan> Pipeline::decided_plan(Slot slot, PipelineOutput& out) {
    if (!load_or_note(slot, out)) return nullptr;
    Planning& planning = plannings_.at(slot);
    if (planning.plan != nullptr) return planning.plan;

    // From each tip downwards: a header names its parent, so every place has exactly one right
    // batch.
    const ChainReader stored(key_value_);
    std::vector<CheckedBatchRef> batches(planning.places.size());
    bool complete = true;
    for (size_t i = planning.places.size(); i-- > 0;) {
        const BatchPlace place = planning.places[i];
        const bool is_tip = planning.facts.cut[place.lane.value].height == place.height;
        if (!is_tip && batches[i + 1] == nullptr) {
            complete = false;  // Its right hash is known once the batch above is here.
            continue;
        }
        const Hash& expected =
            is_tip ? planning.facts.cut[place.lane.value].header : batches[i + 1]->header.parent;
        const auto found = checked_.find(place);
        if (found != checked_.end() && found->second->header_hash == expected) {
            batches[i] = found->second;
            continue;
        }
        complete = false;
        if (checking_.contains(place)) continue;
        const auto wanted = wanted_.find(place);
        if (wanted != wanted_.end() && wanted->second == expected) continue;
        const auto body = stored.body(place);
        if (body.ok() && *body && (*body)->header.hash() == expected) {
            if (const auto held = config_.coder->rebuild((*body)->header, (*body)->bytes)) {
                start_check(held->header, held->header_hash, held->bytes, held->is_void, out);
                continue;
            }
        }
        wanted_.insert_or_assign(place, expected);
        out.wants_more = true;
    }
    if (!complete) return nullptr;
    if (!matches_cut(planning.facts, batches)) {
        out.failures.push_back(
            "a decided cut does not match its batches: more than f participants lied");
        return nullptr;
    }
    planning.plan = std::make_shared<const SlotPlan>(
        plan_slot(planning.facts, std::move(batches), epochs_.at(slot).quorum().liars_max,
                  epochs_.body_at(slot).parameters.late_after_us));
    return planning.plan;
}

/// A plan is kept while a ledger stands at its slot, and a little longer for ledgers close behind.
/// One that is far behind, executing again from the charter, has its plans made again from the
/// database.
void Pipeline::forget_passed() {
    constexpr uint64_t slots_kept = 8;
    Slot front;
    for (const auto& ledger : ledgers_) front = std::max(front, ledger.next);
    for (auto it = plannings_.begin(); it != plannings_.end();) {
        const Slot slot = it->first;
        const bool used = std::any_of(ledgers_.begin(), ledgers_.end(), [&](const Ledger& ledger) {
            return !ledger.failed() && !ledger.on_hold && ledger.next == slot;
        });
        const bool all_passed = slot < next_slot();
        if (used || may_be_needed(it->second) ||
            (!all_passed && slot.value + slots_kept >= front.value)) {
            ++it;
            continue;
        }
        forget(it->second);
        it = plannings_.erase(it);
    }
}

/// Who needs it again has it checked again, from the database.
void Pipeline::forget(const Planning& planning) {
    for (const BatchPlace& place : planning.places) {
        auto& passed = passed_[place.lane.value];
        passed = std::max(passed, place.height);
        forget_checked(place);
    }
}

void Pipeline::forget_checked(const BatchPlace& place) {
    const auto found = checked_.find(place);
    if (found == checked_.end()) return;
    checked_bytes_ -= bytes_of(*found->second);
    checked_.erase(found);
}

bool Pipeline::is_planned(const BatchPlace& place) const {
    return std::any_of(plannings_.begin(), plannings_.end(), [&](const auto& planning) {
        const auto& places = planning.second.places;
        return std::find(places.begin(), places.end(), place) != places.end();
    });
}

void Pipeline::fail_write(LedgerIndex index, const Error& error, PipelineOutput& out) {
    fail_ledger(index, error, out);
    if (error.is(ports::KeyValueError::io_failed)) out.cannot_store = error;
}

void Pipeline::fail_ledger(LedgerIndex index, const Error& error, PipelineOutput& out) {
    auto& failure = ledgers_[index.value].failure;
    failure = error.message();
    out.failures.push_back(config_.charter->body.ledgers[index.value].name + ": " + failure);
}

}  // namespace tally::node
