// Whoever is not the participant that the network lists gets no message in, and is told why.
#include <gmock/gmock.h>

#include "io/peer_net.hpp"
#include "io/peer_testing.hpp"

namespace tally::io {
namespace {

using ::testing::HasSubstr;
using testing::network_of;
using testing::now_s;
using testing::RawPeer;
using testing::signer_of;
using testing::table_of;
using testing::Witness;

/// Participant 0 listens and lists participant 1, which is not running: strangers play it.
class Refusal : public ::testing::Test {
protected:
    Refusal() : listener_(0), peer_key_(signer_of(2)) {
        auto table = table_of(0, {listener_.port(), 1});
        table.peers[1].address = "";
        listener_.net().set_peers(table);
    }
    static TlsIdentity identity_of(const Signer& signer, uint8_t network = 0x12) {
        return make_tls_identity(network_of(network), signer, now_s(), 1000);
    }
    Ed25519Public listener_key() const { return signer_of(1)->public_key(); }
    void expect_refused(RawPeer& peer, const std::string& text) {
        ASSERT_TRUE(peer.is_connected());
        EXPECT_THAT(peer.read_refusal(), HasSubstr(text));
        EXPECT_TRUE(listener_.wait_for_log(text)) << listener_.log();
        EXPECT_TRUE(listener_.messages().empty());
    }

