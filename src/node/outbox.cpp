#include "node/outbox.hpp"

namespace tally::node {

void Outbox::on_sync_started(uint64_t ticket) {
    ENSURE(ticket > started_);
    started_ = ticket;
    dirty_ = false;
    for (auto it = waiting_.rbegin(); it != waiting_.rend() && it->ticket == 0; ++it)
        it->ticket = ticket;
}

void Outbox::on_synced(uint64_t ticket) {
    if (ticket > synced_) synced_ = ticket;
    while (!waiting_.empty() && waiting_.front().ticket != 0 &&
           waiting_.front().ticket <= synced_) {
        Waiting& front = waiting_.front();
        if (front.is_send) --sends_;
        bytes_ -= front.bytes;
        ready_.push_back(std::move(front.item));
        waiting_.pop_front();
    }
}

/// A message to all stands here once for each, one after the other, and its bytes are shared.
size_t Outbox::bytes_of(const SendPeer& message) const {
    if (!waiting_.empty() && waiting_.back().is_send) {
        const auto& last = std::get<SendPeer>(std::get<Effect>(waiting_.back().item));
        if (last.bytes == message.bytes) return 0;
    }
    return message.bytes->size();
}

void Outbox::put(Item item) {
    const bool all_durable = !dirty_ && started_ <= synced_;
    if (all_durable || send_before_save_) {
        ready_.push_back(std::move(item));
        return;
    }
    const auto* effect = std::get_if<Effect>(&item);
    const auto* message = effect == nullptr ? nullptr : std::get_if<SendPeer>(effect);
    const size_t bytes = message == nullptr ? 0 : bytes_of(*message);
    if (message != nullptr) {
        if (sends_ >= sends_max || bytes_ + bytes > bytes_max) {
            ++dropped_;
            return;
        }
        ++sends_;
        bytes_ += bytes;
    }
    waiting_.push_back({dirty_ ? 0 : started_, std::move(item), message != nullptr, bytes});
}

std::vector<Outbox::Item> Outbox::take_ready() {
    return std::exchange(ready_, {});
}

}  // namespace tally::node
