// Nothing leaves before what was appended before it is durable, and everything leaves in order.
#include "node/outbox.hpp"

#include <gtest/gtest.h>

namespace tally::node {
namespace {

Outbox::Item reply(uint64_t id) {
    return Effect{Halt{std::to_string(id)}};
}

std::vector<uint64_t> taken(Outbox& outbox) {
    std::vector<uint64_t> ids;
    for (auto& item : outbox.take_ready())
        ids.push_back(std::stoull(std::get<Halt>(std::get<Effect>(item)).why));
    return ids;
}

using Ids = std::vector<uint64_t>;

TEST(Outbox, what_follows_no_append_leaves_at_once) {
    Outbox outbox(false);
    outbox.put(reply(1));
    EXPECT_EQ(taken(outbox), Ids{1});
}

TEST(Outbox, what_follows_an_append_waits_for_a_sync_that_covers_it) {
    Outbox outbox(false);
    outbox.on_append();
    outbox.put(reply(1));
    EXPECT_TRUE(taken(outbox).empty());
    outbox.on_sync_started(7);
    outbox.on_append();
    outbox.put(reply(2));
    outbox.on_synced(7);
    EXPECT_EQ(taken(outbox), Ids{1}) << "the second append is not covered by ticket 7";
    outbox.on_sync_started(8);
    outbox.put(reply(3));
    EXPECT_TRUE(taken(outbox).empty()) << "ticket 8 is asked for and not reported";
    outbox.on_synced(8);
    EXPECT_EQ(taken(outbox), (Ids{2, 3}));
}

TEST(Outbox, a_later_ticket_covers_the_earlier_ones) {
    Outbox outbox(false);
    outbox.on_append();
    outbox.put(reply(1));
    outbox.on_sync_started(1);
    outbox.on_append();
    outbox.put(reply(2));
    outbox.on_sync_started(2);
    outbox.on_synced(2);
    EXPECT_EQ(taken(outbox), (Ids{1, 2}));
    outbox.put(reply(3));
    EXPECT_EQ(taken(outbox), Ids{3});
}

TEST(Outbox, the_deliberate_mistake_lets_everything_out) {
    Outbox outbox(true);
    outbox.on_append();
    outbox.put(reply(1));
    EXPECT_EQ(taken(outbox), Ids{1});
}

TEST(Outbox, a_sync_that_hangs_costs_bounded_memory_and_nothing_but_sends) {
    // A peer asks for bodies of 4 MiB again and again while the disk stands still; what is no send
    // waits in its place, however many sends were dropped before and after.
    Outbox outbox(false);
    outbox.on_append();
    for (uint64_t i = 0; i < 100; ++i) {
        outbox.put(Effect{
            SendPeer{Participant{1}, std::make_shared<const Bytes>(size_t{4} * 1024 * 1024)}});
        outbox.put(reply(i));
    }
    EXPECT_EQ(outbox.bytes(), size_t{64} * 1024 * 1024);
    EXPECT_EQ(outbox.dropped(), 84u);
    outbox.on_sync_started(1);
    outbox.on_synced(1);
    EXPECT_EQ(outbox.bytes(), 0u);
    Ids replies, all;
    for (auto& item : outbox.take_ready()) {
        if (const auto* halt = std::get_if<Halt>(&std::get<Effect>(item)))
            replies.push_back(std::stoull(halt->why));
    }
    for (uint64_t i = 0; i < 100; ++i) all.push_back(i);
    EXPECT_EQ(replies, all);
}

TEST(Outbox, a_message_to_all_takes_its_bytes_once) {
    Outbox outbox(false);
    outbox.on_append();
    const auto bytes = std::make_shared<const Bytes>(size_t{1024} * 1024);
    for (uint8_t to = 1; to < 255; ++to) outbox.put(Effect{SendPeer{Participant{to}, bytes}});
    EXPECT_EQ(outbox.bytes(), bytes->size());
    EXPECT_EQ(outbox.dropped(), 0u);
    outbox.on_sync_started(1);
    outbox.on_synced(1);
    EXPECT_EQ(outbox.take_ready().size(), 254u);
    EXPECT_EQ(outbox.bytes(), 0u);
}

TEST(Outbox, small_sends_are_bounded_by_their_number) {
    Outbox outbox(false);
    outbox.on_append();
    for (int i = 0; i < 150'000; ++i)
        outbox.put(Effect{SendPeer{Participant{1}, std::make_shared<const Bytes>(1)}});
    EXPECT_EQ(outbox.dropped(), 50'000u);
}

}  // namespace
}  // namespace tally::node
