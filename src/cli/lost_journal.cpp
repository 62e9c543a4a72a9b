#include "cli/lost_journal.hpp"

#include <filesystem>
#include <sstream>

#include "cli/output.hpp"
#include "node/chain_store.hpp"

namespace tally::cli {
namespace {

/// More than a segment's header, and far less than what one decided slot leaves behind.
constexpr uint64_t empty_bytes_max = 256;
/// Inside the journal's folder, so that it leaves with what it speaks of.
constexpr const char* mark_name = "/lost";
constexpr size_t mark_bytes_max = 1'024;

uint64_t bytes_in(const std::string& folder) {
    uint64_t bytes = 0;
    std::error_code failed;
    for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end;
         at.increment(failed)) {
        std::error_code gone;
        const auto size = at->file_size(gone);
        if (!gone) bytes += size;
    }
    return bytes;
}

}  // namespace

Result<std::optional<std::string>> why_journal_is_lost(const std::string& journal_folder,
                                                       const model::Charter& charter,
                                                       const ports::KeyValue& database) {
    std::error_code failed;
    const std::string mark = journal_folder + mark_name;
    if (std::filesystem::exists(mark, failed)) {
        TRY(why, read_file(mark, mark_bytes_max));
        return std::optional(why);
    }
    if (!is_journal_empty(journal_folder)) return std::optional<std::string>();
    const auto snapshot = database.snapshot();
    const node::ChainReader stored(*snapshot);
    TRY(epoch, stored.epoch());
    // The journal of a new epoch begins with its first start.
    if (epoch.value < charter.beginnings.size()) return std::optional<std::string>();
    const auto& ledgers = charter.body.ledgers;
    for (size_t i = 0; i < ledgers.size(); ++i) {
        TRY(at, stored.mark({uint16_t(i)}));
        if (at && at->height.value > 0)
            return std::optional(journal_folder + " is missing or empty, while block " +
                                 std::to_string(at->height.value) + " of " + ledgers[i].name +
                                 " is executed");
    }
    return std::optional<std::string>();
}

bool is_journal_empty(const std::string& journal_folder) {
    return bytes_in(journal_folder) <= empty_bytes_max;
}

Result<void> mark_journal_lost(const std::string& journal_folder, const std::string& why) {
    std::error_code failed;
    std::filesystem::create_directories(journal_folder, failed);
    if (failed) return fail(FileError::unwritable, journal_folder + ": " + failed.message());
    return write_file(journal_folder + mark_name, why, false, true);
}

Result<std::optional<uint64_t>> read_start_counter(const std::string& path, Epoch epoch) {
    std::error_code failed;
    if (!std::filesystem::exists(path, failed)) return std::optional<uint64_t>();
    TRY(text, read_file(path, 64));
    std::istringstream line(text);
    uint32_t counted_in = 0;
    uint64_t count = 0;
    std::string word, rest;
    if (!(line >> word >> counted_in >> count) || word != "epoch" || line >> rest)
        return fail(FileError::bad_content, path + " is not a count of starts");
    return counted_in == epoch.value ? std::optional(count) : std::nullopt;
}

Result<void> write_start_counter(const std::string& path, Epoch epoch, uint64_t count) {
    return write_file(path,
                      "epoch " + std::to_string(epoch.value) + " " + std::to_string(count) + "\n",
                      false, true);
}

}  // namespace tally::cli
