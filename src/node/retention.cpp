// Dropping batches that are needed no more, and knowing what others may have dropped
// (docs/protocol.md, section 1, "Keep").
#include "node/parts.hpp"
#include "node/stored_decision.hpp"

namespace tally::node {
namespace {

/// Batches that one decision drops at most; when there are more, the next ones go on.
constexpr size_t drops_at_once = 1'000;

}  // namespace

/// Of a decision that lies here as it was decided.
std::optional<model::Block> Node::Parts::intact_block(Slot slot) const {
    auto decision = ChainReader(key_value).decision(slot);
    const bool is_right = decision.ok() && *decision && is_intact((*decision)->decision) &&
                          (*decision)->decision.block.slot == slot &&
                          (*decision)->decision.block.cut.size() == epochs.at(slot).places();
    return is_right ? std::optional(std::move((*decision)->decision.block)) : std::nullopt;
}

/// Decided so long ago, in block time and in slots, that by the charter it need not be kept. What
/// is not here as it was decided is of no age that is known: not so old.
bool Node::Parts::is_past(Slot slot, uint64_t us, uint64_t slots) const {
    if (canaries.drop_early) return slot <= followed;
    if (slot.value == 0 || followed.value < slot.value + slots) return slot.value == 0;
    const auto block = intact_block(slot);
    return block && block->time.value + us <= followed_time.value;
}

/// Up to here the blocks of every ledger are executed here and final, and all that came before is
/// in a state that more than half of the provers signed. Of a ledger with blocks that are not, up
/// to the slot of its last final block: who loads that state goes on with the next, or, where too
/// few say which slot that is in, looks for it from there.
Slot Node::Parts::final_through() const {
    const ChainReader stored(key_value);
    Slot through = followed;
    for (size_t i = 0; i < charter->body.ledgers.size(); ++i) {
        const LedgerIndex ledger{uint16_t(i)};
        through = std::min(through, pipeline.passed(ledger));
        if (pipeline.mark(ledger).height <= carried[i]) continue;
        const auto last = stored.header(ledger, carried[i]);
        if (!last.ok() || !*last) return {};
        through = std::min(through, (*last)->header.slot);
    }
    return released_through(through);
}

/// The newest slot of which nothing is held back any more where everything is executed up to
/// `slot`.
Slot Node::Parts::released_through(Slot slot) const {
    if (slot.value == 0) return slot;
    const uint64_t hold_us = epochs.body_at(slot).parameters.hold_us;
    const auto newest = intact_block(slot);
    if (hold_us == 0 || (newest && newest->ends_epoch())) return slot;
    uint64_t low = std::min(retained.cells.slot, slot).value, high = slot.value;
    while (newest && low < high) {
        const uint64_t middle = low + (high - low + 1) / 2;
        const auto block = intact_block({middle});
        if (!block || block->time.value + hold_us > newest->time.value) {
            high = middle - 1;
        } else {
            low = middle;
        }
    }
    return {low};
}

/// The newest slot from `from` to `limit` that is past these two.
Slot Node::Parts::newest_past(Slot from, Slot limit, uint64_t us, uint64_t slots) const {
    const auto reached = [&](uint64_t slot) {
        return slot <= limit.value && is_past({slot}, us, slots);
    };
    uint64_t newest = from.value;
    uint64_t step = 1;
    for (; reached(newest + step); step *= 2) newest += step;
    for (; step > 0; step /= 2) {
        if (reached(newest + step)) newest += step;
    }
    return {newest};
}

/// The newest slot from `from` on that is past these two and final.
Slot Node::Parts::newest_droppable(Slot from, uint64_t us, uint64_t slots) {
    if (!is_past(from.next(), us, slots)) return from;
    if (final_slot <= from) final_slot = final_through();
    return newest_past(from, final_slot, us, slots);
}

/// What was decided up to here nobody need have any more.
KeptFrom Node::Parts::gone_through() const {
    if (!has_peers()) return retained.cells;
    const auto& parameters = charter->now().parameters;
    const Slot gone = newest_past(retained.cells.slot, followed, parameters.retention_us,
                                  parameters.retention_slots);
    if (gone == retained.cells.slot) return retained.cells;
    const auto block = intact_block(gone);
    if (!block) return retained.cells;
    KeptFrom from{gone, {}};
    for (const auto& tip : block->cut) from.lanes.push_back(tip.height);
    return from;
}

/// Whoever is alone has them nowhere else.
void Node::Parts::drop_old_batches() {
    if (!has_peers()) return;
    for (const KeptFrom* kept : {&retained.whole, &retained.cells}) {
        const Slot next = kept->slot.next();
        if (next < followed && !intact_block(next)) want_decision(next);
    }
    const auto& parameters = charter->now().parameters;
    const Slot whole =
        newest_droppable(retained.whole.slot, parameters.whole_us, parameters.whole_slots);
    if (whole > retained.whole.slot) drop_through(whole, true);
    const Slot cells =
        newest_droppable(retained.cells.slot, parameters.retention_us, parameters.retention_slots);
    if (cells > retained.cells.slot) drop_through(cells, false);
}

/// Of each lane all below its tip at that slot, which shows how many bytes came before it.
void Node::Parts::drop_through(Slot slot, bool only_whole) {
    const ChainReader stored(key_value);
    const auto block = intact_block(slot);
    if (!block) return;
    const auto& cut = block->cut;
    KeptFrom& kept = only_whole ? retained.whole : retained.cells;
    kept.lanes.resize(cut.size());
    ports::WriteBatch writes;
    size_t dropped = 0;
    bool is_all = true;
    for (size_t i = 0; i < cut.size(); ++i) {
        const Participant lane{uint8_t(i)};
        LaneHeight& from = kept.lanes[i];
        if (cut[i].height <= from) continue;
        LaneHeight to{std::min(cut[i].height.value, from.value + (drops_at_once - dropped))};
        if (only_whole) {
            const auto coded = stored.with_cells(lane, from, to);
            if (!coded.ok()) return;
            // Cells of another batch may lie there, which lapsed with its epoch.
            for (const LaneHeight height : coded->heights) {
                if (stored.has_cells_of_body({lane, height})) erase_body(writes, {lane, height});
            }
            is_all = is_all && coded->next == to;
            to = coded->next;
        } else {
            for (LaneHeight height = from; height < to; height = height.next()) {
                erase_body(writes, {lane, height});
                erase_cells(writes, {lane, height});
            }
        }
        dropped += to.value - from.value;
        from = to;
    }
    if (!only_whole) {
        for (size_t i = 0; i < charter->body.ledgers.size(); ++i) {
            const LedgerIndex ledger{uint16_t(i)};
            const auto opened = stored.with_sealed_shares(ledger, slot, drops_at_once);
            if (!opened.ok()) return;
            for (const Slot one : *opened) erase_sealed_shares(writes, ledger, one);
            is_all = is_all && opened->size() < drops_at_once;
        }
    }
    if (is_all && dropped < drops_at_once) kept.slot = slot;
    counters["batches_dropped"] += only_whole ? 0 : dropped;
    put_retained(writes, retained);
    write(writes);
}

/// What that slot decided the others need not have any more.
bool Node::Parts::may_be_gone(Slot slot) const {
    const auto& parameters = charter->now().parameters;
    const Slot newest = std::max(followed, ordering->decided_elsewhere().value_or(followed));
    if (!has_peers() || newest.value < slot.value + parameters.retention_slots) return false;
    const auto block = intact_block(slot);
    const Micros then = block ? block->time : followed_time;
    return then.value + parameters.retention_us <= std::max(followed_time, now.wall).value;
}

StorageStatus Node::Parts::storage_status() const {
    StorageStatus status;
    status.cells_since = retained.cells.slot.next();
    status.whole_since = retained.whole.slot.next();
    if (restoring.mark) {
        status.restoring = true;
        const Slot next = restoring.mark->next;
        status.slots_to_go = next.value - std::min(restoring.floor.slot, next).value;
    }
    status.restored_batches = restoring.batches;
    status.restored_bytes = restoring.bytes;
    return status;
}

}  // namespace tally::node
