// An envelope is believed iff its bytes alone prove who said what, for which network and ledger.
#include "model/envelope.hpp"

#include <gtest/gtest.h>

#include <set>

#include "crypto/testing/ed25519_vectors.hpp"
#include "model/testing/secrets.hpp"
#include "model/transaction_ids.hpp"

namespace tally::model {
namespace {

using testing::a_network, testing::ed25519_secret, testing::secp256k1_secret;

Payload sample() {
    return {a_network,         "packages", "nonce-1",
            1'700'000'000'000, 1'000,      R"([{"_id":"package$1","name":"zlib1g"}])"};
}

CheckedEnvelope check(std::string_view envelope, std::string_view ledger = "packages") {
    return check_envelope(view_of(envelope), a_network, ledger);
}

std::string code_of(std::string_view envelope) {
    const auto checked = check(envelope);
    return checked.valid() ? "valid" : std::string(checked.why().code);
}

/// A validly signed payload with one piece of its text replaced.
std::string with(std::string_view from, std::string_view to) {
    std::string text = R"({"network":")" + a_network.hex() +
                       R"(","ledger":"packages","nonce":"n","expire":1,"fuel":2,"tx":[{}]})";
    const size_t at = text.find(from);
    EXPECT_NE(at, text.npos) << from;
    text.replace(at, from.size(), to);
    return sign_payload(text, ed25519_secret());
}

/// An envelope with any header, signed by the Ed25519 key.
std::string with_header(std::string_view header) {
    const auto key = std::get<Ed25519Secret>(ed25519_secret());
    const std::string valid = sign_envelope(sample(), key);
    const size_t first = valid.find('.');
    const std::string input =
        to_base64url(view_of(header)) + valid.substr(first, valid.rfind('.') - first);
    return input + '.' + to_base64url(key.sign(view_of(input)));
}

class EnvelopeTest : public ::testing::Test {
protected:
    void SetUp() override { crypto_start(); }
};

TEST_F(EnvelopeTest, its_eddsa_is_exactly_the_rule_of_every_verifier) {
    for (const auto& one : ed25519_vectors("envelope")) {
        const auto checked = check_envelope(view_of(one.jws()), Hash{}, "packages");
        EXPECT_EQ(checked.valid(), one.valid) << one.name << " separates " << one.separates;
        EXPECT_TRUE(one.valid || checked.error == EnvelopeError::bad_signature) << one.name;
    }
}

