#include "cli/backup.hpp"

#include <fcntl.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <filesystem>

#include "cli/output.hpp"
#include "io/file_handle.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;

constexpr size_t manifest_bytes_max = size_t{64} * 1024 * 1024;
constexpr size_t piece_bytes = size_t{1} << 20;

Error damaged(const std::string& what) {
    return fail(BackupError::damaged, what);
}

Result<std::string> required_text(const bj::object& object, const char* name) {
    const auto* value = object.if_contains(name);
    if (value == nullptr || !value->is_string())
        return damaged(std::string("backup.json: no text ") + name);
    return std::string(value->get_string());
}
Result<uint64_t> required_number(const bj::object& object, const char* name) {
    const auto* value = object.if_contains(name);
    if (value == nullptr || !value->is_int64() || value->get_int64() < 0)
        return damaged(std::string("backup.json: no number ") + name);
    return uint64_t(value->get_int64());
}
Result<bj::array> required_list(const bj::object& object, const char* name) {
    const auto* value = object.if_contains(name);
    if (value == nullptr || !value->is_array())
        return damaged(std::string("backup.json: no list ") + name);
    return value->get_array();
}

bool is_plain_name(std::string_view name) {
    return !name.empty() && name.front() != '.' && name.size() < 256 &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_' || c == '.';
           });
}

Result<BackupFile> read_entry(const bj::value& entry) {
    if (!entry.is_object()) return damaged("backup.json: a file that is no object");
    BackupFile file;
    TRY(path, required_text(entry.get_object(), "path"));
    TRY(bytes, required_number(entry.get_object(), "bytes"));
    TRY(hex, required_text(entry.get_object(), "sha256"));
    const auto hash = hash_from_hex(hex);
    if (!hash.ok() || !is_backup_path(path)) return damaged("backup.json: the file " + path);
    return BackupFile{path, bytes, *hash};
}

/// The file's content, piece by piece: exactly `bytes`, or an error.
template <class Each>
Result<Hash> read_pieces(const std::string& path, uint64_t bytes, const Each& each) {
    TRY(file, io::open_file(path, O_RDONLY));
    Hasher hasher;
    for (uint64_t offset = 0; offset < bytes;) {
        TRY(piece,
            io::read_at(file, offset, size_t(std::min<uint64_t>(piece_bytes, bytes - offset))));
        if (piece.empty())
            return fail(BackupError::incomplete, path + " ends after " + std::to_string(offset) +
                                                     " of " + std::to_string(bytes) + " bytes");
        hasher.add(piece);
        CHECK(each(offset, piece));
        offset += piece.size();
    }
    return hasher.finish();
}

}  // namespace

ErrorText describe(BackupError error) {
    switch (error) {
    case BackupError::incomplete:
        return {"backup_incomplete", "the backup is not whole",
                "It was not finished, or files were lost: take another one"};
    case BackupError::damaged:
        return {"backup_damaged", "the backup is not what was written", "Take another one"};
    case BackupError::newer:
        return {"backup_newer", "the backup was made by a newer version of tally",
                "Restore it with that version, or a later one"};
    case BackupError::foreign:
        return {"backup_foreign", "the backup is of another participant or network",
                "Give that one's configuration, or another backup"};
    case BackupError::not_empty:
        return {"folder_not_empty", "there is something in the folder already",
                "Name another folder, or move what is in this one away"};
    }
    std::abort();
}

uint64_t BackupManifest::bytes() const {
    uint64_t sum = 0;
    for (const auto& file : files) sum += file.bytes;
    return sum;
}

bj::object BackupManifest::json() const {
    bj::array ledger_list, file_list;
    for (const auto& [name, executed] : ledgers)
        ledger_list.push_back(bj::object{{"name", name}, {"executed", executed}});
    for (const auto& file : files)
        file_list.push_back(
            bj::object{{"path", file.path}, {"bytes", file.bytes}, {"sha256", file.hash.hex()}});
    return {{"tally_backup", backup_format},
            {"network", network},
            {"participant", participant},
            {"index", index},
            {"epoch", epoch},
            {"slot", slot},
            {"ledgers", ledger_list},
            {"time_us", time_us},
            {"files", file_list}};
}

