// Who is turned away, and the words that both sides then read.
#include "io/peer_table.hpp"

#include <gtest/gtest.h>

namespace tally::io {
namespace {

Ed25519Public key_of(uint8_t seed) {
    crypto_start();
    std::array<uint8_t, 32> bytes{};
    bytes[0] = seed;
    return Ed25519Secret::from_seed(bytes).public_key();
}

class AdmitPeer : public testing::Test {
protected:
    AdmitPeer() {
        table_.network.bytes.fill(0x12);
        table_.self = Participant{0};
        table_.peers = {{Participant{0}, key_of(0), ""},
                        {Participant{1}, key_of(1), "127.0.0.1:4001"},
                        {Participant{2}, key_of(2), "127.0.0.1:4002"}};
        claim_ = {table_.network, key_of(1), 0, {}};
    }
    Result<Participant> admit(std::optional<Participant> expected = {}) const {
        return admit_peer(table_, claim_, key_of(0), "127.0.0.1:4711", expected);
    }

    PeerTable table_;
    TlsClaim claim_;
};

TEST_F(AdmitPeer, lets_in_a_listed_key) {
    EXPECT_EQ(*admit(), Participant{1});
    EXPECT_EQ(*admit(Participant{1}), Participant{1});
}

TEST_F(AdmitPeer, refuses_another_network_by_both_names) {
    claim_.network.bytes.fill(0xab);
    EXPECT_EQ(admit().error().message(),
              "refused: the peer at 127.0.0.1:4711 belongs to network abababababababab..., this is "
              "network 1212121212121212.... Compare the charters of both sides");
}

TEST_F(AdmitPeer, refuses_an_unlisted_key_by_its_name) {
    claim_.identity_key = key_of(9);
    const std::string did = PublicKey{KeyType::ed25519, copy_of(key_of(9))}.did();
    EXPECT_EQ(admit().error().message(),
              "refused: the peer at 127.0.0.1:4711 has the identity key " + did +
                  ", which network 1212121212121212... does not list. Start it with the identity "
                  "key that the network lists");
}

TEST_F(AdmitPeer, refuses_somebody_else_than_was_dialled) {
    EXPECT_EQ(admit(Participant{2}).error().message(),
              "refused: the peer at 127.0.0.1:4711 is participant 1, not participant 2 as listed. "
              "Compare the addresses in the charter");
}

TEST_F(AdmitPeer, refuses_our_own_key) {
    claim_.identity_key = key_of(0);
    EXPECT_TRUE(admit().error().is(PeerError::own_key));
}

}  // namespace
}  // namespace tally::io
