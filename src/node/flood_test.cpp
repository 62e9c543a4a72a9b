// Whatever a peer asks or sends, and however often, it says neither how much a node answers nor how
// often the node asks others.
#include "base/allowance.hpp"
#include "node/testing/among_four.hpp"

namespace tally::node {
namespace {

using FloodTest = among_four::AmongFour;

TEST_F(FloodTest, who_asks_for_a_certificate_gets_it_once) {
    model::BlockCertificate certificate{{0}, {2}, 0, sha256(view_of("some header")), {}};
    for (uint8_t i = 1; i < 4; ++i) {
        const auto attestation = model::sign(
            set_, {i}, *signers_[i], model::Attestation{{0}, {2}, 0, certificate.header, {}});
        certificate.parts.push_back({{i}, {}, attestation.signature});
    }
    hear({1}, certificate);
    certificates_told_.clear();
    hear({2}, model::FetchBlockCertificate{{0}, {2}});
    EXPECT_EQ(certificates_told_, std::vector<Height>{{2}});
    // One of a greater height serves as well.
    hear({2}, model::FetchBlockCertificate{{0}, {1}});
    EXPECT_EQ(certificates_told_, (std::vector<Height>{{2}, {2}}));
    hear({2}, model::FetchBlockCertificate{{0}, {3}});
    EXPECT_EQ(certificates_told_.size(), 2u);
}

TEST_F(FloodTest, each_kind_of_question_is_answered_within_an_allowance) {
    const uint64_t burst = answers_to_a_peer.answers_burst;
    const std::vector<model::Message> questions{
        model::FetchBatch{{2}, {1}, {}}, model::FetchCells{{2}, {1}, {}},
        model::FetchCellLeaf{{2}, {1}, {}, 0, 0}, model::FetchDecisions{{1}, 32},
        model::FetchBlockCertificate{{0}, {1}}};
    for (size_t kind = 0; kind < questions.size(); ++kind) {
        const uint64_t before = counter("asks_too_often");
        for (uint64_t i = 0; i < burst + 100; ++i) hear({1}, questions[kind]);
        EXPECT_EQ(counter("asks_too_often") - before, 100u) << kind;
        hear({2}, questions[kind]);
        EXPECT_EQ(counter("asks_too_often") - before, 100u) << "each peer has its own";
        time_us_ += 10'000'000;
    }
}

TEST_F(FloodTest, decisions_that_help_nobody_do_not_make_a_laggard_ask) {
    hear({1}, model::DecideMessage{decided({5})});
    ASSERT_EQ(decisions_asked_, 1u);
    model::Decision wrong;
    wrong.block.slot = {1};
    for (int i = 0; i < 1'000; ++i) {
        hear({1}, model::Decisions{});
        hear({1}, model::Decisions{{wrong}});
    }
    EXPECT_EQ(decisions_asked_, 1u);
    time_us_ += 300'000;
    step(Tick{});
    EXPECT_EQ(decisions_asked_, 2u) << "when it is time it asks the next";
}

}  // namespace
}  // namespace tally::node
