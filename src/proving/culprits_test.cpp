// Two statements that no honest key signs both name their signer, wherever they stand; nothing else
// names anyone.
#include "proving/culprits.hpp"

#include <gtest/gtest.h>

namespace tally::proving {
namespace {

using model::CommitVote;
using model::PrepareVote;
using model::Timeout;

class CulpritsTest : public ::testing::Test {
protected:
    CulpritsTest() {
        crypto_start();
        set.network = sha256(view_of("a network"));
        for (uint8_t i = 0; i < 4; ++i) {
            std::array<uint8_t, 32> seed{};
            seed[0] = uint8_t(i + 1);
            signers.push_back(ed25519_signer(Ed25519Secret::from_seed(seed)));
            set.keys.push_back(signers.back()->public_key());
        }
    }
    template <class Body>
    model::Signed<Body> by(uint8_t signer, Body body) {
        return model::sign(set, {signer}, *signers[signer], std::move(body));
    }
    template <class Vote>
    model::QuorumOf<Vote> quorum(const Vote& vote, std::initializer_list<uint8_t> voters) {
        model::QuorumOf<Vote> made{vote, {}};
        for (const uint8_t voter : voters)
            made.endorsements.push_back({{voter}, by(voter, vote).signature});
        return made;
    }
    /// Whom it has named, after checking each evidence.
    std::vector<uint8_t> named() {
        std::vector<uint8_t> names;
        for (const auto& [participant, evidence] : culprits.named()) {
            EXPECT_TRUE(check_evidence(set, *verifier, evidence)) << describe(evidence);
            EXPECT_EQ(culprit_of(evidence), participant);
            names.push_back(participant.value);
        }
        return names;
    }

