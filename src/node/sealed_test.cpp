// Sealed transactions in a participant: opened with their block, kept and executed again, void
// alike, and never opened where they are not executed; and shares that are gathered from anybody.
#include <gtest/gtest.h>

#include "ledger/result_code.hpp"
#include "node/sealed_shares.hpp"
#include "node/testing/alone.hpp"

namespace tally::node {
namespace {

using ledger::ResultCode;

std::array<uint8_t, 64> random_of(uint8_t number) {
    std::array<uint8_t, 64> random;
    random.fill(number);
    return random;
}

class SealedAlone : public testing::Test {
protected:
    void begin() {
        alone_.open();
        alone_.start();
    }
    std::string sealed(const std::string& changes, uint64_t number,
                       const std::function<void(model::SealedText&)>& bend = {}) const {
        const auto payload = alone_.payload_of(changes, number);
        auto text = model::seal(payload, model::public_key_of(alone_.user()),
                                model::sealing_keys_of({}, alone_.charter().body),
                                random_of(uint8_t(number)));
        if (bend) bend(text);
        return model::sign_sealed(payload, text, alone_.user());
    }
    uint16_t code_of(uint64_t number) {
        alone_.run_until([&] { return alone_.answers.contains(number); });
        const auto found = alone_.answers.find(number);
        return found == alone_.answers.end() ? uint16_t(999) : found->second.code;
    }
    StoredBlock last_block() const {
        return **ChainReader(alone_.key_value).block(items, alone_.executed());
    }
    static const std::string& change() {
        static const std::string text = R"([{"_id":"item$1","key":"sealed"}])";
        return text;
    }
    Alone alone_;
};

TEST_F(SealedAlone, is_opened_and_executed_and_its_key_stands_in_the_block) {
    begin();
    const std::string envelope = sealed(change(), 1);
    alone_.submit_envelope(envelope, 1);
    EXPECT_EQ(code_of(1), uint16_t(ResultCode::applied));
    const auto block = last_block();
    ASSERT_EQ(block.openings.size(), 1u);
    ASSERT_TRUE(block.openings[0].key);
    EXPECT_EQ(*block.openings[0].key, sealing_secret(random_of(1)));
    EXPECT_EQ(block.header.openings_root, model::openings_root_of(block.openings));
    // With a plain one in one block, in the order of the block.
    alone_.submit(R"([{"_id":"item$1","key":"plain"}])", 2);
    alone_.submit_envelope(sealed(change(), 3), 3);
    EXPECT_EQ(code_of(2), 0);
    EXPECT_EQ(code_of(3), 0);
}

TEST_F(SealedAlone, is_executed_again_with_the_shares_that_were_kept) {
    begin();
    alone_.submit_envelope(sealed(change(), 1), 1);
    ASSERT_EQ(code_of(1), 0);
    const auto block = last_block();
    const auto kept = ChainReader(alone_.key_value).sealed_shares(items, block.header.slot);
    ASSERT_TRUE(kept.ok() && *kept);
    EXPECT_EQ((*kept)->size(), 1u);
    // Its opening key may be gone since.
    ASSERT_TRUE(erase_ledger(alone_.key_value, items).ok());
    ASSERT_TRUE(alone_.key_value.flush().ok());
    alone_.node.reset();
    alone_.has_opening_secret = false;
    begin();
    alone_.run_until([&] { return alone_.executed() == block.header.height; });
    ASSERT_EQ(alone_.executed(), block.header.height);
    EXPECT_EQ(last_block().header, block.header);
}

TEST_F(SealedAlone, waits_and_says_so_while_no_share_is_to_be_had) {
    alone_.has_opening_secret = false;
    begin();
    alone_.submit_envelope(sealed(change(), 1), 1);
    alone_.run_turns(300);
    const auto ledger = alone_.node->status().ledgers[0];
    EXPECT_EQ(ledger.executed, Height{});
    EXPECT_EQ(ledger.sealed_waiting, 1u);
    EXPECT_EQ(ledger.shares_missing, std::vector<std::string>{"alone"});
    alone_.crash(1);
    alone_.has_opening_secret = true;
    begin();
    alone_.run_until([&] { return alone_.executed() == Height{1}; });
    EXPECT_EQ(alone_.executed(), Height{1});
}

TEST_F(SealedAlone, what_does_not_open_is_void_and_remembered) {
    begin();
    alone_.submit_envelope(sealed(change(), 1, [](auto& text) { text.boxes[0][70] ^= 1; }), 1);
    EXPECT_EQ(code_of(1), uint16_t(ResultCode::sealed_void));
    ASSERT_EQ(last_block().openings.size(), 1u);
    EXPECT_FALSE(last_block().openings[0].key);
    alone_.submit_envelope(sealed("nonsense", 2), 2);
    EXPECT_EQ(code_of(2), uint16_t(ResultCode::sealed_void));
    // Sealed again, and well, with the same nonce and expiry: it has been executed.
    auto payload = alone_.payload_of(change(), 3);
    const auto keys = model::sealing_keys_of({}, alone_.charter().body);
    const auto signer = model::public_key_of(alone_.user());
    auto bent = model::seal(payload, signer, keys, random_of(3));
    bent.boxes[0].fill(0);
    alone_.submit_envelope(model::sign_sealed(payload, bent, alone_.user()), 3);
    EXPECT_EQ(code_of(3), uint16_t(ResultCode::sealed_void));
    const auto well = model::seal(payload, signer, keys, random_of(4));
    alone_.submit_envelope(model::sign_sealed(payload, well, alone_.user()), 4);
    const Height before = alone_.executed();
    alone_.run_until([&] { return alone_.executed() > before; });
    EXPECT_EQ(last_block().results[0].code, uint16_t(ResultCode::duplicate));
    EXPECT_TRUE(last_block().openings.empty()) << "it stays sealed";
}

// --- gathering ---

class Gathering : public testing::Test {
protected:
    Gathering() {
        model::CharterBody body;
        for (uint8_t i = 0; i < 4; ++i) {
            model::ParticipantEntry entry;
            entry.name = {"p" + std::to_string(i)};
            entry.opening_key = x25519_public({uint8_t(i + 1)});
            body.participants.push_back(entry);
        }
        keys_ = model::sealing_keys_of({}, body);
        payload_.ledger = "items";
        payload_.changes = R"([{"_id":"item$1","key":"a"}])";
        const auto text = model::seal(payload_, model::public_key_of(signer_), keys_, random_of(7));
        const auto envelope = model::sign_sealed(payload_, text, signer_);
        checked_ = std::make_shared<const model::CheckedEnvelope>(
            model::check_envelope(view_of(envelope), Hash{}, "items", &keys_));
        shares_.emplace(Slot{5}, keys_, std::vector<SealedShares::Wanted>{{2, checked_}});
    }
    Scalar share(uint8_t holder) const {
        return *model::open_own_share(*checked_->transaction->sealed, keys_, holder,
                                      {uint8_t(holder + 1)});
    }
    SealedShares::Taken add(uint32_t index, uint8_t holder, const Scalar& value) {
        return shares_->add({index, {holder}, value}, says_no_);
    }
    static inline const SealedShares::IsTrue says_no_ =
        [](Participant, uint32_t, const Hash&, const model::BadBoxSaid&) { return false; };
    static inline const SealedShares::IsTrue says_yes_ =
        [](Participant, uint32_t, const Hash&, const model::BadBoxSaid&) { return true; };

