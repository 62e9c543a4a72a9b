// A peer's stream, cut at places it chooses: frames stay within their limits and nothing crashes.
#include "io/peer_frame.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tally;
    if (size == 0) return 0;
    io::FrameDecoder decoder;
    if (data[0] & 0x80) decoder.allow_messages();
    const size_t piece = 1 + (data[0] & 0x7f);
    for (ByteView rest(data + 1, size - 1); !rest.empty();) {
        const size_t part = std::min(piece, rest.size());
        const auto fed = decoder.feed(rest.first(part), [](io::FrameKind, Bytes payload) {
            ENSURE(payload.size() <= limits::peer_message_bytes_max);
            return true;
        });
        if (!fed.ok()) return 0;
        rest = rest.subspan(part);
    }
    return 0;
}
