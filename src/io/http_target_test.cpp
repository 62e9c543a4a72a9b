// Targets round-trip, and a stranger's broken ones are refused.
#include "io/http_target.hpp"

#include <gtest/gtest.h>

namespace tally::io {
namespace {

TEST(HttpTarget, decodes_path_and_query) {
    const auto target = parse_target("/v1/a%2fb%20c?at=7&q=a+b%26c&flag&&=x&q=last");
    ASSERT_TRUE(target.ok());
    EXPECT_EQ(target->path, "/v1/a/b c");
    EXPECT_EQ(target->query, (std::map<std::string, std::string>{
                                 {"", "x"}, {"at", "7"}, {"flag", ""}, {"q", "last"}}));
}

TEST(HttpTarget, what_is_encoded_decodes_to_itself) {
    std::string all;
    for (int c = 0; c < 256; ++c) all += char(c);
    const std::map<std::string, std::string> query{{all, "1"}, {"b", all}};
    const auto target = parse_target(target_text("/" + all, query));
    ASSERT_TRUE(target.ok());
    EXPECT_EQ(target->path, "/" + all);
    EXPECT_EQ(target->query, query);
}

TEST(HttpTarget, refuses_what_is_not_a_path_or_has_broken_escapes) {
    EXPECT_TRUE(parse_target("").error().is(TargetError::not_a_path));
    EXPECT_TRUE(parse_target("http://elsewhere/").error().cause.find("not a path") !=
                std::string::npos);
    for (const char* text : {"/%", "/%4", "/%4g", "/a?b=%", "/a?%zz=1"})
        EXPECT_FALSE(parse_target(text).ok()) << text;
    std::string many = "/?";
    for (int i = 0; i < 65; ++i) many += "p" + std::to_string(i) + "=1&";
    EXPECT_FALSE(parse_target(many).ok());
}

}  // namespace
}  // namespace tally::io