    Witness listener_;
    std::shared_ptr<const Signer> peer_key_;
};

TEST_F(Refusal, the_true_peer_gets_in) {
    RawPeer peer(listener_.port(), identity_of(*peer_key_));
    peer.write_frame(FrameKind::hello, peer.true_hello(*peer_key_, listener_key()));
    peer.write_frame(FrameKind::message, view_of("hello"));
    ASSERT_TRUE(listener_.wait_for_messages(1));
    EXPECT_EQ(listener_.messages()[0].first, Participant{1});
    EXPECT_EQ(text_of(listener_.messages()[0].second), "hello");
}

TEST_F(Refusal, a_copied_identity_with_another_tls_key_is_refused) {
    // The certificate is the true peer's, byte for byte, but for the TLS key in it.
    const TlsIdentity own = identity_of(*signer_of(66));
    const TlsIdentity copied = identity_of(*peer_key_);
    const auto spki_of = [](const Bytes& der) {
        constexpr std::array<uint8_t, 12> prefix{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
        return std::search(der.begin(), der.end(), prefix.begin(), prefix.end()) - der.begin() + 12;
    };
    TlsIdentity forged{own.private_key, copied.certificate, copied.not_after_s};
    std::copy_n(own.certificate.begin() + spki_of(own.certificate), 32,
                forged.certificate.begin() + spki_of(forged.certificate));
    RawPeer peer(listener_.port(), forged);
    expect_refused(peer, "the peer's certificate is not signed by the identity key that it names");
}

TEST_F(Refusal, a_stolen_tls_key_is_not_enough_without_the_identity_key) {
    RawPeer peer(listener_.port(), identity_of(*peer_key_));
    Bytes hello{4};
    hello.resize(65, 0x5a);
    peer.write_frame(FrameKind::hello, hello);
    peer.write_frame(FrameKind::message, view_of("believe me"));
    expect_refused(peer, "did not sign this session with the identity key that it names");
}

TEST_F(Refusal, a_challenge_answered_in_another_session_is_refused) {
    const TlsIdentity identity = identity_of(*peer_key_);
    RawPeer first(listener_.port(), identity);
    const Bytes hello = first.true_hello(*peer_key_, listener_key());
    RawPeer second(listener_.port(), identity);
    second.write_frame(FrameKind::hello, hello);
    expect_refused(second, "did not sign this session");
}

TEST_F(Refusal, the_listeners_role_cannot_be_played_back) {
    RawPeer peer(listener_.port(), identity_of(*peer_key_));
    peer.write_frame(FrameKind::hello,
                     peer.true_hello(*peer_key_, listener_key(), TlsRole::listener));
    expect_refused(peer, "did not sign this session");
}

TEST_F(Refusal, messages_before_the_challenge_are_refused) {
    RawPeer peer(listener_.port(), identity_of(*peer_key_));
    peer.write_frame(FrameKind::message, view_of("too early"));
    expect_refused(peer, "did not begin with a challenge");
}

TEST_F(Refusal, another_version_is_named) {
    RawPeer peer(listener_.port(), identity_of(*peer_key_));
    peer.write_frame(FrameKind::hello, Bytes{7});
    expect_refused(peer, "speaks version 7 of the peer protocol, this is version 4");
}

TEST_F(Refusal, an_oversized_frame_is_refused_before_it_is_read) {
    RawPeer peer(listener_.port(), identity_of(*peer_key_));
    peer.write_frame(FrameKind::hello, peer.true_hello(*peer_key_, listener_key()));
    Bytes head;
    append_u32(head, 0x7fffffff);
    head.push_back(uint8_t(FrameKind::message));
    peer.write(head);
    expect_refused(peer, "the peer sent a frame above the limit: it claims 2147483646 bytes");
}

TEST_F(Refusal, a_proved_peer_that_falls_silent_is_closed) {
    RawPeer peer(listener_.port(), identity_of(*peer_key_));
    peer.write_frame(FrameKind::hello, peer.true_hello(*peer_key_, listener_key()));
    peer.write_frame(FrameKind::message, view_of("the last"));
    ASSERT_TRUE(listener_.wait_for_messages(1));
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(peer.read_refusal(), "") << "reads pings until the listener closes";
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
}

TEST_F(Refusal, a_peer_that_dials_anew_replaces_its_old_connection) {
    const TlsIdentity identity = identity_of(*peer_key_);
    RawPeer first(listener_.port(), identity), second(listener_.port(), identity);
    for (RawPeer* const peer : {&first, &second}) {
        peer->write_frame(FrameKind::hello, peer->true_hello(*peer_key_, listener_key()));
        peer->write_frame(FrameKind::message, view_of("here"));
        ASSERT_TRUE(listener_.wait_for_messages(peer == &first ? 1 : 2));
    }
    EXPECT_EQ(first.read_refusal(), "");
    second.write_frame(FrameKind::message, view_of("still here"));
    EXPECT_TRUE(listener_.wait_for_messages(3));
}

TEST_F(Refusal, another_process_waits_until_the_one_that_speaks_is_gone) {
    const auto join = [&](RawPeer& peer) {
        peer.write_frame(FrameKind::hello, peer.true_hello(*peer_key_, listener_key()));
        peer.write_frame(FrameKind::message, view_of("here"));
    };
    RawPeer first(listener_.port(), identity_of(*peer_key_));
    join(first);
    ASSERT_TRUE(listener_.wait_for_messages(1));
    RawPeer second(listener_.port(), identity_of(*peer_key_));
    join(second);
    EXPECT_THAT(
        second.read_refusal(),
        HasSubstr("another process uses this identity key: it is connected from 127.0.0.1:"));
    EXPECT_EQ(listener_.messages().size(), 1u);
    // The first says no more, and may be dead.
    std::this_thread::sleep_for(
        std::chrono::milliseconds(testing::quick_timing().silence_ms_max * 3 / 4));
    RawPeer third(listener_.port(), identity_of(*peer_key_));
    join(third);
    EXPECT_TRUE(listener_.wait_for_messages(2));
}

TEST_F(Refusal, tls_before_1_3_gets_no_session) {
    const RawPeer peer(listener_.port(), identity_of(*peer_key_), TLS1_2_VERSION);
    EXPECT_FALSE(peer.is_connected());
}

TEST_F(Refusal, no_certificate_no_session) {
    RawPeer peer(listener_.port(), {});
    EXPECT_EQ(peer.read_refusal(), "");
    EXPECT_TRUE(listener_.messages().empty());
}

TEST(PeerNetRefusal, a_participant_of_another_network_is_told_so) {
    Witness ours(0), theirs(1, 0, network_of(0xab));
    const std::vector<uint16_t> ports{ours.port(), theirs.port()};
    ours.net().set_peers(table_of(0, ports));
    theirs.net().set_peers(table_of(1, ports, network_of(0xab)));
    const std::string ours_says =
        " belongs to network abababababababab..., this is network 1212121212121212...";
    const std::string theirs_says =
        " belongs to network 1212121212121212..., this is network abababababababab...";
    for (Witness* const one : {&ours, &theirs}) {
        EXPECT_TRUE(one->wait_for_log("refused: the peer at 127.0.0.1:")) << one->log();
        EXPECT_TRUE(one->wait_for_log(one == &ours ? ours_says : theirs_says)) << one->log();
        EXPECT_TRUE(one->wait_for_log(one == &ours ? theirs_says : ours_says)) << one->log();
        EXPECT_TRUE(one->wait_for_log("says: refused: the peer at 127.0.0.1:")) << one->log();
    }
    EXPECT_FALSE(ours.state_of(1)->connected);
    EXPECT_TRUE(ours.wait_for_refusal(1, "belongs to network"));
}

TEST(PeerNetRefusal, a_participant_with_an_unlisted_key_is_told_so) {
    Witness listed(0), stranger(1, 0, network_of(0x12), 99);
    const std::vector<uint16_t> ports{listed.port(), stranger.port()};
    listed.net().set_peers(table_of(0, ports));
    stranger.net().set_peers(table_of(1, ports));
    const PublicKey key{KeyType::ed25519, copy_of(signer_of(99)->public_key())};
    const std::string text = " has the identity key " + key.did() +
                             ", which network 1212121212121212... does not list. Start it with the "
                             "identity key that the network lists";
    EXPECT_TRUE(listed.wait_for_log(text)) << listed.log();
    EXPECT_TRUE(stranger.wait_for_log(text)) << stranger.log();
    EXPECT_TRUE(stranger.wait_for_log("says: refused")) << stranger.log();
    EXPECT_TRUE(stranger.wait_for_refusal(0, text)) << stranger.state_of(0)->last_refusal;
    EXPECT_TRUE(listed.wait_for_refusal(1, text)) << listed.state_of(1)->last_refusal;
    stranger.send(0, Bytes(10, 1));
    EXPECT_EQ(stranger.state_of(0)->messages_dropped, 1u);
    EXPECT_TRUE(listed.messages().empty());
}

/// However many come from one address, one who comes from another has time to prove itself.
TEST(HalfOpen, who_floods_from_one_address_crowds_out_itself) {
    Witness listener(0, 0, network_of(0x12), {}, 4);
    const testing::RawSocket other(listener.port(), 2);
    std::vector<std::unique_ptr<testing::RawSocket>> flood;
    for (int i = 0; i < 12; ++i)
        flood.push_back(std::make_unique<testing::RawSocket>(listener.port(), 3));
    for (size_t i = 0; i < 9; ++i) EXPECT_TRUE(flood[i]->is_closed_by_peer()) << i;
    char byte;
    EXPECT_EQ(::recv(other.get(), &byte, 1, MSG_DONTWAIT), -1);
    EXPECT_TRUE(errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace
}  // namespace tally::io
