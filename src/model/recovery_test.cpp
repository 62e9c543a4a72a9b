// A recovery charter counts only as a quorum's, for the next epoch, after a decision that a quorum
// of the epoch before made; whose signatures count where follows from it.
#include "model/recovery.hpp"

#include <gtest/gtest.h>

#include "model/charter.hpp"

namespace tally::model {
namespace {

class RecoveryTest : public ::testing::Test {
protected:
    RecoveryTest() {
        crypto_start();
        charter.body.name = std::string("example");
        charter.body.genesis_time = Micros{1'700'000'000'000'000};
        LedgerEntry ledger;
        ledger.name = std::string("packages");
        for (uint8_t i = 0; i < 4; ++i) {
            ParticipantEntry entry;
            entry.name = std::string(1, char('a' + i));
            entry.identity_key = identity(i).public_key();
            entry.signing_key = signing(0, i).public_key();
            entry.addresses.push_back(std::string("127.0.0.1:7001"));
            charter.body.participants.push_back(entry);
            ledger.provers.push_back(Participant{i});
        }
        charter.body.ledgers.push_back(ledger);
        network = network_id_of(charter.body);
        const Bytes statement = founder_statement(network);
        for (uint8_t i = 0; i < 4; ++i)
            charter.signatures.push_back({Participant{i}, identity(i).sign(statement)});
    }
    static Ed25519Secret secret(uint8_t kind, uint8_t epoch, uint8_t number) {
        return Ed25519Secret::from_seed(std::array<uint8_t, 32>{kind, epoch, number});
    }
    static Ed25519Secret identity(uint8_t number) { return secret(1, 0, number); }
    static Ed25519Secret signing(uint8_t epoch, uint8_t number) { return secret(2, epoch, number); }

    /// By three of an epoch's four keys.
    [[nodiscard]] CommitQC decided(uint8_t epoch, uint64_t slot) const {
        const Signatories set = Epochs(charter).all()[epoch];
        CommitQC qc{{{slot}, {0}, sha256(view_of("block"))}, {}};
        for (uint8_t i = 0; i < 3; ++i) {
            const auto signer = ed25519_signer(signing(epoch, i));
            qc.endorsements.push_back({{i}, sign(set, {i}, *signer, qc.body).signature});
        }
        return qc;
    }
    [[nodiscard]] RecoveryBody body_after(std::optional<CommitQC> last) const {
        const auto epoch = uint8_t(charter.beginnings.size() + 1);
        RecoveryBody body{network, {epoch}, std::move(last), {}};
        for (uint8_t i = 0; i < 4; ++i) body.keys.push_back({signing(epoch, i).public_key(), {}});
        return body;
    }
    static Recovery signed_by(const RecoveryBody& body, std::initializer_list<uint8_t> signers) {
        Recovery recovery{body, {}};
        for (const uint8_t i : signers)
            recovery.signatures.push_back({{i}, identity(i).sign(recovery_statement(body.hash()))});
        return recovery;
    }
    void expect_refused(const Recovery& recovery, std::string_view mentions) const {
        const auto result = check_recovery(charter, recovery);
        ASSERT_FALSE(result.ok()) << mentions;
        EXPECT_TRUE(result.error().is(CharterError::bad_recovery));
        EXPECT_NE(result.error().message().find(mentions), std::string::npos)
            << result.error().message();
    }

    Charter charter;
    Hash network;
};

TEST_F(RecoveryTest, a_quorum_begins_the_next_epoch_and_the_charter_keeps_its_id) {
    charter.begin(signed_by(body_after(decided(0, 12)), {0, 2, 3}));
    charter.begin(signed_by(body_after(decided(1, 30)), {0, 1, 2, 3}));
    const auto back = decode_charter(cbor::encode(charter));
    ASSERT_TRUE(back.ok()) << back.error().message();
    EXPECT_EQ(*back, charter);
    EXPECT_EQ(network_id_of(back->body), network);
    EXPECT_EQ(back->keys_of({1}).signing_key, signing(2, 1).public_key());

    const Epochs epochs(*back);
    EXPECT_EQ(epochs.at({0}).epoch, Epoch{0});
    EXPECT_EQ(epochs.at({12}).epoch, Epoch{0});
    EXPECT_EQ(epochs.at({13}).epoch, Epoch{1});
    EXPECT_EQ(epochs.at({30}).epoch, Epoch{1});
    EXPECT_EQ(epochs.at({31}).epoch, Epoch{2});
    EXPECT_EQ(epochs.current().epoch, Epoch{2});
    EXPECT_EQ(epochs.handover_slot(), Slot{30});
}

TEST_F(RecoveryTest, epochs_that_decided_nothing_end_where_they_began) {
    charter.begin(signed_by(body_after({}), {0, 1, 2}));
    EXPECT_TRUE(check_charter(charter).ok());
    EXPECT_EQ(Epochs(charter).at({1}).epoch, Epoch{1});
    charter.begin(signed_by(body_after(decided(1, 5)), {0, 1, 2}));
    charter.begin(signed_by(body_after(decided(1, 5)), {0, 1, 2}));
    ASSERT_TRUE(check_charter(charter).ok()) << check_charter(charter).error().message();
    EXPECT_EQ(Epochs(charter).at({5}).epoch, Epoch{1});
    EXPECT_EQ(Epochs(charter).at({6}).epoch, Epoch{3});
}

TEST_F(RecoveryTest, what_does_not_hold_is_refused) {
    const RecoveryBody good = body_after(decided(0, 12));
    EXPECT_TRUE(check_recovery(charter, signed_by(good, {1, 2, 3})).ok());
    expect_refused(signed_by(good, {1, 2}), "2 of 3 have signed");
    expect_refused(signed_by(good, {1, 1, 2}), "do not ascend");
    Recovery bent = signed_by(good, {1, 2, 3});
    bent.signatures[0].signature[5] ^= 1;
    expect_refused(bent, "the signature of b");

    RecoveryBody bad = good;
    bad.network.bytes[0] ^= 1;
    expect_refused(signed_by(bad, {0, 1, 2}), "another network");
    bad = good;
    bad.epoch = {2};
    expect_refused(signed_by(bad, {0, 1, 2}), "the next is 1");
    bad = good;
    bad.keys.pop_back();
    expect_refused(signed_by(bad, {0, 1, 2}), "one set of keys a participant");
    bad = good;
    bad.keys[1] = bad.keys[2];
    expect_refused(signed_by(bad, {0, 1, 2}), "a key twice");
    bad = good;
    bad.keys[1].signing_key = identity(3).public_key();
    expect_refused(signed_by(bad, {0, 1, 2}), "a key twice");
    bad = good;
    bad.last->endorsements.pop_back();
    expect_refused(signed_by(bad, {0, 1, 2}), "no quorum decided");
}

TEST_F(RecoveryTest, an_earlier_epochs_keys_decide_nothing_after_its_end) {
    charter.begin(signed_by(body_after(decided(0, 12)), {0, 1, 2}));
    const auto verifier = ed25519_verifier(0);
    const Epochs epochs(charter);
    EXPECT_TRUE(check_quorum(epochs.at({12}), *verifier, decided(0, 12)));
    EXPECT_FALSE(check_quorum(epochs.at({13}), *verifier, decided(0, 13)));
    EXPECT_TRUE(check_quorum(epochs.at({13}), *verifier, decided(1, 13)));
    // It cannot end its epoch again, later.
    const Recovery again = signed_by(body_after(decided(0, 20)), {0, 1, 2});
    expect_refused(again, "no quorum decided");
    expect_refused(signed_by(body_after({}), {0, 1, 2}), "ends an epoch before it began");
}

}  // namespace
}  // namespace tally::model
