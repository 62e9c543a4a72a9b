// Any bytes become text that every reader of JSON takes, and what is UTF-8 stays as it is.
#include "model/utf8.hpp"

#include <gtest/gtest.h>

namespace tally::model {
namespace {

const std::string unknown = "\xef\xbf\xbd";

TEST(Utf8, what_is_utf8_stays) {
    for (const std::string text : {"", "plain", "Zoë", "€", "😀", "\x7f\n\x1b[0m", "\xef\xbf\xbd",
                                   "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"}) {
        EXPECT_TRUE(is_utf8(view_of(text))) << text;
        EXPECT_EQ(valid_utf8(text), text);
    }
}

TEST(Utf8, each_byte_that_is_none_becomes_one_mark) {
    EXPECT_EQ(valid_utf8("\xff\xfe"), unknown + unknown);
    EXPECT_EQ(valid_utf8("a\x80z"), "a" + unknown + "z");
    EXPECT_EQ(valid_utf8("\xe2\x82"), unknown + unknown) << "cut short";
    EXPECT_EQ(valid_utf8("{\"a\":\"\xe2\"}"), "{\"a\":\"" + unknown + "\"}")
        << "what follows is not taken";
    EXPECT_EQ(valid_utf8("\xc0\xaf"), unknown + unknown) << "not the shortest form";
    EXPECT_EQ(valid_utf8("\xed\xa0\x80"), unknown + unknown + unknown) << "a surrogate";
    EXPECT_EQ(valid_utf8("\xf4\x90\x80\x80"), unknown + unknown + unknown + unknown)
        << "above U+10FFFF";
}

TEST(Utf8, every_two_bytes_become_utf8) {
    for (int first = 0; first < 256; ++first) {
        for (int second = 0; second < 256; ++second) {
            const std::string text{char(first), char(second)};
            const std::string valid = valid_utf8(text);
            ASSERT_TRUE(is_utf8(view_of(valid))) << first << " " << second;
            ASSERT_EQ(is_utf8(view_of(text)), valid == text) << first << " " << second;
        }
    }
}

}  // namespace
}  // namespace tally::model
