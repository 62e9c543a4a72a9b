// SlotPlan: the order inside a block (docs/protocol.md, section 3).
//
// A decided cut determines which batches are new and at what time each counts; from that follow,
// per ledger, the list of transactions in order. Everything here is a function of decided data and
// of the batches' bytes.
#pragma once

#include <map>
#include <memory>
#include <set>

#include "model/block.hpp"
#include "model/envelope.hpp"
#include "model/messages.hpp"

namespace tally::node {

/// A batch with every envelope checked by its bytes alone. Immutable, shared by whoever needs it.
struct CheckedBatch {
    model::BatchHeader header;
    Hash header_hash;
    bool is_void = false;
    model::Batch items;                                                    ///< empty when void
    std::vector<std::shared_ptr<const model::CheckedEnvelope>> envelopes;  ///< one per item
};
using CheckedBatchRef = std::shared_ptr<const CheckedBatch>;

/// The decided facts of one slot that planning needs.
struct SlotFacts {
    Slot slot;
    Micros time;            ///< τ_s
    Micros time_before;     ///< τ_{s−1}
    model::Cut cut_before;  ///< of slot s − 1
    model::Cut cut;
    std::vector<Micros>
        tip_times_before;           ///< per lane: T of the tip in cut_before, by its certificate
    std::vector<Micros> tip_times;  ///< the same for `cut`
    Epoch epoch = {};
    uint64_t hold_us = 0;     ///< H of that epoch
    bool ends_epoch = false;  ///< nothing is held back any more
};

/// Which batches a slot needs, per lane in ascending height.
struct BatchPlace {
    Participant lane;
    LaneHeight height;
    auto operator<=>(const BatchPlace&) const = default;
};
[[nodiscard]] std::vector<BatchPlace> places_of(const SlotFacts& facts);

/// True iff `batches` (all of places_of, in its order) are the very chain of headers that the cut
/// names.
[[nodiscard]] bool matches_cut(const SlotFacts& facts, const std::vector<CheckedBatchRef>& batches);

struct SlotPlan {
    SlotFacts facts;
    model::Manifest manifest;  ///< in the order of places_of
    std::vector<CheckedBatchRef> batches;
    /// Per ledger that has a transaction in a non-void batch: its entries in order, with their
    /// envelopes.
    struct Entry {
        model::ListEntry place;
        std::shared_ptr<const model::CheckedEnvelope> envelope;
        size_t envelope_bytes = 0;
    };
    std::map<LedgerIndex, std::vector<Entry>> lists;
    std::set<LedgerIndex> with_sealed;  ///< those with a sealed transaction that is valid
};

/// Of what the slot decides. Requires matches_cut. `liars_max` is f; `late_after_us` is L.
[[nodiscard]] SlotPlan plan_slot(SlotFacts facts, std::vector<CheckedBatchRef> batches,
                                 uint32_t liars_max, uint64_t late_after_us);

/// When what a slot decides is executed at the earliest (docs/protocol.md, section 3): min(T̂, τ) +
/// H, for no clock of a batch is to hold it back longer than H after its decision.
[[nodiscard]] Micros due_of(const SlotFacts& facts, const model::ManifestEntry& batch);
/// Whether something of what the slot decided may still be held back at this time.
[[nodiscard]] bool may_hold_back(const SlotFacts& facts, Micros time);

/// What a slot executes: of what it and the slots before it decided, the batches that are due in it
/// and were not in the slot before. `decided`: those that may still hold something back, and the
/// slot's own, which comes last.
[[nodiscard]] SlotPlan released_plan(const std::vector<std::shared_ptr<const SlotPlan>>& decided);

}  // namespace tally::node
