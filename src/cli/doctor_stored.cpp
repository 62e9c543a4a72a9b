#include "cli/doctor_stored.hpp"

#include <filesystem>

#include "cli/lost_journal.hpp"
#include "cli/old_epoch.hpp"
#include "io/file_disk.hpp"
#include "io/rocks_files.hpp"
#include "model/recovery.hpp"
#include "node/journal_network.hpp"
#include "store/journal.hpp"

namespace tally::cli {
namespace {

/// Recovery cuts off what a crash left half written; here it only believes that it did.
class UnchangedDisk final : public ports::Disk {
public:
    explicit UnchangedDisk(const ports::Disk& disk) : disk_(disk) {}
    Result<std::vector<std::string>> list() const override { return disk_.list(); }
    Result<Bytes> read(const std::string& name, uint64_t offset, size_t length_max) const override {
        return disk_.read(name, offset, length_max);
    }
    Result<uint64_t> size(const std::string& name) const override { return disk_.size(name); }
    void append(const std::string& /*name*/, Bytes /*bytes*/) override {}
    uint64_t sync() override { return ++ticket_; }
    Result<void> truncate(const std::string& /*name*/, uint64_t /*size*/) override {
        return success();
    }
    Result<void> remove(const std::string& /*name*/) override { return success(); }

private:
    const ports::Disk& disk_;
    uint64_t ticket_ = 0;
};

Finding damaged(const std::string& check, const Error& error) {
    return {Health::failed, check, std::string(error.cause), error.detail, std::string(error.next)};
}

Finding examine_journal(const std::string& folder, const store::JournalIdentity& identity) {
    const std::string check = "journal";
    const auto disk = io::open_file_disk(folder, {[](uint64_t) {}, [](const Error&) {}});
    if (!disk.ok()) return damaged(check, disk.error());
    UnchangedDisk unchanged(**disk);
    uint64_t records = 0;
    const auto journal = store::Journal::open(
        unchanged, identity, [&](uint8_t, ByteView, const store::JournalPosition&) { ++records; });
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
    if (std::filesystem::is_directory(journal, failed) && !is_journal_empty(journal)) {
        const model::Epochs epochs(charter);
        const auto signer = ed25519_signer(keys.keys().signing);
        findings.push_back(examine_journal(
            journal,
            {node::journal_network(model::network_id_of(charter.body), epochs.current().epoch),
             self, journal_key_of(*signer)}));
    }
    const std::string database = data + "/database";
    if (std::filesystem::exists(database + "/CURRENT", failed))
        findings.push_back(examine_database(database));
    return findings;
}

}  // namespace tally::cli