    model::Payload payload_;
    model::SecretKey signer_ = Ed25519Secret::from_seed({1});
    model::SealingKeys keys_;
    std::shared_ptr<const model::CheckedEnvelope> checked_;
    std::optional<SealedShares> shares_;
};

TEST_F(Gathering, shares_prove_themselves_and_others_are_refused) {
    using enum SealedShares::Taken;
    EXPECT_EQ(add(1, 0, share(0)), refused) << "of nothing that is wanted";
    EXPECT_EQ(add(2, 4, share(0)), refused) << "of nobody who holds one";
    EXPECT_EQ(add(2, 1, share(0)), refused) << "another's";
    Scalar bent = share(0);
    bent[31] ^= 1;
    EXPECT_EQ(add(2, 0, bent), refused);
    EXPECT_EQ(shares_->waiting(), 1u);
    EXPECT_EQ(shares_->missing().size(), 4u);
    EXPECT_EQ(add(2, 3, share(3)), taken);
    EXPECT_EQ(add(2, 3, share(3)), known);
    EXPECT_FALSE(shares_->complete());
    EXPECT_EQ(shares_->missing().size(), 3u);
    EXPECT_EQ(add(2, 1, share(1)), taken);
    EXPECT_TRUE(shares_->complete());
    EXPECT_EQ(add(2, 0, share(0)), known) << "there are enough";
    const auto enough = shares_->enough();
    ASSERT_EQ(enough.at(2).size(), 2u);
    EXPECT_EQ(shares_->kept().size(), 2u);
    EXPECT_TRUE(model::open_sealed(Hash{}, *checked_->transaction, keys_, enough.at(2)).key);
}

TEST_F(Gathering, as_many_bad_boxes_as_shares_would_open_it_decide_that_it_is_void) {
    using enum SealedShares::Taken;
    const auto said = [&](uint8_t holder) {
        return model::SealedShare{2, {holder}, model::BadBoxSaid{}};
    };
    EXPECT_EQ(shares_->add(said(0), says_no_), refused);
    EXPECT_EQ(shares_->add(said(0), says_yes_), taken);
    EXPECT_EQ(shares_->add(said(0), says_yes_), known);
    EXPECT_FALSE(shares_->complete()) << "one may lie";
    EXPECT_EQ(add(2, 0, share(0)), known) << "one word of each";
    EXPECT_EQ(shares_->add(said(2), says_yes_), taken);
    EXPECT_TRUE(shares_->complete());
    EXPECT_TRUE(shares_->enough().at(2).empty());
    EXPECT_EQ(shares_->kept().size(), 2u);
    EXPECT_EQ(shares_->called_bad_by(2).size(), 2u);
}

TEST_F(Gathering, a_liar_alone_decides_nothing_and_is_known) {
    EXPECT_EQ(shares_->add({2, {0}, model::BadBoxSaid{}}, says_yes_), SealedShares::Taken::taken);
    add(2, 1, share(1));
    add(2, 2, share(2));
    ASSERT_TRUE(shares_->complete());
    EXPECT_EQ(shares_->enough().at(2).size(), 2u);
    EXPECT_EQ(shares_->called_bad_by(2), std::vector<Participant>{{0}});
}

}  // namespace
}  // namespace tally::node
