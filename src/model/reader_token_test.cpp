// A reader token shows who reads, here and now; every reason to refuse one has its own words.
#include "model/reader_token.hpp"

#include <gtest/gtest.h>

#include "crypto/testing/ed25519_vectors.hpp"
#include "model/testing/secrets.hpp"

namespace tally::model {
namespace {

constexpr uint64_t now_s = 1'700'000'000;
using testing::a_network, testing::ed25519_secret, testing::secp256k1_secret;

std::string payload(std::string_view participant, uint64_t issued, uint64_t expires) {
    return R"({"network":")" + a_network.hex() + R"(","participant":")" + std::string(participant) +
           R"(","iat":)" + std::to_string(issued) + R"(,"exp":)" + std::to_string(expires) + '}';
}
/// What a participant says to a token: the reader's did:key, or why not.
std::string said_of(std::string_view token) {
    const auto reader = check_token(token, a_network, "alice", now_s);
    return reader.ok() ? *reader : reader.error().message();
}
std::string said_of_payload(const std::string& text) {
    return said_of(sign_payload(text, ed25519_secret()));
}

class ReaderToken : public ::testing::Test {
protected:
    void SetUp() override { crypto_start(); }
};

TEST_F(ReaderToken, has_its_golden_bytes) {
    // Signed apart from this code, as RFC 7515 and RFC 8032 say.
    EXPECT_EQ(sign_token(a_network, "alice", now_s, ed25519_secret()),
              "eyJhbGciOiJFZERTQSIsImtpZCI6ImRpZDprZXk6ejZNa3ROV1hGeTdmbjlrTmZ3ZnZEOWUyckRLM1JQ"
              "ZXRTNE1SS3RaSDhBeFF6Zzl5In0.eyJuZXR3b3JrIjoiMmY3ODJiZWNhNmM0OTdlMDllZTFiNjdiZDZh"
              "MTIwMjA0OGYxOWU5N2Y3ZTEzNjRhNThkNDE1Y2U3YjNlY2Q5ZSIsInBhcnRpY2lwYW50IjoiYWxpY2Ui"
              "LCJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMDMwMH0.8Nv61SbsU229wkj03XDdzEGJiZyFOKGi"
              "MMSVqlI4zAQOo4tzXCS2KKrCY4A8n3Rhj-6Jh88LQ-NpUg2iLgLuDA");
}

TEST_F(ReaderToken, names_its_reader_by_either_kind_of_key) {
    for (const auto& secret : {ed25519_secret(), secp256k1_secret()})
        EXPECT_EQ(said_of(sign_token(a_network, "alice", now_s, secret)),
                  public_key_of(secret).did());
}

TEST_F(ReaderToken, its_eddsa_is_exactly_the_rule_of_every_verifier) {
    for (const auto& one : ed25519_vectors("token")) {
        const auto reader = check_token(one.jws(), Hash{}, "alice", ed25519_vectors_now_s);
        EXPECT_EQ(reader.ok(), one.valid) << one.name << " separates " << one.separates;
        EXPECT_TRUE(one.valid || reader.error().is(TokenError::bad_signature)) << one.name;
    }
}

TEST_F(ReaderToken, is_for_one_participant_of_one_network_and_five_minutes) {
    const std::string good = payload("alice", now_s, now_s + 300);
    EXPECT_TRUE(said_of_payload(good).starts_with("did:key:z6Mk"));
    EXPECT_EQ(
        said_of(sign_token(Hash{}, "alice", now_s, ed25519_secret())),
        "the Bearer token is for another network. Make one for this network: `tally keys token`");
    EXPECT_EQ(said_of_payload(payload("bob", now_s, now_s + 300)),
              "the Bearer token is for another participant: bob. Make one for this participant");
    EXPECT_EQ(said_of_payload(payload("alice", now_s, now_s + 301)),
              "the Bearer token is valid for more than five minutes. Set exp at most 300 seconds "
              "after iat");
    EXPECT_EQ(said_of_payload(payload("alice", now_s, now_s - 1)),
              "the Bearer token is valid for more than five minutes. Set exp at most 300 seconds "
              "after iat");
    // Clocks may differ by half a minute at its beginning.
    EXPECT_TRUE(said_of_payload(payload("alice", now_s + 30, now_s + 60)).starts_with("did:key:"));
    for (const auto& [issued, expires] :
         {std::pair{now_s + 31, now_s + 60}, std::pair{now_s - 300, now_s - 1}})
        EXPECT_EQ(said_of_payload(payload("alice", issued, expires)),
                  "the Bearer token is not valid at this time. Make a new one; check the clock");
}

TEST_F(ReaderToken, of_another_shape_is_none) {
    const std::string good = payload("alice", now_s, now_s + 300);
    for (const auto& token : {std::string(), std::string("a.b"), std::string("a.b.c.d"),
                              std::string(token_bytes_max + 1, 'a')})
        EXPECT_TRUE(said_of(token).starts_with("the Bearer token is not a reader token")) << token;
    for (const std::string& text :
         {std::string("[]"), std::string("{}"), good.substr(0, good.size() - 1) + R"(,"more":1})",
          payload("alice", now_s, now_s + 300).replace(good.find("\"exp\""), 5, "\"end\"")})
        EXPECT_TRUE(said_of_payload(text).starts_with("the Bearer token is not a reader token"))
            << text;
    std::string changed = sign_token(a_network, "alice", now_s, ed25519_secret());
    char& last = changed[changed.size() - 10];
    last = last == 'A' ? 'B' : 'A';
    EXPECT_EQ(
        said_of(changed),
        "the Bearer token's signature is not valid. Sign it again, with the key that it names");
}

}  // namespace
}  // namespace tally::model
