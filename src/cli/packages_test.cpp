// A Debian package index is read as it is meant, and what is not usable in it is named by its line.
#include "cli/packages.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace tally::cli {
namespace {

constexpr const char* sum = "3b4a7d5a1f0e7a2c9d8b6c5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a";

std::string stanza(const std::string& name, const std::string& more = {}) {
    return "Package: " + name +
           "\nVersion: 1:2.3-4\nArchitecture: amd64\nMaintainer: A <a@example.org>\n" + more +
           "Size: 42\nSHA256: " + sum + "\n\n";
}

TEST(Packages, reads_stanzas_folded_fields_and_fields_that_it_does_not_know) {
    const auto records = parse_packages(
        stanza("one", "Description: first line\n and a second: with a colon\nHomepage: x:y\n") +
        "\n\n" + stanza("two"));
    ASSERT_TRUE(records.ok()) << records.error().message();
    ASSERT_EQ(records->size(), 2u);
    EXPECT_EQ((*records)[0].name, "one");
    EXPECT_EQ((*records)[0].version, "1:2.3-4");
    EXPECT_EQ((*records)[0].size, 42u);
    EXPECT_EQ((*records)[1].maintainer, "A <a@example.org>");
}

TEST(Packages, reads_alternatives_constraints_and_architectures) {
    const auto records = parse_packages(stanza(
        "one", "Pre-Depends: init (>= 1)\nDepends: libc6 (>= 2.36), a:any (<< 3~) | b, c\n"));
    ASSERT_TRUE(records.ok());
    const auto& list = (*records)[0].dependencies;
    ASSERT_EQ(list.size(), 5u);
    EXPECT_EQ(list[0].kind, "Pre-Depends");
    EXPECT_EQ(list[1].name, "libc6");
    EXPECT_EQ(list[1].relation, ">=");
    EXPECT_EQ(list[1].version, "2.36");
    EXPECT_EQ(list[2].name, "a");
    EXPECT_EQ(list[2].relation, "<<");
    EXPECT_EQ(list[2].group, list[3].group) << "alternatives share a group";
    EXPECT_EQ(list[3].alternative, 1u);
    EXPECT_NE(list[3].group, list[4].group);
    EXPECT_EQ(list[4].relation, "");
}

TEST(Packages, names_the_line_of_what_is_not_usable) {
    const auto fault = [](const std::string& text) {
        const auto records = parse_packages(text);
        return records.ok() ? std::string() : records.error().detail;
    };
    EXPECT_NE(fault("Package: a\nnonsense\n").find("line 2"), std::string::npos);
    EXPECT_NE(fault("Package: a\nSize: many\n").find("line 2: Size"), std::string::npos);
    EXPECT_NE(fault("Package: a\nSHA256: 12\n").find("line 2: SHA256"), std::string::npos);
    EXPECT_NE(fault("Package: a\nVersion: 1\n\n").find("'a'"), std::string::npos);
}

TEST(Packages, refers_to_packages_that_are_there_and_names_the_others) {
    const auto records = parse_packages(stanza("one", "Depends: two | mail-agent (= 1)\n"));
    ASSERT_TRUE(records.ok());
    const auto changes = boost::json::parse(dependency_changes((*records)[0], {"one", "two"}));
    ASSERT_EQ(changes.as_array().size(), 2u);
    const auto& inside = changes.at(0).as_object();
    EXPECT_EQ(inside.at("target"), (boost::json::array{"package/name", "two"}));
    EXPECT_FALSE(inside.contains("virtual"));
    const auto& outside = changes.at(1).as_object();
    EXPECT_EQ(outside.at("virtual"), "mail-agent");
    EXPECT_EQ(outside.at("relation"), "=");
    EXPECT_FALSE(outside.contains("target"));
    EXPECT_EQ(dependency_changes({}, {}), "");
}

}  // namespace
}  // namespace tally::cli
