// RocksDB keeps the port's promise, survives closing, and refuses folders that are not ours to use.
#include "io/rocks_key_value.hpp"

#include <rocksdb/db.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "io/rocks_files.hpp"
#include "io/rocks_log.hpp"
#include "io/testing/folder.hpp"
#include "ports/testing/key_value_conformance.hpp"

namespace tally::ports {
namespace {

namespace fs = std::filesystem;

const Bytes network(32, 0x11);

std::unique_ptr<KeyValue> open(const std::string& path) {
    auto store = io::open_rocks(path, network);
    if (!store.ok()) ADD_FAILURE() << store.error().message();
    return store.ok() ? std::move(store).value() : nullptr;
}

class RocksWorld : public KeyValueWorld {
public:
    KeyValue& store() override { return *store_; }
    /// Without a log, the files of an open database are just what a crash would leave.
    void crash() override {
        const std::string left = folder_.at(std::to_string(generation_));
        const std::string next = folder_.at(std::to_string(++generation_));
        while (!copy_at_rest(left, next)) fs::remove_all(next);
        store_ = open(next);
        fs::remove_all(left);
    }

private:
    using Sizes = std::map<std::string, uintmax_t>;
    static Sizes sizes(const std::string& path) {
        Sizes found;
        std::error_code gone;
        for (const auto& entry : fs::directory_iterator(path)) {
            found[entry.path().filename()] = entry.file_size(gone);
        }
        return found;
    }
    /// False if a compaction in the background changed the folder meanwhile.
    static bool copy_at_rest(const std::string& from, const std::string& to) {
        const Sizes before = sizes(from);
        std::error_code failed;
        fs::copy(from, to, failed);
        return !failed && sizes(from) == before;
    }