TEST_F(EnvelopeTest, says_what_its_signer_said) {
    for (const SecretKey& secret : {ed25519_secret(), secp256k1_secret()}) {
        const std::string envelope = sign_envelope(sample(), secret);
        const auto checked = check(envelope);
        ASSERT_TRUE(checked.valid()) << checked.why().message();
        EXPECT_EQ(checked.transaction->signer, public_key_of(secret));
        EXPECT_EQ(checked.transaction->signer_did, public_key_of(secret).did());
        EXPECT_EQ(checked.transaction->ledger, "packages");
        EXPECT_EQ(checked.transaction->nonce, "nonce-1");
        EXPECT_EQ(checked.transaction->expire_ms, 1'700'000'000'000u);
        EXPECT_EQ(checked.transaction->fuel, 1'000u);
        EXPECT_EQ(checked.transaction->changes.at(0).at("name").as_string(), "zlib1g");
        EXPECT_EQ(checked.id, sha256(view_of(envelope.substr(0, envelope.rfind('.')))));
        EXPECT_EQ(checked.id, transaction_id_of(view_of(envelope)));
    }
}

// RFC 8037, appendix A: the key of A.1 makes the JWS of A.4, which verifies as in A.5.
TEST_F(EnvelopeTest, signs_as_rfc_8037_does) {
    const auto seed_bytes = *from_base64url("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
    std::array<uint8_t, 32> seed{};
    std::copy(seed_bytes.begin(), seed_bytes.end(), seed.begin());
    const auto secret = Ed25519Secret::from_seed(seed);
    EXPECT_EQ(to_base64url(secret.public_key()), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");

    const std::string input = to_base64url(view_of(R"({"alg":"EdDSA"})")) + '.' +
                              to_base64url(view_of("Example of Ed25519 signing"));
    EXPECT_EQ(input, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc");
    const Signature signature = secret.sign(view_of(input));
    EXPECT_EQ(to_base64url(signature),
              "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_"
              "MuM0KAg");
    EXPECT_TRUE(ed25519_verify(secret.public_key(), view_of(input), signature));
}

TEST_F(EnvelopeTest, es256k_has_one_form_whatever_s_was_sent) {
    // The order of secp256k1's group, big-endian.
    const auto order =
        *from_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    const std::string low = sign_envelope(sample(), secp256k1_secret());
    Bytes signature = *from_base64url(low.substr(low.rfind('.') + 1));
    int borrow = 0;
    for (int i = 31; i >= 0; --i) {  // s becomes n − s.
        const int digit = int(order[size_t(i)]) - int(signature[size_t(32 + i)]) - borrow;
        borrow = digit < 0;
        signature[size_t(32 + i)] = uint8_t(digit + (borrow != 0 ? 256 : 0));
    }
    const std::string high = low.substr(0, low.rfind('.') + 1) + to_base64url(signature);
    ASSERT_TRUE(check(high).valid()) << check(high).why().message();
    EXPECT_EQ(check(high).transaction->signature, check(low).transaction->signature);
    EXPECT_EQ(check(high).id, check(low).id);
}

TEST_F(EnvelopeTest, a_re_signed_copy_is_the_same_transaction) {
    const std::string envelope = sign_envelope(sample(), ed25519_secret());
    std::string flipped = envelope;
    char& letter = flipped[flipped.rfind('.') + 5];
    letter = letter == 'A' ? 'B' : 'A';
    EXPECT_EQ(check(flipped).id, check(envelope).id);
    EXPECT_EQ(code_of(flipped), "bad_signature");
}

TEST_F(EnvelopeTest, refuses_bytes_of_another_form) {
    EXPECT_EQ(code_of(""), "not_compact_jws");
    EXPECT_EQ(code_of("a.b"), "not_compact_jws");
    EXPECT_EQ(code_of("a.b.c.d"), "not_compact_jws");
    EXPECT_EQ(code_of(R"({"payload":"","signatures":[]})"), "not_compact_jws");
    EXPECT_EQ(check("a.b").id, tagged_hash(Tag::invalid_envelope, view_of("a.b")));
    EXPECT_EQ(check("a.b.c").id, sha256(view_of("a.b")));
    // Many at once have the same ones.
    const std::vector<ByteView> envelopes{view_of("a.b"), view_of("a.b.c"), view_of(""),
                                          view_of(".."), view_of("x.y.z")};
    const auto ids = transaction_ids_of(envelopes);
    ASSERT_EQ(ids.size(), envelopes.size());
    for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(ids[i], transaction_id_of(envelopes[i])) << i;
    EXPECT_EQ(code_of("!.b.c"), "bad_base64url");
    const std::string envelope = sign_envelope(sample(), ed25519_secret());
    EXPECT_EQ(code_of(envelope + "="), "bad_base64url");
    EXPECT_EQ(code_of(envelope + "AA"), "bad_signature");
    EXPECT_EQ(code_of(envelope.substr(0, envelope.rfind('.') + 1)), "bad_signature");
    EXPECT_EQ(code_of(std::string(limits::envelope_bytes_max + 1, 'a')), "envelope_too_large");
}

TEST_F(EnvelopeTest, accepts_the_largest_and_refuses_one_byte_more) {
    Payload payload = sample();
    const auto sized = [&](size_t filler) {
        payload.changes = R"([{"_id":"package$1","name":")" + std::string(filler, 'x') + R"("}])";
        return sign_envelope(payload, ed25519_secret());
    };
    size_t filler = 45'500;
    while (sized(filler).size() <= limits::envelope_bytes_max) ++filler;
    EXPECT_EQ(code_of(sized(filler - 1)), "valid");
    const auto checked = check(sized(filler));
    EXPECT_EQ(checked.error, EnvelopeError::too_large);
    EXPECT_NE(checked.why().message().find("at most 61440"), std::string::npos);
}

TEST_F(EnvelopeTest, refuses_headers_other_than_alg_and_kid) {
    const std::string did = public_key_of(ed25519_secret()).did();
    const std::string other = public_key_of(secp256k1_secret()).did();
    const auto header = [&](std::string_view alg, std::string_view kid) {
        return R"({"alg":")" + std::string(alg) + R"(","kid":")" + std::string(kid) + R"("})";
    };
    EXPECT_EQ(code_of(with_header(header("EdDSA", did))), "valid");
    EXPECT_EQ(code_of(with_header(R"({"kid":")" + did + R"(", "alg":"EdDSA"})")), "valid");
    EXPECT_EQ(code_of(with_header("[]")), "bad_header");
    EXPECT_EQ(code_of(with_header("{")), "bad_header");
    EXPECT_EQ(code_of(with_header(R"({"alg":"EdDSA"})")), "bad_header");
    EXPECT_EQ(code_of(with_header(R"({"alg":1,"kid":"x"})")), "bad_header");
    EXPECT_EQ(code_of(with_header(R"({"alg":"EdDSA","alg":"EdDSA","kid":"x"})")), "duplicate_key");
    EXPECT_EQ(code_of(with_header(R"({"alg":"EdDSA","typ":"JWT","kid":")" + did + R"("})")),
              "unknown_header_field");
    EXPECT_EQ(code_of(with_header(R"({"alg":"EdDSA","crit":["b64"],"kid":")" + did + R"("})")),
              "unknown_header_field");
    EXPECT_EQ(code_of(with_header(header("none", did))), "unsupported_algorithm");
    EXPECT_EQ(code_of(with_header(header("HS256", did))), "unsupported_algorithm");
    EXPECT_EQ(code_of(with_header(header("EdDSA", "me"))), "bad_key_id");
    EXPECT_EQ(code_of(with_header(header("EdDSA", did + "1"))), "bad_key_id");
    EXPECT_EQ(code_of(with_header(header("EdDSA", other))), "wrong_key_type");
    EXPECT_EQ(code_of(with_header(header("ES256K", did))), "wrong_key_type");
    EXPECT_EQ(code_of(with_header(header("ES256K", other))), "bad_signature");
    EXPECT_EQ(code_of(with_header(header("EdDSA", public_key_of(ed25519_secret(2)).did()))),
              "bad_signature");
}

TEST_F(EnvelopeTest, refuses_payloads_of_another_form) {
    EXPECT_EQ(code_of(with("{}", "{}")), "valid");
    EXPECT_EQ(code_of(sign_payload("[]", ed25519_secret())), "bad_payload");
    EXPECT_EQ(code_of(sign_payload("hello", ed25519_secret())), "bad_payload");
    EXPECT_EQ(code_of(with("\"n\"", "\"\xff\"")), "bad_payload");
    EXPECT_EQ(code_of(with("\"fuel\":2", "\"fuel\":2,\"fuel\":2")), "duplicate_key");
    EXPECT_EQ(code_of(with("[{}]", R"([{"a":1,"a":2}])")), "duplicate_key");
    EXPECT_EQ(code_of(with("[{}]", R"([{"a":1.5}])")), "not_an_integer");
    EXPECT_EQ(code_of(with("[{}]", R"([{"a":9007199254740992}])")), "not_an_integer");
    EXPECT_EQ(code_of(with("[{}]", std::string(20, '[') + std::string(20, ']'))), "too_deep");
    EXPECT_EQ(code_of(with(",\"fuel\":2", "")), "missing_field");
    EXPECT_EQ(code_of(with("\"fuel\":2", "\"fuel\":2,\"deps\":[]")), "unknown_field");
    EXPECT_EQ(code_of(with(a_network.hex(), "abc")), "bad_network");
    EXPECT_EQ(code_of(with(a_network.hex(), sha256({}).hex())), "wrong_network");
    EXPECT_EQ(code_of(with("\"packages\"", "3")), "bad_ledger");
    EXPECT_EQ(code_of(with("\"packages\"", "\"\"")), "bad_ledger");
    EXPECT_EQ(code_of(with("packages", "invoices")), "wrong_ledger");
    EXPECT_EQ(code_of(with("\"n\"", "5")), "bad_nonce");
    EXPECT_EQ(code_of(with("\"n\"", '"' + std::string(64, 'x') + '"')), "valid");
    EXPECT_EQ(code_of(with("\"n\"", '"' + std::string(65, 'x') + '"')), "bad_nonce");
    EXPECT_EQ(code_of(with("\"expire\":1", "\"expire\":\"1\"")), "bad_expire");
    EXPECT_EQ(code_of(with("\"expire\":1", "\"expire\":-1")), "bad_expire");
    EXPECT_EQ(code_of(with("\"fuel\":2", "\"fuel\":-2")), "bad_fuel");
    EXPECT_EQ(code_of(with("\"fuel\":2", "\"fuel\":null")), "bad_fuel");
    EXPECT_EQ(code_of(with("[{}]", "{}")), "bad_changes");
    EXPECT_EQ(code_of(with("[{}]", "[]")), "bad_changes");
    EXPECT_EQ(code_of(with("[{}]", "[1]")), "bad_changes");
    std::string many = "[{}";
    for (uint32_t i = 0; i < limits::transaction_changes_max; ++i) many += ",{}";
    EXPECT_EQ(code_of(with("[{}]", many + "]")), "too_many_changes");
}

TEST_F(EnvelopeTest, tells_a_person_what_to_do) {
    const auto checked = check(sign_envelope(sample(), ed25519_secret()), "invoices");
    EXPECT_EQ(checked.why().message(),
              "the transaction is for another ledger: signed for \"packages\", sent to "
              "\"invoices\". Send it to the ledger that it names");
    EXPECT_TRUE(check(sign_envelope(sample(), ed25519_secret()), "").valid());
}

TEST_F(EnvelopeTest, pinned_integers_stay_and_have_texts) {
    std::set<std::string_view> codes;
    uint16_t expected = 100;
    for (const EnvelopeError error : all_envelope_errors()) {
        EXPECT_EQ(uint16_t(error), expected++);
        EXPECT_FALSE(describe(error).cause.empty());
        EXPECT_TRUE(codes.insert(describe(error).code).second) << describe(error).code;
    }
    EXPECT_EQ(expected, 126);
}

}  // namespace
}  // namespace tally::model
