// How sure a sample of cells is: docs/protocol.md, section 1, "Sample".
#include "cli/batch_check.hpp"

#include <gtest/gtest.h>

namespace tally::cli {
namespace {

model::DaParameters parameters_of(uint32_t n, model::Forwarding mode) {
    const availability::Coder coder(n, {});
    const auto bytes = availability::encode_batch({{LedgerIndex{1}, Bytes(50'000, 9)}});
    return coder.disperse({Epoch{}, Participant{1}, LaneHeight{3}}, mode, bytes).da;
}

TEST(Fooled, a_sample_of_twenty_is_as_sure_as_the_protocol_says) {
    const auto chance = [](uint32_t n) {
        return fooled(parameters_of(n, model::Forwarding::coded), 20);
    };
    EXPECT_NEAR(chance(4), 1e-7, 0.5e-7);
    EXPECT_NEAR(chance(16), 8e-11, 0.5e-11);
    EXPECT_NEAR(chance(100), 1e-12, 0.5e-12);
}

TEST(Fooled, one_answer_is_enough_where_all_are_copies_and_none_is_nothing) {
    EXPECT_EQ(fooled(parameters_of(4, model::Forwarding::replicated), 1), 0);
    const auto coded = parameters_of(4, model::Forwarding::coded);
    EXPECT_EQ(fooled(coded, 64), 0) << "with K cells it is rebuilt";
    EXPECT_EQ(fooled(coded, 0), 1);
}

}  // namespace
}  // namespace tally::cli
