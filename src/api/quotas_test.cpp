// No client gets more than its share of what is taken in, is told how long to wait, and however
// many there are, what is known of them is bounded.
#include "api/quotas.hpp"

#include <gtest/gtest.h>

namespace tally::api {
namespace {

constexpr uint64_t second = 1'000'000;
const auto known = [] { return true; };
const auto unknown = [] { return false; };

TEST(TokenBucket, a_burst_and_then_a_rate) {
    TokenBucket bucket(10, 20, 0);
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(bucket.wait_us(1, 0), 0u);
        bucket.take(1);
    }
    EXPECT_EQ(bucket.wait_us(1, 0), second / 10);
    EXPECT_EQ(bucket.wait_us(5, 0), second / 2);
    EXPECT_EQ(bucket.wait_us(1, second / 20), second / 20);
    EXPECT_EQ(bucket.wait_us(1, second / 10), 0u);
    EXPECT_FALSE(bucket.is_full(second));
    EXPECT_TRUE(bucket.is_full(2 * second));
}

/// Whoever waits as long as it was told is taken; whoever waits less is not.
TEST(TokenBucket, what_it_says_is_exact) {
    TokenBucket bucket(7, 14, 0);
    uint64_t now = 0;
    for (int i = 0; i < 1'000; ++i) {
        const uint64_t wait = bucket.wait_us(3, now);
        if (wait > 1) {
            TokenBucket early = bucket;
            EXPECT_GT(early.wait_us(3, now + wait - 1), 0u);
        }
        now += wait;
        ASSERT_EQ(bucket.wait_us(3, now), 0u);
        bucket.take(3);
    }
    EXPECT_NEAR(double(now), (3'000.0 - 14) / 7 * second, second);
}

TEST(TokenBucket, times_and_amounts_that_nobody_expects) {
    TokenBucket bucket(10, 20, 5 * second);
    EXPECT_EQ(bucket.wait_us(1'000'000, 5 * second), 0u);  // As much as it ever has.
    bucket.take(1'000'000);
    EXPECT_GT(bucket.wait_us(1, 0), 0u);  // Time that runs backwards fills nothing.
    EXPECT_EQ(bucket.wait_us(20, UINT64_MAX), 0u);
    TokenBucket none(0, 1, 0);
    none.take(1);
    EXPECT_EQ(none.wait_us(1, UINT64_MAX), UINT64_MAX);
}

TEST(Quotas, each_signer_has_a_share) {
    Quotas quotas({0, 10, 0, 0});
    uint64_t taken = 0;
    for (int i = 0; i < 100; ++i) taken += quotas.take_signer("a", 100, 0, known) ? 0 : 1;
    EXPECT_EQ(taken, 20u);
    EXPECT_FALSE(quotas.take_signer("b", 100, 0, known));
    const auto refused = quotas.take_signer("a", 100, 0, known);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->of, Quotas::Of::signer);
    EXPECT_EQ(refused->wait_us, second / 10);
    EXPECT_FALSE(quotas.take_signer("a", 100, second / 10, known));
    EXPECT_EQ(quotas.refused(Quotas::Of::signer), 81u);
}

TEST(Quotas, a_signer_is_counted_in_bytes_too) {
    Quotas quotas({0, 0, 100'000, 0});
    EXPECT_FALSE(quotas.take_signer("a", 60'000, 0, known));
    EXPECT_FALSE(quotas.take_signer("a", 60'000, 0, known));
    EXPECT_FALSE(quotas.take_signer("a", 60'000, 0, known));
    const auto refused = quotas.take_signer("a", 60'000, 0, known);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->wait_us, 400'000u);
}

TEST(Quotas, the_largest_envelope_is_taken_at_the_smallest_rate) {
    Quotas quotas({0, 0, 1, 0});
    EXPECT_FALSE(quotas.take_signer("a", limits::envelope_bytes_max, 0, known));
}

TEST(Quotas, strangers_share_one) {
    Quotas quotas({0, 1'000, 0, 5});
    uint64_t taken = 0;
    for (int i = 0; i < 100; ++i)
        taken += quotas.take_signer("key " + std::to_string(i), 1, 0, unknown) ? 0 : 1;
    EXPECT_EQ(taken, 10u);
    EXPECT_FALSE(quotas.take_signer("clerk", 1, 0, known));
    EXPECT_EQ(quotas.take_signer("another", 1, 0, unknown)->of, Quotas::Of::strangers);
}

TEST(Quotas, the_ledger_is_asked_now_and_then) {
    Quotas quotas({0, 1'000, 0, 5});
    int asked = 0;
    const auto ask = [&] { return ++asked <= 2; };
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(quotas.take_signer("a", 1, 0, ask));
    EXPECT_EQ(asked, 1);
    EXPECT_FALSE(quotas.take_signer("a", 1, 60 * second, ask));
    EXPECT_EQ(asked, 2);
    EXPECT_FALSE(quotas.take_signer("a", 1, 119 * second, ask));
    EXPECT_EQ(asked, 2);
    EXPECT_FALSE(quotas.take_signer("a", 1, 120 * second, ask));  // No longer known: a stranger.
    EXPECT_EQ(asked, 3);
}

TEST(Quotas, addresses) {
    Quotas quotas({3, 0, 0, 0});
    uint64_t taken = 0;
    for (int i = 0; i < 100; ++i) taken += quotas.take_address("192.0.2.1", 0) ? 0 : 1;
    EXPECT_EQ(taken, 6u);
    EXPECT_FALSE(quotas.take_address("192.0.2.2", 0));
    EXPECT_EQ(quotas.refused(Quotas::Of::address), 94u);
}

/// More at once than can be told apart share what one has; when they are gone, others come.
TEST(Quotas, clients_without_end_take_bounded_memory) {
    Quotas quotas({1, 0, 0, 0});
    uint64_t taken = 0;
    for (size_t i = 0; i < 3 * Quotas::clients_max; ++i)
        taken += quotas.take_address(std::to_string(i), 0) ? 0 : 1;
    EXPECT_EQ(taken, Quotas::clients_max + 2);
    EXPECT_FALSE(quotas.take_address("later", 10 * second));
    EXPECT_FALSE(quotas.take_address("later", 10 * second));
    EXPECT_TRUE(quotas.take_address("later", 10 * second));
    EXPECT_FALSE(quotas.take_address("another", 10 * second));
}

TEST(Quotas, none) {
    Quotas quotas({0, 0, 0, 0});
    for (int i = 0; i < 1'000; ++i) {
        EXPECT_FALSE(quotas.take_address("a", 0));
        EXPECT_FALSE(quotas.take_signer("a", 60'000, 0, known));
        EXPECT_FALSE(quotas.take_signer("a", 60'000, 0, unknown));
    }
}

}  // namespace
}  // namespace tally::api
