// Records become changes that name what is loaded, and that a second run cannot apply again.
#include "cli/packages.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <set>

#include "base/limits.hpp"

namespace tally::cli {
namespace {

PackageRecord record_of(size_t dependencies, const std::string& target = "two") {
    PackageRecord record{"one", "1", "all", "A <a@example.org>", std::string(64, 'a'), 42, {}};
    for (size_t i = 0; i < dependencies; ++i)
        record.dependencies.push_back({"Depends", uint32_t(i), 0, target, ">=", "1.0"});
    return record;
}
const auto nothing_loaded = [](const std::string&) { return false; };
const auto all_loaded = [](const std::string&) { return true; };

TEST(Packages, refers_to_packages_that_are_there_and_names_the_others) {
    auto record = record_of(1);
    record.dependencies.push_back({"Depends", 0, 1, "mail-agent", "=", "1"});
    const auto transactions =
        dependency_changes(record, [](const std::string& name) { return name == "two"; });
    ASSERT_EQ(transactions.size(), 1u);
    const auto changes = boost::json::parse(transactions[0]);
    ASSERT_EQ(changes.as_array().size(), 3u);
    const auto& inside = changes.at(0).as_object();
    EXPECT_EQ(inside.at("target"), (boost::json::array{"package/name", "two"}));
    EXPECT_FALSE(inside.contains("virtual"));
    const auto& outside = changes.at(1).as_object();
    EXPECT_EQ(outside.at("virtual"), "mail-agent");
    EXPECT_EQ(outside.at("relation"), "=");
    EXPECT_FALSE(outside.contains("target"));
}

TEST(Packages, the_last_transaction_of_a_package_says_that_all_its_dependencies_are_there) {
    EXPECT_TRUE(dependency_changes(record_of(0), all_loaded).empty());
    const auto alone = boost::json::parse(package_changes(record_of(0)));
    EXPECT_EQ(alone.at(1).at("dependency_count").as_int64(), 0);
    const auto first = boost::json::parse(package_changes(record_of(2)));
    EXPECT_FALSE(first.at(1).as_object().contains("dependency_count"));

    const auto transactions = dependency_changes(record_of(150), all_loaded);
    ASSERT_EQ(transactions.size(), 3u);
    std::set<std::string> keys;
    for (const auto& text : transactions) {
        const auto changes = boost::json::parse(text).as_array();
        const bool is_last = &text == &transactions.back();
        EXPECT_EQ(changes.back().as_object().contains("dependency_count"), is_last);
        for (const auto& change : changes) {
            if (const auto* key = change.as_object().if_contains("key"))
                keys.insert(std::string(key->as_string()));
        }
    }
    EXPECT_EQ(keys.size(), 150u) << "no two dependencies have one key";
}

TEST(Packages, a_second_run_cuts_where_the_first_one_did) {
    const auto record = record_of(500, std::string(600, 'x'));
    const auto before = dependency_changes(record, nothing_loaded);
    const auto after = dependency_changes(record, all_loaded);
    ASSERT_EQ(before.size(), after.size());
    for (size_t i = 0; i < before.size(); ++i) {
        EXPECT_EQ(boost::json::parse(before[i]).as_array().size(),
                  boost::json::parse(after[i]).as_array().size());
        // In base64, with all that is around it.
        EXPECT_LT(after[i].size() * 4 / 3 + 1'000, limits::envelope_bytes_max);
    }
}

}  // namespace
}  // namespace tally::cli
