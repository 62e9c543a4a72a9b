// Whoever has the charter follows who takes part from epoch to epoch: each hand-over proves itself
// by what the epoch before decided, and nothing else counts.
#include "model/membership.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "model/charter.hpp"
#include "model/messages.hpp"

namespace tally::model {
namespace {

class MembershipTest : public ::testing::Test {
protected:
    MembershipTest() {
        crypto_start();
        charter_.body.name = std::string("example");
        charter_.body.genesis_time = Micros{1'700'000'000'000'000};
        LedgerEntry ledger;
        ledger.name = std::string("packages");
        ledger.genesis.push_back({std::string("{}")});
        charter_.body.participants.push_back(entry(0));
        ledger.provers.push_back(Participant{0});
        charter_.body.ledgers.push_back(ledger);
        network_ = network_id_of(charter_.body);
        charter_.signatures.push_back({{0}, identity(0).sign(founder_statement(network_))});
    }
    static Ed25519Secret secret(uint8_t kind, uint8_t epoch, uint8_t number) {
        return Ed25519Secret::from_seed(std::array<uint8_t, 32>{kind, epoch, number});
    }
    static Ed25519Secret identity(uint8_t number) { return secret(1, 0, number); }
    static Ed25519Secret signing(uint8_t epoch, uint8_t number) { return secret(2, epoch, number); }
    static ParticipantEntry entry(uint8_t number) {
        ParticipantEntry entry;
        entry.name = std::string(1, char('a' + number));
        entry.identity_key = identity(number).public_key();
        entry.signing_key = signing(0, number).public_key();
        entry.addresses.push_back(std::string("127.0.0.1:7001"));
        return entry;
    }
    /// Of so many.
    [[nodiscard]] EpochProposal proposal_of(uint8_t count) const {
        EpochProposal proposal{network_, {charter_.epoch().value + 1}, 1, {}, {}, {}};
        proposal.parameters = charter_.now().parameters;
        proposal.parameters.window_batches = 32;
        proposal.provers.resize(1);
        for (uint8_t i = 0; i < count; ++i) {
            proposal.participants.push_back(entry(i));
            proposal.provers[0].push_back({i});
        }
        return proposal;
    }
    /// As the newest epoch decided it in this slot; those are ready, with new keys.
    [[nodiscard]] Handover decided(const EpochProposal& proposal, std::vector<uint8_t> ready,
                                   uint64_t slot) const {
        const auto epoch = uint8_t(proposal.epoch.value);
        Block block;
        block.slot = {slot};
        block.next = NextEpoch{proposal.hash(), 1, {slot - 1}, {1}, {}, true};
        for (const uint8_t i : ready)
            block.next->ready.push_back({{i}, {signing(epoch, i).public_key(), {}}});
        Handover handover{proposal, *block.next, {}, {{{slot}, {0}, block.hash()}, {}}};
        for (const Hash& hash : block.field_hashes()) handover.field_hashes.push_back(hash);
        const Signatories set = Epochs(charter_).current();
        for (uint8_t i = 0; i < set.places(); ++i) {
            if (!set.has({i})) continue;
            for (uint8_t of = 0; of <= epoch; ++of) {
                const auto signer = ed25519_signer(signing(of, i));
                if (signer->public_key() != set.keys[i]) continue;
                handover.last.endorsements.push_back(
                    {{i}, sign(set, {i}, *signer, handover.last.body).signature});
            }
        }
        return handover;
    }
    void expect_refused(const Handover& good, const std::function<void(Handover&)>& change,
                        std::string_view mentions) const {
        Handover bad = good;
        change(bad);
        const auto checked = check_handover(charter_, bad);
        ASSERT_FALSE(checked.ok()) << mentions;
        EXPECT_NE(checked.error().message().find(mentions), std::string::npos)
            << checked.error().message();
    }

    Charter charter_;
    Hash network_;
};

TEST_F(MembershipTest, a_network_of_one_becomes_four_and_one_leaves) {
    charter_.begin(decided(proposal_of(4), {0, 1, 3}, 12));
    EpochProposal without = proposal_of(4);
    for (uint8_t i : {0, 1, 3})
        without.participants[i].signing_key = charter_.now().participants[i].signing_key;
    without.participants[1] = {};
    without.provers[0] = {{0}, {2}, {3}};
    charter_.begin(decided(without, {0, 2, 3}, 40));

    const auto back = decode_charter(cbor::encode(charter_));
    ASSERT_TRUE(back.ok()) << back.error().message();
    EXPECT_EQ(*back, charter_);
    EXPECT_EQ(network_id_of(back->body), network_) << "the network is the same";
    EXPECT_EQ(back->participant_count(), 3u);
    EXPECT_EQ(back->places(), 4u);
    EXPECT_EQ(back->keys_of({2}).signing_key, signing(2, 2).public_key());
    EXPECT_EQ(back->now().parameters.window_batches, 32u);

    const Epochs epochs(*back);
    EXPECT_EQ(epochs.at({12}).count(), 1u);
    EXPECT_EQ(epochs.at({13}).count(), 4u);
    EXPECT_EQ(epochs.at({13}).keys[2], signing(0, 2).public_key()) << "was not ready in time";
    EXPECT_EQ(epochs.at({13}).keys[3], signing(1, 3).public_key());
    EXPECT_EQ(epochs.at({40}).epoch, Epoch{1});
    EXPECT_FALSE(epochs.at({41}).has({1}));
    EXPECT_EQ(epochs.current().quorum().votes_min, 3u);
    EXPECT_EQ(epochs.body_at({12}).participants.size(), 1u);
    EXPECT_EQ(epochs.body_at({41}).ledgers[0].provers.size(), 3u);
    EXPECT_FALSE(epochs.body_at({1}).ledgers[0].genesis.empty());
}

TEST_F(MembershipTest, what_was_not_decided_so_is_refused) {
    const Handover good = decided(proposal_of(4), {0, 1, 3}, 12);
    ASSERT_TRUE(check_handover(charter_, good).ok());
    expect_refused(
        good, [](auto& h) { h.proposal.parameters.late_after_us += 1; },
        "another epoch was decided");
    expect_refused(
        good, [](auto& h) { h.proposal.epoch = {2}; }, "the next is 1");
    expect_refused(
        good, [](auto& h) { h.next.ready.pop_back(); }, "too few were ready");
    expect_refused(
        good, [](auto& h) { h.next.begins = false; }, "too few were ready");
    expect_refused(
        good, [](auto& h) { std::swap(h.next.ready[0], h.next.ready[1]); }, "not ascending");
    expect_refused(
        good, [](auto& h) { h.next.ready[0].keys.signing_key = signing(5, 5).public_key(); },
        "does not say so");
    expect_refused(
        good, [](auto& h) { h.next.ready[0].keys = h.next.ready[1].keys; }, "a key twice");
    expect_refused(
        good, [](auto& h) { h.last.body.slot = {13}; }, "does not say so");
    expect_refused(
        good, [](auto& h) { h.field_hashes[3].bytes[0] ^= 1; }, "does not say so");
    expect_refused(
        good, [](auto& h) { h.field_hashes.pop_back(); }, "twelve fields");
    expect_refused(
        good, [](auto& h) { h.last.endorsements.clear(); }, "no quorum decided");
}

TEST_F(MembershipTest, more_than_two_thirds_of_the_weight_must_vote) {
    charter_.begin(decided(proposal_of(4), {0, 1, 2, 3}, 12));
    auto body = charter_.now();
    body.participants[0].vote_weight = 3;
    const auto verifier = ed25519_verifier(0);
    const auto votes_of = [&](std::vector<uint8_t> who) {
        VotedProposal voted{proposal_of(4), {}};
        const Bytes statement = proposal_statement(voted.proposal.hash());
        for (const uint8_t i : who) voted.votes.push_back({{i}, identity(i).sign(statement)});
        return voted;
    };
    EXPECT_TRUE(check_votes(body, *verifier, votes_of({0, 1, 2})).ok());
    EXPECT_TRUE(
        check_votes(body, *verifier, votes_of({0, 1})).error().is(CharterError::too_few_votes))
        << "four of six are no more than two thirds";
    EXPECT_FALSE(check_votes(body, *verifier, votes_of({1, 2, 3})).ok());
    EXPECT_FALSE(check_votes(body, *verifier, votes_of({0, 2, 1})).ok()) << "not ascending";
    EXPECT_FALSE(check_votes(body, *verifier, votes_of({0, 1, 1})).ok()) << "twice";
    auto forged = votes_of({0, 1, 2});
    forged.votes[1].signature[3] ^= 1;
    EXPECT_FALSE(check_votes(body, *verifier, forged).ok());
}

}  // namespace
}  // namespace tally::model
