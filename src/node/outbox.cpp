#include "node/outbox.hpp"

namespace tally::node {

void Outbox::on_sync_started(uint64_t ticket) {
    ENSURE(ticket > started_);
    started_ = ticket;
    dirty_ = false;
    for (auto it = waiting_.rbegin(); it != waiting_.rend() && it->first == 0; ++it)
        it->first = ticket;
}

void Outbox::on_synced(uint64_t ticket) {
    if (ticket > synced_) synced_ = ticket;
    while (!waiting_.empty() && waiting_.front().first != 0 && waiting_.front().first <= synced_) {
        ready_.push_back(std::move(waiting_.front().second));
        waiting_.pop_front();
    }
}

void Outbox::put(Item item) {
    const bool all_durable = !dirty_ && started_ <= synced_;
    if (all_durable || send_before_save_) {
        ready_.push_back(std::move(item));
        return;
    }
    const auto* effect = std::get_if<Effect>(&item);
    const bool is_send = effect != nullptr && std::holds_alternative<SendPeer>(*effect);
    if (is_send && waiting_.size() >= waiting_max) return;
    waiting_.emplace_back(dirty_ ? 0 : started_, std::move(item));
}

std::vector<Outbox::Item> Outbox::take_ready() {
    return std::exchange(ready_, {});
}

}  // namespace tally::node
