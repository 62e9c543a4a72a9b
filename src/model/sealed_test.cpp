// A sealed transaction opens to what was sealed, whoever's shares are used; what was dealt wrongly
// is void whoever's shares are used; and a copy in another envelope opens nothing.
#include "model/sealed.hpp"

#include <gtest/gtest.h>

namespace tally::model {
namespace {

X25519Secret opening_of(uint8_t number) {
    X25519Secret secret;
    secret.fill(uint8_t(number + 1));
    return secret;
}

std::array<uint8_t, 64> random_of(uint8_t number) {
    std::array<uint8_t, 64> random;
    random.fill(number);
    return random;
}

SealingKeys keys_of(std::vector<uint8_t> numbers, uint32_t threshold) {
    SealingKeys keys;
    keys.epoch = Epoch{3};
    keys.threshold = threshold;
    for (const uint8_t number : numbers)
        keys.holders.push_back({{number}, x25519_public(opening_of(number))});
    return keys;
}

class Sealed : public ::testing::Test {
protected:
    Sealed() {
        payload_.network = sha256(view_of("network"));
        payload_.ledger = "items";
        payload_.nonce = "once";
        payload_.expire_ms = 1'700'000'000'000;
        payload_.fuel = 1'000;
        payload_.changes = R"([{"_id":"item$1","key":"a"}])";
    }
    SealedText sealed() const {
        return seal(payload_, public_key_of(signer_), keys_, random_of(9));
    }
    std::string envelope(const SealedText& text) const {
        return sign_sealed(payload_, text, signer_);
    }
    CheckedEnvelope checked(const std::string& text) const {
        return check_envelope(view_of(text), payload_.network, "items", &keys_);
    }
    /// By place among the holders.
    std::vector<std::optional<Scalar>> shares_in(const Transaction& transaction) const {
        std::vector<std::optional<Scalar>> shares;
        for (size_t i = 0; i < keys_.holders.size(); ++i)
            shares.push_back(open_own_share(*transaction.sealed, keys_, i,
                                            opening_of(keys_.holders[i].participant.value)));
        return shares;
    }
    /// What every pair of holders that has shares makes of it.
    std::vector<Opened> opened_by_all(const Transaction& transaction) const {
        std::vector<Opened> all;
        const auto shares = shares_in(transaction);
        for (size_t i = 0; i < shares.size(); ++i) {
            for (size_t j = i + 1; j < shares.size(); ++j) {
                if (!shares[i] || !shares[j]) continue;
                const std::pair<uint8_t, Scalar> pair[] = {
                    {keys_.holders[i].participant.value, *shares[i]},
                    {keys_.holders[j].participant.value, *shares[j]}};
                all.push_back(open_sealed(payload_.network, transaction, keys_, pair));
            }
        }
        return all;
    }

