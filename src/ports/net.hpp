// Net: authenticated, ordered, lossy message streams between the participants of one network.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/strong.hpp"

namespace tally::ports {

enum class NetError { address_in_use, bad_address, tls_failed };
ErrorText describe(NetError error);

/// What became of one peer, for status and metrics.
struct PeerState {
    Participant peer;
    bool connected = false;
    std::string address;       ///< host:port that it is known or dialled by
    std::string last_refusal;  ///< the message of the last failed or refused connection, or empty
    uint64_t bytes_sent = 0, bytes_received = 0;
    uint64_t messages_dropped = 0;  ///< not sent: its queue was full, or it was away
    uint64_t received_dropped = 0;  ///< arrived, and did not fit into its share of what may wait
    uint64_t read_pauses = 0;       ///< how often its share was full and its socket was not read
    /// It will not speak with us, for another process with our identity key is connected to it.
    bool says_identity_in_use = false;
};

/// Messages between two connected participants arrive whole, in order and untouched, or not at all;
/// a broken connection loses those under way. Nothing is promised about delivery: whoever needs it
/// says it again.
class Net {
public:
    virtual ~Net() = default;
    /// Queues a message. A peer's queue is bounded; when it is full or the peer is away, or the
    /// message is larger than limits::peer_message_bytes_max, it is dropped and counted. Never
    /// blocks. Safe from any thread.
    virtual void send(Participant to, std::shared_ptr<const Bytes> message) = 0;
    /// Every other participant that the net knows of, as of now. Safe from any thread.
    [[nodiscard]] virtual std::vector<PeerState> peers() const = 0;
    /// Closes every connection; nothing is given to anybody once it returns. Never from the net's
    /// own thread. Again is nothing.
    virtual void stop() = 0;
};

}  // namespace tally::ports
