// Participants on one machine exchange messages over real sockets, whatever strangers do meanwhile.
#include "io/peer_net.hpp"

#include <gmock/gmock.h>

#include "io/peer_testing.hpp"

namespace tally::io {
namespace {

using ::testing::HasSubstr;
using testing::network_of;
using testing::RawSocket;
using testing::signer_of;
using testing::table_of;
using testing::Witness;

Bytes numbered(uint32_t number, size_t bytes) {
    Bytes message;
    append_u32(message, number);
    message.resize(std::max<size_t>(bytes, 4), uint8_t(number));
    return message;
}

void introduce(const std::vector<Witness*>& all) {
    std::vector<uint16_t> ports;
    for (const Witness* const one : all) ports.push_back(one->port());
    for (uint8_t i = 0; i < all.size(); ++i) all[i]->net().set_peers(table_of(i, ports));
    for (uint8_t i = 0; i < all.size(); ++i) {
        for (uint8_t j = 0; j < all.size(); ++j) {
            ASSERT_TRUE(i == j || all[i]->wait_connected(j)) << int(i) << " to " << int(j);
        }
    }
}

TEST(PeerNet, three_participants_exchange_many_messages_in_order) {
    Witness a(0), b(1), c(2);
    const std::vector<Witness*> all{&a, &b, &c};
    introduce(all);
    constexpr uint32_t count = 3000;
    for (uint32_t k = 0; k < count; ++k) {
        for (uint8_t i = 0; i < 3; ++i) {
            for (uint8_t j = 0; j < 3; ++j) {
                if (i != j) all[i]->send(j, numbered(k, k % 700));
            }
        }
    }
    for (Witness* const one : all) {
        ASSERT_TRUE(one->wait_for_messages(2 * count));
        std::map<Participant, uint32_t> next;
        for (const auto& [from, message] : one->messages()) {
            const uint32_t k = next[from]++;
            ASSERT_EQ(message, numbered(k, k % 700));
        }
        EXPECT_EQ(next.size(), 2u);
    }
    const auto state = a.state_of(1);
    EXPECT_EQ(state->messages_dropped, 0u);
    EXPECT_GT(state->bytes_sent, 3000u * 300);
    EXPECT_GT(state->bytes_received, 3000u * 300);
    EXPECT_EQ(state->last_refusal, "");
}

TEST(PeerNet, carries_messages_up_to_the_limit) {
    Witness a(0), b(1);
    introduce({&a, &b});
    const std::vector<size_t> sizes{limits::batch_bytes_max, 4, limits::peer_message_bytes_max, 10};
    for (uint32_t k = 0; k < sizes.size(); ++k) a.send(1, numbered(k, sizes[k]));
    ASSERT_TRUE(b.wait_for_messages(sizes.size()));
    for (uint32_t k = 0; k < sizes.size(); ++k)
        EXPECT_TRUE(b.messages()[k].second == numbered(k, sizes[k])) << sizes[k];
}

TEST(PeerNet, drops_and_counts_what_is_sent_to_a_peer_that_is_away) {
    Witness a(0);
    a.net().set_peers(table_of(0, {a.port(), 1}));
    ASSERT_TRUE(a.wait_for_log("cannot use participant 1 at 127.0.0.1:1: Connection refused"));
    a.send(1, numbered(1, 10));
    a.send(2, numbered(1, 10));  // Nobody.
    EXPECT_EQ(a.state_of(1)->messages_dropped, 1u);
    EXPECT_FALSE(a.state_of(1)->connected);
    EXPECT_THAT(a.state_of(1)->last_refusal, HasSubstr("Connection refused"));
}

TEST(PeerNet, reconnects_to_a_participant_that_was_made_again) {
    Witness a(0);
    auto b = std::make_unique<Witness>(1);
    introduce({&a, b.get()});
    const std::vector<uint16_t> ports{a.port(), b->port()};
    for (uint32_t round = 0; round < 3; ++round) {
        b.reset();
        ASSERT_TRUE(a.wait_connected(1, false));
        b = std::make_unique<Witness>(1, ports[1]);
        b->net().set_peers(table_of(1, ports));
        ASSERT_TRUE(a.wait_connected(1));
        ASSERT_TRUE(b->wait_connected(0));
        a.send(1, numbered(round, 100));
        b->send(0, numbered(round, 100));
        ASSERT_TRUE(b->wait_for_messages(1));
        ASSERT_TRUE(a.wait_for_messages(round + 1));
        EXPECT_EQ(b->messages()[0].second, numbered(round, 100));
        EXPECT_EQ(a.messages()[round].second, numbered(round, 100));
    }
}

TEST(PeerNet, the_second_process_of_one_identity_is_told_so_as_long_as_the_first_speaks) {
    Witness a(0);
    auto first = std::make_unique<Witness>(1);
    introduce({&a, first.get()});
    Witness second(1);
    second.net().set_peers(table_of(1, {a.port(), second.port()}));
    const auto wait_told = [&](bool told) {
        for (int tries = 0; tries < 1'000; ++tries) {
            const auto state = second.state_of(0);  // None before the table has come.
            if (state && state->says_identity_in_use == told) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return false;
    };
    EXPECT_TRUE(wait_told(true));
    EXPECT_TRUE(second.wait_for_refusal(0, "another process uses this identity key"));
    first->send(0, numbered(1, 100));
    ASSERT_TRUE(a.wait_for_messages(1));
    EXPECT_EQ(a.log().find("closed"), std::string::npos) << "the first was not disturbed";
    EXPECT_FALSE(first->state_of(0)->says_identity_in_use);
    first.reset();
    EXPECT_TRUE(wait_told(false));
    second.send(0, numbered(2, 100));
    EXPECT_TRUE(a.wait_for_messages(2));
}

TEST(PeerNet, an_idle_connection_stays) {
    Witness a(0), b(1);
    introduce({&a, &b});
    const auto start = std::chrono::steady_clock::now();
    const auto silence = std::chrono::milliseconds(testing::quick_timing().silence_ms_max);
    std::this_thread::sleep_until(start + silence * 3 / 2);
    EXPECT_TRUE(a.state_of(1)->connected && b.state_of(0)->connected);
    EXPECT_EQ((a.log() + b.log()).find("silent"), std::string::npos);
}

TEST(PeerNet, does_not_read_a_peer_of_which_enough_is_here) {
    // What it sends waits with the sender, nothing is lost, the connection lives on, and others
    // are heard.
    Witness a(0), b(1), c(2);
    introduce({&a, &b, &c});
    a.have_enough_of(Participant{1});
    constexpr uint32_t count = 300;
    for (uint32_t k = 0; k < count; ++k) b.send(0, numbered(k, 100'000));
    ASSERT_TRUE(a.wait_for_messages(1));
    const auto silence = std::chrono::milliseconds(testing::quick_timing().silence_ms_max);
    std::this_thread::sleep_for(silence * 3 / 2);
    EXPECT_EQ(a.messages().size(), 1u);
    c.send(0, numbered(0, 10));
    ASSERT_TRUE(a.wait_for_messages(2));
    EXPECT_EQ(a.messages()[1].first, Participant{2});
    EXPECT_EQ((a.log() + b.log()).find("silent"), std::string::npos);
    a.have_enough_of({});
    a.net().resume(Participant{1});
    ASSERT_TRUE(a.wait_for_messages(count + 1));
    for (uint32_t k = 1; k < count; ++k)
        ASSERT_EQ(a.messages()[k + 1].second, numbered(k, 100'000)) << k;
    EXPECT_EQ(b.state_of(0)->messages_dropped, 0u);
}

TEST(PeerNet, a_peer_that_leaves_the_table_is_refused_and_may_return) {
    Witness a(0), b(1);
    introduce({&a, &b});
    a.net().set_peers(table_of(0, {a.port()}));
    EXPECT_TRUE(b.wait_for_log("says: refused: the network no longer lists this key"));
    EXPECT_TRUE(b.wait_connected(0, false));
    EXPECT_TRUE(a.net().peers().empty());
    introduce({&a, &b});
    b.send(0, numbered(7, 7));
    EXPECT_TRUE(a.wait_for_messages(1));
}

TEST(PeerNet, connections_survive_a_new_table_that_numbers_peers_anew) {
    Witness a(0), b(1);
    introduce({&a, &b});
    PeerTable table = table_of(0, {a.port(), b.port()});
    table.self = Participant{5};
    table.peers[0].participant = Participant{5};
    table.peers[1].participant = Participant{9};
    a.net().set_peers(table);
    ASSERT_TRUE(a.wait_connected(9));
    b.send(0, numbered(1, 50));
    ASSERT_TRUE(a.wait_for_messages(1));
    EXPECT_EQ(a.messages()[0].first, Participant{9});
    a.send(9, numbered(2, 50));
    ASSERT_TRUE(b.wait_for_messages(1));
    EXPECT_EQ(b.log().find("closed"), std::string::npos);
}

TEST(PeerNet, says_that_an_address_is_in_use_or_unusable) {
    const Witness a(0);
    PeerNetSetup setup;
    setup.identity = signer_of(2);
    setup.on_message = [](Participant, Bytes) { return true; };
    const auto message_for = [&](const std::string& address) {
        setup.listen = address;
        return open_peer_net(setup).error().message();
    };
    const std::string taken = "127.0.0.1:" + std::to_string(a.port());
    EXPECT_EQ(message_for(taken), "the address is in use by another process: " + taken +
                                      ". Stop the other process, or configure another port");
    EXPECT_EQ(message_for("127.0.0.1"),
              "not a usable address: \"127.0.0.1\". Write it as host:port");
    EXPECT_EQ(message_for("127.0.0.1:70000"),
              "not a usable address: \"127.0.0.1:70000\". Write it as host:port");
    EXPECT_THAT(message_for("192.0.2.1:4000"), HasSubstr("192.0.2.1:4000: Cannot assign"));
}

TEST(PeerNet, strangers_who_say_nothing_or_nonsense_do_no_harm) {
    Witness a(0, 0, network_of(0x12), {}, 4), b(1);
    std::vector<std::unique_ptr<RawSocket>> silent;
    for (int i = 0; i < 20; ++i) silent.push_back(std::make_unique<RawSocket>(a.port()));
    const RawSocket garbage(a.port()), http(a.port());
    garbage.write(std::string(100'000, '\x16'));
    http.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    introduce({&a, &b});
    b.send(0, numbered(1, 100));
    EXPECT_TRUE(a.wait_for_messages(1));
    EXPECT_TRUE(garbage.is_closed_by_peer());
    EXPECT_TRUE(http.is_closed_by_peer());
    EXPECT_TRUE(silent.front()->is_closed_by_peer()) << "the oldest made room";
    EXPECT_TRUE(silent.back()->is_closed_by_peer()) << "silence ends at the deadline";
}

}  // namespace
}  // namespace tally::io
