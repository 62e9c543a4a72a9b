#include "cli/input_queue.hpp"

namespace tally::cli {
namespace {

/// Room for the largest message, after which its peer is told to be full, and for the small ones
/// that were read from its socket together with the end of that.
constexpr size_t spare_bytes = limits::peer_message_bytes_max + 64 * 1024;
constexpr size_t spare_messages = 1'024;
constexpr size_t requests_per_round = 8;
/// Of a request, beside what it points to.
constexpr size_t request_bytes = 512;

size_t bytes_of(const node::Request& request) {
    if (const auto* proposed = std::get_if<node::ProposeEpoch>(&request))
        return request_bytes + 4 * cbor::encode(proposed->voted).size();
    const auto* submit = std::get_if<node::Submit>(&request);
    return submit == nullptr
               ? request_bytes
               : request_bytes + submit->envelope.size() + submit->checked->heap_bytes();
}

}  // namespace

bool InputQueue::push_message(Participant from, std::shared_ptr<const Bytes> message) {
    if (from.value >= peers_.size()) return true;
    Peer& peer = peers_[from.value];
    if (peer.bytes + message->size() > limits_.peer_bytes_max ||
        peer.messages.size() >= limits_.peer_messages_max) {
        ++peer.dropped;
    } else {
        peer.bytes += message->size();
        peer.messages.push_back(std::move(message));
        ++messages_;
    }
    const bool full = peer.bytes + spare_bytes > limits_.peer_bytes_max ||
                      peer.messages.size() + spare_messages > limits_.peer_messages_max;
    if (full && !peer.full) ++peer.pauses;
    peer.full = peer.full || full;
    return !peer.full;
}

bool InputQueue::push_request(node::ClientRequest& request) {
    const size_t bytes = bytes_of(request.request);
    if (requests_.size() >= limits_.requests_max ||
        requests_bytes_ + bytes > limits_.requests_bytes_max)
        return false;
    requests_bytes_ += bytes;
    requests_.push_back({std::move(request), bytes});
    return true;
}

bool InputQueue::empty() const {
    return local_.empty() && requests_.empty() && messages_ == 0;
}

void InputQueue::take_round(Round& round) {
    for (auto& input : std::exchange(local_, {})) round.inputs.push_back(std::move(input));
    for (size_t i = 0; i < requests_per_round && !requests_.empty(); ++i) {
        requests_bytes_ -= requests_.front().bytes;
        round.inputs.emplace_back(std::move(requests_.front().request));
        requests_.pop_front();
    }
    for (size_t i = 0; i < peers_.size() && messages_ > 0; ++i) {
        Peer& peer = peers_[i];
        if (peer.messages.empty()) continue;
        const Participant from{uint8_t(i)};
        peer.bytes -= peer.messages.front()->size();
        round.inputs.emplace_back(node::PeerMessage{from, std::move(peer.messages.front())});
        peer.messages.pop_front();
        --messages_;
        if (!peer.full || peer.bytes > limits_.peer_bytes_max / 2 ||
            peer.messages.size() > limits_.peer_messages_max / 2)
            continue;
        peer.full = false;
        round.relieved.push_back(from);
    }
}

}  // namespace tally::cli
