// Choices depend on their key alone, and match the published generator.
#include "sim/random.hpp"

#include <gtest/gtest.h>

#include <set>

namespace tally::sim {
namespace {

TEST(Random, mix_is_splitmix64) {
    // The reference sequence of seed 1234567: each output mixes the seed plus a multiple of γ.
    EXPECT_EQ(mix(1234567), 6457827717110365317u);
    EXPECT_EQ(mix(1234567 + 0x9e3779b97f4a7c15), 3203168211198807973u);
}

TEST(Random, streams_do_not_disturb_each_other) {
    Random first(7, stream_of("loss", 1));
    Random second(7, stream_of("loss", 2));
    const uint64_t alone = Random(7, stream_of("loss", 1)).next();
    (void)second.next();
    EXPECT_EQ(first.next(), alone);
    EXPECT_NE(Random(7, stream_of("loss", 2)).next(), alone);
    EXPECT_NE(Random(8, stream_of("loss", 1)).next(), alone);
    EXPECT_NE(stream_of("loss", 1, 0), stream_of("loss", 0, 1));
}

TEST(Random, choices_fill_their_ranges) {
    Random random(1, stream_of("test"));
    std::set<uint64_t> seen;
    int heads = 0;
    for (int draw = 0; draw < 1000; ++draw) {
        seen.insert(random.between(3, 7));
        heads += random.chance(0.25) ? 1 : 0;
        EXPECT_FALSE(random.chance(0));
        EXPECT_TRUE(random.chance(1));
    }
    EXPECT_EQ(seen, (std::set<uint64_t>{3, 4, 5, 6, 7}));
    EXPECT_NEAR(heads, 250, 60);
    EXPECT_EQ(random.between(5, 5), 5u);
    (void)random.between(0, UINT64_MAX);
    EXPECT_EQ(random.bytes(13).size(), 13u);
}

}  // namespace
}  // namespace tally::sim
