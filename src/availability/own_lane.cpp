#include "availability/own_lane.hpp"

namespace tally::availability {

void Waiting::push(model::BatchItem item, uint64_t arrived_us) {
    bytes_ += item.envelope.size();
    items_.push_back({std::move(item), arrived_us});
}

model::Batch Waiting::take() {
    ENSURE(!items_.empty());
    model::Batch batch;
    size_t taken = 0;
    while (!items_.empty() && batch.size() < model::Batch::count_max) {
        const size_t size = items_.front().item.envelope.size();
        if (!batch.empty() && taken + size > limits::batch_bytes_aim) break;
        taken += size;
        batch.push_back(std::move(items_.front().item));
        items_.pop_front();
    }
    bytes_ -= taken;
    return batch;
}

model::Fragment OwnBatch::fragment_for(const Dispersal& dispersal, Participant holder) const {
    return {header, author, parent, {dispersal.cell_of(holder)}};
}

}  // namespace tally::availability
