// Transactions' JSON has one meaning for every reader: what is ambiguous or inexact is refused.
#include "model/json.hpp"

#include <gtest/gtest.h>
#include <boost/json/serialize.hpp>

#include "base/limits.hpp"

namespace tally::model {
namespace {

std::string outcome(std::string_view text) {
    const auto value = parse_json(view_of(text));
    return value.ok() ? boost::json::serialize(*value) : std::string(value.error().code);
}

TEST(Json, keeps_what_it_read) {
    EXPECT_EQ(outcome(R"( {"a":[1,-2,true,null,"xé\u0000"],"b":{}} )"),
              "{\"a\":[1,-2,true,null,\"xé\\u0000\"],\"b\":{}}");
}

TEST(Json, refuses_a_key_that_comes_twice) {
    EXPECT_EQ(outcome(R"({"a":1,"a":1})"), "json_duplicate_key");
    EXPECT_EQ(outcome(R"({"a":1,"\u0061":2})"), "json_duplicate_key");
    EXPECT_EQ(outcome(R"([{"x":{"a":1,"b":2,"a":{"c":3}}}])"), "json_duplicate_key");
    EXPECT_EQ(outcome(R"({"a":{"a":1},"b":{"a":1}})"), R"({"a":{"a":1},"b":{"a":1}})");
}

TEST(Json, refuses_numbers_that_some_reader_would_round) {
    EXPECT_EQ(outcome("9007199254740991"), "9007199254740991");
    EXPECT_EQ(outcome("-9007199254740991"), "-9007199254740991");
    for (const char* text : {"9007199254740992", "-9007199254740992", "18446744073709551615",
                             "99999999999999999999999", "1.0", "1e3", "0.5", "-1E-2"})
        EXPECT_EQ(outcome(text), "json_not_an_integer") << text;
}

TEST(Json, refuses_what_rfc_8259_refuses) {
    for (const char* text :
         {"", " ", "{", "[1,]", "{\"a\":1,}", "01", "+1", "nul", "'a'", "\"a", "1 2", "[] x",
          "/**/1", "NaN", "\"\t\"", "\"\\ud800\"", "\"\xff\"", "\"\xc0\x80\"", "\xef\xbb\xbf{}"})
        EXPECT_EQ(outcome(text), "not_json") << text;
}

TEST(Json, bounds_depth) {
    const auto nested = [](size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_EQ(outcome(nested(limits::json_depth_max)), nested(limits::json_depth_max));
    EXPECT_EQ(outcome(nested(limits::json_depth_max + 1)), "json_too_deep");
}

}  // namespace
}  // namespace tally::model
