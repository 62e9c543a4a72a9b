// Whoever floods a participant fills its own share and waits its own turn; nobody else notices.
#include "cli/input_queue.hpp"

#include <gtest/gtest.h>

namespace tally::cli {
namespace {

using Round = InputQueue::Round;

constexpr size_t megabyte = size_t{1024} * 1024;
constexpr Participant flooder{1}, honest{2};

std::shared_ptr<const Bytes> message(size_t bytes, uint8_t fill = 0) {
    return std::make_shared<const Bytes>(bytes, fill);
}

std::vector<Participant> senders(const Round& round) {
    std::vector<Participant> from;
    for (const auto& input : round.inputs) {
        if (const auto* one = std::get_if<node::PeerMessage>(&input)) from.push_back(one->from);
    }
    return from;
}

Round round_of(InputQueue& queue) {
    Round round;
    queue.take_round(round);
    return round;
}

node::ClientRequest submission(size_t bytes) {
    node::Submit submit;
    submit.envelope.resize(bytes);
    submit.checked = std::make_shared<const model::CheckedEnvelope>();
    return {1, std::move(submit)};
}

TEST(InputQueue, holds_of_a_flooder_no_more_bytes_than_its_share) {
    InputQueue queue(4);
    size_t taken = 0;
    for (int i = 0; i < 1'000; ++i) {
        const uint64_t dropped = queue.dropped(flooder);
        (void)queue.push_message(flooder, message(4 * megabyte));
        if (queue.dropped(flooder) == dropped) taken += 4 * megabyte;
    }
    EXPECT_EQ(taken, 32 * megabyte);
    EXPECT_EQ(queue.dropped(flooder), 992u);
    EXPECT_TRUE(queue.push_message(honest, message(4 * megabyte))) << "its own share is untouched";
    EXPECT_EQ(queue.dropped(honest), 0u);
}

TEST(InputQueue, holds_of_a_flooder_no_more_messages_than_its_share) {
    InputQueue queue(4);
    for (int i = 0; i < 100'000; ++i) (void)queue.push_message(flooder, message(0));
    EXPECT_EQ(queue.dropped(flooder), 100'000u - 8'192u);
}

TEST(InputQueue, gives_each_peer_its_turn) {
    InputQueue queue(4);
    for (uint8_t i = 0; i < 100; ++i) (void)queue.push_message(flooder, message(1, i));
    (void)queue.push_message(honest, message(1));
    EXPECT_EQ(senders(round_of(queue)), (std::vector<Participant>{flooder, honest}));
    (void)queue.push_message(honest, message(1));
    const Round second = round_of(queue);
    EXPECT_EQ(senders(second), (std::vector<Participant>{flooder, honest}));
    EXPECT_EQ(*std::get<node::PeerMessage>(second.inputs[0]).bytes, Bytes{1}) << "in order";
    EXPECT_EQ(senders(round_of(queue)), std::vector<Participant>{flooder});
    for (int i = 0; i < 97; ++i) (void)round_of(queue);
    EXPECT_TRUE(queue.empty());
}

TEST(InputQueue, tells_a_peer_to_wait_before_it_must_drop) {
    // Who stops reading when told so loses nothing: neither the largest message that comes when
    // there is just room for it, nor the small ones that were read together with its end.
    InputQueue queue(4);
    size_t bytes = 0;
    while (bytes + limits::peer_message_bytes_max + 2 * megabyte <= 32 * megabyte) {
        ASSERT_TRUE(queue.push_message(flooder, message(megabyte)));
        bytes += megabyte;
    }
    EXPECT_FALSE(queue.push_message(flooder, message(limits::peer_message_bytes_max)));
    for (int i = 0; i < 1'000; ++i) EXPECT_FALSE(queue.push_message(flooder, message(32)));
    EXPECT_EQ(queue.dropped(flooder), 0u);
    EXPECT_EQ(queue.pauses(flooder), 1u);
    int rounds = 0;
    bool relieved = false;
    while (!queue.empty()) {
        const Round round = round_of(queue);
        ++rounds;
        if (round.relieved.empty()) continue;
        EXPECT_EQ(round.relieved, std::vector<Participant>{flooder});
        EXPECT_FALSE(relieved) << "once";
        relieved = true;
        EXPECT_GT(rounds, 1) << "not at the first message that leaves";
        EXPECT_FALSE(queue.empty()) << "nor only when nothing is left to do";
    }
    EXPECT_TRUE(relieved);
    EXPECT_TRUE(queue.push_message(flooder, message(1)));
}

TEST(InputQueue, bounds_requests_apart_from_messages) {
    InputQueue queue(4, {32 * megabyte, 8'192, 1'000'000, 10});
    for (int i = 0; i < 10; ++i) {
        auto request = submission(50'000);
        EXPECT_TRUE(queue.push_request(request));
    }
    auto request = submission(1);
    EXPECT_FALSE(queue.push_request(request)) << "count";
    EXPECT_TRUE(queue.push_message(honest, message(1)));
    EXPECT_EQ(round_of(queue).inputs.size(), 9u) << "some requests and the message";
    auto large = submission(990'000);
    EXPECT_FALSE(queue.push_request(large)) << "bytes";
    EXPECT_EQ(std::get<node::Submit>(large.request).envelope.size(), 990'000u) << "left as it was";
    (void)round_of(queue);
    EXPECT_TRUE(queue.push_request(large)) << "what left made room";
}

TEST(InputQueue, takes_what_is_local_whatever_waits) {
    InputQueue queue(4);
    for (int i = 0; i < 100'000; ++i) {
        (void)queue.push_message(flooder, message(1));
        auto request = submission(1'000);
        (void)queue.push_request(request);
    }
    for (uint64_t id = 0; id < 100; ++id) queue.push_local(node::WorkDone{id, nullptr});
    const Round round = round_of(queue);
    EXPECT_EQ(std::count_if(round.inputs.begin(), round.inputs.end(),
                            [](const node::Input& input) {
                                return std::holds_alternative<node::WorkDone>(input);
                            }),
              100);
}

TEST(InputQueue, ignores_a_peer_that_the_network_does_not_have) {
    InputQueue queue(4);
    EXPECT_TRUE(queue.push_message(Participant{4}, message(1)));
    EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace tally::cli
