#include "io/rocks_key_value.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>

#include "io/rocks_files.hpp"
#include "io/rocks_log.hpp"
#include "io/rocks_room.hpp"

namespace tally::io {
namespace {

using ports::KeyValueError;
using ports::Map;

constexpr uint32_t format_version = 3;
constexpr std::string_view format_key = "format";
constexpr std::string_view network_key = "network";

constexpr std::array<const char*, ports::map_count> family_names{
    "default",  // Map::meta: RocksDB insists on a family of this name
    "values",  "nodes", "blocks", "transactions", "decisions", "bodies", "cells"};

rocksdb::Slice slice_of(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
ByteView bytes_of(const rocksdb::Slice& slice) {
    return {reinterpret_cast<const uint8_t*>(slice.data()), slice.size()};
}

/// Sized for a 2-core machine that runs four participants.
rocksdb::DBOptions database_options() {
    rocksdb::DBOptions options;
    options.create_if_missing = true;
    options.create_missing_column_families = true;  // A crash may have come between two of them.
    options.atomic_flush = true;                    // All maps lose the same batches.
    options.paranoid_checks = true;
    options.max_background_jobs = 2;
    options.max_open_files = 512;
    options.db_write_buffer_size = 64 << 20;
    options.bytes_per_sync = 1 << 20;  // Even write-back: the journal shares the disk.
    options.skip_stats_update_on_db_open = true;
    options.stats_dump_period_sec = 0;
    options.stats_persist_period_sec = 0;
    return options;
}

/// What comes before the height in a key of Map::values, so that a filter can tell which files
/// have a state key at all. State keys are prefix-free: all versions of one lie together.
class BeforeHeight : public rocksdb::SliceTransform {
public:
    static constexpr size_t height_bytes = 8;
    const char* Name() const override { return "tally.before_height"; }
    rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
        return {key.data(), key.size() - height_bytes};
    }
    bool InDomain(const rocksdb::Slice& key) const override { return key.size() > height_bytes; }
};

/// True if both bounds name versions of one state key, `from` with a whole height.
bool is_within_one_key(ByteView from, ByteView to) {
    if (from.size() <= BeforeHeight::height_bytes || to.size() < from.size()) return false;
    const size_t key_bytes = from.size() - BeforeHeight::height_bytes;
    return equal(from.first(key_bytes), to.first(key_bytes));
}

constexpr size_t cache_bytes = 64 << 20;
constexpr int cache_shard_bits = 2;

rocksdb::ColumnFamilyOptions family_options(Map map, const std::shared_ptr<rocksdb::Cache>& cache) {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = cache;
    table.cache_index_and_filter_blocks = true;  // Keeps them within the cache's bound.
    table.pin_l0_filter_and_index_blocks_in_cache = true;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.format_version = 5;

    rocksdb::ColumnFamilyOptions options;
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    options.write_buffer_size = 32 << 20;
    options.max_write_buffer_number = 3;
    options.compression = rocksdb::kLZ4Compression;
    options.level_compaction_dynamic_level_bytes = true;
    if (map == Map::values) {
        options.prefix_extractor = std::make_shared<BeforeHeight>();
        options.memtable_prefix_bloom_size_ratio = 0.05;
    }
    return options;
}

/// The open database; shared with its snapshots, so that none outlives it.
struct Database {
    std::string path;
    mutable std::atomic<bool> is_damaged = false;
    std::unique_ptr<rocksdb::Env> env;  // used by db
    std::unique_ptr<rocksdb::DB> db;
    std::vector<rocksdb::ColumnFamilyHandle*> families;  // by Map; owned by us, closed before db

    Database() = default;
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database() {
        for (rocksdb::ColumnFamilyHandle* family : families) {
            // Fails only for a family that is not the database's.
            (void)db->DestroyColumnFamilyHandle(family);
        }
        if (db) (void)db->Close();  // What it could not flush is lost as in a crash.
    }

