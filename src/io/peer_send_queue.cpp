#include "io/peer_send_queue.hpp"

#include <algorithm>

#include "io/peer_frame.hpp"

namespace tally::io {

SendQueue::Pushed SendQueue::push(std::shared_ptr<const Bytes> message) {
    ENSURE(message);
    const std::lock_guard lock(mutex_);
    // The other side would close the connection over a message above the limit, again and again.
    if (!open_ || message->size() > limits::peer_message_bytes_max ||
        waiting_.size() >= messages_max_ || message->size() > bytes_max_ - bytes_) {
        ++dropped_;
        return Pushed::dropped;
    }
    bytes_ += message->size();
    waiting_.push_back(std::move(message));
    return waiting_.size() == 1 ? Pushed::first : Pushed::waits;
}

void SendQueue::fill(Bytes& out, size_t bytes_aim) {
    const std::lock_guard lock(mutex_);
    while (!waiting_.empty() && out.size() < bytes_aim) {
        const Bytes& front = *waiting_.front();
        if (!front_begun_) append_frame_head(out, FrameKind::message, front.size());
        front_begun_ = true;
        const size_t room = bytes_aim - std::min(bytes_aim, out.size());
        const size_t part = std::min(room, front.size() - front_sent_);
        append(out, ByteView(front).subspan(front_sent_, part));
        front_sent_ += part;
        if (front_sent_ < front.size()) return;
        bytes_ -= front.size();
        front_sent_ = 0;
        front_begun_ = false;
        waiting_.pop_front();
    }
}

void SendQueue::open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
}

void SendQueue::close() {
    const std::lock_guard lock(mutex_);
    dropped_ += waiting_.size();
    waiting_.clear();
    bytes_ = front_sent_ = 0;
    front_begun_ = open_ = false;
}

bool SendQueue::is_open() const {
    const std::lock_guard lock(mutex_);
    return open_;
}

uint64_t SendQueue::messages_dropped() const {
    const std::lock_guard lock(mutex_);
    return dropped_;
}

}  // namespace tally::io
