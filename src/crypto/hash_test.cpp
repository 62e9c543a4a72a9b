// Hashes and key derivation match the published vectors.
#include "crypto/hash.hpp"

#include <gtest/gtest.h>

namespace tally {
namespace {

TEST(Hash, sha256_matches_fips_180) {
    EXPECT_EQ(sha256(view_of("abc")).hex(),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(Hasher().add(view_of("a")).add(view_of("bc")).finish(), sha256(view_of("abc")));
}

TEST(Hash, integers_are_big_endian) {
    const Hash by_parts = Hasher(Tag::block).add_u16(0x0102).add_u64(0x0304).finish();
    EXPECT_EQ(by_parts, tagged_hash(Tag::block, *from_hex("01020000000000000304")));
}

TEST(Hash, hmac_matches_rfc_4231_cases_1_and_6) {
    EXPECT_EQ(hmac_sha256(Bytes(20, 0x0b), view_of("Hi There")).hex(),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    const auto* text = "Test Using Larger Than Block-Size Key - Hash Key First";
    EXPECT_EQ(hmac_sha256(Bytes(131, 0xaa), view_of(text)).hex(),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hash, hkdf_matches_rfc_5869_case_1) {
    const Hash key = hkdf_extract(*from_hex("000102030405060708090a0b0c"), Bytes(22, 0x0b));
    EXPECT_EQ(key.hex(), "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
    EXPECT_EQ(
        to_hex(hkdf_expand(key, *from_hex("f0f1f2f3f4f5f6f7f8f9"), 42)),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

TEST(Hash, hexadecimal_of_the_wrong_length_is_refused) {
    EXPECT_FALSE(hash_from_hex("abcd").ok());
    EXPECT_TRUE(hash_from_hex(std::string(64, 'a')).ok());
}

}  // namespace
}  // namespace tally
