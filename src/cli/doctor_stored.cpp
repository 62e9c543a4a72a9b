#include "cli/doctor_stored.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <filesystem>

#include "cli/lost_journal.hpp"
#include "cli/old_epoch.hpp"
#include "io/file_handle.hpp"
#include "io/rocks_files.hpp"
#include "model/recovery.hpp"
#include "node/journal_network.hpp"
#include "store/journal.hpp"

namespace tally::cli {
namespace {

namespace fs = std::filesystem;

/// The journal's files, of which nothing is changed: what recovery cuts off, for a crash left it
/// half written, it only believes to have cut off.
class UnchangedFiles final : public ports::Disk {
public:
    explicit UnchangedFiles(std::string folder) : folder_(std::move(folder)) {}
    Result<std::vector<std::string>> list() const override {
        std::vector<std::string> names;
        std::error_code failed;
        for (fs::directory_iterator at(folder_, failed), end; !failed && at != end;
             at.increment(failed)) {
            auto name = at->path().filename().string();
            if (name.starts_with("journal-")) names.push_back(std::move(name));
        }
        if (failed) return fail(ports::DiskError::io_failed, folder_ + ": " + failed.message());
        std::sort(names.begin(), names.end());
        return names;
    }
    Result<Bytes> read(const std::string& name, uint64_t offset, size_t length_max) const override {
        TRY(file, io::open_file(folder_ + "/" + name, O_RDONLY | O_CLOEXEC));
        return io::read_at(file, offset, length_max);
    }
    Result<uint64_t> size(const std::string& name) const override {
        std::error_code failed;
        const auto bytes = fs::file_size(folder_ + "/" + name, failed);
        if (failed) return fail(ports::DiskError::not_found, name + ": " + failed.message());
        return uint64_t{bytes};
    }
    void append(const std::string& /*name*/, Bytes /*bytes*/) override {}
    uint64_t sync() override { return ++ticket_; }
    Result<void> truncate(const std::string& /*name*/, uint64_t /*size*/) override {
        return success();
    }
    Result<void> remove(const std::string& /*name*/) override { return success(); }

private:
    std::string folder_;
    uint64_t ticket_ = 0;
};

/// A process has it open, though it does not answer: it may be starting.
bool is_locked(const std::string& journal_folder) {
    const auto lock = io::open_file(journal_folder + "/lock", O_RDONLY | O_CLOEXEC);
    return lock.ok() && ::flock(lock->descriptor(), LOCK_SH | LOCK_NB) != 0;
}

Finding damaged(const std::string& check, const Error& error) {
    return {Health::failed, check, std::string(error.cause), error.detail, std::string(error.next)};
}

Finding examine_journal(const std::string& folder, const store::JournalIdentity& identity) {
    const std::string check = "journal";
    UnchangedFiles files(folder);
    uint64_t records = 0;
    const auto journal = store::Journal::open(
        files, identity, [&](uint8_t, ByteView, const store::JournalPosition&) { ++records; });
    if (!journal.ok()) return damaged(check, journal.error());
    return {Health::ok, check, std::to_string(records) + " records, each as it was written"};
}

Finding examine_database(const std::string& folder) {
    const std::string check = "database";
    if (const auto marked = io::check_not_marked(folder); !marked.ok())
        return damaged(check, marked.error());
    const auto read = io::check_folder(folder);
    if (!read.ok()) return damaged(check, read.error());
    return {Health::ok, check,
            std::to_string(*read / 1024) + " KiB in files, each as it was written"};
}

}  // namespace

Findings examine_stored(const std::string& data, const model::Charter& charter, Participant self,
                        const ParticipantKeyFile& keys) {
    Findings findings;
    std::error_code failed;
    const std::string journal = data + "/journal";
    if (is_locked(journal))
        return {{Health::warning, "journal", "a process has it open that does not answer",
                 "it may be starting, or be of another configuration",
                 "Ask again in a minute, and see which process it is"}};
    if (fs::is_directory(journal, failed) && !is_journal_empty(journal)) {
        const model::Epochs epochs(charter);
        const auto signer = ed25519_signer(keys.keys().signing);
        findings.push_back(examine_journal(
            journal,
            {node::journal_network(model::network_id_of(charter.body), epochs.current().epoch),
             self, journal_key_of(*signer)}));
    }
    const std::string database = data + "/database";
    if (fs::exists(database + "/CURRENT", failed)) findings.push_back(examine_database(database));
    return findings;
}

}  // namespace tally::cli
