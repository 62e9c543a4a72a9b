// SendQueue: what waits to be sent to one peer, bounded in bytes and in messages.
#pragma once

#include <deque>
#include <memory>
#include <mutex>

#include "base/bytes.hpp"

namespace tally::io {

/// Filled from any thread, emptied by the connection. When it is full, or closed because the peer
/// is away, the newest message is dropped and counted: what waits already stays in order.
class SendQueue {
public:
    SendQueue(size_t bytes_max, size_t messages_max)
        : bytes_max_(bytes_max), messages_max_(messages_max) {}

    enum class Pushed { dropped, waits, first };  ///< first: the queue was empty, wake the sender
    /// A message above limits::peer_message_bytes_max is dropped, too.
    Pushed push(std::shared_ptr<const Bytes> message);

    /// Moves framed messages to `out` until it holds about `bytes_aim` or the queue is empty; a
    /// large message goes in slices.
    void fill(Bytes& out, size_t bytes_aim);

    void open();
    /// Drops and counts all that wait.
    void close();
    [[nodiscard]] bool is_open() const;
    [[nodiscard]] uint64_t messages_dropped() const;

private:
    const size_t bytes_max_;
    const size_t messages_max_;
    mutable std::mutex mutex_;
    std::deque<std::shared_ptr<const Bytes>> waiting_;
    size_t bytes_ = 0;       // Of all that waits.
    size_t front_sent_ = 0;  // Bytes of the front message that left in an earlier slice.
    bool front_begun_ = false;
    bool open_ = false;
    uint64_t dropped_ = 0;
};

}  // namespace tally::io
