// A fresh block and a decision are refused for every rule they break, one mutation at a time.
#include "ordering/fresh_block.hpp"

#include <gtest/gtest.h>

#include "ordering/test_network.hpp"

namespace tally::ordering {
namespace {

using testing::Network;
using testing::Options;

/// A network whose first slot is decided, and the second block as a leader would propose it.
class FreshBlock : public ::testing::Test {
protected:
    FreshBlock() : network_(Options{}), config_(network_.config({0})) {
        network_.batch({0});
        network_.run_for(1'000'000);
        chain_ = Chain::genesis(config_);
        const auto& first = network_.decisions().at({1});
        chain_.append(first, first.qc.body.block);
        holdings_.add(network_.certificate({1}, {1}));
        holdings_.add(network_.certificate({1}, {2}));
        holdings_.add(network_.block_certificate({0}, {1}));
        holdings_.add(network_.dispute({2}, {0}, {1}));
        std::vector<model::Signed<model::Report>> reports;
        for (uint8_t i = 0; i < 3; ++i) {
            reports.push_back(signed_by(
                {i}, holdings_.report({2}, {0}, {network_.now().wall.value + i}, chain_)));
        }
        Missing missing;
        body_ = build_fresh(rules(), chain_, holdings_, reports, missing);
    }

    template <class Body>
    model::Signed<Body> signed_by(Participant by, Body body) {
        return model::sign(network_.set(), by, network_.signer(by), std::move(body));
    }
    Rules rules() {
        return {&network_.set(),     &network_.set(), &network_.verifier(), network_.set().quorum(),
                &config_.parameters, config_.provers, config_.body};
    }
    /// The refusal of the block after `change`, as a voter that holds nothing sees it.
    std::string verdict(const std::function<void(model::BlockBody&)>& change) {
        model::BlockBody changed = *body_;
        change(changed);
        const auto checked = check_fresh(rules(), chain_, Holdings(4, 1, 64), {0}, changed.block,
                                         changed.certificates);
        return checked.ok() ? "" : std::string(checked.error().code);
    }

