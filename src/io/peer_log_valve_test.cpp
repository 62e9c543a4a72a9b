// News is said at once, repetitions once a minute, and a flood is cut off.
#include "io/peer_log_valve.hpp"

#include <gtest/gtest.h>

namespace tally::io {
namespace {

using std::chrono::seconds;

TEST(LogValve, says_a_line_once_a_minute_whatever_the_port) {
    const LogValve::Time start{};
    LogValve valve(start);
    EXPECT_TRUE(valve.lets("refused: 10.0.0.1:4711 of participant 1", start));
    EXPECT_FALSE(valve.lets("refused: 10.0.0.1:4712 of participant 1", start + seconds(59)));
    EXPECT_TRUE(valve.lets("refused: 10.0.0.1:4711 of participant 2", start + seconds(59)));
    EXPECT_TRUE(valve.lets("refused: 10.0.0.1:4713 of participant 1", start + seconds(60)));
    valve.forget_lines();
    EXPECT_TRUE(valve.lets("refused: 10.0.0.1:4714 of participant 1", start + seconds(61)));
}

TEST(LogValve, cuts_off_a_flood_of_different_lines) {
    const LogValve::Time start{};
    LogValve valve(start);
    int said = 0;
    for (int i = 0; i < 1000; ++i) said += valve.lets("line " + std::to_string(i), start);
    EXPECT_EQ(said, 20);
    EXPECT_TRUE(valve.lets("later", start + seconds(1)));
    EXPECT_TRUE(valve.lets("and later", start + seconds(1)));
    EXPECT_FALSE(valve.lets("too much", start + seconds(1)));
}

}  // namespace
}  // namespace tally::io
