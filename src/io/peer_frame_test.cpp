// Frames survive any cutting of the stream, and a claimed length is refused before it is believed.
#include "io/peer_frame.hpp"

#include <gtest/gtest.h>

namespace tally::io {
namespace {

using Frame = std::pair<FrameKind, Bytes>;

Result<std::vector<Frame>> decode_in_pieces(FrameDecoder& decoder, ByteView stream, size_t piece) {
    std::vector<Frame> frames;
    while (!stream.empty()) {
        const size_t part = std::min(piece, stream.size());
        CHECK(decoder.feed(stream.first(part), [&](FrameKind kind, Bytes payload) {
            frames.emplace_back(kind, std::move(payload));
            return true;
        }));
        stream = stream.subspan(part);
    }
    return frames;
}

Bytes head_of(uint32_t length, uint8_t kind) {
    Bytes head;
    append_u32(head, length);
    head.push_back(kind);
    return head;
}

TEST(PeerFrame, has_its_golden_bytes) {
    const auto frame = [](FrameKind kind, std::string_view payload) {
        Bytes bytes;
        append_frame(bytes, kind, view_of(payload));
        return to_hex(bytes);
    };
    EXPECT_EQ(frame(FrameKind::hello, "\x01h"), "00000003010168");
    EXPECT_EQ(frame(FrameKind::message, "abc"), "0000000402616263");
    EXPECT_EQ(frame(FrameKind::ping, ""), "0000000103");
    EXPECT_EQ(frame(FrameKind::refusal, "no"), "00000003046e6f");
}

TEST(FrameDecoder, finds_the_same_frames_however_the_stream_is_cut) {
    const std::vector<Frame> sent{{FrameKind::hello, Bytes(65, 7)},
                                  {FrameKind::ping, {}},
                                  {FrameKind::message, Bytes(3000, 9)},
                                  {FrameKind::message, {}},
                                  {FrameKind::refusal, copy_of(view_of("why"))}};
    Bytes stream;
    for (const auto& [kind, payload] : sent) append_frame(stream, kind, payload);
    for (const size_t piece : {1u, 2u, 5u, 7u, 1000u, 100'000u}) {
        FrameDecoder decoder;
        decoder.allow_messages();
        const auto frames = decode_in_pieces(decoder, stream, piece);
        ASSERT_TRUE(frames.ok());
        EXPECT_EQ(*frames, sent) << "in pieces of " << piece;
    }
}

TEST(FrameDecoder, refuses_a_length_above_the_limit_at_the_head) {
    const auto first_error = [](bool proved, size_t payload_bytes, FrameKind kind) {
        FrameDecoder decoder;
        if (proved) decoder.allow_messages();
        return decode_in_pieces(decoder, head_of(uint32_t(payload_bytes + 1), uint8_t(kind)), 100);
    };
    EXPECT_TRUE(first_error(true, limits::peer_message_bytes_max, FrameKind::message).ok());
    const auto refused = first_error(true, limits::peer_message_bytes_max + 1, FrameKind::message);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(
        refused.error().message(),
        "the peer sent a frame above the limit: it claims 14680065 bytes, at most 14680064 are "
        "allowed");
    EXPECT_FALSE(first_error(true, 1025, FrameKind::ping).ok());
    EXPECT_FALSE(first_error(false, 1025, FrameKind::message).ok())
        << "a peer that has proved nothing gets no large buffer";
    EXPECT_FALSE(first_error(true, 0xfffffffe, FrameKind::message).ok());
}

TEST(FrameDecoder, refuses_empty_frames_and_unknown_kinds) {
    FrameDecoder empty, low, high;
    EXPECT_TRUE(decode_in_pieces(empty, head_of(0, 2), 9).error().is(FrameError::empty));
    EXPECT_TRUE(decode_in_pieces(low, head_of(1, 0), 9).error().is(FrameError::unknown_kind));
    EXPECT_TRUE(decode_in_pieces(high, head_of(1, 5), 9).error().is(FrameError::unknown_kind));
}

TEST(Printable, keeps_a_strangers_text_from_forging_log_lines) {
    EXPECT_EQ(printable(view_of("no\nroot\x1b[1m\xff")), "no?root?[1m?");
    EXPECT_EQ(printable(Bytes(5000, 'a')).size(), 512u);
}

}  // namespace
}  // namespace tally::io
