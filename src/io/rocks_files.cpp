#include "io/rocks_files.hpp"

#include <rocksdb/db.h>
#include <rocksdb/metadata.h>
#include <rocksdb/sst_file_reader.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>

namespace tally::io {
namespace {

using ports::KeyValueError;

constexpr size_t mark_bytes_max = 1'000;

rocksdb::Status verify(const rocksdb::Options& options, const std::string& file) {
    rocksdb::SstFileReader reader(options);
    rocksdb::Status status = reader.Open(file);
    if (status.ok()) status = reader.VerifyChecksum();
    return status;
}

/// RocksDB makes a file for what it has to say, if nobody listens.
class NoLog final : public rocksdb::Logger {
public:
    void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

std::string mark_of(const std::string& folder) {
    return folder + "/DAMAGED";
}

}  // namespace

Error error_of(const rocksdb::Status& status) {
    const bool file_missing = status.IsIOError() && status.IsPathNotFound();
    const bool damaged = status.IsCorruption() || file_missing;
    return fail(damaged ? KeyValueError::damaged : KeyValueError::io_failed, status.ToString());
}

std::vector<std::string> table_files(rocksdb::DB& db) {
    std::vector<rocksdb::LiveFileMetaData> all;
    db.GetLiveFilesMetaData(&all);
    std::vector<std::string> paths;
    paths.reserve(all.size());
    for (const auto& file : all) paths.push_back(file.db_path + file.name);
    std::sort(paths.begin(), paths.end());
    return paths;
}

Result<uint64_t> check_table_file(rocksdb::DB& db, const std::string& file) {
    const rocksdb::Status status = verify(db.GetOptions(), file);
    std::error_code failed;
    const uint64_t bytes = std::filesystem::file_size(file, failed);
    if (status.ok()) return failed ? 0 : bytes;
    const auto used = table_files(db);
    if (!std::binary_search(used.begin(), used.end(), file)) return uint64_t{0};
    return error_of(status);
}

Result<uint64_t> check_folder(const std::string& folder) {
    rocksdb::DBOptions options;
    options.info_log = std::make_shared<NoLog>();
    std::vector<std::string> names;
    rocksdb::Status status = rocksdb::DB::ListColumnFamilies(options, folder, &names);
    if (!status.ok()) return error_of(status);
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    families.reserve(names.size());
    for (const auto& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* opened = nullptr;
    status = rocksdb::DB::OpenForReadOnly(options, folder, families, &handles, &opened);
    if (!status.ok()) return error_of(status);
    const std::unique_ptr<rocksdb::DB> db(opened);
    uint64_t bytes = 0;
    std::optional<Error> error;
    for (const auto& file : table_files(*db)) {
        const auto read = check_table_file(*db, file);
        if (read.ok()) bytes += *read;
        if (!read.ok() && !error) error = read.error();
    }
    for (auto* handle : handles) (void)db->DestroyColumnFamilyHandle(handle);
    if (error) return *std::move(error);
    return bytes;
}

void mark_damaged(const std::string& folder, const Error& why) {
    std::ofstream(mark_of(folder)) << why.detail << '\n';
}

Result<void> check_not_marked(const std::string& folder) {
    std::ifstream mark(mark_of(folder));
    if (!mark) return success();
    std::string why(std::istreambuf_iterator<char>(mark), {});
    why.resize(std::min(why.size(), mark_bytes_max));
    while (!why.empty() && why.back() == '\n') why.pop_back();
    return fail(KeyValueError::damaged, folder + " was found damaged while it was in use: " + why);
}

}  // namespace tally::io
