// A log line says the same to people and to programs, nothing in it can forge another line, and no
// event fills the disk.
#include "cli/operator_log.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace tally::cli {
namespace {

const LogTime noon = LogTime(std::chrono::milliseconds(1'769'860'800'007));
const LogLine connected{LogLevel::info,
                        "peers",
                        "peer_connected",
                        {{"peer", "bob"}, {"address", "bob.example:7000"}},
                        "connected to bob"};

TEST(OperatorLog, text) {
    EXPECT_EQ(format_line(connected, LogFormat::text, noon),
              "2026-01-31T12:00:00.007Z info peers peer_connected peer=bob "
              "address=bob.example:7000 -- connected to bob");
}

TEST(OperatorLog, json) {
    EXPECT_EQ(format_line(connected, LogFormat::json, noon),
              R"({"time":"2026-01-31T12:00:00.007Z","level":"info","component":"peers",)"
              R"("event":"peer_connected","peer":"bob","address":"bob.example:7000",)"
              R"("message":"connected to bob"})");
}

TEST(OperatorLog, a_strangers_words_stay_in_their_line_and_field) {
    LogLine line = connected;
    line.fields = {{"peer", "bob admin=yes\n2026 error"}};
    line.text = "x\r\n2026-01-31T12:00:00.007Z error process stopped -- forged";
    const std::string text = format_line(line, LogFormat::text, noon);
    EXPECT_EQ(text.find('\n'), text.npos);
    EXPECT_EQ(text.find('\r'), text.npos);
    EXPECT_NE(text.find(R"(peer="bob admin=yes\n2026 error" -- )"), text.npos);
    const std::string json = format_line(line, LogFormat::json, noon);
    EXPECT_EQ(json.find('\n'), json.npos);
    EXPECT_EQ(boost::json::parse(json).at("peer").as_string(), "bob admin=yes\n2026 error");
}

TEST(OperatorLog, a_peer_can_neither_command_a_terminal_nor_break_the_json) {
    LogLine line = connected;
    line.fields = {{"peer", "bob\xff\xc2\x9b"}};
    line.text = "\x9b it says";
    const std::string text = format_line(line, LogFormat::text, noon);
    EXPECT_NE(text.find("peer=bob\xef\xbf\xbd\\x9b -- \xef\xbf\xbd it says"), text.npos) << text;
    const std::string json = format_line(line, LogFormat::json, noon);
    EXPECT_EQ(boost::json::parse(json).at("peer").as_string(), "bob\xef\xbf\xbd\xc2\x9b");
}

TEST(OperatorLog, what_is_below_its_level_is_left_out) {
    std::vector<std::string> said;
    OperatorLog log({LogLevel::warning, LogFormat::text},
                    [&](const std::string& line) { said.push_back(line); });
    log.write(connected, noon);
    EXPECT_TRUE(said.empty());
    LogLine worse = connected;
    worse.level = LogLevel::error;
    log.write(worse, noon);
    EXPECT_EQ(said.size(), 1u);
}

TEST(OperatorLog, an_event_that_repeats_is_counted_in_place_of_written) {
    std::vector<std::string> said;
    OperatorLog log({}, [&](const std::string& line) { said.push_back(line); });
    const auto written = size_t(OperatorLog::lines_max);
    for (int i = 0; i < 1'000; ++i) log.write(connected, noon);
    EXPECT_EQ(said.size(), written);
    LogLine other = connected;
    other.event = "peer_refused";
    log.write(other, noon);  // Has lines of its own.
    EXPECT_EQ(said.size(), written + 1);
    log.write(connected, noon + std::chrono::seconds(2));
    ASSERT_EQ(said.size(), written + 2);
    EXPECT_NE(said.back().find("left_out=940"), std::string::npos) << said.back();
    log.write(connected, noon - std::chrono::hours(1));  // A clock set back gives nothing away.
    log.write(connected, noon - std::chrono::hours(1));
    EXPECT_LE(said.size(), written + 3);
}

TEST(OperatorLog, names) {
    EXPECT_EQ(log_level_of("warning"), LogLevel::warning);
    EXPECT_FALSE(log_level_of("loud"));
    EXPECT_EQ(log_format_of("json"), LogFormat::json);
    EXPECT_FALSE(log_format_of("xml"));
}

}  // namespace
}  // namespace tally::cli