    [[nodiscard]] rocksdb::ColumnFamilyHandle* family(Map map) const {
        return families[size_t(map)];
    }

    [[nodiscard]] Error failure(const rocksdb::Status& status) const {
        return noted(error_of(status));
    }
    [[nodiscard]] Error noted(Error error) const {
        if (error.is(KeyValueError::damaged) && !is_damaged.exchange(true))
            mark_damaged(path, error);
        return error;
    }

    [[nodiscard]] Result<std::optional<Bytes>> get(const rocksdb::ReadOptions& options, Map map,
                                                   ByteView key) const {
        rocksdb::PinnableSlice value;
        const rocksdb::Status status = db->Get(options, family(map), slice_of(key), &value);
        if (status.IsNotFound()) return std::optional<Bytes>{};
        if (!status.ok()) return failure(status);
        return std::optional<Bytes>{copy_of(bytes_of(value))};
    }

    [[nodiscard]] Result<void> scan(rocksdb::ReadOptions options, Map map, ByteView from,
                                    ByteView to, const ports::Reader::Each& each) const {
        const rocksdb::Slice end = slice_of(to);
        if (!to.empty()) options.iterate_upper_bound = &end;
        // Only where all of the range is one key's may the filter be asked.
        options.prefix_same_as_start = map == Map::values && is_within_one_key(from, to);
        options.total_order_seek = !options.prefix_same_as_start;
        const std::unique_ptr<rocksdb::Iterator> at(db->NewIterator(options, family(map)));
        for (at->Seek(slice_of(from)); at->Valid(); at->Next()) {
            if (!each(bytes_of(at->key()), bytes_of(at->value()))) return success();
        }
        if (!at->status().ok()) return failure(at->status());
        return success();
    }

    [[nodiscard]] Result<void> scan_backward(rocksdb::ReadOptions options, Map map, ByteView from,
                                             ByteView to, const ports::Reader::Each& each) const {
        const rocksdb::Slice begin = slice_of(from);
        const rocksdb::Slice end = slice_of(to);
        if (!from.empty()) options.iterate_lower_bound = &begin;
        if (!to.empty()) options.iterate_upper_bound = &end;
        options.total_order_seek = true;
        const std::unique_ptr<rocksdb::Iterator> at(db->NewIterator(options, family(map)));
        for (at->SeekToLast(); at->Valid(); at->Prev()) {
            if (!each(bytes_of(at->key()), bytes_of(at->value()))) return success();
        }
        if (!at->status().ok()) return failure(at->status());
        return success();
    }
};

class RocksSnapshot : public ports::Reader {
public:
    explicit RocksSnapshot(std::shared_ptr<const Database> database)
        : database_(std::move(database)) {
        options_.snapshot = database_->db->GetSnapshot();
    }
    ~RocksSnapshot() override { database_->db->ReleaseSnapshot(options_.snapshot); }
    RocksSnapshot(const RocksSnapshot&) = delete;
    RocksSnapshot& operator=(const RocksSnapshot&) = delete;

    Result<std::optional<Bytes>> get(Map map, ByteView key) const override {
        return database_->get(options_, map, key);
    }
    Result<void> scan(Map map, ByteView from, ByteView to, const Each& each) const override {
        return database_->scan(options_, map, from, to, each);
    }
    Result<void> scan_backward(Map map, ByteView from, ByteView to,
                               const Each& each) const override {
        return database_->scan_backward(options_, map, from, to, each);
    }
    std::vector<std::string> files() const override { return table_files(*database_->db); }
    Result<uint64_t> check_file(const std::string& file) const override {
        auto read = check_table_file(*database_->db, file);
        if (!read.ok()) return database_->noted(std::move(read).error());
        return read;
    }

private:
    std::shared_ptr<const Database> database_;
    rocksdb::ReadOptions options_;
};

class RocksKeyValue : public RocksDatabase {
public:
    explicit RocksKeyValue(std::shared_ptr<const Database> database)
        : database_(std::move(database)) {}

