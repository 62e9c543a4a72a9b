// A value has one encoding, one order and one spelling, and comes back from each as it was.
#include "ledger/value.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "ledger/row.hpp"

namespace tally::ledger {
namespace {

const std::vector<Value>& samples() {
    static const std::vector<Value> values{
        Value(std::string()),
        Value(std::string("zlib1g")),
        Value(std::string("a\0b", 3)),
        Value(std::string("é\U0001F980")),
        Value(int64_t{0}),
        Value(int64_t{-1}),
        Value((int64_t{1} << 53) - 1),
        Value(int64_t{1} << 53),
        Value(std::numeric_limits<int64_t>::min()),
        Value(std::numeric_limits<int64_t>::max()),
        Value(true),
        Value(false),
        Value(Bytes{}),
        Value(Bytes{0, 255, 1}),
        Value(Instant{0}),
        Value(Instant{-62'135'596'800'000'000}),
        Value(Instant{253'402'300'799'999'999}),
        Value(Instant{1'682'936'430'500'000}),
        Value(SubjectId{1}),
        Value(SubjectId{subject_max}),
    };
    return values;
}

TEST(Value, survives_cbor_and_json) {
    for (const Value& value : samples()) {
        const Bytes bytes = encode_single(value);
        cbor::Reader reader(bytes);
        const auto decoded = read_value(reader, type_of(value));
        ASSERT_TRUE(decoded.ok());
        EXPECT_EQ(*decoded, value);
        const auto json = to_json(value);
        EXPECT_EQ(value_from_json(type_of(value), json), value) << boost::json::serialize(json);
    }
}

TEST(Value, order_bytes_have_the_values_order) {
    for (const Value& a : samples()) {
        for (const Value& b : samples()) {
            if (type_of(a) != type_of(b)) continue;
            EXPECT_EQ(value_less(a, b), a < b);
        }
    }
}

TEST(Value, types_are_named) {
    for (uint8_t i = 0; i <= uint8_t(Type::ref); ++i)
        EXPECT_EQ(type_of_name(name_of(Type(i))), Type(i));
    EXPECT_FALSE(type_of_name("float"));
}

std::string spelled(Type type, const char* json) {
    const auto value = value_from_json(type, boost::json::parse(json));
    return value ? boost::json::serialize(to_json(*value)) : "refused";
}

TEST(Value, integers_have_one_spelling_as_text) {
    EXPECT_EQ(spelled(Type::integer, "\"12\""), "12");
    EXPECT_EQ(spelled(Type::integer, "\"9007199254740992\""), "\"9007199254740992\"");
    EXPECT_EQ(spelled(Type::integer, "\"-9223372036854775808\""), "\"-9223372036854775808\"");
    for (const char* json : {"\"012\"", "\"-0\"", "\"+1\"", "\" 1\"", "\"1 \"", "\"\"", "\"0x1\"",
                             "\"9223372036854775808\"", "true", "null", "[1]"})
        EXPECT_EQ(spelled(Type::integer, json), "refused") << json;
}

TEST(Value, instants_are_rfc_3339_in_utc) {
    EXPECT_EQ(spelled(Type::instant, "0"), "\"1970-01-01T00:00:00.000000Z\"");
    EXPECT_EQ(spelled(Type::instant, "\"2024-02-29T23:59:59Z\""),
              "\"2024-02-29T23:59:59.000000Z\"");
    EXPECT_EQ(spelled(Type::instant, "\"1969-12-31T23:59:59.25Z\""),
              "\"1969-12-31T23:59:59.250000Z\"");
    EXPECT_EQ(spelled(Type::instant, "-1"), "\"1969-12-31T23:59:59.999999Z\"");
    EXPECT_EQ(spelled(Type::instant, "\"0001-01-01T00:00:00Z\""),
              "\"0001-01-01T00:00:00.000000Z\"");
    for (const char* json :
         {"\"2023-02-29T00:00:00Z\"", "\"2023-02-28T24:00:00Z\"", "\"2023-02-28T00:60:00Z\"",
          "\"2023-02-28T23:59:60Z\"", "\"2023-02-28T00:00:00\"", "\"2023-02-28T00:00:00+00:00\"",
          "\"2023-02-28 00:00:00Z\"", "\"2023-02-28T00:00:00.Z\"",
          "\"2023-02-28T00:00:00.1234567Z\"", "\"0000-01-01T00:00:00Z\"", "\"2023-2-28T00:00:00Z\"",
          "253402300800000000", "\"\"", "\"Z\""})
        EXPECT_EQ(spelled(Type::instant, json), "refused") << json;
}

TEST(Value, other_types_refuse_what_is_not_theirs) {
    EXPECT_EQ(spelled(Type::bytes, "\"AAEC\""), "\"AAEC\"");
    EXPECT_EQ(spelled(Type::bytes, "\"AAEC=\""), "refused");
    EXPECT_EQ(spelled(Type::string, "1"), "refused");
    EXPECT_EQ(spelled(Type::boolean, "0"), "refused");
    EXPECT_EQ(spelled(Type::ref, "0"), "refused");
    EXPECT_EQ(spelled(Type::ref, "4503599627370496"), "refused");
    EXPECT_EQ(spelled(Type::ref, "\"1\""), "refused");
}

}  // namespace
}  // namespace tally::ledger
