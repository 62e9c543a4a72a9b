// Getting back what a participant should keep and does not have: own cells of batches that a load
// of states jumped over, and batches that lie here otherwise than they were decided. They are
// rebuilt from the others' cells (availability/rebuilder.hpp).
#include "node/parts.hpp"

namespace tally::node {
namespace {

/// Lanes' parts of slots that are gone through at one time.
constexpr size_t chains_max = 64;
/// Of them so many batches are asked for at one time: what is executed, or loaded, comes first.
constexpr size_t chains_asked_max = 8;
/// Batches that are here already and are looked at in one step, by their bytes.
constexpr uint64_t looked_at_bytes = 2ull * 1024 * 1024;
constexpr uint64_t pace_us = 20'000;
/// Of what is missed in the blocks that are executed, so many batches are asked for at once.
constexpr size_t asks_at_once = 8;

}  // namespace

/// From the slot up to which a load of states made batches needless.
void Node::Parts::begin_restoring(Slot top) {
    restoring.mark = RestoreMark{top, top};
    restoring.chains.clear();
    restoring.opened = top;
    store_restore_mark();
    log(Log::Level::info,
        "this participant's cells of batches up to slot " + std::to_string(top.value) +
            " are made again from the others', as far back as they are kept",
        "restoring_cells", {{"slot", std::to_string(top.value)}});
    restore_cells();
}

void Node::Parts::store_restore_mark() {
    ports::WriteBatch writes;
    put_restore_mark(writes, *restoring.mark);
    write(writes);
}

/// After a load that was to jump over something, and did not.
void Node::Parts::put_back_restore_mark() {
    if (restoring.mark) return store_restore_mark();
    ports::WriteBatch writes;
    erase_restore_mark(writes);
    write(writes);
}

/// After a restart in the middle of it.
void Node::Parts::resume_restoring() {
    const auto mark = stored_restore_mark(key_value);
    // Damaged, it says no more than that something was missing.
    if (!mark.ok()) return begin_restoring(followed);
    if (!*mark) return;
    restoring.mark = **mark;
    restoring.opened = std::min(restoring.mark->next, followed);
    restoring.at_us = now.monotonic_us;
}

/// Each lane's part of a slot: from its tip there down to its tip at the slot before, or that tip
/// alone.
bool Node::Parts::open_chains(Slot slot, bool only_tips) {
    const auto block = intact_block(slot);
    const auto before = slot.value > 1 ? intact_block({slot.value - 1}) : std::nullopt;
    if (!block || (slot.value > 1 && !only_tips && !before)) {
        want_decision(slot);
        if (slot.value > 1) want_decision({slot.value - 1});
        return false;
    }
    for (size_t i = 0; i < block->cut.size(); ++i) {
        const LaneHeight tip = block->cut[i].height;
        if (tip.value == 0) continue;
        LaneHeight floor = before ? model::tip_of(before->cut, {uint8_t(i)}).height : LaneHeight{};
        if (only_tips) floor = {tip.value - 1};
        if (tip <= floor) continue;
        restoring.chains.insert_or_assign(BatchPlace{{uint8_t(i)}, tip},
                                          Restoring::Chain{slot, floor, block->cut[i].header});
    }
    return true;
}

/// As own cells that are right, which may be made now, or, of one that is not coded, whole.
bool Node::Parts::is_kept(BatchPlace place, const model::BatchHeader& header) {
    const ChainReader stored(key_value);
    if (coder->shape_of(header.da).is_coded()) {
        const auto cells = stored.cells(place);
        return (cells.ok() && *cells && (*cells)->header == header &&
                coder->cells_verify(header.da, self.index, (*cells)->cells)) ||
               mend_cells(place);
    }
    const auto body = stored.body(place);
    return body.ok() && *body && (*body)->header == header &&
           coder->rebuild(header, (*body)->bytes) != nullptr;
}

/// What is here is passed over; true once a chain is at its end. Where `bytes_left` is none, it is
/// not known yet whether the batch at `place` is here.
bool Node::Parts::go_down(BatchPlace& place, Restoring::Chain& chain, uint64_t& bytes_left) {
    const ChainReader stored(key_value);
    while (place.height > chain.floor && place.height >= restoring.floor.of(place.lane)) {
        if (bytes_left == 0) return false;
        const auto header = stored.batch_header(place, chain.hash);
        if (!header.ok() || !*header) return false;
        bytes_left -= std::min<uint64_t>(bytes_left, (*header)->da.length);
        if (!is_kept(place, **header)) return false;
        chain.hash = (*header)->parent;
        --place.height.value;
    }
    return true;
}

/// The tips at the slot up to which nobody need have anything any more are kept.
void Node::Parts::restore_cells() {
    if (!restoring.mark) return;
    restoring.at_us = now.monotonic_us + ask_again_us;
    // The load that is under way may change where this begins.
    if (sync.active()) return;
    restoring.floor = gone_through();
    const Slot lowest = std::max(restoring.floor.slot, Slot{1});
    while (restoring.chains.size() < chains_max && restoring.opened >= lowest) {
        const bool only_tips = restoring.opened == restoring.floor.slot;
        if (!open_chains(restoring.opened, only_tips)) break;
        --restoring.opened.value;
    }
    decltype(restoring.chains) chains;
    Slot highest;
    uint64_t bytes_left = looked_at_bytes;
    for (auto& [at, chain] : restoring.chains) {
        BatchPlace place = at;
        // What is asked for may be past retention by now: nobody has it any more.
        if (place.height < restoring.floor.of(place.lane)) continue;
        const availability::LanePlace wanted{place.height, chain.hash};
        const bool is_asked = rebuilder.wants(place.lane, wanted);
        if (!is_asked && go_down(place, chain, bytes_left)) continue;
        highest = std::max(highest, chain.slot);
        chains.emplace(place, chain);
    }
    restoring.chains = std::move(chains);
    const bool has_more = restoring.chains.size() < chains_max && restoring.opened >= lowest;
    if (bytes_left == 0 || has_more)
        restoring.at_us = now.monotonic_us + pace_us;
    else
        ask_for_chains();
    const bool is_over = restoring.chains.empty() && restoring.opened < lowest;
    const Slot next = std::max(highest, restoring.opened);
    if (!is_over) {
        if (next == restoring.mark->next) return;
        restoring.mark->next = next;
        return store_restore_mark();
    }
    restoring.mark.reset();
    restoring.at_us = UINT64_MAX;
    put_back_restore_mark();
    log(Log::Level::info,
        "all cells that this participant should keep are here: " +
            std::to_string(restoring.batches) + " batches were rebuilt, " +
            std::to_string(restoring.bytes / 1'000'000) + " MB",
        "restored_cells", {{"batches", std::to_string(restoring.batches)}});
}

/// Some at a time, and the next once those before are paid for.
void Node::Parts::ask_for_chains() {
    if (now.monotonic_us < restoring.free_at_us) {
        restoring.at_us = std::min(restoring.at_us, restoring.free_at_us);
        return;
    }
    size_t asked = 0;
    for (const auto& [place, chain] : restoring.chains) {
        if (asked++ == chains_asked_max) return;
        rebuilder.want(place.lane, {place.height, chain.hash}, now.monotonic_us);
    }
}

/// Batches that lie here otherwise than they were decided, or no more. Those that are not held yet
/// the availability machine sees to.
void Node::Parts::ask_for_batches() {
    if (now.monotonic_us < ask_batches_at_us) return;
    ask_batches_at_us = now.monotonic_us + ask_again_us;
    if (!batches_to_heal.empty()) {
        const KeptFrom gone = gone_through();
        std::erase_if(batches_to_heal,
                      [&](const auto& one) { return one.first.height < gone.of(one.first.lane); });
    }
    rebuilder.keep_only([&](Participant lane, const availability::LanePlace& at) {
        const BatchPlace place{lane, at.first};
        const auto is_in = [&](const std::map<BatchPlace, Hash>& list) {
            const auto found = list.find(place);
            return found != list.end() && found->second == at.second;
        };
        const auto chain = restoring.chains.find(place);
        return is_in(pipeline.wanted()) || is_in(batches_to_heal) || is_in(sync.wanted()) ||
               (chain != restoring.chains.end() && chain->second.hash == at.second);
    });
    for (const auto& [place, hash] : sync.wanted())
        rebuilder.want(place.lane, {place.height, hash}, now.monotonic_us);
    size_t asked = 0;
    for (const auto* list : {&pipeline.wanted(), &std::as_const(batches_to_heal)}) {
        for (const auto& [place, hash] : *list) {
            if (availability->held_through(place.lane) < place.height) continue;
            if (++asked > asks_at_once) break;
            rebuilder.want(place.lane, {place.height, hash}, now.monotonic_us);
        }
    }
    tick_rebuilder();
}

void Node::Parts::tick_rebuilder() {
    availability::RebuilderEffects out;
    rebuilder.on_tick(now.monotonic_us, out);
    take(out);
}

/// False: it was not asked for here.
bool Node::Parts::on_rebuilding(Participant from, const model::Message& message) {
    availability::RebuilderEffects out;
    bool is_taken = false;
    if (const auto* cells = std::get_if<model::BatchCells>(&message))
        is_taken = rebuilder.on_cells(from, *cells, now.monotonic_us, out);
    if (const auto* body = std::get_if<model::BatchBody>(&message))
        is_taken = rebuilder.on_body(*body, out);
    take(out);
    return is_taken;
}

void Node::Parts::take_one(availability::Rebuilt& rebuilt) {
    const auto& batch = *rebuilt.batch;
    const BatchPlace place{batch.header.lane, batch.header.height};
    ports::WriteBatch writes;
    put_batch(writes, batch, *coder, self.index);
    // Of what is not executed now, or older, the own cells are enough.
    const bool is_wanted = pipeline.wanted().contains(place);
    const bool is_recent = place.height >= retained.whole.of(place.lane);
    const bool is_needed = is_wanted || (batches_to_heal.contains(place) && is_recent);
    const bool is_coded = coder->shape_of(batch.header.da).is_coded();
    if (is_coded && !batch.is_void && !is_needed) erase_body(writes, place);
    write(writes);
    // What is old may be wanted, and was dropped.
    if (batches_to_heal.erase(place) > 0 || (is_wanted && is_recent)) {
        ++counters["batches_healed"];
        log(Log::Level::info,
            "batch " + std::to_string(place.height.value) + " of lane " +
                charter->now().participants[place.lane.value].name +
                " was missing or altered on this disk, and was fetched again",
            "disk_healed");
    }
    ask_batches_at_us = now.monotonic_us;  // The next is asked for in its place.
    if (restoring.chains.contains(place)) {
        ++counters["batches_restored"];
        ++restoring.batches;
        restoring.bytes += batch.header.da.length;
        restoring.free_at_us = std::max(restoring.free_at_us, now.monotonic_us) +
                               batch.header.da.length * 1'000'000 / config.restore_bytes_per_s;
        restore_cells();
    }
    begin_epoch_if_reached();
    tell_sync_of_batches();
    if (!is_wanted) return;
    PipelineOutput out;
    pipeline.on_batch(batch.header, batch.header_hash, batch.bytes, batch.is_void, out);
    take(out);
}

}  // namespace tally::node
