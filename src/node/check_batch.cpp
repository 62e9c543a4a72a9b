#include "node/check_batch.hpp"

namespace tally::node {

void KnownEnvelopes::add(std::shared_ptr<const Bytes> bytes,
                         std::shared_ptr<const model::CheckedEnvelope> checked) {
    const Hash place = sha256(*bytes);
    if (!by_bytes_.try_emplace(place, Known{std::move(bytes), std::move(checked)}).second) return;
    if (order_.size() < entries_max_) {
        order_.push_back(place);
        return;
    }
    by_bytes_.erase(order_[next_]);
    order_[next_] = place;
    next_ = (next_ + 1) % entries_max_;
}

std::map<size_t, std::shared_ptr<const model::CheckedEnvelope>> KnownEnvelopes::take(
    const model::Batch& items) {
    std::map<size_t, std::shared_ptr<const model::CheckedEnvelope>> known;
    if (by_bytes_.empty()) return known;
    for (size_t i = 0; i < items.size(); ++i) {
        const auto found = by_bytes_.find(sha256(items[i].envelope));
        if (found != by_bytes_.end()) known.emplace(i, found->second.checked);
    }
    return known;
}

CheckBatchWork::CheckBatchWork(
    model::BatchHeader header, Hash header_hash, model::Batch items, bool is_void,
    std::map<size_t, std::shared_ptr<const model::CheckedEnvelope>> known,
    std::shared_ptr<const model::Charter> charter, Hash network)
    : batch_(std::make_shared<CheckedBatch>()),
      known_(std::move(known)),
      charter_(std::move(charter)),
      network_(network) {
    batch_->header = std::move(header);
    batch_->header_hash = header_hash;
    batch_->is_void = is_void;
    batch_->items = std::move(items);
    bytes_ = batch_->header.da.length;
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
        // The same bytes may stand here under another ledger than they were handed in for.
        const auto known = known_.find(i);
        if (known != known_.end() && known->second->valid() &&
            known->second->transaction->ledger == name) {
            batch_->envelopes.push_back(known->second);
            continue;
        }
        batch_->envelopes.push_back(std::make_shared<const model::CheckedEnvelope>(
            model::check_envelope(item.envelope, network_, name)));
    }
    result_ = batch_;
}

}  // namespace tally::node