Result<BackupManifest> parse_manifest(const std::string& text) {
    boost::system::error_code failed;
    const bj::value parsed = bj::parse(text, failed);
    if (failed || !parsed.is_object()) return damaged("backup.json is no JSON object");
    const bj::object& object = parsed.get_object();
    TRY(format, required_number(object, "tally_backup"));
    if (format > backup_format)
        return fail(BackupError::newer, "it has format " + std::to_string(format) +
                                            ", this version knows up to " +
                                            std::to_string(backup_format));
    BackupManifest manifest;
    TRY(network, required_text(object, "network"));
    TRY(participant, required_text(object, "participant"));
    TRY(index, required_number(object, "index"));
    TRY(epoch, required_number(object, "epoch"));
    TRY(slot, required_number(object, "slot"));
    TRY(ledgers, required_list(object, "ledgers"));
    TRY(time_us, required_number(object, "time_us"));
    TRY(files, required_list(object, "files"));
    manifest.network = network;
    manifest.participant = participant;
    manifest.index = index;
    manifest.epoch = epoch;
    manifest.slot = slot;
    manifest.time_us = time_us;
    for (const auto& one : ledgers) {
        if (!one.is_object()) return damaged("backup.json: a ledger that is no object");
        TRY(name, required_text(one.get_object(), "name"));
        TRY(executed, required_number(one.get_object(), "executed"));
        manifest.ledgers.emplace_back(name, executed);
    }
    for (const auto& one : files) {
        TRY(file, read_entry(one));
        manifest.files.push_back(file);
    }
    return manifest;
}

Result<BackupManifest> read_manifest(const std::string& backup) {
    const std::string path = backup + "/backup.json";
    std::error_code failed;
    if (!std::filesystem::exists(path, failed))
        return fail(BackupError::incomplete, backup + " has no backup.json");
    TRY(text, read_file(path, manifest_bytes_max));
    TRY(manifest, parse_manifest(text));
    CHECK(check_names(manifest));
    return manifest;
}

Result<void> check_names(const BackupManifest& manifest) {
    // A database names its files in the file that CURRENT names.
    for (const std::string part :
         {"database/CURRENT", "database/MANIFEST-", "journal/journal-", "charter"}) {
        if (std::none_of(manifest.files.begin(), manifest.files.end(),
                         [&](const auto& file) { return file.path.starts_with(part); }))
            return fail(BackupError::incomplete, "backup.json names no file " + part);
    }
    return success();
}

bool is_backup_path(const std::string& path) {
    if (path == "charter" || path == "keys") return true;
    const size_t slash = path.find('/');
    if (slash == std::string::npos) return false;
    const std::string_view folder = std::string_view(path).substr(0, slash);
    const std::string_view name = std::string_view(path).substr(slash + 1);
    return is_plain_name(name) &&
           (folder == "database" || (folder == "journal" && name.starts_with("journal-")));
}

Result<Hash> copy_file(const std::string& from, const std::string& to, uint64_t bytes,
                       const OnBytes& on_bytes) {
    TRY(target, io::open_file(to, O_WRONLY | O_CREAT | O_EXCL));
    TRY(hash, read_pieces(from, bytes, [&](uint64_t offset, const Bytes& piece) -> Result<void> {
            CHECK(io::write_at(target, offset, piece));
            on_bytes(piece.size());
            return success();
        }));
    CHECK(io::sync_all(target));
    return hash;
}

Result<void> check_files(const std::string& backup, const BackupManifest& manifest,
                         const OnBytes& on_bytes) {
    for (const auto& file : manifest.files) {
        const std::string path = backup + "/" + file.path;
        std::error_code failed;
        const auto size = std::filesystem::file_size(path, failed);
        if (failed) return fail(BackupError::incomplete, path + " is missing");
        if (size != file.bytes)
            return fail(BackupError::incomplete, path + " has " + std::to_string(size) +
                                                     " bytes, not " + std::to_string(file.bytes));
        TRY(hash, read_pieces(path, file.bytes, [&](uint64_t, const Bytes& piece) -> Result<void> {
                on_bytes(piece.size());
                return success();
            }));
        if (hash != file.hash) return damaged(path + " is not the file that was written");
    }
    return success();
}

Result<void> check_empty(const std::string& folder) {
    std::error_code failed;
    if (!std::filesystem::exists(folder, failed)) return success();
    if (!std::filesystem::is_directory(folder, failed) ||
        !std::filesystem::is_empty(folder, failed))
        return fail(BackupError::not_empty, folder);
    return success();
}

}  // namespace tally::cli
