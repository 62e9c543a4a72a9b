#include "io/peer_frame.hpp"

#include <algorithm>
#include <cstdlib>

namespace tally::io {
namespace {

constexpr size_t text_bytes_max = 512;

bool is_known(uint8_t kind) {
    return kind >= uint8_t(FrameKind::hello) && kind <= uint8_t(FrameKind::refusal);
}

}  // namespace

ErrorText describe(FrameError error) {
    switch (error) {
    case FrameError::too_long:
        return {"frame_too_long", "the peer sent a frame above the limit", ""};
    case FrameError::empty: return {"frame_empty", "the peer sent a frame without a kind", ""};
    case FrameError::unknown_kind:
        return {"frame_unknown_kind", "the peer sent a frame of an unknown kind", ""};
    }
    std::abort();
}

void append_frame_head(Bytes& to, FrameKind kind, size_t payload_bytes) {
    ENSURE(payload_bytes <= limits::peer_message_bytes_max);
    append_u32(to, uint32_t(payload_bytes + 1));
    to.push_back(uint8_t(kind));
}

void append_frame(Bytes& to, FrameKind kind, ByteView payload) {
    append_frame_head(to, kind, payload.size());
    append(to, payload);
}

Result<void> FrameDecoder::read_head() {
    const uint32_t length = read_u32(head_);
    if (length == 0) return FrameError::empty;
    if (!is_known(head_[4])) return FrameError::unknown_kind;
    kind_ = FrameKind(head_[4]);
    payload_bytes_ = length - 1;
    const size_t payload_bytes_max = messages_allowed_ && kind_ == FrameKind::message
                                         ? limits::peer_message_bytes_max
                                         : small_frame_payload_bytes_max;
    if (payload_bytes_ > payload_bytes_max)
        return fail(FrameError::too_long, "it claims " + std::to_string(payload_bytes_) +
                                              " bytes, at most " +
                                              std::to_string(payload_bytes_max) + " are allowed");
    return success();
}

Result<void> FrameDecoder::feed(ByteView bytes, const OnFrame& on_frame) {
    while (!bytes.empty()) {
        if (head_.size() < frame_head_bytes) {
            const size_t part = std::min(frame_head_bytes - head_.size(), bytes.size());
            append(head_, bytes.first(part));
            bytes = bytes.subspan(part);
            if (head_.size() < frame_head_bytes) return success();
            CHECK(read_head());
        }
        const size_t part = std::min(payload_bytes_ - payload_.size(), bytes.size());
        append(payload_, bytes.first(part));
        bytes = bytes.subspan(part);
        if (payload_.size() < payload_bytes_) return success();
        head_.clear();
        if (!on_frame(kind_, std::exchange(payload_, {}))) return success();
    }
    return success();
}

std::string printable(ByteView text) {
    std::string clean(text_of(text.first(std::min(text.size(), text_bytes_max))));
    for (char& c : clean) {
        if (c < ' ' || c > '~') c = '?';
    }
    return clean;
}

}  // namespace tally::io
