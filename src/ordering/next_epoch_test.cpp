// The next epoch begins by what is decided alone: one proposal with enough votes, and a quorum of
// its participants that are ready. Every rule is looked at alone, and the whole among four.
#include "ordering/next_epoch.hpp"

#include <gtest/gtest.h>

#include "ordering/test_network.hpp"

namespace tally::ordering {
namespace {

using testing::Network;
using testing::Options;

/// The four, and a fifth.
model::EpochProposal five_after(const Network& network) {
    model::EpochProposal proposal{network.set().network, {1}, 1, {}, {}, {}};
    proposal.parameters = network.body().parameters;
    proposal.provers.resize(1);
    for (uint8_t i = 0; i < 5; ++i) {
        proposal.participants.push_back(testing::test_entry(i));
        proposal.provers[0].push_back({i});
    }
    return proposal;
}

model::VotedProposal voted_by(model::EpochProposal proposal, std::initializer_list<uint8_t> who) {
    model::VotedProposal voted{std::move(proposal), {}};
    const Bytes statement = model::proposal_statement(voted.proposal.hash());
    for (const uint8_t i : who)
        voted.votes.push_back({{i}, testing::test_identity(i)->sign(statement)});
    return voted;
}

model::Ready ready_of(const model::EpochProposal& proposal, uint8_t who) {
    model::Ready ready{proposal.hash(), {who}, {}, {}, {}};
    const auto signer = testing::test_signer(2'000u + who);
    ready.keys.signing_key = signer->public_key();
    ready.possession = signer->sign(
        model::possession_statement(testing::test_identity(who)->public_key(), ready.keys));
    ready.signature = testing::test_identity(who)->sign(ready.signed_bytes());
    return ready;
}

class NextEpochTest : public ::testing::Test {
protected:
    void SetUp() override {
        proposal_ = five_after(network_);
        network_.batch({0});
        network_.run_for(1'000'000);
    }
    void tell(const model::Message& message) {
        for (uint8_t i = 0; i < 4; ++i) {
            if (i != 1) network_.say({1}, {i}, message);
        }
        network_.run_for(2'000'000);
    }
    [[nodiscard]] const model::NextEpoch* next() { return network_.machine({0}).next_epoch(); }

    Network network_{Options{}};
    model::EpochProposal proposal_;
};

TEST_F(NextEpochTest, a_quorum_that_is_ready_for_what_was_voted_for_ends_the_epoch) {
    tell(voted_by(proposal_, {0, 1, 3}));
    ASSERT_NE(next(), nullptr);
    EXPECT_EQ(next()->proposal, proposal_.hash());
    EXPECT_TRUE(next()->ready.empty());
    for (const uint8_t who : {4, 2, 0}) tell(ready_of(proposal_, who));
    ASSERT_NE(next(), nullptr);
    ASSERT_EQ(next()->ready.size(), 3u) << "four of five are needed";
    EXPECT_EQ(next()->ready[1].participant, Participant{2});
    const Slot before = network_.decided({0});
    tell(ready_of(proposal_, 3));
    EXPECT_EQ(network_.decided({0}), before.next());
    const model::Block& last = network_.block(before.next());
    EXPECT_TRUE(last.ends_epoch());
    for (uint8_t i = 0; i < 4; ++i) EXPECT_TRUE(network_.machine({i}).ended());
    // It proves itself.
    model::Handover handover{proposal_, *last.next, {}, network_.decisions().at(last.slot).qc};
    for (const Hash& hash : last.field_hashes()) handover.field_hashes.push_back(hash);
    const auto entries = model::entries_of(proposal_, *last.next);
    EXPECT_EQ(entries[4].signing_key, testing::test_signer(2'004)->public_key());
    EXPECT_EQ(entries[1].signing_key, proposal_.participants[1].signing_key);
    // Nothing comes after it here.
    network_.batch({2});
    network_.run_for(5'000'000);
    EXPECT_EQ(network_.decided({0}), last.slot);
    EXPECT_EQ(network_.violation(), "");
}

TEST_F(NextEpochTest, too_few_votes_and_replaced_proposals_begin_nothing) {
    tell(voted_by(proposal_, {0, 1}));
    EXPECT_EQ(next(), nullptr);
    tell(voted_by(proposal_, {0, 1, 2}));
    ASSERT_NE(next(), nullptr);
    for (const uint8_t who : {0, 1, 2}) tell(ready_of(proposal_, who));
    // The next attempt replaces it, and who was ready for the other one is not ready for this.
    auto other = proposal_;
    other.attempt = 2;
    other.parameters.late_after_us += 1'000;
    tell(voted_by(other, {0, 1, 2}));
    ASSERT_NE(next(), nullptr);
    EXPECT_EQ(next()->proposal, other.hash());
    EXPECT_TRUE(next()->ready.empty());
    tell(ready_of(proposal_, 3));
    tell(voted_by(proposal_, {0, 1, 2, 3}));
    EXPECT_EQ(next()->proposal, other.hash());
    EXPECT_TRUE(next()->ready.empty());
    EXPECT_FALSE(network_.machine({0}).ended());
    EXPECT_EQ(network_.violation(), "");
}

TEST_F(NextEpochTest, attempts_are_counted_from_one) {
    proposal_.attempt = 0;
    Effects out;
    const auto taken =
        network_.machine({0}).on_proposal(voted_by(proposal_, {0, 1, 2}), network_.now(), out);
    ASSERT_FALSE(taken.ok());
    EXPECT_NE(taken.error().message().find("attempts are counted from 1"), std::string::npos);
}

/// Whoever catches up with an earlier epoch believes a quorum of that one, and no fewer.
class EarlierEpoch : public ::testing::TestWithParam<std::pair<uint32_t, uint32_t>> {};

TEST_P(EarlierEpoch, a_slots_quorum_is_of_those_who_took_part_then) {
    const auto [founders, later] = GetParam();
    constexpr Slot last{5};
    const Network network{Options{.participants = std::max(founders, later)}};
    model::Charter charter;
    charter.body = network.body();
    charter.body.participants.resize(founders);
    charter.body.ledgers[0].provers = {{0}};
    model::Handover handover;
    handover.proposal.epoch = {1};
    handover.proposal.parameters = charter.body.parameters;
    for (uint32_t i = 0; i < std::max(founders, later); ++i)
        handover.proposal.participants.push_back(i < later ? testing::test_entry(i)
                                                           : model::ParticipantEntry{});
    handover.proposal.provers.push_back({{0}});
    handover.last.body.slot = last;
    charter.begin(handover);
    const model::Epochs epochs(charter);
    ASSERT_EQ(epochs.current().count(), later);
    const model::Signatories& then = epochs.at({1});
    ASSERT_EQ(then.count(), founders);

    Config config = network.config({0});
    config.network = then.network;
    config.self.set = &epochs.current();
    config.self.epochs = &epochs;
    config.provers = {{{0}}};
    Machine machine(std::move(config));
    Effects out;
    machine.start(network.now(), out);
    const auto decided_by = [&](uint32_t count) {
        model::CommitQC qc{{{1}, {0}, sha256(view_of("a block"))}, {}};
        for (uint32_t i = founders - count; i < founders; ++i)
            qc.endorsements.push_back(
                {{uint8_t(i)},
                 model::sign(then, {uint8_t(i)}, network.signer({uint8_t(i)}), qc.body).signature});
        machine.on_message({1}, model::DecideMessage{qc}, network.now(), out);
        return machine.decided_elsewhere();
    };
    EXPECT_EQ(decided_by(then.quorum().votes_min - 1), std::nullopt);
    EXPECT_EQ(decided_by(then.quorum().votes_min), Slot{1});
}
INSTANTIATE_TEST_SUITE_P(Sizes, EarlierEpoch,
                         ::testing::Values(std::pair{7u, 4u}, std::pair{10u, 4u}, std::pair{4u, 7u},
                                           std::pair{1u, 4u}));

/// What a block after the first may say, as every voter sees it.
class NextEpochRules : public NextEpochTest {
protected:
    void SetUp() override {
        NextEpochTest::SetUp();
        config_ = network_.config({0});
        chain_ = Chain::genesis(config_);
        for (const auto& [slot, decision] : network_.decisions())
            chain_.append(decision, decision.qc.body.block);
        decided_.proposal = proposal_.hash();
        decided_.attempt = 1;
        decided_.slot = chain_.last.slot;
        decided_.time = chain_.last.time;
        chain_.last.next = decided_;
        chain_.proposal = proposal_;
        block_.slot = chain_.next_slot();
        block_.time = chain_.last.time.next();
    }
    [[nodiscard]] Rules rules() const {
        return {&network_.set(),     &network_.set(), &network_.verifier(), network_.set().quorum(),
                &config_.parameters, config_.provers, config_.body};
    }
    [[nodiscard]] bool may_stand() { return next_after(rules(), chain_, block_, block_.next); }
    [[nodiscard]] bool may_be_ready(const model::Ready& ready) {
        block_.ready = {ready};
        return may_stand();
    }

    Config config_;
    Chain chain_;
    model::NextEpoch decided_;
    model::Block block_;
};

TEST_F(NextEpochRules, only_its_own_participants_are_ready_once_and_with_keys_of_their_own) {
    EXPECT_TRUE(may_be_ready(ready_of(proposal_, 4)));
    EXPECT_TRUE(is_signed(rules(), chain_, ready_of(proposal_, 4)));
    auto ready = ready_of(proposal_, 4);
    ready.keys.signing_key = testing::test_signer(2'003)->public_key();
    EXPECT_FALSE(is_signed(rules(), chain_, ready)) << "its keys are signed";
    // A liar says that the key another has announced is its own.
    ready = ready_of(proposal_, 3);
    ready.keys = ready_of(proposal_, 4).keys;
    ready.possession = ready_of(proposal_, 4).possession;
    ready.signature = testing::test_identity(3)->sign(ready.signed_bytes());
    EXPECT_FALSE(is_signed(rules(), chain_, ready));
    ready = ready_of(proposal_, 4);
    for (const auto& taken : {testing::test_entry(2).signing_key,
                              testing::test_entry(2).identity_key, Ed25519Public{}}) {
        ready.keys.signing_key = taken;
        EXPECT_FALSE(may_be_ready(ready));
    }
    ready.keys.signing_key = testing::test_entry(4).signing_key;
    EXPECT_TRUE(may_be_ready(ready)) << "it keeps its key";
    ready = ready_of(proposal_, 4);
    ready.participant = {5};
    EXPECT_FALSE(may_be_ready(ready));
    ready = ready_of(proposal_, 4);
    ready.proposal.bytes[0] ^= 1;
    EXPECT_FALSE(may_be_ready(ready));
    block_.ready = {ready_of(proposal_, 3), ready_of(proposal_, 2)};
    EXPECT_FALSE(may_stand()) << "out of order";
    auto same = ready_of(proposal_, 3);
    same.keys = ready_of(proposal_, 2).keys;
    block_.ready = {ready_of(proposal_, 2), same};
    EXPECT_FALSE(may_stand()) << "two with one key";
    chain_.last.next->ready.push_back({{2}, ready_of(proposal_, 2).keys});
    EXPECT_FALSE(may_be_ready(ready_of(proposal_, 2))) << "twice";
    // What was proposed long ago, in slots and in time, has lapsed.
    chain_.last.next = decided_;
    block_.slot = {decided_.slot.value + config_.parameters.change_slots};
    EXPECT_TRUE(may_be_ready(ready_of(proposal_, 4)));
    block_.time = {decided_.time.value + config_.parameters.change_us};
    EXPECT_FALSE(may_be_ready(ready_of(proposal_, 4)));
}

TEST_F(NextEpochRules, a_proposal_is_of_the_next_epoch_and_of_a_later_attempt) {
    const auto may_be_proposed = [&](const std::function<void(model::EpochProposal&)>& change) {
        auto proposal = proposal_;
        proposal.attempt = 2;
        change(proposal);
        block_.proposal = model::VotedProposal{std::move(proposal), {}};
        return may_stand();
    };
    EXPECT_TRUE(may_be_proposed([](auto&) {}));
    EXPECT_EQ(block_.next->attempt, 2u);
    EXPECT_FALSE(may_be_proposed([](auto& p) { p.attempt = 1; }));
    EXPECT_FALSE(may_be_proposed([](auto& p) { p.epoch = {2}; }));
    EXPECT_FALSE(may_be_proposed([](auto& p) { p.network.bytes[0] ^= 1; }));
    EXPECT_FALSE(may_be_proposed([](auto& p) { p.provers.clear(); }));
    EXPECT_FALSE(may_be_proposed([](auto& p) { p.provers[0][0] = {7}; }));
    EXPECT_FALSE(may_be_proposed([](auto& p) { p.participants.resize(3); }));
    EXPECT_FALSE(may_be_proposed([](auto& p) { p.participants[4] = p.participants[3]; }));
    EXPECT_FALSE(may_be_proposed([](auto& p) { p.parameters.view_timer_us = 0; }));
    EXPECT_TRUE(may_be_proposed([](auto& p) {
        p.participants[1] = {};  // Who leaves leaves its place vacant.
        p.provers[0] = {{0}, {2}, {3}, {4}};
    }));
    // Nothing replaces what begins in the same block.
    chain_.last.next->ready = {{{0}, ready_of(proposal_, 0).keys},
                               {{1}, ready_of(proposal_, 1).keys},
                               {{2}, ready_of(proposal_, 2).keys}};
    block_.ready = {ready_of(proposal_, 4)};
    EXPECT_FALSE(may_be_proposed([](auto&) {}));
    block_.proposal.reset();
    EXPECT_TRUE(may_stand());
    EXPECT_TRUE(block_.ends_epoch());
}

}  // namespace
}  // namespace tally::ordering
