// The spellings of bytes round-trip, and each value has exactly one spelling.
#include "base/bytes.hpp"

#include <gtest/gtest.h>

namespace tally {
namespace {

TEST(Bytes, hexadecimal_round_trips_and_refuses_upper_case) {
    const Bytes bytes{0x00, 0x7f, 0xff};
    EXPECT_EQ(to_hex(bytes), "007fff");
    EXPECT_EQ(*from_hex("007fff"), bytes);
    EXPECT_FALSE(from_hex("007FFF").ok());
    EXPECT_FALSE(from_hex("007").ok());
}

TEST(Bytes, base64url_matches_rfc_4648_and_has_one_spelling) {
    EXPECT_EQ(to_base64url(view_of("foobar")), "Zm9vYmFy");
    EXPECT_EQ(to_base64url(view_of("fooba")), "Zm9vYmE");
    EXPECT_EQ(to_base64url(view_of("foob")), "Zm9vYg");
    for (const std::string_view text : {"", "f", "fo", "foo", "foob", "\xff\xfe\xfd\xfc"}) {
        EXPECT_EQ(text_of(*from_base64url(to_base64url(view_of(text)))), text);
    }
    EXPECT_FALSE(from_base64url("Zm9vYh").ok()) << "unused bits must be zero";
    EXPECT_FALSE(from_base64url("Zg==").ok());
    EXPECT_FALSE(from_base64url("Z").ok());
    EXPECT_FALSE(from_base64url("Zm+v").ok());
}

TEST(Bytes, base58_matches_the_bitcoin_vectors) {
    EXPECT_EQ(to_base58(*from_hex("516b6fcd0f")), "ABnLTmg");
    EXPECT_EQ(to_base58(*from_hex("00000000000000000000")), "1111111111");
    EXPECT_EQ(to_hex(*from_base58("ABnLTmg")), "516b6fcd0f");
    EXPECT_EQ(from_base58("1111111111")->size(), 10u);
    EXPECT_FALSE(from_base58("0OIl").ok());
    EXPECT_FALSE(from_base58(std::string(129, '2')).ok());
}

TEST(Bytes, order_is_lexicographic_with_prefixes_first) {
    EXPECT_LT(compare(view_of("ab"), view_of("b")), 0);
    EXPECT_LT(compare(view_of("a"), view_of("ab")), 0);
    EXPECT_EQ(compare({}, {}), 0);
}

TEST(Result, an_error_says_cause_detail_and_carries_a_code) {
    const Result<Bytes> refused = fail(BytesError::bad_hex, "position 3");
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().message(),
              "not lower-case hexadecimal: position 3. Write pairs of the digits 0-9 and a-f");
    EXPECT_TRUE(refused.error().is(BytesError::bad_hex));
    EXPECT_FALSE(refused.error().is(BytesError::bad_base58));
}

}  // namespace
}  // namespace tally