    Result<std::optional<Bytes>> get(Map map, ByteView key) const override {
        return database_->get({}, map, key);
    }
    Result<void> scan(Map map, ByteView from, ByteView to, const Each& each) const override {
        return database_->scan({}, map, from, to, each);
    }
    Result<void> scan_backward(Map map, ByteView from, ByteView to,
                               const Each& each) const override {
        return database_->scan_backward({}, map, from, to, each);
    }
    std::vector<std::string> files() const override { return table_files(*database_->db); }
    Result<uint64_t> check_file(const std::string& file) const override {
        auto read = check_table_file(*database_->db, file);
        if (!read.ok()) return database_->noted(std::move(read).error());
        return read;
    }

    Result<void> write(const ports::WriteBatch& batch) override {
        rocksdb::WriteBatch together;
        for (const ports::WriteBatch::Write& write : batch.writes()) {
            rocksdb::ColumnFamilyHandle* family = database_->family(write.map);
            const rocksdb::Status status =
                write.value ? together.Put(family, slice_of(write.key), slice_of(*write.value))
                            : together.Delete(family, slice_of(write.key));
            if (!status.ok()) return database_->failure(status);
        }
        rocksdb::WriteOptions options;
        options.disableWAL = true;
        const rocksdb::Status status = database_->db->Write(options, &together);
        if (!status.ok()) return database_->failure(status);
        return success();
    }

    Result<void> flush() override {
        const rocksdb::Status status = database_->db->Flush({}, database_->families);
        if (!status.ok()) return database_->failure(status);
        return success();
    }

    std::shared_ptr<const ports::Reader> snapshot() const override {
        return std::make_shared<RocksSnapshot>(database_);
    }

    Result<void> damage() const override {
        if (!database_->is_damaged) return success();
        CHECK(check_not_marked(database_->path));
        return fail(KeyValueError::damaged, database_->path);
    }

