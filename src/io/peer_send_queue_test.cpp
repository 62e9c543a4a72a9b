// A full or closed queue drops the newest and counts it; what leaves is whole and in order.
#include "io/peer_send_queue.hpp"

#include <gtest/gtest.h>

#include "io/peer_frame.hpp"

namespace tally::io {
namespace {

using Pushed = SendQueue::Pushed;

std::shared_ptr<const Bytes> message(size_t bytes, uint8_t fill) {
    return std::make_shared<const Bytes>(bytes, fill);
}

std::vector<Bytes> drain(SendQueue& queue, size_t slice_bytes) {
    FrameDecoder decoder;
    decoder.allow_messages();
    std::vector<Bytes> messages;
    while (true) {
        Bytes slice;
        queue.fill(slice, slice_bytes);
        EXPECT_LE(slice.size(), slice_bytes + frame_head_bytes);
        if (slice.empty()) return messages;
        EXPECT_TRUE(decoder
                        .feed(slice,
                              [&](FrameKind, Bytes payload) {
                                  messages.push_back(std::move(payload));
                                  return true;
                              })
                        .ok());
    }
}

TEST(SendQueue, drops_the_newest_above_either_bound) {
    SendQueue queue(100, 3);
    EXPECT_EQ(queue.push(message(1, 0)), Pushed::dropped) << "closed at first";
    queue.open();
    EXPECT_EQ(queue.push(message(60, 1)), Pushed::first);
    EXPECT_EQ(queue.push(message(41, 2)), Pushed::dropped) << "bytes";
    EXPECT_EQ(queue.push(message(40, 3)), Pushed::waits);
    EXPECT_EQ(queue.push(message(0, 4)), Pushed::waits);
    EXPECT_EQ(queue.push(message(0, 5)), Pushed::dropped) << "count";
    EXPECT_EQ(queue.messages_dropped(), 3u);
    EXPECT_EQ(drain(queue, 1000), (std::vector<Bytes>{Bytes(60, 1), Bytes(40, 3), Bytes()}));
    EXPECT_EQ(queue.push(message(100, 6)), Pushed::first) << "what left made room";
}

TEST(SendQueue, drops_what_no_peer_would_read) {
    SendQueue queue(size_t{64} * 1024 * 1024, 3);
    queue.open();
    EXPECT_EQ(queue.push(message(limits::peer_message_bytes_max + 1, 1)), Pushed::dropped);
    EXPECT_EQ(queue.messages_dropped(), 1u);
    EXPECT_EQ(queue.push(message(limits::peer_message_bytes_max, 2)), Pushed::first);
}

TEST(SendQueue, cuts_large_messages_into_slices) {
    SendQueue queue(10'000'000, 10);
    queue.open();
    queue.push(message(4'000'000, 1));
    queue.push(message(0, 0));
    queue.push(message(300, 2));
    EXPECT_EQ(drain(queue, 65'536), (std::vector<Bytes>{Bytes(4'000'000, 1), {}, Bytes(300, 2)}));
}

TEST(SendQueue, forgets_a_half_sent_message_when_closed) {
    SendQueue queue(10'000, 10);
    queue.open();
    queue.push(message(5000, 1));
    Bytes slice;
    queue.fill(slice, 1000);
    queue.close();
    EXPECT_EQ(queue.messages_dropped(), 1u);
    queue.open();
    queue.push(message(5, 2));
    EXPECT_EQ(drain(queue, 1000), std::vector<Bytes>{Bytes(5, 2)});
}

}  // namespace
}  // namespace tally::io