    const Hash a = sha256(view_of("a")), b = sha256(view_of("b"));
    model::Signatories set;
    std::vector<std::unique_ptr<Signer>> signers;
    std::unique_ptr<Verifier> verifier = ed25519_verifier();
    Culprits culprits{set, *verifier};
};

TEST_F(CulpritsTest, two_statements_in_one_place_name_their_signer) {
    culprits.hear(by(1, PrepareVote{{1}, {0}, a}));
    culprits.hear(by(1, PrepareVote{{1}, {0}, a}));
    culprits.hear(by(1, PrepareVote{{1}, {1}, b}));
    culprits.hear(by(2, PrepareVote{{1}, {0}, b}));
    EXPECT_TRUE(culprits.named().empty());
    culprits.hear(by(1, PrepareVote{{1}, {0}, b}));
    EXPECT_EQ(named(), std::vector<uint8_t>{1});
}

TEST_F(CulpritsTest, kinds_are_not_mixed) {
    culprits.hear(by(1, PrepareVote{{1}, {0}, a}));
    culprits.hear(by(1, CommitVote{{1}, {0}, b}));
    EXPECT_TRUE(culprits.named().empty());
}

TEST_F(CulpritsTest, every_kind_of_agreement_counts) {
    culprits.hear(by(0, model::Report{{1}, {0}, {}, {}, {5}}));
    culprits.hear(by(0, model::Report{{1}, {0}, {}, {}, {6}}));
    model::ProposalMessage proposal;
    proposal.proposal = by(1, model::Proposal{{1}, {0}, a});
    culprits.hear(proposal);
    proposal.proposal = by(1, model::Proposal{{1}, {0}, b});
    culprits.hear(proposal);
    culprits.hear(by(2, CommitVote{{1}, {0}, a}));
    culprits.hear(by(2, CommitVote{{1}, {0}, b}));
    culprits.hear(model::TimeoutMessage{by(3, Timeout{{1}, {0}, {}, {}}), {}});
    culprits.hear(model::TimeoutMessage{by(3, Timeout{{1}, {0}, View{0}, a}), {}});
    EXPECT_EQ(named(), (std::vector<uint8_t>{0, 1, 2, 3}));
}

TEST_F(CulpritsTest, two_commit_qcs_of_one_view_name_who_is_in_both) {
    culprits.hear(model::DecideMessage{quorum(CommitVote{{1}, {0}, a}, {0, 1, 2})});
    model::Block block;
    block.parent_qc = quorum(CommitVote{{1}, {0}, b}, {1, 2, 3});
    culprits.see(model::Decision{block, quorum(CommitVote{{2}, {0}, a}, {0, 1, 2}), {}});
    EXPECT_EQ(named(), (std::vector<uint8_t>{1, 2}));
}

TEST_F(CulpritsTest, who_forgets_the_qc_of_its_commit_vote_is_named) {
    // As in a fork across views: a CommitQC, and a later TC in which nobody knows of it.
    model::TimeoutCertificate certificate{{1}, {2}, {}, {}};
    for (const uint8_t signer : {0, 1, 3}) {
        const Timeout timeout{{1}, {2}, {}, {}};
        certificate.parts.push_back({{signer}, {}, {}, by(signer, timeout).signature});
    }
    culprits.see(model::PrepareVoteRecord{by(0, PrepareVote{{1}, {3}, b}), certificate, {}});
    culprits.hear(model::DecideMessage{quorum(CommitVote{{1}, {1}, a}, {1, 2, 3})});
    EXPECT_EQ(named(), (std::vector<uint8_t>{1, 3}));
}

TEST_F(CulpritsTest, who_remembers_it_or_leaves_before_is_not) {
    culprits.hear(by(1, CommitVote{{1}, {1}, a}));
    culprits.hear(model::TimeoutMessage{by(1, Timeout{{1}, {0}, {}, {}}), {}});
    culprits.hear(model::TimeoutMessage{by(1, Timeout{{1}, {1}, View{1}, a}), {}});
    culprits.hear(model::TimeoutMessage{by(1, Timeout{{1}, {2}, View{2}, b}), {}});
    culprits.hear(model::TimeoutMessage{by(1, Timeout{{2}, {3}, {}, {}}), {}});
    EXPECT_TRUE(culprits.named().empty());
}

TEST_F(CulpritsTest, nobody_is_named_by_others) {
    // A false signature, a true one under another's name, and one of another network.
    culprits.hear(by(1, PrepareVote{{1}, {0}, a}));
    auto forged = by(1, PrepareVote{{1}, {0}, b});
    forged.signature[5] ^= 1;
    culprits.hear(forged);
    auto borrowed = by(2, PrepareVote{{1}, {0}, b});
    borrowed.signer = {1};
    culprits.hear(borrowed);
    model::Signatories elsewhere = set;
    elsewhere.network = sha256(view_of("another network"));
    culprits.hear(model::sign(elsewhere, {1}, *signers[1], PrepareVote{{1}, {0}, b}));
    EXPECT_TRUE(culprits.named().empty());
    EXPECT_EQ(culprits.size(), 1u);
}

TEST_F(CulpritsTest, evidence_does_not_check_where_its_statements_agree_or_are_not_signed) {
    const auto one = by(1, PrepareVote{{1}, {0}, a});
    const auto other = by(1, PrepareVote{{1}, {0}, b});
    EXPECT_TRUE(check_evidence(set, *verifier, Conflict<PrepareVote>{one, other}));
    EXPECT_FALSE(check_evidence(set, *verifier, Conflict<PrepareVote>{one, one}));
    EXPECT_FALSE(check_evidence(set, *verifier,
                                Conflict<PrepareVote>{one, by(2, PrepareVote{{1}, {0}, b})}));
    EXPECT_FALSE(check_evidence(set, *verifier,
                                Conflict<PrepareVote>{one, by(1, PrepareVote{{1}, {1}, b})}));
    auto forged = other;
    forged.signature[0] ^= 1;
    EXPECT_FALSE(check_evidence(set, *verifier, Conflict<PrepareVote>{one, forged}));
    EXPECT_FALSE(check_evidence(set, *verifier, Conflict<PrepareVote>{forged, one}));
    const auto vote = by(1, CommitVote{{1}, {1}, a});
    EXPECT_TRUE(check_evidence(set, *verifier, Amnesia{vote, by(1, Timeout{{1}, {1}, {}, {}})}));
    EXPECT_FALSE(
        check_evidence(set, *verifier, Amnesia{vote, by(1, Timeout{{1}, {1}, View{1}, a})}));
}

TEST_F(CulpritsTest, what_is_kept_is_bounded) {
    // A liar who signs at all places fills those near what is decided, and no others.
    for (uint64_t slot = 1; slot <= 40; ++slot) {
        for (uint32_t view = 0; view < 100; view += 5)
            culprits.hear(by(1, PrepareVote{{slot}, {view}, a}));
    }
    EXPECT_EQ(culprits.size(), Culprits::slots_kept * 7);
    culprits.on_decided({20});
    EXPECT_EQ(culprits.size(), 0u);
    culprits.hear(by(1, PrepareVote{{20}, {0}, a}));
    culprits.hear(by(1, PrepareVote{{12}, {0}, a}));
    EXPECT_EQ(culprits.size(), 1u);
    culprits.hear(by(1, PrepareVote{{20}, {0}, b}));
    culprits.on_decided({100});
    EXPECT_EQ(named(), std::vector<uint8_t>{1});
}

}  // namespace
}  // namespace tally::proving
