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

}  // namespace tally::node
