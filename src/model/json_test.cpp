// Transactions' JSON has one meaning for every reader: what is ambiguous or inexact is refused.
#include "model/json.hpp"

#include <gtest/gtest.h>
#include <boost/json/memory_resource.hpp>
#include <boost/json/parse.hpp>
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

/// Counts what is asked of it and not given back.
class Counting : public boost::json::memory_resource {
public:
    size_t bytes = 0;

private:
    void* do_allocate(size_t size, size_t) override {
        bytes += size;
        return ::operator new(size);
    }
    void do_deallocate(void* at, size_t size, size_t) override {
        bytes -= size;
        ::operator delete(at);
    }
    bool do_is_equal(const memory_resource& other) const noexcept override {
        return this == &other;
    }
};

std::string repeated(std::string_view item, size_t count) {
    std::string text = "[";
    for (size_t i = 0; i < count; ++i) text += (i == 0 ? "" : ",") + std::string(item);
    return text + "]";
}

TEST(Json, knows_what_a_tree_takes) {
    // Whatever a stranger fills 45 KB of text with: not less than the library asks for, and not
    // much more.
    std::string wide = "{";
    for (int i = 0; i < 4'000; ++i)
        wide += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":" + std::to_string(i);
    wide += "}";
    for (const std::string& text :
         {repeated("{\"a\":1}", 5'000), repeated("{}", 15'000), repeated("[[]]", 9'000),
          repeated("1", 22'000), repeated("\"a text of more than 14\"", 2'000), wide,
          "[\"" + std::string(45'000, 'x') + "\"]"}) {
        Counting counting;
        const boost::json::value value = boost::json::parse(text, &counting);
        EXPECT_GE(heap_bytes_of(value), counting.bytes) << text.substr(0, 40);
        EXPECT_LE(heap_bytes_of(value), 2 * counting.bytes + 100) << text.substr(0, 40);
    }
}

}  // namespace
}  // namespace tally::model
