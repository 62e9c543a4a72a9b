// What a signature or a quorum covers: change anything, replay it elsewhere, or count someone
// twice, and it is refused.
#include <gtest/gtest.h>

#include "model/messages.hpp"

namespace tally::model {
namespace {

constexpr uint8_t participants = 4;

class Certificates : public ::testing::Test {
protected:
    Certificates() {
        crypto_start();
        set.network = sha256(view_of("network"));
        set.epoch = Epoch{1};
        for (uint8_t i = 0; i < participants; ++i) {
            std::array<uint8_t, 32> seed{uint8_t(i + 1)};
            signers.push_back(ed25519_signer(Ed25519Secret::from_seed(seed)));
            set.keys.push_back(signers.back()->public_key());
        }
    }
    template <class Body>
    Signed<Body> by(uint8_t who, const Body& body) const {
        return sign(set, Participant{who}, *signers[who], body);
    }
    template <class Body>
    QuorumOf<Body> quorum(const Body& body, std::initializer_list<uint8_t> who) const {
        QuorumOf<Body> made{body, {}};
        for (const uint8_t i : who)
            made.endorsements.push_back({Participant{i}, by(i, body).signature});
        return made;
    }
    LaneCertificate lane_certificate(std::initializer_list<uint8_t> who) const {
        const Hash header = sha256(view_of("header"));
        LaneCertificate made{Participant{2}, LaneHeight{5}, header, {}, {}};
        made.author = by(2, BatchClaim{made.lane, made.height, header}).signature;
        for (const uint8_t i : who) {
            const Micros time{uint64_t(100 + 10 * i)};
            const auto ack = by(i, Acknowledgement{made.lane, made.height, header, time});
            made.parts.push_back({ack.signer, time, ack.signature});
        }
        return made;
    }
    BlockCertificate block_certificate(std::initializer_list<uint8_t> who) const {
        BlockCertificate made{LedgerIndex{1}, Height{9}, 0, sha256(view_of("block")), {}};
        for (const uint8_t i : who) {
            const Hash tag = attestation_tag(made.ledger, made.height, Participant{i}, {});
            const auto one = by(i, Attestation{made.ledger, made.height, 0, made.header, tag});
            made.parts.push_back({one.signer, tag, one.signature});
        }
        return made;
    }
    TimeoutCertificate timeout_certificate(const std::vector<std::optional<PrepareQC>>& seen,
                                           std::optional<PrepareQC> highest) const {
        TimeoutCertificate made{Slot{7}, View{4}, {}, std::move(highest)};
        for (uint8_t i = 0; i < seen.size(); ++i) {
            Timeout timeout{Slot{7}, View{4}, {}, {}};
            if (seen[i]) {
                timeout.qc_view = seen[i]->body.view;
                timeout.qc_block = seen[i]->body.block;
            }
            made.parts.push_back(
                {Participant{i}, timeout.qc_view, timeout.qc_block, by(i, timeout).signature});
        }
        return made;
    }
    [[nodiscard]] bool valid(const LaneCertificate& certificate) const {
        return check_lane_certificate(set, *verifier, certificate);
    }
    [[nodiscard]] bool valid(const BlockCertificate& certificate) const {
        return check_block_certificate(set, *verifier, provers, certificate);
    }
    [[nodiscard]] bool valid(const TimeoutCertificate& certificate) const {
        return check_timeout_certificate(set, *verifier, certificate);
    }
    Signatories set;
    std::vector<std::unique_ptr<Signer>> signers;
    std::unique_ptr<Verifier> verifier = ed25519_verifier();
    std::vector<Participant> provers{Participant{0}, Participant{1}, Participant{2},
                                     Participant{3}};
    PrepareVote vote{Slot{7}, View{2}, sha256(view_of("B"))};
};

TEST_F(Certificates, a_signature_holds_for_one_network_epoch_kind_signer_and_body) {
    const auto good = by(1, vote);
    EXPECT_TRUE(check_signed(set, *verifier, good));
    auto other = set;
    other.network = sha256(view_of("another network"));
    EXPECT_FALSE(check_signed(other, *verifier, good));
    other = set;
    other.epoch = Epoch{2};
    EXPECT_FALSE(check_signed(other, *verifier, good));
    // A CommitVote has the same fields; only the kind differs.
    const Signed<CommitVote> kind{{vote.slot, vote.view, vote.block}, good.signer, good.signature};
    EXPECT_FALSE(check_signed(set, *verifier, kind));
    auto bad = good;
    bad.signer = Participant{2};
    EXPECT_FALSE(check_signed(set, *verifier, bad));
    bad.signer = Participant{200};
    EXPECT_FALSE(check_signed(set, *verifier, bad));
    bad = good;
    ++bad.body.slot.value;
    EXPECT_FALSE(check_signed(set, *verifier, bad));
    bad = good;
    bad.signature[10] ^= 1;
    EXPECT_FALSE(check_signed(set, *verifier, bad));
}

TEST_F(Certificates, the_same_key_in_two_places_signs_for_each_alone) {
    set.keys[3] = set.keys[1];
    auto moved = by(1, vote);
    moved.signer = Participant{3};
    EXPECT_FALSE(check_signed(set, *verifier, moved));
}

TEST_F(Certificates, a_quorum_counts_distinct_true_signers) {
    EXPECT_TRUE(check_quorum(set, *verifier, quorum(vote, {0, 1, 3})));
    EXPECT_TRUE(check_quorum(set, *verifier, quorum(vote, {0, 1, 2, 3})));
    EXPECT_FALSE(check_quorum(set, *verifier, quorum(vote, {0, 1})));
    EXPECT_FALSE(check_quorum(set, *verifier, quorum(vote, {0, 1, 1})));
    EXPECT_FALSE(check_quorum(set, *verifier, quorum(vote, {1, 0, 2}))) << "one set, one spelling";
    auto bad = quorum(vote, {0, 1, 2});
    bad.body.block.bytes[0] ^= 1;
    EXPECT_FALSE(check_quorum(set, *verifier, bad));
    bad = quorum(vote, {0, 1, 2, 3});
    bad.endorsements[3].signature[0] ^= 1;
    EXPECT_FALSE(check_quorum(set, *verifier, bad)) << "every signature counts, needed or not";
    bad = quorum(vote, {0, 1, 2});
    bad.endorsements[2].signer = Participant{9};
    EXPECT_FALSE(check_quorum(set, *verifier, bad));
}

TEST_F(Certificates, a_lane_certificate_needs_its_author_and_a_quorum) {
    const auto good = lane_certificate({0, 1, 3});
    EXPECT_TRUE(valid(good));
    EXPECT_FALSE(valid(lane_certificate({0, 1})));
    EXPECT_FALSE(valid(lane_certificate({0, 0, 1})));
    EXPECT_FALSE(valid(lane_certificate({3, 1, 0})));
    const auto refused = [&](auto change) {
        auto bad = good;
        change(bad);
        EXPECT_FALSE(valid(bad));
        EXPECT_NE(bad.digest(), good.digest());
    };
    refused([](auto& c) { c.lane = Participant{1}; });
    refused([](auto& c) { c.lane = Participant{4}; });
    refused([](auto& c) { c.height = LaneHeight{6}; });
    refused([](auto& c) { c.height = LaneHeight{0}; });
    refused([](auto& c) { c.header.bytes[0] ^= 1; });
    refused([](auto& c) { c.author[0] ^= 1; });
    refused([](auto& c) { ++c.parts[0].time.value; });
    refused([](auto& c) { c.parts[2].signature[0] ^= 1; });
    refused([](auto& c) { c.parts[2].signer = Participant{2}; });
    refused([](auto& c) { c.parts.pop_back(); });
}

TEST_F(Certificates, its_time_is_the_smallest_but_f) {
    auto certificate = lane_certificate({0, 1, 3});
    EXPECT_EQ(time_of(certificate, 1), Micros{110});
    EXPECT_EQ(time_of(certificate, 0), Micros{100});
    certificate.parts[0].time = Micros{UINT64_MAX};  // One liar cannot carry it away.
    EXPECT_EQ(time_of(certificate, 1), Micros{130});
}

TEST_F(Certificates, a_block_certificate_needs_more_than_half_of_the_provers) {
    const auto good = block_certificate({0, 1, 3});
    EXPECT_TRUE(valid(good));
    EXPECT_FALSE(valid(block_certificate({0, 1})));
    EXPECT_FALSE(valid(block_certificate({0, 1, 1})));
    provers = {Participant{0}, Participant{1}, Participant{2}};
    EXPECT_FALSE(valid(good)) << "3 is no prover of this ledger";
    EXPECT_TRUE(valid(block_certificate({0, 1})));
    provers = {Participant{0}, Participant{1}, Participant{2}, Participant{3}};
    const auto refused = [&](auto change) {
        auto bad = good;
        change(bad);
        EXPECT_FALSE(valid(bad));
    };
    refused([](auto& c) { c.ledger = LedgerIndex{0}; });
    refused([](auto& c) { ++c.height.value; });
    refused([](auto& c) { ++c.attempt; });
    refused([](auto& c) { c.header.bytes[31] ^= 1; });
    refused([](auto& c) { c.parts[1].tag.bytes[0] ^= 1; });
    refused([](auto& c) { c.parts[1].signature[63] ^= 1; });
    refused([](auto& c) { std::swap(c.parts[0], c.parts[1]); });
}

TEST_F(Certificates, a_timeout_certificate_shows_the_highest_qc_it_speaks_of) {
    const auto low = quorum(PrepareVote{Slot{7}, View{1}, sha256(view_of("low"))}, {0, 1, 2});
    const auto high = quorum(PrepareVote{Slot{7}, View{3}, sha256(view_of("high"))}, {1, 2, 3});
    EXPECT_TRUE(valid(timeout_certificate({{}, {}, {}}, {})));
    EXPECT_TRUE(valid(timeout_certificate({low, {}, high}, high)));
    EXPECT_FALSE(valid(timeout_certificate({low, {}}, low))) << "no quorum";
    EXPECT_FALSE(valid(timeout_certificate({low, {}, high}, low))) << "not the highest";
    EXPECT_FALSE(valid(timeout_certificate({low, {}, high}, {}))) << "the QC is missing";
    EXPECT_FALSE(valid(timeout_certificate({{}, {}, {}}, high))) << "nobody reported it";

    const auto other_slot =
        quorum(PrepareVote{Slot{6}, View{3}, sha256(view_of("high"))}, {1, 2, 3});
    EXPECT_FALSE(valid(timeout_certificate({{}, {}, other_slot}, other_slot)));
    const auto forged = quorum(high.body, {1, 2});
    EXPECT_FALSE(valid(timeout_certificate({{}, {}, high}, forged)));
    const auto twin = quorum(PrepareVote{Slot{7}, View{3}, sha256(view_of("twin"))}, {0, 1, 2});
    EXPECT_FALSE(valid(timeout_certificate({twin, {}, high}, high)))
        << "two blocks cannot be prepared in one view";

    auto bad = timeout_certificate({low, {}, high}, high);
    bad.parts[1].qc_view = View{1};
    EXPECT_FALSE(valid(bad));
    bad = timeout_certificate({low, {}, high}, high);
    bad.view = View{5};
    EXPECT_FALSE(valid(bad));
    bad = timeout_certificate({low, {}, high}, high);
    bad.parts[2] = bad.parts[1];
    EXPECT_FALSE(valid(bad));
}

}  // namespace
}  // namespace tally::model
