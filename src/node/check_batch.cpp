#include "node/check_batch.hpp"

#include <set>

namespace tally::node {
namespace {

/// What the two maps need for an entry, with its allocations.
constexpr size_t held_entry_bytes = 512;

}  // namespace

void KnownEnvelopes::add(ByteView bytes, std::shared_ptr<const model::CheckedEnvelope> checked) {
    const Hash place = sha256(bytes);
    const size_t memory_bytes = held_entry_bytes + sizeof(*checked) + checked->heap_bytes();
    if (memory_bytes > bytes_max_ || by_bytes_.contains(place)) return;
    while (bytes_ + memory_bytes > bytes_max_) forget(by_bytes_.find(by_arrival_.begin()->second));
    by_bytes_.emplace(place, Known{std::move(checked), memory_bytes, arrivals_});
    by_arrival_.emplace(arrivals_++, place);
    bytes_ += memory_bytes;
}

void KnownEnvelopes::forget(ByBytes::iterator known) {
    bytes_ -= known->second.bytes;
    by_arrival_.erase(known->second.arrival);
    by_bytes_.erase(known);
}

std::map<size_t, std::shared_ptr<const model::CheckedEnvelope>> KnownEnvelopes::take(
    const model::Batch& items) {
    std::map<size_t, std::shared_ptr<const model::CheckedEnvelope>> known;
    if (by_bytes_.empty()) return known;
    // An envelope may stand in a batch twice.
    std::set<Hash> taken;
    for (size_t i = 0; i < items.size(); ++i) {
        const Hash place = sha256(items[i].envelope);
        const auto found = by_bytes_.find(place);
        if (found == by_bytes_.end()) continue;
        known.emplace(i, found->second.checked);
        taken.insert(place);
    }
    for (const Hash& place : taken) forget(by_bytes_.find(place));
    return known;
}

CheckBatchWork::CheckBatchWork(
    model::BatchHeader header, Hash header_hash, model::Batch items, bool is_void,
    std::map<size_t, std::shared_ptr<const model::CheckedEnvelope>> known,
    std::shared_ptr<const model::Charter> charter, Hash network, model::SealingKeys sealing)
    : batch_(std::make_shared<CheckedBatch>()),
      known_(std::move(known)),
      charter_(std::move(charter)),
      network_(network),
      sealing_(std::move(sealing)) {
    batch_->header = std::move(header);
    batch_->header_hash = header_hash;
    batch_->is_void = is_void;
    batch_->items = std::move(items);
}

void CheckBatchWork::run() {
    const auto& ledgers = charter_->body.ledgers;
    batch_->envelopes.reserve(batch_->items.size());
    for (size_t i = 0; i < batch_->items.size(); ++i) {
        const auto& item = batch_->items[i];
        // An item of a ledger that is not in the charter belongs to no block; no ledger has this
        // name.
        const std::string_view name = item.ledger.value < ledgers.size()
                                          ? std::string_view(ledgers[item.ledger.value].name)
                                          : "/";
        // The same bytes may stand here under another ledger than they were handed in for, or in a
        // later epoch.
        const auto known = known_.find(i);
        if (known != known_.end() && known->second->valid() &&
            known->second->transaction->ledger == name &&
            (!known->second->transaction->sealed ||
             known->second->transaction->sealed->epoch == sealing_.epoch)) {
            batch_->envelopes.push_back(known->second);
            continue;
        }
        batch_->envelopes.push_back(std::make_shared<const model::CheckedEnvelope>(
            model::check_envelope(item.envelope, network_, name, &sealing_)));
    }
    result_ = batch_;
}

}  // namespace tally::node
