// Frames between participants, inside TLS: u32 length ‖ u8 kind ‖ payload, where the length counts
// kind and payload. Frozen: another version of tally may be on the other side.
#pragma once

#include <functional>
#include <utility>

#include "base/bytes.hpp"
#include "base/limits.hpp"

namespace tally::io {

enum class FrameError { too_long, empty, unknown_kind };
ErrorText describe(FrameError error);

enum class FrameKind : uint8_t {
    hello = 1,    ///< u8 version ‖ the signed session challenge; the first frame each way
    message = 2,  ///< bytes for the node
    ping = 3,     ///< says "still here"; empty
    refusal = 4,  ///< why the sender closes this connection, as text; the last frame
};

constexpr size_t frame_head_bytes = 5;
/// Before a peer has proved who it is, and for everything but messages.
constexpr size_t small_frame_payload_bytes_max = 1024;

/// Appends the head of a frame whose payload has `payload_bytes`.
void append_frame_head(Bytes& to, FrameKind kind, size_t payload_bytes);
void append_frame(Bytes& to, FrameKind kind, ByteView payload);

/// Cuts a stream of a stranger's bytes into frames. Memory grows with the bytes that arrived, never
/// with the length that was claimed.
class FrameDecoder {
public:
    /// Until then, payloads are limited to small_frame_payload_bytes_max.
    void allow_messages() { messages_allowed_ = true; }

    /// Calls `on_frame` for each frame that is now whole; it returns false to leave the rest
    /// unread. After an error the stream is lost: close the connection.
    using OnFrame = std::function<bool(FrameKind kind, Bytes payload)>;
    [[nodiscard]] Result<void> feed(ByteView bytes, const OnFrame& on_frame);

private:
    [[nodiscard]] Result<void> read_head();

    bool messages_allowed_ = false;
    Bytes head_;
    FrameKind kind_{};
    size_t payload_bytes_ = 0;  // What the head claims.
    Bytes payload_;
};

/// A text from a peer, fit for a log: at most 512 bytes of printable ASCII; others become '?'.
[[nodiscard]] std::string printable(ByteView text);

}  // namespace tally::io
