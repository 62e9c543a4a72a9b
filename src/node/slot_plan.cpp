#include "node/slot_plan.hpp"

#include <algorithm>

namespace tally::node {
namespace {

bool is_tip(const SlotFacts& facts, const BatchPlace& place) {
    return facts.cut[place.lane.value].height == place.height;
}

/// T(h): by the certificate named in the cut if h is its tip, else by Certificate(h) inside header
/// h + 1.
Micros time_of_batch(const SlotFacts& facts, const std::vector<CheckedBatchRef>& batches, size_t i,
                     const BatchPlace& place, uint32_t liars_max) {
    if (is_tip(facts, place)) return facts.tip_times[place.lane.value];
    return model::time_of(*batches[i + 1]->header.previous, liars_max);
}

Hash certificate_of(const SlotFacts& facts, const std::vector<CheckedBatchRef>& batches, size_t i,
                    const BatchPlace& place) {
    if (is_tip(facts, place)) return facts.cut[place.lane.value].certificate;
    return batches[i + 1]->header.previous->digest();
}

}  // namespace

std::vector<BatchPlace> places_of(const SlotFacts& facts) {
    std::vector<BatchPlace> places;
    for (size_t lane = 0; lane < facts.cut.size(); ++lane) {
        const uint64_t before = facts.cut_before[lane].height.value;
        for (uint64_t height = before + 1; height <= facts.cut[lane].height.value; ++height)
            places.push_back({{uint8_t(lane)}, {height}});
    }
    return places;
}

bool matches_cut(const SlotFacts& facts, const std::vector<CheckedBatchRef>& batches) {
    const auto places = places_of(facts);
    if (places.size() != batches.size()) return false;
    for (size_t i = places.size(); i-- > 0;) {
        const auto& batch = *batches[i];
        const size_t lane = places[i].lane.value;
        if (batch.header.lane != places[i].lane || batch.header.height != places[i].height)
            return false;
        const Hash& expected =
            is_tip(facts, places[i]) ? facts.cut[lane].header : batches[i + 1]->header.parent;
        if (batch.header_hash != expected) return false;
        // Times of the batches before it in this cut come from their certificates. A quorum
        // acknowledged this chain, so this holds unless more than f of them lied.
        const auto& previous = batch.header.previous;
        const bool has_one_before = i > 0 && places[i - 1].lane == places[i].lane;
        if (has_one_before &&
            (!previous || previous->header != batch.header.parent || previous->parts.empty()))
            return false;
    }
    return true;
}

SlotPlan plan_slot(SlotFacts facts, std::vector<CheckedBatchRef> batches, uint32_t liars_max,
                   uint64_t late_after_us) {
    SlotPlan plan;
    const auto places = places_of(facts);
    std::optional<Micros> previous;  // T̂ of the batch before in the same lane.
    for (size_t i = 0; i < places.size(); ++i) {
        const BatchPlace& place = places[i];
        const bool first_of_lane = i == 0 || places[i - 1].lane != place.lane;
        if (first_of_lane) previous = facts.tip_times_before[place.lane.value];
        const Micros measured = time_of_batch(facts, batches, i, place, liars_max);
        const Micros time = std::max(measured, previous->next());
        previous = time;
        const bool late = time.value + late_after_us < facts.time_before.value;
        plan.manifest.push_back({place.lane, place.height, certificate_of(facts, batches, i, place),
                                 time, late, batches[i]->is_void});
        const CheckedBatch& batch = *batches[i];
        for (size_t position = 0; position < batch.items.size(); ++position) {
            const auto& envelope = batch.envelopes[position];
            if (envelope->valid() && envelope->transaction->sealed)
                plan.with_sealed.insert(batch.items[position].ledger);
            plan.lists[batch.items[position].ledger].push_back(
                {{late, time, place.lane, place.height, uint32_t(position), envelope->id},
                 envelope,
                 batch.items[position].envelope.size()});
        }
    }
    for (auto& [ledger, entries] : plan.lists) {
        std::sort(entries.begin(), entries.end(),
                  [](const auto& a, const auto& b) { return a.place < b.place; });
    }
    plan.facts = std::move(facts);
    plan.batches = std::move(batches);
    return plan;
}

Micros due_of(const SlotFacts& facts, const model::ManifestEntry& batch) {
    return {std::min(batch.time, facts.time).value + facts.hold_us};
}

bool may_hold_back(const SlotFacts& facts, Micros time) {
    return !facts.ends_epoch && facts.time.value + facts.hold_us > time.value;
}

SlotPlan released_plan(const std::vector<std::shared_ptr<const SlotPlan>>& decided) {
    const SlotPlan& own = *decided.back();
    SlotPlan plan;
    plan.facts = own.facts;
    for (const auto& one : decided) {
        std::set<BatchPlace> released;
        for (size_t i = 0; i < one->manifest.size(); ++i) {
            const auto& batch = one->manifest[i];
            const Micros due = due_of(one->facts, batch);
            const bool is_due = due <= own.facts.time || own.facts.ends_epoch;
            const bool was_due = one.get() != &own && due <= own.facts.time_before;
            if (!is_due || was_due) continue;
            released.insert({batch.lane, batch.height});
            plan.manifest.push_back(batch);
            plan.batches.push_back(one->batches[i]);
        }
        if (released.empty()) continue;
        for (const auto& [ledger, entries] : one->lists) {
            for (const auto& entry : entries) {
                if (!released.contains({entry.place.lane, entry.place.height})) continue;
                plan.lists[ledger].push_back(entry);
                if (entry.envelope->valid() && entry.envelope->transaction->sealed)
                    plan.with_sealed.insert(ledger);
            }
        }
    }
    std::sort(plan.manifest.begin(), plan.manifest.end(), [](const auto& a, const auto& b) {
        return std::tie(a.lane, a.height) < std::tie(b.lane, b.height);
    });
    for (auto& [ledger, entries] : plan.lists) {
        std::sort(entries.begin(), entries.end(),
                  [](const auto& a, const auto& b) { return a.place < b.place; });
    }
    return plan;
}

}  // namespace tally::node
