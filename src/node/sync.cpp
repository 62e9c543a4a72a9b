// Deciding when states are loaded instead of executed, and joining that with the machines.
#include "node/checked_state.hpp"
#include "node/parts.hpp"
#include "node/serve_state.hpp"

namespace tally::node {
namespace {

/// Decisions still to be followed when the ledgers' goal is set.
constexpr uint64_t slots_short_of_goal = 32;
/// Between two answers to one peer of where the ledgers stood.
constexpr uint64_t stands_pause_us = 100'000;
/// Before a load that nobody could help with is tried again, where execution may not get on.
constexpr uint64_t sync_pause_us = 60'000'000;

}  // namespace

bool Node::Parts::has_peers() const {
    return !others.empty();
}

/// Far behind: by more slots than are worth executing, or than others have the batches of.
void Node::Parts::sync_if_far_behind() {
    // Who caught up by itself may be helped another time.
    if (sync_refused && pipeline.next_slot() > followed) sync_refused = false;
    if (!has_peers() || sync.active()) return;
    const bool is_gone = !following_only && may_be_gone(pipeline.next_slot());
    if (sync_refused && (!is_gone || now.monotonic_us < sync_again_at_us)) return;
    if (config.snapshot_after_slots == 0 && !is_gone && !following_only) return;
    Slot newest = followed;
    if (const auto elsewhere = ordering->decided_elsewhere()) newest = std::max(newest, *elsewhere);
    // Whose decisions are those of a later epoch, or who follows as a guest, is shown no other.
    if (const auto heard = heard_slot(); heard && newer_slot > ordering->slot())
        newest = std::max(newest, Slot{std::max<uint64_t>(heard->value, 1) - 1});
    // What a load leaves to be executed does not make the next one.
    const Slot lowest = std::max(pipeline.next_slot(), synced_to);
    if (!following_only && !is_gone && newest.value <= lowest.value + config.snapshot_after_slots)
        return;
    sync_refused = false;
    if (!following_only) {
        follow_only();
        log(Log::Level::info, "far behind: " + std::to_string(newest.value - lowest.value + 1) +
                                  " slots to execute; loading states from the others instead");
    }
    if (followed.value + slots_short_of_goal < newest.value || followed.value == 0) return;
    std::set<LedgerIndex> all;
    for (size_t i = 0; i < charter->body.ledgers.size(); ++i) {
        const LedgerIndex ledger{uint16_t(i)};
        if (pipeline.in_flight(ledger)) return;  // Tried again when its block is written.
        all.insert(ledger);
    }
    SyncOutput out;
    synced_to = followed;
    for (const LedgerIndex ledger : all) quarantine.of(ledger).is_load_due = false;
    sync.start(followed, std::move(all), true, now.monotonic_us, out);
    take(out);
}

void Node::Parts::refuse_sync() {
    sync_refused = true;
    sync_again_at_us = now.monotonic_us + sync_pause_us;
}

void Node::Parts::follow_only() {
    following_only = true;
    pipeline.hold_all();
    availability::Effects out;
    availability->set_fetching(false, now, out);
    take(out);
}

/// After a restart in the middle of a load.
void Node::Parts::resume_sync() {
    auto goal = stored_sync_goal(key_value);
    if (goal.ok() && !*goal) return;
    if (!goal.ok() || !has_peers() || !may_resume(**goal)) return forget_sync_goal();
    if ((*goal)->whole) follow_only();
    for (const auto& stand : (*goal)->ledgers) pipeline.hold(stand.ledger);
    SyncOutput out;
    sync.resume(std::move(**goal), now.monotonic_us, out);
    take(out);
}

/// The goal is compared with what was decided and certified, and that with its signatures.
bool Node::Parts::may_resume(const SyncGoal& goal) {
    if (goal.slot > followed || !is_decided(goal.slot)) return false;
    for (const auto& stand : goal.ledgers) {
        if (stand.ledger.value < charter->body.ledgers.size())
            mend_certificates(stand.ledger, stand.height);
    }
    return is_as_decided(goal, key_value, charter->body.ledgers.size(), followed);
}

/// What was half loaded for it is not executed over.
void Node::Parts::forget_sync_goal() {
    log(Log::Level::info,
        "the load of states that was under way is not what was decided; it begins anew",
        "catching_up");
    for (size_t i = 0; i < charter->body.ledgers.size(); ++i) {
        if (pipeline.has_genesis({uint16_t(i)})) continue;
        if (const auto erased = erase_ledger(key_value, {uint16_t(i)}); !erased.ok())
            return halt(erased.error().message());
    }
    ports::WriteBatch writes;
    erase_sync_goal(writes);
    write(writes);
}

void Node::Parts::take(SyncOutput& out) {
    for (auto& line : out.lines) log(Log::Level::info, std::move(line), "catching_up");
    if (out.cannot_store && !canaries.ignore_failed_write) return halt(out.cannot_store->message());
    for (auto& [to, message] : out.sends) send(to, message);
    for (const LedgerIndex ledger : out.loaded) {
        ++counters["ledgers_loaded"];
        scrub_anew(ledger);
        const Slot before = pipeline.mark(ledger).slot;
        if (const auto opened = pipeline.reopen(ledger); !opened.ok())
            log(Log::Level::error, opened.error().message());
        if (pipeline.mark(ledger).slot != before) sync_jumped = true;
        // What is carried is here already: the rest can only be executed.
        if (pipeline.mark(ledger).slot == before) refuse_sync();
        if (const auto compared = compare_stored(ledger); !compared.ok())
            log(Log::Level::error, compared.error().message());
        restart_if_diverged(ledger);
    }
    // A part of it may be erased by now.
    // If nobody knows of one, all may be as far behind: then none gets on by waiting for another.
    if (!out.left.empty()) refuse_sync();
    for (const LedgerIndex ledger : out.left) {
        scrub_anew(ledger);
        on_load_left(ledger);
        if (restart_if_diverged(ledger) || pipeline.in_flight(ledger)) continue;
        if (const auto opened = pipeline.reopen(ledger); !opened.ok())
            log(Log::Level::error, opened.error().message());
        if (quarantine.is_quarantined(ledger) && !quarantine.of(ledger).remade_at)
            pipeline.set_aside(ledger);
    }
    if (out.finished || out.given_up) end_sync(out.finished);
}

/// A ledger that was to be loaded did not begin anew when it diverged. Of the load came nothing, or
/// what is here went further than its goal: then it begins now.
bool Node::Parts::restart_if_diverged(LedgerIndex ledger) {
    const auto height = proving->diverged_at(ledger);
    if (!height || pipeline.mark(ledger).height < *height) return false;
    restart(ledger);
    return true;
}

/// Batches up to the goal are needed no more; those above it are fetched and executed as usual.
void Node::Parts::end_sync(bool loaded) {
    if (following_only && !loaded) refuse_sync();
    pipeline.release_all();
    hold_due();
    if (const auto forgotten = forget_batches({pipeline.next_slot().value - 1}); !forgotten.ok())
        log(Log::Level::error, forgotten.error().message());
    if (std::exchange(following_only, false)) {
        if (const auto skipped = loaded ? skip_batches(sync.needless_up_to()) : success();
            !skipped.ok())
            log(Log::Level::error, skipped.error().message());
        availability::Effects fetches;
        availability->set_fetching(true, now, fetches);
        take(fetches);
    }
    // What the ledgers jumped over nobody fetches for executing it.
    if (std::exchange(sync_jumped, false)) {
        begin_restoring(highest_passed());
    } else {
        put_back_restore_mark();
    }
    PipelineOutput out;
    pipeline.on_decided(followed, out);
    take(out);
    if (loaded)
        log(Log::Level::info, "caught up: the states are here, and what came after is executed");
    begin_epoch_if_reached();
}

/// Of what the load jumped over, the pipeline may hold or want batches that nobody will plan.
Result<void> Node::Parts::forget_batches(Slot passed) {
    if (passed.value == 0) return success();
    TRY(decision, ChainReader(key_value).decision(passed));
    if (!decision) return fail(ports::KeyValueError::damaged, "a decided slot is missing");
    pipeline.forget_through(decision->decision.block.cut);
    return success();
}

Result<void> Node::Parts::skip_batches(Slot goal) {
    if (goal.value == 0) return success();
    TRY(decision, ChainReader(key_value).decision(goal));
    if (!decision) return fail(ports::KeyValueError::damaged, "a decided slot is missing");
    const auto& cut = decision->decision.block.cut;
    TRY(total_bytes, total_bytes_at(cut));
    availability->skip_to(cut, total_bytes);
    return success();
}

void Node::Parts::tell_sync(Participant from, const model::Message& message) {
    SyncOutput out;
    if (const auto* stands = std::get_if<model::Stands>(&message))
        sync.on_stands(from, *stands, now.monotonic_us, out);
    if (const auto* chunk = std::get_if<model::StateChunk>(&message))
        sync.on_chunk(from, *chunk, now.monotonic_us, out);
    take(out);
}

void Node::Parts::tell_sync_of_batches() {
    if (sync.wanted().empty()) return;
    SyncOutput out;
    sync.on_batch(now.monotonic_us, out);
    take(out);
}

/// Of one lane, in all batches up to this decided tip; nothing if that is not here as decided.
Result<std::optional<uint64_t>> Node::Parts::total_bytes_of(Participant lane,
                                                            const model::CutEntry& tip) const {
    const auto header = ChainReader(key_value).batch_header({lane, tip.height}, tip.header);
    if (!header.ok() && !is_own_damage(header.error())) return header.error();
    if (!header.ok() || !*header) return std::optional<uint64_t>();
    return std::optional<uint64_t>((*header)->total_bytes);
}

/// Of each lane, in all batches up to the cut, of which the tips are stored.
Result<std::vector<uint64_t>> Node::Parts::total_bytes_at(const model::Cut& cut) const {
    std::vector<uint64_t> total_bytes(cut.size());
    for (size_t lane = 0; lane < cut.size(); ++lane) {
        if (cut[lane].height.value == 0) continue;
        TRY(found, total_bytes_of({uint8_t(lane)}, cut[lane]));
        if (!found) return fail(ports::KeyValueError::damaged, "an executed batch is missing");
        total_bytes[lane] = *found;
    }
    return total_bytes;
}

// --- answering others ---

void Node::Parts::on_fetch(Participant from, const model::FetchStands& request) {
    auto& peer = peers[from.value];
    // Each is worth some reads for every ledger, and who loads asks thrice a second at most.
    if (now.monotonic_us < peer.stands_at_us || !may_ask(from)) return;
    peer.stands_at_us = now.monotonic_us + stands_pause_us;
    const auto decision = ChainReader(key_value).decision(request.slot);
    if (!decision.ok()) return;
    model::Stands stands{request.slot, {}};
    uint64_t bytes_read = 0;
    for (size_t i = 0; i < charter->body.ledgers.size(); ++i) {
        const LedgerIndex ledger{uint16_t(i)};
        if (proving->diverged(ledger) || !pipeline.failure(ledger).empty() || sync.owns(ledger) ||
            pipeline.passed(ledger) < request.slot || !pipeline.has_genesis(ledger))
            continue;
        const bool is_known = *decision && i < (*decision)->decision.block.highest_carried.size();
        if (!is_known) continue;
        const auto stand = stand_at(key_value, pipeline.mark(ledger), ledger, request.slot,
                                    (*decision)->decision.block.highest_carried[i], bytes_read);
        if (stand.ok() && *stand) stands.ledgers.push_back(**stand);
    }
    peer.answers.take_bytes(bytes_read);
    if (!stands.ledgers.empty()) answer(from, stands);
}

void Node::Parts::on_fetch(Participant from, const model::FetchState& request) {
    auto& peer = peers[from.value];
    if (request.ledger.value >= charter->body.ledgers.size() || sync.owns(request.ledger) ||
        proving->diverged(request.ledger) || peer.is_served_state || !may_ask(from))
        return;
    peer.is_served_state = true;
    effects->push_back(
        StartWork{next_work++, std::make_shared<ServeStateWork>(from, request, key_value.snapshot(),
                                                                canaries.serve_unchecked)});
}

bool Node::Parts::on_served(const std::shared_ptr<Work>& work) {
    const auto served = std::dynamic_pointer_cast<ServeStateWork>(work);
    if (served == nullptr) return false;
    auto& peer = peers[served->to().value];
    peer.is_served_state = false;
    for (const Damage& damage : served->damages()) on_damage(damage);
    if (served->answer() == nullptr) return true;
    peer.answers.take_bytes(served->answer()->size());
    ++counters["state_chunks_served"];
    outbox.put(Effect{SendPeer{served->to(), served->answer()}});
    return true;
}

}  // namespace tally::node
