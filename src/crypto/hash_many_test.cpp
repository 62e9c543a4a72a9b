// Hashing many at once gives what hashing one after the other gives.
#include "crypto/hash_many.hpp"

#include <gtest/gtest.h>

#include <random>

#include "crypto/merkle.hpp"

namespace tally {
namespace {

TEST(HashMany, each_hash_is_that_of_its_message_alone) {
    std::mt19937_64 random(1);
    for (const size_t count : {0, 1, 2, 15, 16, 17, 63, 64, 65, 300}) {
        std::vector<Bytes> messages;
        for (size_t i = 0; i < count; ++i) {
            messages.emplace_back(i % 3 == 0 ? 1024 : random() % 3'000);
            for (auto& byte : messages.back()) byte = uint8_t(random());
        }
        const std::vector<ByteView> views(messages.begin(), messages.end());
        const auto hashes = tagged_hashes(Tag::cell, views);
        ASSERT_EQ(hashes.size(), count);
        for (size_t i = 0; i < count; ++i)
            EXPECT_EQ(hashes[i], tagged_hash(Tag::cell, messages[i])) << i << " of " << count;
        const auto plain = sha256_of_each(views);
        ASSERT_EQ(plain.size(), count);
        for (size_t i = 0; i < count; ++i)
            EXPECT_EQ(plain[i], sha256(messages[i])) << i << " of " << count;
    }
}

TEST(HashMany, nothing_is_a_message_too) {
    const Bytes one{1, 2, 3};
    const std::vector<ByteView> views{one, {}, one};
    const auto hashes = sha256_of_each(views);
    EXPECT_EQ(hashes[0], sha256(one));
    EXPECT_EQ(hashes[1], sha256({}));
    EXPECT_EQ(hashes[2], sha256(one));
    EXPECT_EQ(tagged_hashes(Tag::cell, views)[1], tagged_hash(Tag::cell, {}));
}

TEST(HashMany, many_roots_are_those_of_each_tree_alone) {
    for (size_t each = 1; each <= 40; ++each) {
        std::vector<Hash> leaves;
        for (size_t i = 0; i < 3 * each; ++i) {
            Bytes number;
            append_u64(number, each * 1'000 + i);
            leaves.push_back(sha256(number));
        }
        const auto roots = merkle_roots(leaves, each);
        ASSERT_EQ(roots.size(), 3u);
        for (size_t tree = 0; tree < 3; ++tree)
            EXPECT_EQ(roots[tree],
                      merkle_root(std::span<const Hash>(leaves).subspan(tree * each, each)));
    }
}

}  // namespace
}  // namespace tally