    Payload payload_;
    SealingKeys keys_ = keys_of({0, 1, 2, 5}, 2);
    SecretKey signer_ = Ed25519Secret::from_seed(std::array<uint8_t, 32>{1});
    SecretKey other_ = Ed25519Secret::from_seed(std::array<uint8_t, 32>{2});
};

TEST_F(Sealed, opens_to_what_was_sealed_by_any_threshold) {
    const auto envelope_checked = checked(envelope(sealed()));
    ASSERT_TRUE(envelope_checked.valid()) << envelope_checked.why().message();
    EXPECT_TRUE(envelope_checked.transaction->changes.empty());
    const auto all = opened_by_all(*envelope_checked.transaction);
    EXPECT_EQ(all.size(), 6u);
    for (const Opened& opened : all) {
        ASSERT_TRUE(opened.key);
        EXPECT_EQ(*opened.key, *all.front().key);
        ASSERT_EQ(opened.changes.size(), 1u);
        EXPECT_EQ(opened.changes[0].as_object().at("key").as_string(), "a");
    }
}

TEST_F(Sealed, says_nothing_of_its_content_in_the_envelope) {
    payload_.changes = R"([{"_id":"item$1","key":"a secret of some length"}])";
    const std::string one = envelope(sealed());
    payload_.changes = R"([{"_id":"item$1","key":"b"}])";
    EXPECT_EQ(envelope(sealed()).size(), one.size()) << "not even its length, within 256 bytes";
    EXPECT_EQ(one.find(to_base64url(view_of("a secret"))), one.npos);
}

TEST_F(Sealed, once_only_by_signer_and_nonce) {
    const auto first = checked(envelope(sealed()));
    keys_ = keys_of({0, 1, 2, 6}, 2);
    keys_.epoch = Epoch{4};
    const auto again = checked(envelope(sealed()));
    ASSERT_TRUE(first.valid() && again.valid());
    EXPECT_NE(first.id, again.id);
    EXPECT_EQ(first.once, again.once);
    payload_.nonce = "twice";
    EXPECT_NE(checked(envelope(sealed())).once, first.once);
    payload_.nonce = "once";
    EXPECT_NE(checked(sign_sealed(payload_, sealed(), other_)).once, first.once);
    const auto plain = checked(sign_envelope(payload_, signer_));
    EXPECT_EQ(plain.once, plain.id);
}

TEST_F(Sealed, of_another_epoch_or_for_others_is_invalid_by_its_bytes) {
    const std::string text = envelope(sealed());
    keys_.epoch = Epoch{4};
    EXPECT_EQ(checked(text).error, EnvelopeError::wrong_epoch);
    keys_.epoch = Epoch{3};
    keys_.holders.pop_back();
    EXPECT_EQ(checked(text).error, EnvelopeError::bad_sealed);
    EXPECT_TRUE(check_envelope(view_of(text), payload_.network, "items").valid());
    EXPECT_EQ(sealed_epoch_of(view_of(text)), Epoch{3});
    EXPECT_FALSE(sealed_epoch_of(view_of(sign_envelope(payload_, signer_))));
    EXPECT_FALSE(sealed_epoch_of(view_of("a.b.c")));
}

TEST_F(Sealed, a_copy_under_another_signer_nonce_or_fuel_gets_no_share) {
    const SealedText original = sealed();
    const auto has_no_share = [&](const std::string& text) {
        const auto copy = checked(text);
        ASSERT_TRUE(copy.valid());
        for (const auto& share : shares_in(*copy.transaction)) EXPECT_FALSE(share);
    };
    has_no_share(sign_sealed(payload_, original, other_));
    payload_.nonce = "another";
    has_no_share(envelope(original));
    payload_.nonce = "once";
    payload_.fuel = 1;
    has_no_share(envelope(original));
    payload_.fuel = 1'000;
    SealedText bent = original;
    bent.ciphertext[3] ^= 1;
    has_no_share(envelope(bent));
    bent = original;
    std::swap(bent.share_hashes[0], bent.share_hashes[1]);
    has_no_share(envelope(bent));
    has_no_share(envelope(SealedText{
        original.epoch, original.ciphertext, original.share_hashes, {4, ShareBox{}}, {}}));
}

TEST_F(Sealed, what_is_dealt_wrongly_is_void_whoevers_shares_are_used) {
    const auto is_void = [&](const SealedText& text, size_t verdicts) {
        const auto wrong = checked(envelope(text));
        ASSERT_TRUE(wrong.valid());
        const auto all = opened_by_all(*wrong.transaction);
        EXPECT_EQ(all.size(), verdicts);
        for (const Opened& opened : all) EXPECT_FALSE(opened.key);
    };
    // One box that does not open: five pairs are left of six with one less.
    SealedText text = sealed();
    text.boxes[1][60] ^= 1;
    is_void(text, 3);
    // A share on another polynomial, named and sealed like the others.
    for (size_t wrong = 0; wrong < 4; ++wrong) {
        text = sealed();
        const Scalar secret = sealing_secret(random_of(9));
        auto shares = shares_of(secret, 2, std::vector<uint8_t>{0, 1, 2, 5});
        shares[wrong][0] ^= 1;
        for (size_t i = 0; i < 4; ++i)
            text.share_hashes[i] = share_hash(keys_.holders[i].participant, shares[i]);
        const auto named = checked(envelope(text));
        ASSERT_TRUE(named.valid());
        for (size_t i = 0; i < 4; ++i)
            text.boxes[i] =
                seal_share(secret, keys_.holders[i].participant.value, keys_.holders[i].key,
                           shares[i], named.transaction->sealed->commitment);
        is_void(text, 6);
    }
    for (const char* content : {"", "[]", "{}", "[1]", "no json", R"([{"a":1,"a":2}])"}) {
        payload_.changes = content;
        is_void(sealed(), 6);
    }
}

TEST_F(Sealed, what_is_no_sealed_text_is_refused) {
    const auto error_of = [&](const std::string& json) {
        const std::string text = R"({"network":")" + payload_.network.hex() +
                                 R"(","ledger":"items","nonce":"n","expire":1,"fuel":1,"sealed":)" +
                                 json + "}";
        return checked(sign_payload(text, signer_)).error;
    };
    const std::string share = to_base64url(Bytes(32, 1)), box = to_base64url(Bytes(112, 1));
    const auto with = [&](const std::string& epoch, const std::string& shares,
                          const std::string& boxes) {
        return R"({"epoch":)" + epoch + R"(,"ciphertext":"AAAA","shares":)" + shares +
               R"(,"boxes":)" + boxes + "}";
    };
    const std::string four = "\"" + share + "\",\"" + share + "\",\"" + share + "\",\"" + share;
    const std::string boxes = "\"" + box + "\",\"" + box + "\",\"" + box + "\",\"" + box;
    ASSERT_NE(error_of(with("3", "[" + four + "\"]", "[" + boxes + "\"]")),
              EnvelopeError::bad_sealed);
    EXPECT_EQ(error_of("1"), EnvelopeError::bad_sealed);
    EXPECT_EQ(error_of("{}"), EnvelopeError::bad_sealed);
    EXPECT_EQ(error_of(with("-1", "[" + four + "\"]", "[" + boxes + "\"]")),
              EnvelopeError::bad_sealed);
    EXPECT_EQ(error_of(with("4294967296", "[" + four + "\"]", "[" + boxes + "\"]")),
              EnvelopeError::bad_sealed);
    EXPECT_EQ(error_of(with("3", "[]", "[]")), EnvelopeError::bad_sealed);
    EXPECT_EQ(error_of(with("3", "[\"" + share + "\"]", "[" + boxes + "\"]")),
              EnvelopeError::bad_sealed);
    EXPECT_EQ(error_of(with("3", "[" + four + "A\"]", "[" + boxes + "\"]")),
              EnvelopeError::bad_sealed);
    EXPECT_EQ(error_of(with("3", "[" + four + "\"]", "[" + boxes + "A\"]")),
              EnvelopeError::bad_sealed);
    // Either the changes or what seals them.
    const std::string both =
        R"({"network":")" + payload_.network.hex() +
        R"(","ledger":"items","nonce":"n","expire":1,"fuel":1,"tx":[{}],"sealed":{}})";
    EXPECT_EQ(checked(sign_payload(both, signer_)).error, EnvelopeError::unknown_field);
}

}  // namespace
}  // namespace tally::model
