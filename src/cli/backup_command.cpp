#include "cli/backup_command.hpp"

#include <fcntl.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <chrono>
#include <filesystem>

#include "cli/backup.hpp"
#include "cli/charter_draft.hpp"
#include "cli/clock.hpp"
#include "cli/control_socket.hpp"
#include "cli/key_file.hpp"
#include "cli/lost_journal.hpp"
#include "io/file_handle.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;
namespace files = std::filesystem;

/// Counts bytes, shown in KiB.
class ByteProgress {
public:
    ByteProgress(const std::string& what, uint64_t bytes, bool quiet)
        : bar_(what + ", KiB", (bytes + 1'023) / 1'024, quiet) {}
    void add(uint64_t bytes) {
        done_ += bytes;
        bar_.set(done_ / 1'024);
    }

private:
    Progress bar_;
    uint64_t done_ = 0;
};

Result<void> make_folder(const std::string& path) {
    std::error_code failed;
    files::create_directories(path, failed);
    if (failed) return fail(FileError::unwritable, path + ": " + failed.message());
    return success();
}

/// A folder that is removed again unless all went well.
class Unfinished {
public:
    explicit Unfinished(std::string path) : path_(std::move(path)) {}
    Unfinished(const Unfinished&) = delete;
    Unfinished& operator=(const Unfinished&) = delete;
    ~Unfinished() {
        std::error_code failed;
        if (!path_.empty()) files::remove_all(path_, failed);
    }
    void keep() { path_.clear(); }

private:
    std::string path_;
};

Result<void> sync_folder(const std::string& path) {
    TRY(folder, io::open_file(path, O_RDONLY | O_DIRECTORY));
    return io::sync_all(folder);
}

std::string at_heights(const BackupManifest& manifest) {
    std::string text = "slot " + std::to_string(manifest.slot);
    for (const auto& [name, executed] : manifest.ledgers)
        text += ", " + name + " at block " + std::to_string(executed);
    return text;
}

/// What the participant says that it holds still. Its errors come through as they are.
Result<BackupManifest> read_checkpoint(const std::string& line) {
    boost::system::error_code failed;
    const bj::value parsed = bj::parse(line, failed);
    if (failed || !parsed.is_object()) return ControlError::broken;
    bj::object answer = parsed.get_object();
    if (const auto* error = answer.if_contains("error"))
        return fail(ControlError::broken, "it says " + compact(*error));
    // The same as a manifest, but for the hashes, which are made while it is copied.
    answer["tally_backup"] = backup_format;
    answer["time_us"] = 0;
    if (auto* list = answer.if_contains("files"); list != nullptr && list->is_array()) {
        for (auto& file : list->get_array()) {
            if (file.is_object()) file.get_object()["sha256"] = Hash{}.hex();
        }
    }
    return parse_manifest(compact(answer));
}

Result<void> add_file(const std::string& from, const std::string& to, const char* name,
                      BackupManifest& manifest) {
    std::error_code failed;
    const auto bytes = files::file_size(from, failed);
    if (failed) return fail(FileError::unreadable, from + ": " + failed.message());
    TRY(hash, copy_file(from, to + "/" + name, bytes, [](uint64_t) {}));
    manifest.files.push_back({name, bytes, hash});
    return success();
}

/// Whether its journal is of the epoch that the configuration's charter is in.
Result<bool> check_owner(const BackupManifest& manifest, const std::string& config_path) {
    TRY(config, read_node_config(config_path));
    TRY(charter, read_charter(config.charter));
    TRY(keys, read_participant_keys(config.keys));
    const std::string network = model::network_id_of(charter.body).hex();
    if (manifest.network != network)
        return fail(BackupError::foreign,
                    "it is of network " + manifest.network + ", not " + network);
    const auto identity = keys.keys().identity.public_key();
    const auto& participants = charter.now().participants;
    if (manifest.index >= participants.size() ||
        participants[manifest.index].identity_key != identity)
        return fail(BackupError::foreign,
                    "it is of " + manifest.participant + ", and these are the keys of another");
    const size_t epoch = charter.beginnings.size();
    if (manifest.epoch > epoch)
        return fail(BackupError::foreign, "it is of epoch " + std::to_string(manifest.epoch) +
                                              ", and the charter names none after " +
                                              std::to_string(epoch));
    return manifest.epoch == epoch;
}

}  // namespace

Result<Exit> run_backup(const BackupOptions& options, const Output& output) {
    TRY(config, read_node_config(options.config));
    CHECK(check_empty(options.to));
    output.note("waiting for the participant to write down what it holds in memory");
    TRY(answer, ask_participant(config.data, "checkpoint"));
    TRY(manifest, read_checkpoint(answer.line));
    CHECK(make_folder(options.to + "/database"));
    CHECK(make_folder(options.to + "/journal"));
    {
        ByteProgress progress("copied", manifest.bytes(), output.json());
        for (auto& file : manifest.files) {
            TRY(hash,
                copy_file(config.data + "/checkpoint/" + file.path, options.to + "/" + file.path,
                          file.bytes, [&](uint64_t bytes) { progress.add(bytes); }));
            file.hash = hash;
        }
    }
    CHECK(add_file(config.charter, options.to, "charter", manifest));
    if (options.with_keys) CHECK(add_file(config.keys, options.to, "keys", manifest));
    for (const char* folder : {"/database", "/journal", ""})
        CHECK(sync_folder(options.to + folder));
    manifest.time_us = wall_now().value;
    CHECK(write_file(options.to + "/backup.json", pretty(manifest.json()) + "\n", false, false));
    CHECK(sync_folder(options.to));
    output.json_only(bj::object{{"backup", options.to},
                                {"participant", manifest.participant},
                                {"network", manifest.network},
                                {"slot", manifest.slot},
                                {"files", manifest.files.size()},
                                {"bytes", manifest.bytes()},
                                {"keys", options.with_keys}});
    output.line(options.to + ": " + manifest.participant + ", " + at_heights(manifest) + ", " +
                std::to_string(manifest.files.size()) + " files of " +
                std::to_string(manifest.bytes()) + " bytes");
    if (!options.with_keys) output.line("The keys are not in it: keep them elsewhere");
    return Exit::applied;
}

Result<Exit> run_restore(const RestoreOptions& options, const Output& output) {
    TRY(manifest, read_manifest(options.backup));
    bool with_journal = true;
    if (!options.config.empty()) {
        TRY(of_this_epoch, check_owner(manifest, options.config));
        with_journal = of_this_epoch;
    }
    {
        ByteProgress progress("checked", manifest.bytes(), output.json());
        CHECK(check_files(options.backup, manifest, [&](uint64_t bytes) { progress.add(bytes); }));
    }
    CHECK(check_empty(options.to));
    // Under another name until it is whole, so that nobody starts on a part of it.
    const files::path target = files::absolute(options.to).lexically_normal();
    std::string name = target.string();
    while (name.size() > 1 && name.back() == '/') name.pop_back();
    const std::string aside = name + ".restoring";
    std::error_code failed;
    // What an earlier one left unfinished, and nothing else, is begun anew.
    if (files::exists(aside, failed) && !files::exists(aside + "/journal/lost", failed))
        return fail(FileError::exists, aside);
    files::remove_all(aside, failed);
    Unfinished unfinished(aside);
    CHECK(mark_journal_lost(aside + "/journal", "it was restored from a backup of slot " +
                                                    std::to_string(manifest.slot)));
    CHECK(make_folder(aside + "/database"));
    {
        ByteProgress progress("restored", manifest.bytes(), output.json());
        for (const auto& file : manifest.files) {
            if (file.path.find('/') == std::string::npos) continue;  // Charter and keys.
            // That of an earlier epoch says nothing of this one.
            if (!with_journal && file.path.starts_with("journal/")) continue;
            TRY(hash, copy_file(options.backup + "/" + file.path, aside + "/" + file.path,
                                file.bytes, [&](uint64_t bytes) { progress.add(bytes); }));
            if (hash != file.hash)
                return fail(BackupError::damaged, file.path + " changed while it was copied");
        }
    }
    for (const char* folder : {"/database", "/journal", ""}) CHECK(sync_folder(aside + folder));
    files::rename(aside, name, failed);
    if (failed) return fail(FileError::unwritable, name + ": " + failed.message());
    unfinished.keep();
    CHECK(sync_folder(files::path(name).parent_path().string()));
    output.json_only(bj::object{{"restored", options.to},
                                {"participant", manifest.participant},
                                {"network", manifest.network},
                                {"slot", manifest.slot},
                                {"bytes", manifest.bytes()},
                                {"signs", false}});
    output.line(options.to + ": " + manifest.participant + ", " + at_heights(manifest));
    output.line(
        "A participant that starts on it follows, executes and serves, and signs nothing "
        "in this epoch");
    return Exit::applied;
}

}  // namespace tally::cli