    Result<void> checkpoint(const std::string& path) override {
        rocksdb::Checkpoint* made = nullptr;
        rocksdb::Status status = rocksdb::Checkpoint::Create(database_->db.get(), &made);
        const std::unique_ptr<rocksdb::Checkpoint> owned(made);
        // Flushes all maps together first: there is no log that could hold the rest.
        if (status.ok()) status = owned->CreateCheckpoint(path);
        if (!status.ok()) return error_of(status);  // It may be about the other folder.
        return success();
    }

private:
    std::shared_ptr<const Database> database_;
};

/// True if the folder holds a database already. Table files without the file that names the
/// current manifest are the remains of one, which RocksDB would silently start afresh.
Result<bool> database_exists(const std::string& path) {
    std::error_code failed;
    std::filesystem::create_directories(path, failed);
    if (failed) return fail(KeyValueError::io_failed, path + ": " + failed.message());
    if (std::filesystem::exists(path + "/CURRENT", failed)) return true;
    for (std::filesystem::directory_iterator entry(path, failed), end; !failed && entry != end;
         entry.increment(failed)) {
        if (entry->path().extension() == ".sst") {
            return fail(KeyValueError::damaged, path + "/CURRENT is missing");
        }
    }
    if (failed) return fail(KeyValueError::io_failed, path + ": " + failed.message());
    return false;
}

/// Every family must be one that we know: RocksDB opens all of them or none.
Result<void> check_families(const std::string& path) {
    std::vector<std::string> present;
    const rocksdb::Status status =
        rocksdb::DB::ListColumnFamilies(database_options(), path, &present);
    if (!status.ok()) return error_of(status);
    const auto unknown = std::find_if(present.begin(), present.end(), [](const std::string& name) {
        return std::find(family_names.begin(), family_names.end(), name) == family_names.end();
    });
    if (unknown != present.end()) {
        return fail(KeyValueError::newer_format, path + " has a map named '" + *unknown + "'");
    }
    return success();
}

/// RocksDB has no status of its own for a lock that is held, here or by another process.
bool says_locked(const rocksdb::Status& status) {
    const std::string text = status.ToString();
    return status.IsIOError() && (text.find("While lock file") != std::string::npos ||
                                  text.find("lock hold by current process") != std::string::npos);
}

Result<void> check_empty(const ports::KeyValue& store, const std::string& path) {
    for (uint8_t map = 0; map < ports::map_count; ++map) {
        bool empty = true;
        CHECK(store.scan(Map(map), {}, {}, [&](ByteView, ByteView) { return empty = false; }));
        if (!empty) return fail(KeyValueError::damaged, path + " does not say its format");
    }
    return success();
}

Result<void> check_identity(ports::KeyValue& store, const std::string& path, ByteView network_id) {
    TRY(format, store.get(Map::meta, view_of(format_key)));
    TRY(network, store.get(Map::meta, view_of(network_key)));
    if (!format && !network) {
        CHECK(check_empty(store, path));
        ports::WriteBatch batch;
        Bytes version;
        append_u32(version, format_version);
        batch.put(Map::meta, copy_of(view_of(format_key)), std::move(version));
        batch.put(Map::meta, copy_of(view_of(network_key)), copy_of(network_id));
        CHECK(store.write(batch));
        return store.flush();
    }
    if (!format || format->size() != 4 || !network) {
        return fail(KeyValueError::damaged, path + " does not say its format");
    }
    const uint32_t found = read_u32(*format);
    if (found > format_version) {
        return fail(KeyValueError::newer_format, path + " has format " + std::to_string(found) +
                                                     ", this version knows up to " +
                                                     std::to_string(format_version));
    }
    if (found < format_version) {
        return Error{"database_older",
                     "the data directory was written by an older version of tally, whose data this "
                     "one does not read",
                     "Run that version",
                     path + " has format " + std::to_string(found) + ", this version reads " +
                         std::to_string(format_version)};
    }
    if (!equal(*network, network_id)) {
        return fail(KeyValueError::other_network,
                    path + " holds network " + to_hex(*network) + ", not " + to_hex(network_id));
    }
    return success();
}

}  // namespace

Result<std::unique_ptr<RocksDatabase>> open_rocks(const std::string& path, ByteView network_id,
                                                  uint64_t room_bytes_min) {
    TRY(exists, database_exists(path));
    if (exists) CHECK(check_families(path));

    // Few shards: what is larger than one is never kept, and the filter of a large file would be
    // read again, megabytes of it, for every key that is looked for.
    const auto cache = rocksdb::NewLRUCache(cache_bytes, cache_shard_bits);
    std::vector<rocksdb::ColumnFamilyDescriptor> wanted;
    for (uint8_t map = 0; map < ports::map_count; ++map) {
        wanted.emplace_back(family_names[map], family_options(Map(map), cache));
    }
    auto database = std::make_shared<Database>();
    database->env = rocksdb::NewCompositeEnv(
        file_system_with_room(rocksdb::FileSystem::Default(), room_bytes_min));
    rocksdb::DBOptions options = database_options();
    options.env = database->env.get();
    options.info_log = database_log(path);
    rocksdb::DB* db = nullptr;
    const rocksdb::Status status =
        rocksdb::DB::Open(options, path, wanted, &database->families, &db);
    if (says_locked(status)) return fail(KeyValueError::locked, path);
    if (!status.ok()) return error_of(status);
    database->db.reset(db);
    database->path = path;
    if (!check_not_marked(path).ok()) database->is_damaged = true;

    auto store = std::make_unique<RocksKeyValue>(std::move(database));
    CHECK(check_identity(*store, path, network_id));
    return std::unique_ptr<RocksDatabase>(std::move(store));
}

}  // namespace tally::io
