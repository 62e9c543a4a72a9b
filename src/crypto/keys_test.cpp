// Signatures match the published vectors, and what is not exactly valid is refused.
#include "crypto/keys.hpp"

#include <gtest/gtest.h>

#include "crypto/testing/ed25519_vectors.hpp"

namespace tally {
namespace {

template <size_t N>
std::array<uint8_t, N> array_of(std::string_view hex) {
    const auto bytes = from_hex(hex);
    std::array<uint8_t, N> array{};
    EXPECT_EQ(bytes->size(), N);
    std::copy(bytes->begin(), bytes->end(), array.begin());
    return array;
}

class Keys : public testing::Test {
protected:
    void SetUp() override { crypto_start(); }
};

TEST_F(Keys, ed25519_matches_rfc_8032_test_2) {
    const auto secret = Ed25519Secret::from_seed(
        array_of<32>("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
    const Bytes message{0x72};
    const Signature signature = secret.sign(message);
    EXPECT_EQ(to_hex(signature),
              "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
              "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    EXPECT_TRUE(ed25519_verify(secret.public_key(), message, signature));
    EXPECT_FALSE(ed25519_verify(secret.public_key(), {}, signature));
}

TEST_F(Keys, ed25519_refuses_small_order_keys_and_high_s) {
    const auto secret = Ed25519Secret::from_seed({});
    Signature signature = secret.sign(view_of("m"));
    // A = the identity, R = the identity, S = 0 satisfies the equation for every message.
    Ed25519Public identity{1};
    Signature nothing{1};
    EXPECT_FALSE(ed25519_verify(identity, view_of("m"), nothing));
    // S + L is the same scalar in another spelling.
    const auto order =
        array_of<32>("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    uint32_t carry = 0;
    for (size_t i = 0; i < 32; ++i) {
        carry += uint32_t(signature[32 + i]) + order[i];
        signature[32 + i] = uint8_t(carry);
        carry >>= 8;
    }
    EXPECT_FALSE(ed25519_verify(secret.public_key(), view_of("m"), signature));
}

TEST_F(Keys, every_ed25519_verifier_gives_the_verdict_of_every_vector) {
    const auto remembering = ed25519_verifier(4), forgetting = ed25519_verifier(0);
    size_t valid = 0, by_cofactor = 0, by_refusal = 0;
    for (const auto& one : ed25519_vectors()) {
        SCOPED_TRACE(one.name + ", which separates " + one.separates);
        EXPECT_EQ(ed25519_verify(one.key, one.message, one.signature), one.valid);
        for (const auto* verifier : {&remembering, &forgetting}) {
            EXPECT_EQ((*verifier)->verify(one.key, one.message, one.signature), one.valid);
            EXPECT_EQ((*verifier)->verify(one.key, one.message, one.signature), one.valid);
        }
        EXPECT_TRUE(!one.valid || one.cofactorless) << "the rule only refuses more";
        valid += one.valid ? 1 : 0;
        by_cofactor += one.cofactored && !one.cofactorless ? 1 : 0;
        by_refusal += one.cofactorless && !one.valid ? 1 : 0;
    }
    // None of the three ways to differ may fall out of the file.
    EXPECT_GE(valid, 16u);
    EXPECT_GE(by_cofactor, 9u);
    EXPECT_GE(by_refusal, 3u * (28 + 3)) << "14 spellings of small order as A and as R; high S";
}

TEST_F(Keys, es256k_accepts_both_forms_of_s_and_normalises_to_one) {
    std::array<uint8_t, 32> bytes{};
    bytes[31] = 7;
    const auto secret = Secp256k1Secret::from_bytes(bytes);
    ASSERT_TRUE(secret.ok());
    const Signature low = secret->sign(view_of("hello"));
    EXPECT_TRUE(es256k_verify(secret->public_key(), view_of("hello"), low));
    EXPECT_FALSE(es256k_verify(secret->public_key(), view_of("hellO"), low));
    Signature high = low;  // s' = n − s
    const auto n = array_of<32>("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    int borrow = 0;
    for (size_t i = 32; i-- > 0;) {
        int digit = int(n[i]) - low[32 + i] - borrow;
        borrow = digit < 0 ? 1 : 0;
        high[32 + i] = uint8_t(digit + 256 * borrow);
    }
    EXPECT_TRUE(es256k_verify(secret->public_key(), view_of("hello"), high));
    EXPECT_EQ(es256k_normalised(high), low);
    EXPECT_EQ(es256k_normalised(low), low);
    EXPECT_FALSE(Secp256k1Secret::from_bytes({}).ok());
}

TEST_F(Keys, did_key_round_trips_and_matches_the_method_specification) {
    // From the did:key method's Ed25519 and secp256k1 test vectors.
    for (const std::string_view did :
         {"did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
          "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme"}) {
        const auto key = public_key_from_did(did);
        ASSERT_TRUE(key.ok()) << did;
        EXPECT_EQ(key->did(), did);
    }
    EXPECT_FALSE(
        public_key_from_did("did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooW").ok());
    EXPECT_FALSE(public_key_from_did("did:web:example.org").ok());
}

TEST_F(Keys, a_remembered_signature_is_bound_to_every_byte) {
    const auto verifier = ed25519_verifier(2);
    const auto secret = Ed25519Secret::from_seed({});
    const auto key = secret.public_key();
    Signature signature = secret.sign(view_of("m"));
    EXPECT_TRUE(verifier->verify(key, view_of("m"), signature));
    EXPECT_TRUE(verifier->verify(key, view_of("m"), signature));
    EXPECT_FALSE(verifier->verify(key, view_of("n"), signature));
    signature[0] ^= 1;
    EXPECT_FALSE(verifier->verify(key, view_of("m"), signature));
}

}  // namespace
}  // namespace tally
