// A threshold of holders gives back what was sealed, and fewer learn nothing that they could use;
// the same secret makes the same bytes; the bytes are those on record.
#include "crypto/sealing.hpp"

#include <gtest/gtest.h>
#include <sodium.h>

namespace tally {
namespace {

std::array<uint8_t, 64> random_of(uint8_t number) {
    std::array<uint8_t, 64> random;
    for (size_t i = 0; i < random.size(); ++i) random[i] = uint8_t(number + 7 * i);
    return random;
}

X25519Secret holder_secret(uint8_t number) {
    X25519Secret secret;
    secret.fill(uint8_t(number + 1));
    return secret;
}

TEST(Sealing, any_threshold_of_shares_gives_the_secret_and_one_less_another) {
    const Scalar secret = sealing_secret(random_of(1));
    const std::vector<uint8_t> holders{0, 1, 2, 5, 6, 200, 254};
    for (uint32_t threshold = 1; threshold <= holders.size(); ++threshold) {
        const auto shares = shares_of(secret, threshold, holders);
        for (size_t first = 0; first + threshold <= holders.size(); ++first) {
            std::vector<std::pair<uint8_t, Scalar>> some;
            for (size_t i = first; i < first + threshold; ++i)
                some.emplace_back(holders[i], shares[i]);
            EXPECT_EQ(secret_from(some), secret);
            std::swap(some.front(), some.back());
            EXPECT_EQ(secret_from(some), secret) << "in another order";
            if (threshold == 1) continue;
            some.pop_back();
            EXPECT_NE(secret_from(some), secret);
        }
    }
}

TEST(Sealing, a_box_opens_for_its_holder_alone) {
    const Scalar secret = sealing_secret(random_of(2));
    const Scalar share = shares_of(secret, 2, std::vector<uint8_t>{3}).front();
    const Hash bound = sha256(view_of("bound to"));
    const ShareBox box = seal_share(secret, 3, x25519_public(holder_secret(3)), share, bound);
    const auto opened = open_share(box, holder_secret(3));
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->first, share);
    EXPECT_EQ(opened->second, bound);
    EXPECT_FALSE(open_share(box, holder_secret(4)));
    for (size_t at = 0; at < box.size(); at += 5) {
        ShareBox bent = box;
        bent[at] ^= 1;
        EXPECT_FALSE(open_share(bent, holder_secret(3))) << at;
    }
}

TEST(Sealing, everything_follows_from_the_secret) {
    const Scalar secret = sealing_secret(random_of(3));
    const X25519Public to = x25519_public(holder_secret(0));
    const auto make = [&] { return seal_share(secret, 0, to, secret, Hash{}); };
    EXPECT_EQ(make(), make());
    EXPECT_NE(make(), seal_share(secret, 1, to, secret, Hash{}));
    const auto text = view_of("[{}]");
    EXPECT_EQ(encrypt_sealed(secret, text, Hash{}), encrypt_sealed(secret, text, Hash{}));
}

TEST(Sealing, a_key_that_nobody_can_have_makes_a_box_that_nobody_opens) {
    const Scalar secret = sealing_secret(random_of(4));
    const ShareBox box = seal_share(secret, 0, X25519Public{}, secret, Hash{});
    EXPECT_EQ(box, ShareBox{});
    EXPECT_FALSE(open_share(box, X25519Secret{}));
}

TEST(Sealing, a_text_comes_back_only_with_its_secret_and_context) {
    const Scalar secret = sealing_secret(random_of(5));
    const Hash context = sha256(view_of("context"));
    for (const size_t length : {0, 1, 255, 256, 257, 5'000}) {
        const Bytes text(length, 0x41);
        Bytes sealed = encrypt_sealed(secret, text, context);
        EXPECT_EQ(sealed.size(), sealed_bytes_of(length));
        EXPECT_EQ(sealed.size() % 256, 16u) << "its length shows in steps";
        EXPECT_EQ(decrypt_sealed(secret, sealed, context), text);
        EXPECT_FALSE(decrypt_sealed(secret, sealed, Hash{}));
        EXPECT_FALSE(decrypt_sealed(sealing_secret(random_of(6)), sealed, context));
        sealed[length / 2] ^= 1;
        EXPECT_FALSE(decrypt_sealed(secret, sealed, context));
        sealed.pop_back();
        EXPECT_FALSE(decrypt_sealed(secret, sealed, context));
    }
    EXPECT_FALSE(decrypt_sealed(secret, {}, context));
}

/// These bytes are part of the protocol: a client that derives others cannot be opened.
TEST(Sealing, the_bytes_are_those_on_record) {
    const Scalar secret = sealing_secret(random_of(7));
    const auto shares = shares_of(secret, 2, std::vector<uint8_t>{0, 1, 3});
    Hasher all;
    for (const Scalar& share : shares) all.add(share);
    all.add(seal_share(secret, 1, x25519_public(holder_secret(1)), shares[1], sha256({})));
    all.add(encrypt_sealed(secret, view_of("text"), sha256({})));
    EXPECT_EQ(to_hex(secret), "ac88bab9a9caac6655a49645266b68d50e5f28f2c1cee9813f728b8e5823a103");
    EXPECT_EQ(to_hex(shares[0]),
              "02fe143ac67009396eda088a4df52e1038f15963dc8388fd61e7afc94bff4e00");
    EXPECT_EQ(all.finish().hex(),
              "c6e609a6d944590a8c1f27c7d113cf6af03867315a08c70dc2822d9c2649a177");
}

}  // namespace
}  // namespace tally
