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

}  // namespace
}  // namespace tally::node
