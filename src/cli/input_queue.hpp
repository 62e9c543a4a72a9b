// InputQueue: what waits for the node's step, each kind within its own bounds, so that whoever
// floods this participant crowds out nobody but itself.
#pragma once

#include <deque>

#include "node/node.hpp"

namespace tally::cli {

/// Not thread-safe: its owner locks.
class InputQueue {
public:
    struct Limits {
        size_t peer_bytes_max = size_t{32} * 1024 * 1024;  ///< of messages, for each peer
        size_t peer_messages_max = 8'192;                  ///< for each peer
        size_t requests_bytes_max = size_t{64} * 1024 * 1024;
        size_t requests_max = 4'096;
    };
    explicit InputQueue(uint32_t participants) : InputQueue(participants, Limits{}) {}
    InputQueue(uint32_t participants, Limits limits) : limits_(limits), peers_(participants) {}

    /// Above either bound the message is dropped and counted: it is said again. False when the next
    /// one might find no room: nothing more should be read from this peer until a round relieves
    /// it.
    [[nodiscard]] bool push_message(Participant from, std::shared_ptr<const Bytes> message);
    /// False: too many wait; it was not taken.
    [[nodiscard]] bool push_request(node::ClientRequest& request);
    /// What the node itself has asked for: as much as it has under way, and never dropped.
    void push_local(node::Input input) { local_.push_back(std::move(input)); }

    [[nodiscard]] bool empty() const;
    struct Round {
        std::vector<node::Input> inputs;
        std::vector<Participant> relieved;  ///< told to be full before, and half empty now
    };
    /// One turn for everybody: all that is local, some requests, and one message of each peer.
    void take_round(Round& round);

    [[nodiscard]] uint64_t dropped(Participant from) const { return peers_[from.value].dropped; }
    /// How often the peer was told to be full.
    [[nodiscard]] uint64_t pauses(Participant from) const { return peers_[from.value].pauses; }

private:
    struct Peer {
        std::deque<std::shared_ptr<const Bytes>> messages;
        size_t bytes = 0;
        bool full = false;
        uint64_t dropped = 0;
        uint64_t pauses = 0;
    };
    struct Waiting {
        node::ClientRequest request;
        size_t bytes;
    };

    Limits limits_;
    std::vector<Peer> peers_;
    size_t messages_ = 0;  ///< of all peers
    std::deque<Waiting> requests_;
    size_t requests_bytes_ = 0;
    std::vector<node::Input> local_;
};

}  // namespace tally::cli