    Network network_;
    Config config_;
    Chain chain_;
    Holdings holdings_{4, 1, 64};
    std::optional<model::BlockBody> body_;
};

TEST_F(FreshBlock, IsAcceptedByWhoHoldsNothing) {
    // Everything a voter needs travels with the proposal.
    ASSERT_TRUE(body_);
    EXPECT_EQ(verdict([](auto&) {}), "");
    EXPECT_EQ(body_->block.cut[1].height.value, 2u);
    EXPECT_EQ(body_->block.carried.size(), 1u);
    EXPECT_EQ(body_->block.control.size(), 1u);
}

TEST_F(FreshBlock, IsRefusedForEachBrokenRule) {
    // One mutation each; the reason names the rule.
    ASSERT_TRUE(body_);
    EXPECT_EQ(verdict([](auto& b) { b.block.slot = {3}; }), "ordering.block.slot");
    EXPECT_EQ(verdict([](auto& b) { b.block.parent = {}; }), "ordering.block.parent");
    EXPECT_EQ(verdict([](auto& b) { b.block.parent_qc.reset(); }), "ordering.block.parent");
    EXPECT_EQ(verdict([](auto& b) { b.block.cut.pop_back(); }), "ordering.block.shape");
    EXPECT_EQ(verdict([](auto& b) { b.block.highest_carried.push_back({}); }),
              "ordering.block.shape");
    EXPECT_EQ(verdict([](auto& b) { b.block.reports.pop_back(); }), "ordering.block.reports");
    EXPECT_EQ(verdict([](auto& b) { b.block.reports[1] = b.block.reports[0]; }),
              "ordering.block.reports");
    EXPECT_EQ(verdict([](auto& b) { b.block.reports[0].body.view = {1}; }),
              "ordering.block.reports");
    EXPECT_EQ(verdict([](auto& b) { b.block.time = b.block.time.next(); }), "ordering.block.time");
    EXPECT_EQ(verdict([](auto& b) { b.block.cut[1].height = {1}; }), "ordering.block.cut");
    EXPECT_EQ(verdict([](auto& b) { b.block.cut[0].header = {}; }), "ordering.block.cut");
    EXPECT_EQ(verdict([](auto& b) { b.certificates.clear(); }), "ordering.block.cut");
    EXPECT_EQ(verdict([](auto& b) { b.block.carried.clear(); }), "ordering.block.carried");
    EXPECT_EQ(verdict([](auto& b) { b.block.highest_carried[0] = {9}; }), "ordering.block.carried");
    EXPECT_EQ(verdict([](auto& b) { b.block.control.push_back(b.block.control[0]); }),
              "ordering.block.control");
    EXPECT_EQ(verdict([](auto& b) { b.block.control[0].body.height = {2}; }),
              "ordering.block.control");
}

TEST_F(FreshBlock, IsRefusedForEachFalseSignature) {
    // In R, in the parent's QC, in what it carries, in its control.
    ASSERT_TRUE(body_);
    const auto spoil = [](Signature& signature) { signature[0] ^= 1; };
    const std::string refused = "ordering.block.signature";
    EXPECT_EQ(verdict([&](auto& b) { spoil(b.block.reports[2].signature); }), refused);
    EXPECT_EQ(verdict([&](auto& b) { spoil(b.block.parent_qc->endorsements[0].signature); }),
              refused);
    EXPECT_EQ(verdict([&](auto& b) { spoil(b.block.carried[0].parts[0].signature); }), refused);
    EXPECT_EQ(verdict([&](auto& b) { spoil(b.block.control[0].signature); }), refused);
}

TEST_F(FreshBlock, MayCarryAHigherCertificateThanRObligesTo) {
    // A rule must not forbid what another obliges to propose: who holds a later one may carry it.
    ASSERT_TRUE(body_);
    const auto higher = network_.block_certificate({0}, {5});
    EXPECT_EQ(verdict([&](auto& b) {
                  b.block.carried[0] = higher;
                  b.block.highest_carried[0] = {5};
              }),
              "");
}

TEST_F(FreshBlock, DecidesADisputeOnce) {
    // After its height is decided, neither it nor a lower one of that prover may stand again.
    ASSERT_TRUE(body_);
    const auto dispute = network_.dispute({2}, {0}, {1});
    EXPECT_TRUE(may_stand_in_control(chain_, config_.provers, dispute));
    chain_.append({body_->block, {}, {}}, body_->block.hash());
    EXPECT_FALSE(may_stand_in_control(chain_, config_.provers, dispute));
    EXPECT_TRUE(may_stand_in_control(chain_, config_.provers, network_.dispute({2}, {0}, {2})));
    EXPECT_FALSE(may_stand_in_control(chain_, config_.provers, network_.dispute({2}, {0}, {3})));
    EXPECT_FALSE(may_stand_in_control(chain_, config_.provers, network_.dispute({2}, {9}, {1})));
}

TEST_F(FreshBlock, DecisionIsCheckedAgainstTheBlockBefore) {
    // Who catches up or verifies offline takes nothing on trust but the block before.
    const model::Block genesis = genesis_block(config_.genesis_time, 4, 1);
    const auto check = [&](const std::function<void(model::Decision&)>& change) {
        model::Decision changed = network_.decisions().at({1});
        change(changed);
        const auto checked = check_decision(network_.set(), network_.verifier(), genesis, changed);
        return checked.ok() ? "" : std::string(checked.error().code);
    };
    EXPECT_EQ(check([](auto&) {}), "");
    EXPECT_EQ(check([](auto& d) { d.block.slot = {2}; }), "ordering.wrong_slot");
    EXPECT_EQ(check([](auto& d) { d.block.parent = {}; }), "ordering.wrong_parent");
    EXPECT_EQ(check([](auto& d) { d.block.highest_carried.clear(); }), "ordering.wrong_shape");
    EXPECT_EQ(check([](auto& d) { d.certificates.clear(); }), "ordering.wrong_certificates");
    EXPECT_EQ(check([](auto& d) { d.block.time = {1}; }), "ordering.wrong_quorum");
    EXPECT_EQ(check([](auto& d) { d.qc.endorsements.pop_back(); }), "ordering.wrong_quorum");
    EXPECT_EQ(check([](auto& d) { d.qc.endorsements[0].signature[0] ^= 1; }),
              "ordering.wrong_quorum");
}

}  // namespace
}  // namespace tally::ordering
