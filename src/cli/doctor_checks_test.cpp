// What `tally doctor` says of each reading: well, doubtful or not well, with why and what next.
#include "cli/doctor_checks.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <map>

namespace tally::cli {
namespace {

constexpr uint64_t gib = uint64_t{1024} * 1024 * 1024;

/// Whoever is told of trouble is told why, and what to do.
void expect_complete(const Finding& finding) {
    EXPECT_FALSE(finding.check.empty());
    EXPECT_FALSE(finding.what.empty());
    if (finding.health == Health::ok) return;
    EXPECT_FALSE(finding.why.empty()) << finding.check;
    EXPECT_FALSE(finding.next.empty()) << finding.check;
}
std::map<std::string, Health> by_check(const Findings& findings) {
    std::map<std::string, Health> healths;
    for (const auto& finding : findings) {
        expect_complete(finding);
        healths[finding.check] = finding.health;
    }
    return healths;
}

TEST(DoctorChecks, clock) {
    EXPECT_EQ(judge_clock({true, true, 5'000}).health, Health::ok);
    EXPECT_EQ(judge_clock({true, true, 200'000}).health, Health::warning);
    EXPECT_EQ(judge_clock({true, false, 0}).health, Health::warning);
    EXPECT_EQ(judge_clock({}).health, Health::warning);
    for (const auto& reading :
         {ClockReading{true, true, 200'000}, ClockReading{true, false, 0}, ClockReading{}})
        expect_complete(judge_clock(reading));
}

TEST(DoctorChecks, disk_space) {
    EXPECT_EQ(
        by_check(judge_space({100 * gib, 50 * gib, 1'000'000, 900'000}, "/data")),
        (std::map<std::string, Health>{{"disk space", Health::ok}, {"free inodes", Health::ok}}));
    EXPECT_EQ(by_check(judge_space({100 * gib, 5 * gib, 1'000'000, 50'000}, "/data")),
              (std::map<std::string, Health>{{"disk space", Health::warning},
                                             {"free inodes", Health::warning}}));
    EXPECT_EQ(by_check(judge_space({100 * gib, gib / 2, 1'000'000, 3}, "/data")),
              (std::map<std::string, Health>{{"disk space", Health::failed},
                                             {"free inodes", Health::failed}}));
    EXPECT_EQ(by_check(judge_space({100 * gib, 50 * gib, 0, 0}, "/data"))["free inodes"],
              Health::ok);
}

TEST(DoctorChecks, syncs) {
    EXPECT_EQ(judge_syncs({900, 1'100, 1'000}).what, "median 1.0 ms, slowest 1.1 ms of 3");
    EXPECT_EQ(judge_syncs({900, 900'000, 1'000}).health, Health::ok);  // One hiccup.
    EXPECT_EQ(judge_syncs({30'000, 30'000, 1'000}).health, Health::warning);
    EXPECT_EQ(judge_syncs({900'000}).health, Health::failed);
}

TEST(DoctorChecks, files) {
    EXPECT_EQ(judge_key_file({"keys", 0100400, 7}).health, Health::ok);
    EXPECT_EQ(judge_key_file({"keys", 0100600, 7}).health, Health::ok);
    for (const uint32_t mode : {0100640u, 0100604u, 0100620u, 0100601u}) {
        EXPECT_EQ(judge_key_file({"keys", mode, 7}).health, Health::failed);
        expect_complete(judge_key_file({"keys", mode, 7}));
    }
    EXPECT_EQ(judge_config_file({"node.toml", 0100644, 0}).health, Health::ok);
    EXPECT_EQ(judge_config_file({"node.toml", 0100664, 0}).health, Health::warning);
    EXPECT_EQ(judge_config_file({"node.toml", 0100646, 0}).health, Health::warning);
    EXPECT_EQ(judge_open_files(256).health, Health::failed);
    EXPECT_EQ(judge_open_files(4'096).health, Health::warning);
    EXPECT_EQ(judge_open_files(65'536).health, Health::ok);
}

std::map<std::string, Health> judged(const std::string& peers, const std::string& ledger = "",
                                     const std::string& top = R"("signing":true,"ordering":true)") {
    const auto json = boost::json::parse(
        R"({"participant":"alice","participants":4,"heard":3,"slot":500,)" + top + R"(,"peers":[)" +
        R"({"name":"alice","connected":true,"heard":true,"signing":true})" + peers +
        R"(],"ledgers":[)" + R"({"name":"stock","slot":500,"executed":9,"certified":9)" + ledger +
        "}]}");
    return by_check(judge_status(json.as_object()));
}

TEST(DoctorChecks, a_running_participant) {
    const std::string bob =
        R"(,{"name":"bob","connected":true,"heard":true,"signing":true,"clock_ahead_ms":3})";
    EXPECT_EQ(judged(bob), (std::map<std::string, Health>{{"agreement", Health::ok},
                                                          {"peer bob", Health::ok},
                                                          {"clock against peers", Health::ok},
                                                          {"ledger stock", Health::ok}}));
    EXPECT_EQ(
        judged(R"(,{"name":"bob","connected":false,"heard":false,"refusal":"no"})")["peer bob"],
        Health::warning);
    EXPECT_EQ(judged(R"(,{"name":"bob","connected":true,"heard":false})")["peer bob"],
              Health::warning);
    EXPECT_EQ(
        judged(R"(,{"name":"bob","connected":true,"heard":true,"signing":false})")["peer bob"],
        Health::warning);
    EXPECT_EQ(judged(bob, R"(,"diverged":true)")["ledger stock"], Health::failed);
    EXPECT_EQ(judged(bob, R"(,"failure":"bad page")")["ledger stock"], Health::failed);
    EXPECT_EQ(judged(bob, R"(,"paused":true)")["ledger stock"], Health::warning);
    EXPECT_EQ(judged(bob, R"(,"quarantined":true)")["ledger stock"], Health::failed);
    EXPECT_EQ(judged(bob, "", R"("signing":false,"ordering":true,"note":"disk")")["signing"],
              Health::failed);
    const std::string keeps_nothing =
        R"(,{"name":"bob","connected":true,"heard":true,"signing":true,)"
        R"("audits":{"keeps":false,"missed":3}})";
    EXPECT_EQ(judged(keeps_nothing)["peer bob"], Health::warning);
    EXPECT_EQ(judged(bob, "", R"("signing":true,"ordering":false,"note":"2 of 4")")["agreement"],
              Health::failed);
}

TEST(DoctorChecks, what_lies_altered_on_the_disk) {
    const auto with = [](const std::string& scrub) {
        const std::string top = R"("signing":true,"ordering":true,"scrub":{)" + scrub + '}';
        return judged("", "", top)["data on disk"];
    };
    EXPECT_EQ(with(R"("passes":0,"last_found":0,"journal_damage":"")"), Health::ok);
    EXPECT_EQ(with(R"("passes":3,"last_found":0,"journal_damage":"")"), Health::ok);
    EXPECT_EQ(with(R"("passes":3,"last_found":2,"journal_damage":"")"), Health::warning);
    EXPECT_EQ(with(R"("passes":3,"last_found":2,"journal_damage":"segment 4")"), Health::failed);
}

TEST(DoctorChecks, a_ledger_that_lags) {
    const auto json =
        boost::json::parse(R"({"participant":"a","signing":true,"ordering":true,"slot":700,)"
                           R"("ledgers":[{"name":"stock","slot":500}]})");
    EXPECT_EQ(by_check(judge_status(json.as_object()))["ledger stock"], Health::warning);
}

TEST(DoctorChecks, whose_clock_is_wrong) {
    const auto clock = [](const std::string& bob, const std::string& carol) {
        const auto json = boost::json::parse(
            R"({"participant":"a","signing":true,"ordering":true,"peers":[)"
            R"({"name":"bob","connected":true,"heard":true,"signing":true,"clock_ahead_ms":)" +
            bob +
            R"(},{"name":"carol","connected":true,"heard":true,"signing":true,"clock_ahead_ms":)" +
            carol + "}]}");
        for (const auto& finding : judge_status(json.as_object())) {
            if (finding.check == "clock against peers") return finding;
        }
        return Finding{};
    };
    EXPECT_EQ(clock("3", "-4").health, Health::ok);
    EXPECT_NE(clock("5000", "-4").why.find("a minority"), std::string::npos);
    EXPECT_NE(clock("5000", "5100").why.find("this machine's clock"), std::string::npos);
    EXPECT_NE(clock("-5000", "-5100").why.find("this machine's clock"), std::string::npos);
}

/// Whatever a wrong or hostile server says under the participant's address.
TEST(DoctorChecks, a_status_of_something_else) {
    for (const char* text : {"{}", R"({"peers":7,"ledgers":{}})", R"({"peers":[1,"x",null]})",
                             R"({"peers":[{},{"clock_ahead_ms":"x"}],"ledgers":[{}]})"})
        EXPECT_FALSE(judge_status(boost::json::parse(text).as_object()).empty());
}

}  // namespace
}  // namespace tally::cli
