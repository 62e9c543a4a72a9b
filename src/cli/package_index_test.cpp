// A Debian package index is read as it is meant, one record at a time, and what is not usable in it
// is named by its line.
#include "cli/package_index.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace tally::cli {
namespace {

constexpr const char* sum = "3b4a7d5a1f0e7a2c9d8b6c5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a";

std::string stanza(const std::string& name, const std::string& more = {}) {
    return "Package: " + name +
           "\nVersion: 1:2.3-4\nArchitecture: amd64\nMaintainer: A <a@example.org>\n" + more +
           "Size: 42\nSHA256: " + sum + "\n\n";
}

/// Every record of a text, or the first fault.
Result<std::vector<PackageRecord>> parse_packages(std::string_view text) {
    std::vector<PackageRecord> records;
    PackageParser parser;
    const auto add = [&](std::optional<PackageStanza> stanza) -> Result<void> {
        if (!stanza) return success();
        if (stanza->fault) return *std::move(stanza->fault);
        records.push_back(std::move(stanza->record));
        return success();
    };
    while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size());
        CHECK(add(parser.on_line(text.substr(0, end))));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    CHECK(add(parser.on_end()));
    return records;
}

TEST(PackageIndex, reads_stanzas_folded_fields_and_fields_that_it_does_not_know) {
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

TEST(PackageIndex, reads_alternatives_constraints_and_architectures) {
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

TEST(PackageIndex, names_the_line_of_what_is_not_usable) {
    const auto fault = [](const std::string& text) {
        const auto records = parse_packages(text);
        return records.ok() ? std::string() : records.error().detail;
    };
    EXPECT_NE(fault("Package: a\nnonsense\n").find("line 2"), std::string::npos);
    EXPECT_NE(fault("Package: a\nSize: many\n").find("line 2: Size"), std::string::npos);
    EXPECT_NE(fault("Package: a\nSHA256: 12\n").find("line 2: SHA256"), std::string::npos);
    EXPECT_NE(fault("Package: a\nVersion: 1\n\n").find("'a'"), std::string::npos);
}

TEST(PackageIndex, a_list_may_be_folded) {
    const auto records =
        parse_packages(stanza("one", "Depends: libc6 (>= 2.36),\n libfoo |\n\tlibbar\n"));
    ASSERT_TRUE(records.ok());
    const auto& list = (*records)[0].dependencies;
    ASSERT_EQ(list.size(), 3u);
    EXPECT_EQ(list[2].name, "libbar");
    EXPECT_EQ(list[1].group, list[2].group);
}

class PackageIndexFile : public testing::Test {
protected:
    PackageIndexFile()
        : path_(testing::TempDir() + "index-" +
                testing::UnitTest::GetInstance()->current_test_info()->name()) {}
    ~PackageIndexFile() override { std::filesystem::remove(path_); }

    /// Names in order, faulty stanzas as "!line"; then the code of the error that ended it.
    std::string read(const std::string& content) {
        std::ofstream(path_, std::ios::binary) << content;
        auto index = PackageIndex::open(path_);
        if (!index.ok()) return std::string(index.error().code);
        std::string all;
        while (true) {
            auto stanza = index->next();
            if (!stanza.ok()) return all + std::string(stanza.error().code);
            if (!*stanza) return all;
            all += (*stanza)->fault
                       ? "!" + std::to_string((*stanza)->line)
                       : (*stanza)->record.name + "@" + std::to_string((*stanza)->line);
            all += " ";
        }
    }
    std::string path_;
};

TEST_F(PackageIndexFile, one_faulty_record_does_not_hide_the_others) {
    EXPECT_EQ(read(stanza("one") + "Package: two\nSize: x\n\n\n" + stanza("three")),
              "one@1 !8 three@12 ");
    EXPECT_EQ(read("\n\n" + stanza("one")), "one@3 ");
}

TEST_F(PackageIndexFile, what_is_no_index_is_told_from_a_record_that_is_not_usable) {
    EXPECT_EQ(read(""), "no_index");
    EXPECT_EQ(read("\n\n"), "no_index");
    EXPECT_EQ(read("hello\nworld\n"), "no_index");
    EXPECT_EQ(read("Origin: Debian\nSuite: stable\n"), "no_index");
    EXPECT_EQ(read("\x7f"
                   "ELF\n\n"),
              "no_index");
    EXPECT_EQ(read("Package: one\n"), "!1 ");
}

TEST_F(PackageIndexFile, a_file_that_ends_within_a_line_is_cut_short) {
    const std::string whole = stanza("one") + stanza("two");
    EXPECT_EQ(read(whole), "one@1 two@8 ");
    EXPECT_EQ(read(whole.substr(0, whole.size() - 10)), "one@1 file_cut_short");
    EXPECT_EQ(read("Package: one\nDescription: " + std::string(2'000'000, 'x') + "\n"),
              "line_too_long");
}

}  // namespace
}  // namespace tally::cli
