// Following decided slots, once their decision is durable.
#include "node/parts.hpp"
#include "node/stored_decision.hpp"

namespace tally::node {
namespace {

/// A ledger that is paused by disputes waits for slots; so some come although nothing else wants
/// them.
constexpr uint64_t slot_while_disputed_us = 1'000'000;

}  // namespace

void Node::Parts::follow(const model::Decision& decision) {
    const auto& block = decision.block;
    if (block.slot <= followed) return;  // Known from before a restart.
    ENSURE(block.slot == followed.next());
    store_decision(stored_with(decision));
    compare_own();
    for (size_t i = 0; i < block.cut.size(); ++i)
        lanes_left.on_known({uint8_t(i)}, block.cut[i].height, now.monotonic_us);
    {
        availability::Effects out;
        availability->on_decided(decision, now, out);
        take(out);
    }
    begin_epoch_if_reached();
    {
        proving::Effects out;
        proving->on_decided(block, now, out);
        take(out);
    }
    for (const auto& certificate : block.carried) raise_waiters(certificate.ledger);
    PipelineOutput out;
    pipeline.on_decided(block.slot, out);
    take(out);
    drop_old_batches();
    begin_audits(block);
    follow_next_epoch(decision);
}

StoredDecision Node::Parts::stored_with(const model::Decision& decision) const {
    StoredDecision before;
    before.tip_times.assign(tip_times.begin(), tip_times.end());
    before.decision.block.cut.resize(tip_times.size());
    before.pauses = pauses.encode();
    auto derived = derive_stored(epochs, &before, decision);
    ENSURE(derived.ok());  // From memory.
    return std::move(*derived);
}

void Node::Parts::take_stored(const StoredDecision& stored) {
    const auto& block = stored.decision.block;
    tip_times.assign(stored.tip_times.begin(), stored.tip_times.end());
    ENSURE(pauses.decode(stored.pauses).ok());
    for (const auto& certificate : block.carried) {
        carried[certificate.ledger.value] = certificate.height;
        auto& highest = certified[certificate.ledger.value];
        if (certificate.height > highest) highest = certificate.height;
    }
    followed = block.slot;
    followed_time = block.time;
}

void Node::Parts::store_decision(const StoredDecision& stored) {
    const auto& block = stored.decision.block;
    ports::WriteBatch writes;
    put_decision(writes, stored);
    for (const auto& certificate : block.carried) {
        put_certificate(writes, certificate);
        put_carried(writes, certificate.ledger, certificate.height, block.slot);
    }
    take_stored(stored);
    write(writes);
    ++counters["slots_decided"];
    want_slot();
}

/// For what comes by time alone: what is held back is due, or a ledger's pause may be over.
void Node::Parts::want_slot() {
    if (effects == nullptr) return;
    std::optional<Micros> wanted;
    if (charter->now().parameters.hold_us > 0) wanted = pipeline.next_due(followed_time);
    if (pauses.window_open() || canaries.never_rest) {
        const Micros at{followed_time.value + slot_while_disputed_us};
        wanted = wanted ? std::min(*wanted, at) : at;
    }
    if (!wanted || (wanted == wanted_slot_at && followed == wanted_slot_after)) return;
    wanted_slot_at = wanted;
    wanted_slot_after = followed;
    // Past already by this clock, it is not by the others': they are given a moment.
    constexpr uint64_t moment_us = 20'000;
    ordering::Effects out;
    ordering->want_slot_at({std::max(wanted->value, now.wall.value + moment_us)}, now, out);
    take(out);
}

}  // namespace tally::node
