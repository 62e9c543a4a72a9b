// What commands print: numbers that people read, columns that line up, and addresses as they must
// be written.
#include "cli/output.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "cli/client.hpp"
#include "cli/table.hpp"

namespace tally::cli {
namespace {

TEST(Output, json_is_json_with_plain_fractions) {
    const boost::json::value value{
        {"a", 1.5}, {"b", {1, "x\n\"", true, nullptr}}, {"c", boost::json::object{}}};
    EXPECT_EQ(compact(value), R"({"a":1.500,"b":[1,"x\n\"",true,null],"c":{}})");
    EXPECT_EQ(boost::json::parse(pretty(value)), value);
    EXPECT_EQ(boost::json::parse(compact(value)), value);
}

TEST(Output, columns_line_up_by_characters_and_long_cells_are_cut) {
    EXPECT_EQ(table({{"name", "n"}, {"Zoë", "1"}, {"abcdefgh", "2"}}, 5),
              "name   n\nZoë    1\nabcd…  2");
}

TEST(Output, a_terminal_obeys_nothing_that_a_stranger_wrote) {
    EXPECT_EQ(visible("h\x1b[31m11\x7f\rx\n\ty\b"), "h\\x1b[31m11\\x7f\\x0dx\n\ty\\x08");
    EXPECT_EQ(visible("\xc2\x9b[m \xc2\xa0 Zoë…"), "\\x9b[m \xc2\xa0 Zoë…") << "two bytes in UTF-8";
    EXPECT_EQ(visible("\x9b\xff"), "\xef\xbf\xbd\xef\xbf\xbd");
    EXPECT_EQ(visible(std::string_view("a\0b", 3)), "a\\x00b");
    EXPECT_EQ(visible_in_line("a\nb\tc"), "a\\x0ab\\x09c");
    EXPECT_EQ(table({{"name", "n"}, {"\x1b[1m\n", "1"}}), "name         n\n\\x1b[1m\\x0a  1");
}

TEST(Output, json_is_utf8_whatever_is_in_it) {
    const boost::json::value value{{"a\xff", {"\xfe", "\x1b\x7f\xc2\x85", "Zoë", 1.5}}, {"b", 1}};
    const boost::json::value told{
        {"a\xef\xbf\xbd", {"\xef\xbf\xbd", "\x1b\x7f\xc2\x85", "Zoë", 1.5}}, {"b", 1}};
    EXPECT_EQ(boost::json::parse(compact(value)), told);
    EXPECT_EQ(boost::json::parse(pretty(value)), told);
    for (const std::string& text : {compact(value), pretty(value)}) {
        EXPECT_EQ(text.find_first_of("\x1b\x7f\x85"), text.npos) << text;
        EXPECT_NE(text.find("\\u001b\\u007f\\u0085"), text.npos) << text;
    }
}

TEST(Output, a_duration_is_told_in_two_units_at_most) {
    EXPECT_EQ(lasting(0.26), "0.3 s");
    EXPECT_EQ(lasting(75.9), "75 s");
    EXPECT_EQ(lasting(200), "3 min 20 s");
    EXPECT_EQ(lasting(7'500), "2 h 5 min");
}

TEST(Output, an_address_is_a_scheme_a_host_and_a_port) {
    const auto url = parse_url("http://127.0.0.1:7080/");
    ASSERT_TRUE(url.ok());
    EXPECT_EQ(url->host, "127.0.0.1");
    EXPECT_EQ(url->port, 7080);
    for (const char* wrong : {"127.0.0.1:7080", "https://a:1", "http://a", "http://:1",
                              "http://a:0", "http://a:70000", "http://a:1/path"})
        EXPECT_FALSE(parse_url(wrong).ok()) << wrong;
    EXPECT_EQ(percent_encoded("package/name=zlib 1"), "package%2Fname%3Dzlib%201");
}

TEST(Output, only_what_another_participant_might_answer_is_unreachable) {
    const Output quiet(true);
    EXPECT_EQ(quiet.error(Error{"http_unreachable", "", "", ""}), Exit::unreachable);
    EXPECT_EQ(quiet.error(Error{"busy", "", "", ""}), Exit::unreachable);
    EXPECT_EQ(quiet.error(Error{"unknown_subject", "", "", ""}), Exit::usage);
}

}  // namespace
}  // namespace tally::cli
