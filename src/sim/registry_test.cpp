// A registry's signature verifies for its own key and message, and for nothing else.
#include "sim/registry.hpp"

#include <gtest/gtest.h>

namespace tally::sim {
namespace {

TEST(Registry, only_the_very_signature_verifies) {
    const Registry registry(1);
    const auto alice = registry.signer(0);
    const auto bob = registry.signer(1);
    const auto verifier = registry.verifier();
    const Signature signature = alice->sign(view_of("pay"));
    EXPECT_TRUE(verifier->verify(alice->public_key(), view_of("pay"), signature));
    EXPECT_FALSE(verifier->verify(alice->public_key(), view_of("pay!"), signature));
    EXPECT_FALSE(verifier->verify(bob->public_key(), view_of("pay"), signature));
    for (const size_t place : {0u, 31u, 32u, 63u}) {
        Signature bent = signature;
        bent[place] ^= 1;
        EXPECT_FALSE(verifier->verify(alice->public_key(), view_of("pay"), bent)) << place;
    }
}

TEST(Registry, keys_depend_on_seed_and_owner) {
    const Registry first(1), second(2);
    EXPECT_EQ(first.signer(3)->public_key(), first.signer(3)->public_key());
    EXPECT_NE(first.signer(3)->public_key(), first.signer(4)->public_key());
    EXPECT_NE(first.signer(3)->public_key(), second.signer(3)->public_key());
}

}  // namespace
}  // namespace tally::sim
