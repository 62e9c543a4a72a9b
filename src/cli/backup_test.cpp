// A backup's manifest names what is in it and nothing outside of it; what is missing, changed or of
// a later format is refused.
#include "cli/backup.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "cli/folders.hpp"
#include "cli/output.hpp"

namespace tally::cli {
namespace {

BackupManifest manifest_of(const std::string& content) {
    return {std::string(64, 'a'),
            "alice",
            2,
            17,
            {{"items", 5}},
            1'700'000'000'000'000,
            {{"database/000007.sst", content.size(), sha256(view_of(content))}}};
}

TEST(Backup, a_manifest_comes_back_from_its_text) {
    const auto manifest = manifest_of("content");
    const auto back = parse_manifest(pretty(manifest.json()));
    ASSERT_TRUE(back.ok()) << back.error().message();
    EXPECT_EQ(back->json(), manifest.json());
    EXPECT_EQ(back->bytes(), 7u);
}

TEST(Backup, nothing_outside_of_its_folder_can_be_named) {
    for (const char* good : {"charter", "keys", "database/CURRENT", "database/MANIFEST-000004",
                             "journal/journal-000001"})
        EXPECT_TRUE(is_backup_path(good)) << good;
    for (const char* bad :
         {"", "/etc/passwd", "database/../../x", "database/.hidden", "../charter", "database/a/b",
          "journal/lost", "journal/", "other/file", "backup.json", "database/a b"})
        EXPECT_FALSE(is_backup_path(bad)) << bad;
    auto manifest = manifest_of("x");
    manifest.files[0].path = "database/../../x";
    const auto read = parse_manifest(pretty(manifest.json()));
    ASSERT_FALSE(read.ok());
    EXPECT_TRUE(read.error().is(BackupError::damaged));
}

TEST(Backup, a_later_format_and_every_missing_field_is_refused) {
    const auto json = manifest_of("x").json();
    for (const auto& [name, value] : json) {
        auto without = json;
        without.erase(name);
        EXPECT_FALSE(parse_manifest(compact(without)).ok()) << name;
        auto wrong = json;
        wrong[name] = nullptr;
        EXPECT_FALSE(parse_manifest(compact(wrong)).ok()) << name;
    }
    auto newer = json;
    newer["tally_backup"] = backup_format + 1;
    const auto read = parse_manifest(compact(newer));
    ASSERT_FALSE(read.ok());
    EXPECT_TRUE(read.error().is(BackupError::newer));
    EXPECT_FALSE(parse_manifest("[]").ok());
    EXPECT_FALSE(parse_manifest("{").ok());
}

TEST(Backup, a_manifest_that_leaves_out_what_a_participant_needs_is_refused) {
    auto manifest = manifest_of("x");
    const BackupFile one = manifest.files[0];
    const std::vector<std::string> needed{"database/CURRENT", "database/MANIFEST-000004",
                                          "journal/journal-000001", "charter"};
    for (const auto& path : needed) manifest.files.push_back({path, one.bytes, one.hash});
    EXPECT_TRUE(check_names(manifest).ok());
    for (const auto& path : needed) {
        auto without = manifest;
        std::erase_if(without.files, [&](const auto& file) { return file.path == path; });
        EXPECT_TRUE(check_names(without).error().is(BackupError::incomplete)) << path;
    }
    manifest.files.clear();
    EXPECT_TRUE(check_names(manifest).error().is(BackupError::incomplete));
}

TEST(Backup, a_file_that_is_missing_shorter_or_changed_is_noticed) {
    const auto folder = WorkFolder::make({}, "tally-backup-test");
    ASSERT_TRUE(folder.ok());
    const std::string& path = folder->path();
    const std::string content(3'000'000, 'x');
    const auto manifest = manifest_of(content);
    std::filesystem::create_directory(path + "/database");
    const std::string file = path + "/" + manifest.files[0].path;
    const auto write = [&](const std::string& text) { std::ofstream(file) << text; };
    const auto check = [&] { return check_files(path, manifest, [](uint64_t) {}); };
    EXPECT_TRUE(read_manifest(path).error().is(BackupError::incomplete));
    EXPECT_TRUE(check().error().is(BackupError::incomplete));
    write(content);
    EXPECT_TRUE(check().ok());
    write(content.substr(1));
    EXPECT_TRUE(check().error().is(BackupError::incomplete));
    write(content.substr(1) + "y");
    EXPECT_TRUE(check().error().is(BackupError::damaged));

    uint64_t told = 0;
    write(content);
    const auto copied =
        copy_file(file, path + "/copy", 2'000'000, [&](uint64_t bytes) { told += bytes; });
    ASSERT_TRUE(copied.ok());
    EXPECT_EQ(told, 2'000'000u) << "only so much of it, and every byte is told";
    EXPECT_EQ(*copied, sha256(view_of(content.substr(0, 2'000'000))));
    EXPECT_EQ(std::filesystem::file_size(path + "/copy"), 2'000'000u);
    EXPECT_FALSE(copy_file(file, path + "/copy", 1, [](uint64_t) {}).ok()) << "never over a file";
    EXPECT_TRUE(check_empty(path + "/none").ok());
    EXPECT_FALSE(check_empty(path).ok());
}

}  // namespace
}  // namespace tally::cli
