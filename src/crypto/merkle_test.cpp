// Paths of every leaf of every small list verify, and no other leaf, index or count does.
#include "crypto/merkle.hpp"

#include <gtest/gtest.h>

namespace tally {
namespace {

// The inputs of the Certificate Transparency reference tests (RFC 9162 section 2.1.5 uses their
// shape).
TEST(Merkle, roots_match_certificate_transparency) {
    const std::vector<std::string_view> inputs = {"",
                                                  "00",
                                                  "10",
                                                  "2021",
                                                  "3031",
                                                  "40414243",
                                                  "5051525354555657",
                                                  "606162636465666768696a6b6c6d6e6f"};
    std::vector<Hash> leaves;
    for (const auto input : inputs) leaves.push_back(merkle_leaf(*from_hex(input)));
    EXPECT_EQ(merkle_root({}).hex(),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(merkle_root(std::span(leaves).first(1)).hex(),
              "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    EXPECT_EQ(merkle_root(std::span(leaves).first(3)).hex(),
              "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77");
    EXPECT_EQ(merkle_root(leaves).hex(),
              "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}

TEST(Merkle, every_path_verifies_and_nothing_else_does) {
    std::vector<Hash> leaves;
    for (uint8_t count = 1; count <= 33; ++count) {
        leaves.push_back(merkle_leaf(Bytes{count}));
        const Hash root = merkle_root(leaves);
        for (size_t index = 0; index < count; ++index) {
            const auto path = merkle_path(leaves, index);
            EXPECT_TRUE(merkle_verify(root, count, index, leaves[index], path));
            EXPECT_FALSE(merkle_verify(root, count, index, merkle_leaf({}), path));
            EXPECT_FALSE(merkle_verify(root, count, count, leaves[index], path));
            if (count > 1) {
                EXPECT_FALSE(merkle_verify(root, count, (index + 1) % count, leaves[index], path));
                auto longer = path;
                longer.push_back(root);
                EXPECT_FALSE(merkle_verify(root, count, index, leaves[index], longer));
                EXPECT_FALSE(merkle_verify(root, count, index, leaves[index],
                                           std::span(path).first(path.size() - 1)));
            }
        }
    }
}

}  // namespace
}  // namespace tally