    io::TestFolder folder_;
    int generation_ = 0;
    std::unique_ptr<KeyValue> store_ = open(folder_.at("0"));
};

std::unique_ptr<KeyValueWorld> make_rocks_world() {
    return std::make_unique<RocksWorld>();
}
INSTANTIATE_TEST_SUITE_P(Rocks, KeyValueConformance, testing::Values(make_rocks_world));

void put(KeyValue& store, Map map, std::string_view key, std::string_view value) {
    WriteBatch batch;
    batch.put(map, copy_of(view_of(key)), copy_of(view_of(value)));
    ASSERT_TRUE(store.write(batch).ok());
}

TEST(RocksKeyValue, closing_keeps_everything_and_snapshots_may_outlive_it) {
    const io::TestFolder folder;
    auto store = open(folder.at("db"));
    put(*store, Map::bodies, "a", "1");
    auto snapshot = store->snapshot();
    store.reset();
    EXPECT_EQ(text_of(**snapshot->get(Map::bodies, view_of("a"))), "1");
    snapshot.reset();
    store = open(folder.at("db"));
    EXPECT_EQ(text_of(**store->get(Map::bodies, view_of("a"))), "1");
}

// The other process is a new image: RocksDB's threads and locks do not survive a fork. It runs one
// test below, which alone has nothing to do.
int run_elsewhere(const std::string& test, const std::string& path) {
    const pid_t child = fork();
    if (child == 0) {
        setenv("TALLY_TEST_FOLDER", path.c_str(), 1);
        execl("/proc/self/exe", "io_tests",
              ("--gtest_filter=RocksKeyValueElsewhere." + test).c_str(), nullptr);
        _exit(127);
    }
    int status = -1;
    return waitpid(child, &status, 0) == child ? status : -1;
}

TEST(RocksKeyValue, a_killed_process_leaves_what_it_flushed) {
    const io::TestFolder folder;
    EXPECT_EQ(WTERMSIG(run_elsewhere("is_killed", folder.at("db"))), SIGKILL);
    const auto store = open(folder.at("db"));
    EXPECT_TRUE(store->get(Map::values, view_of("flushed"))->has_value());
    EXPECT_FALSE(store->get(Map::values, view_of("not flushed"))->has_value());
}

TEST(RocksKeyValueElsewhere, is_killed) {
    const char* path = std::getenv("TALLY_TEST_FOLDER");
    if (!path) return;
    auto store = open(path);
    put(*store, Map::values, "flushed", "1");
    ASSERT_TRUE(store->flush().ok());
    put(*store, Map::values, "not flushed", "1");
    kill(getpid(), SIGKILL);
}

TEST(RocksKeyValue, without_room_for_another_file_nothing_is_begun) {
    const io::TestFolder folder;
    constexpr uint64_t more_than_any_disk = uint64_t{1} << 60;
    const auto none = io::open_rocks(folder.at("none"), network, more_than_any_disk);
    ASSERT_FALSE(none.ok());
    EXPECT_TRUE(none.error().is(KeyValueError::io_failed)) << none.error().message();
    EXPECT_NE(none.error().message().find("No space left"), std::string::npos);
    put(*open(folder.at("some")), Map::values, "key", "1");
    const auto some = io::open_rocks(folder.at("some"), network, more_than_any_disk);
    ASSERT_FALSE(some.ok());
    EXPECT_TRUE(some.error().is(KeyValueError::io_failed)) << "not damaged: it is kept";
    EXPECT_TRUE(open(folder.at("some"))->get(Map::values, view_of("key"))->has_value());
}

TEST(RocksKeyValue, its_log_is_bounded_and_the_last_one_is_kept) {
    const io::TestFolder folder;
    fs::create_directories(folder.at("db"));
    const auto written = [&](const char* name) {
        std::ifstream file(folder.at("db") + name);
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    {
        const auto log = io::database_log(folder.at("db"), 200);
        for (int i = 0; i < 100; ++i) rocksdb::Warn(log, "number %d", i);
        EXPECT_NE(written("/LOG").find("number 0\n"), std::string::npos);
        EXPECT_LE(written("/LOG").size(), 200u);
    }
    const std::string before = written("/LOG");
    const auto log = io::database_log(folder.at("db"));
    rocksdb::Warn(log, "another process");
    EXPECT_NE(written("/LOG").find("another process"), std::string::npos);
    EXPECT_EQ(written("/LOG.old"), before);
}

TEST(RocksKeyValue, a_folder_in_use_is_refused) {
    const io::TestFolder folder;
    const auto store = open(folder.at("db"));
    const auto here = io::open_rocks(folder.at("db"), network);
    ASSERT_FALSE(here.ok());
    EXPECT_TRUE(here.error().is(KeyValueError::locked)) << here.error().message();
    EXPECT_EQ(run_elsewhere("is_locked_out", folder.at("db")), 0);
}

TEST(RocksKeyValueElsewhere, is_locked_out) {
    const char* path = std::getenv("TALLY_TEST_FOLDER");
    if (!path) return;
    const auto store = io::open_rocks(path, network);
    ASSERT_FALSE(store.ok());
    EXPECT_TRUE(store.error().is(KeyValueError::locked)) << store.error().message();
    EXPECT_EQ(store.error().message(),
              "the data directory is in use by another process: " + std::string(path) +
                  ". Stop the other process, or choose another directory");
}

TEST(RocksKeyValue, another_networks_folder_is_refused_and_left_alone) {
    const io::TestFolder folder;
    put(*open(folder.at("db")), Map::values, "a", "1");
    const auto store = io::open_rocks(folder.at("db"), Bytes(32, 0x22));
    ASSERT_FALSE(store.ok());
    EXPECT_TRUE(store.error().is(KeyValueError::other_network));
    EXPECT_EQ(store.error().message(),
              "the data directory belongs to another network: " + folder.at("db") +
                  " holds network " + to_hex(network) + ", not " + std::string(64, '2') +
                  ". Choose another directory, or start with the charter that it was made with");
    EXPECT_TRUE(open(folder.at("db"))->get(Map::values, view_of("a"))->has_value());
}

TEST(RocksKeyValue, a_newer_format_is_refused) {
    const io::TestFolder folder;
    put(*open(folder.at("db")), Map::meta, "format", std::string("\0\0\0\4", 4));
    const auto store = io::open_rocks(folder.at("db"), network);
    ASSERT_FALSE(store.ok());
    EXPECT_TRUE(store.error().is(KeyValueError::newer_format)) << store.error().message();
}

/// It is not put aside: after a recovery, nobody else may hold all of it.
TEST(RocksKeyValue, an_older_format_is_refused) {
    const io::TestFolder folder;
    put(*open(folder.at("db")), Map::meta, "format", std::string("\0\0\0\1", 4));
    const auto store = io::open_rocks(folder.at("db"), network);
    ASSERT_FALSE(store.ok());
    EXPECT_EQ(store.error().code, "database_older") << store.error().message();
}

TEST(RocksKeyValue, maps_of_a_newer_version_are_refused) {
    const io::TestFolder folder;
    put(*open(folder.at("db")), Map::values, "a", "1");
    {
        rocksdb::Options options;
        std::vector<std::string> names;
        ASSERT_TRUE(rocksdb::DB::ListColumnFamilies(options, folder.at("db"), &names).ok());
        std::vector<rocksdb::ColumnFamilyDescriptor> families;
        families.reserve(names.size());
        for (const std::string& name : names) families.emplace_back(name, options);
        std::vector<rocksdb::ColumnFamilyHandle*> handles;
        rocksdb::DB* db = nullptr;
        ASSERT_TRUE(rocksdb::DB::Open(options, folder.at("db"), families, &handles, &db).ok());
        rocksdb::ColumnFamilyHandle* added = nullptr;
        ASSERT_TRUE(db->CreateColumnFamily(options, "shards", &added).ok());
        handles.push_back(added);
        for (rocksdb::ColumnFamilyHandle* handle : handles) delete handle;
        delete db;
    }
    const auto store = io::open_rocks(folder.at("db"), network);
    ASSERT_FALSE(store.ok());
    EXPECT_TRUE(store.error().is(KeyValueError::newer_format));
    EXPECT_EQ(store.error().detail, folder.at("db") + " has a map named 'shards'");
}

TEST(RocksKeyValue, a_file_that_rots_is_found_and_remembered) {
    const io::TestFolder folder;
    const std::string path = folder.at("db");
    for (const Map map : {Map::values, Map::bodies}) {
        auto store = open(path);
        for (int key = 0; key < 1000; ++key)
            put(*store, map, "key " + std::to_string(key), std::string(100, 'v'));
        ASSERT_TRUE(store->flush().ok());
    }
    const auto whole = io::check_folder(path);
    ASSERT_TRUE(whole.ok()) << whole.error().message();
    EXPECT_GT(*whole, 1'000u);
    std::string rotten;
    {
        const auto store = *io::open_rocks(path, network);
        ASSERT_GE(store->files().size(), 2u);
        for (const auto& file : store->files()) EXPECT_GT(*store->check_file(file), 0u);
        EXPECT_EQ(*store->check_file(path + "/999999.sst"), 0u) << "not in use any more";
        EXPECT_TRUE(store->damage().ok());
        rotten = store->files().back();
    }
    std::fstream file(rotten, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(100);
    file.put('\x5a');
    file.close();
    EXPECT_TRUE(io::check_folder(path).error().is(KeyValueError::damaged));
    {
        const auto store = *io::open_rocks(path, network);
        EXPECT_TRUE(store->damage().ok()) << "nobody has met it";
        const auto snapshot = store->snapshot();
        uint32_t damaged = 0;
        for (const auto& each : snapshot->files())
            damaged += snapshot->check_file(each).ok() ? 0 : 1;
        EXPECT_EQ(damaged, 1u);
        EXPECT_TRUE(store->damage().error().is(KeyValueError::damaged));
    }
    const auto store = io::open_rocks(path, network);
    ASSERT_TRUE(store.ok());
    EXPECT_TRUE((*store)->damage().error().is(KeyValueError::damaged)) << "by another process";
}

TEST(RocksKeyValue, damage_is_reported_never_served) {
    for (const std::string_view victim : {"CURRENT", "MANIFEST", ".sst"}) {
        for (const bool removed : {false, true}) {
            const io::TestFolder folder;
            {
                auto store = open(folder.at("db"));
                for (int key = 0; key < 1000; ++key) {
                    put(*store, Map::values, "key " + std::to_string(key), std::string(100, 'v'));
                }
            }
            for (const auto& entry : fs::directory_iterator(folder.at("db"))) {
                if (entry.path().filename().string().find(victim) == std::string::npos) continue;
                if (removed) {
                    fs::remove(entry.path());
                    continue;
                }
                std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
                for (uintmax_t at = 0; at < entry.file_size(); at += 16) {
                    file.seekp(std::streamoff(at));
                    file.put('\x5a');
                }
            }
            const auto store = io::open_rocks(folder.at("db"), network);
            if (!store.ok()) {
                EXPECT_TRUE(store.error().is(KeyValueError::damaged))
                    << victim << (removed ? " removed: " : " altered: ") << store.error().message();
                continue;
            }
            const auto read =
                (*store)->scan(Map::values, {}, {}, [](ByteView, ByteView) { return true; });
            ASSERT_FALSE(read.ok()) << victim;
            EXPECT_TRUE(read.error().is(KeyValueError::damaged)) << read.error().message();
        }
    }
}

}  // namespace
}  // namespace tally::ports
