// Whoever asks gets a burst and then a rate, in answers and in bytes, whatever the clock says.
#include "base/allowance.hpp"

#include <gtest/gtest.h>

namespace tally {
namespace {

constexpr uint64_t second = 1'000'000;
constexpr Allowance::Rates rates{10, 20, 1'000, 5'000};

uint64_t taken_at(Allowance& allowance, uint64_t now_us, uint64_t bytes_each = 0) {
    uint64_t count = 0;
    while (count < 1'000 && allowance.take_answer(now_us)) {
        allowance.take_bytes(bytes_each);
        ++count;
    }
    return count;
}

TEST(Allowance, gives_a_burst_and_then_a_rate_of_answers) {
    Allowance allowance(rates);
    EXPECT_EQ(taken_at(allowance, second), 20u);
    EXPECT_EQ(taken_at(allowance, second), 0u);
    EXPECT_EQ(taken_at(allowance, second + second / 10 - 1), 0u);
    EXPECT_EQ(taken_at(allowance, second + second / 10), 1u);
    EXPECT_EQ(taken_at(allowance, 2 * second), 9u);
    EXPECT_EQ(taken_at(allowance, 1'000'000 * second), 20u) << "never more than the burst";
}

TEST(Allowance, gives_a_burst_and_then_a_rate_of_bytes) {
    Allowance allowance(rates);
    EXPECT_EQ(taken_at(allowance, second, 1'000), 5u);
    EXPECT_EQ(taken_at(allowance, 2 * second, 1'000), 1u);
    EXPECT_EQ(taken_at(allowance, 4 * second, 1'000), 2u);
}

TEST(Allowance, lets_time_pay_for_an_answer_larger_than_what_was_left) {
    Allowance allowance(rates);
    ASSERT_TRUE(allowance.take_answer(second));
    allowance.take_bytes(4'999);
    ASSERT_TRUE(allowance.take_answer(second)) << "a byte is left";
    allowance.take_bytes(3'001);
    EXPECT_FALSE(allowance.take_answer(4 * second)) << "three seconds pay for 3,000 bytes";
    EXPECT_TRUE(allowance.take_answer(4 * second + 1'000));
}

TEST(Allowance, does_not_wrap) {
    Allowance allowance(answers_to_a_peer);
    ASSERT_TRUE(allowance.take_answer(UINT64_MAX));
    allowance.take_bytes(UINT64_MAX);
    EXPECT_FALSE(allowance.take_answer(UINT64_MAX));
    EXPECT_FALSE(allowance.take_answer(0)) << "a clock that goes back gives nothing";
    Allowance other(answers_to_a_peer);
    other.take_bytes(UINT64_MAX);
    EXPECT_TRUE(other.take_answer(UINT64_MAX)) << "all is paid in time";
}

}  // namespace
}  // namespace tally
