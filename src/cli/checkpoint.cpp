#include "cli/checkpoint.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <filesystem>

#include "cli/output.hpp"
#include "ports/disk.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;
namespace files = std::filesystem;

std::string folder_of(const std::string& data_folder) {
    return data_folder + "/checkpoint";
}

bool is_segment(const std::string& name) {
    return name.starts_with("journal-");
}

Result<void> link_journal(const std::string& from, const std::string& to) {
    std::error_code failed;
    files::create_directory(to, failed);
    for (files::directory_iterator at(from, failed), end; !failed && at != end;
         at.increment(failed)) {
        const std::string name = at->path().filename().string();
        if (is_segment(name)) files::create_hard_link(at->path(), files::path(to) / name, failed);
        if (failed) break;
    }
    if (failed) return fail(ports::DiskError::io_failed, to + ": " + failed.message());
    return success();
}

Result<bj::array> list_files(const std::string& folder, const std::string& part) {
    std::error_code failed;
    bj::array list;
    for (files::directory_iterator at(files::path(folder) / part, failed), end;
         !failed && at != end; at.increment(failed)) {
        const auto bytes = at->file_size(failed);
        if (failed) break;
        list.push_back(bj::object{{"path", part + "/" + at->path().filename().string()},
                                  {"bytes", uint64_t(bytes)}});
    }
    if (failed) return fail(ports::DiskError::io_failed, folder + ": " + failed.message());
    return list;
}

Result<bj::object> checkpoint(const std::string& data_folder, io::RocksDatabase& database) {
    remove_checkpoint(data_folder);
    const std::string folder = folder_of(data_folder);
    std::error_code failed;
    files::create_directory(folder, failed);
    if (failed) return fail(ports::DiskError::io_failed, folder + ": " + failed.message());
    CHECK(database.checkpoint(folder + "/database"));
    CHECK(link_journal(data_folder + "/journal", folder + "/journal"));
    TRY(all, list_files(folder, "database"));
    TRY(journal, list_files(folder, "journal"));
    for (auto& one : journal) all.push_back(std::move(one));
    return bj::object{{"files", std::move(all)}};
}

}  // namespace

void remove_checkpoint(const std::string& data_folder) {
    std::error_code failed;
    files::remove_all(folder_of(data_folder), failed);
}

std::string make_checkpoint(const std::string& data_folder, io::RocksDatabase& database,
                            const node::Status& status, Participant self) {
    auto made = checkpoint(data_folder, database);
    if (!made.ok()) {
        const Error& error = made.error();
        return compact(bj::object{{"error",
                                   {{"code", error.code},
                                    {"message", std::string(error.cause) + ": " + error.detail},
                                    {"next", error.next}}}});
    }
    bj::array ledgers;
    for (const auto& ledger : status.ledgers)
        ledgers.push_back(bj::object{{"name", ledger.name}, {"executed", ledger.executed.value}});
    bj::object answer = std::move(*made);
    answer["network"] = status.network.hex();
    answer["participant"] = status.participant;
    answer["index"] = self.value;
    answer["epoch"] = status.epoch.value;
    answer["slot"] = status.decided.value;
    answer["ledgers"] = std::move(ledgers);
    return compact(answer);
}

}  // namespace tally::cli
