#include "availability/own_lane.hpp"

#include <algorithm>

namespace tally::availability {

void Waiting::push(model::Forwarding mode, model::BatchItem item, uint64_t arrived_us) {
    bytes_ += item.envelope.size();
    items_[mode].push_back({std::move(item), arrived_us});
}

size_t Waiting::count() const {
    size_t sum = 0;
    for (const auto& [mode, items] : items_) sum += items.size();
    return sum;
}

uint64_t Waiting::first_arrived_us() const {
    ENSURE(!items_.empty());
    uint64_t first_us = UINT64_MAX;
    for (const auto& [mode, items] : items_)
        first_us = std::min(first_us, items.front().arrived_us);
    return first_us;
}

Waiting::Taken Waiting::take() {
    ENSURE(!items_.empty());
    const auto first = std::min_element(items_.begin(), items_.end(), [](auto& a, auto& b) {
        return a.second.front().arrived_us < b.second.front().arrived_us;
    });
    Taken out{first->first, {}};
    auto& items = first->second;
    size_t taken = 0;
    while (!items.empty() && out.batch.size() < model::Batch::count_max) {
        const size_t size = items.front().item.envelope.size();
        if (!out.batch.empty() && taken + size > limits::batch_bytes_aim) break;
        taken += size;
        out.batch.push_back(std::move(items.front().item));
        items.pop_front();
    }
    bytes_ -= taken;
    if (items.empty()) items_.erase(first);
    return out;
}

model::Batch Waiting::all() const {
    model::Batch batch;
    for (const auto& [mode, items] : items_) {
        for (const auto& waiting : items) batch.push_back(waiting.item);
    }
    return batch;
}

model::Fragment OwnBatch::fragment_for(const Dispersal& dispersal, Participant holder) const {
    return {header, author, parent, dispersal.cells_of(holder)};
}

}  // namespace tally::availability
