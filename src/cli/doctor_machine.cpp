#include "cli/doctor_machine.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "cli/output.hpp"

namespace tally::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int syncs = 20;
constexpr size_t sync_bytes = 4'096;

std::string system_says() {
    return std::strerror(errno);
}

Finding examine_space_of(const std::string& folder, Findings& findings) {
    struct statvfs space {};
    if (::statvfs(folder.c_str(), &space) != 0)
        return {Health::failed, "disk space", "not known for " + folder, system_says(),
                "Check the path, and that you may read it"};
    auto judged = judge_space({space.f_blocks * space.f_frsize, space.f_bavail * space.f_frsize,
                               space.f_files, space.f_favail},
                              folder);
    Finding last = std::move(judged.back());
    judged.pop_back();
    for (auto& finding : judged) findings.push_back(std::move(finding));
    return last;
}

/// Appends and syncs as the journal does, in a file that has no name any more.
Finding examine_syncs(const std::string& folder) {
    const auto could_not = [&] {
        return Finding{Health::failed, "sync latency", "not measured in " + folder, system_says(),
                       "Run it as a user who may write there; a disk that fails a sync must be "
                       "replaced"};
    };
    std::string name = folder + "/.tally-doctor-XXXXXX";
    const int file = ::mkstemp(name.data());
    if (file < 0) return could_not();
    ::unlink(name.c_str());
    const std::string block(sync_bytes, 'x');
    std::vector<uint64_t> times_us;
    for (int i = 0; i < syncs; ++i) {
        const auto start = Clock::now();
        if (::write(file, block.data(), block.size()) != ssize_t(block.size()) ||
            ::fdatasync(file) != 0) {
            auto failed = could_not();
            ::close(file);
            return failed;
        }
        times_us.push_back(uint64_t(
            std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count()));
    }
    ::close(file);
    return judge_syncs(std::move(times_us));
}

/// A file that another user made, by a start as root say, stops the participant later.
Finding examine_owners(const std::string& data) {
    const std::string check = "data owner";
    struct stat top {};
    if (::stat(data.c_str(), &top) != 0)
        return {Health::failed, check, "not known for " + data, system_says(),
                "Run it as a user who may read it"};
    std::error_code failed;
    for (auto at = fs::recursive_directory_iterator(data, failed);
         !failed && at != fs::recursive_directory_iterator(); at.increment(failed)) {
        struct stat one {};
        if (::lstat(at->path().c_str(), &one) != 0 || one.st_uid == top.st_uid) continue;
        return {Health::failed, check, at->path().string() + " belongs to another user",
                "the participant may not be able to use it",
                "chown -R --reference=" + data + " " + data};
    }
    if (failed)
        return {Health::warning, check, "not all of " + data + " could be read", failed.message(),
                "Run it as the data's owner or as root"};
    return {Health::ok, check, "all of " + data + " belongs to one user"};
}

}  // namespace

ClockReading read_clock() {
    timex kernel{};
    const int state = ::adjtimex(&kernel);
    if (state < 0) return {};
    ClockReading reading;
    reading.known = true;
    reading.synchronised = state != TIME_ERROR && (kernel.status & STA_UNSYNC) == 0;
    reading.error_us_max = uint64_t(std::max<long>(kernel.maxerror, 0));
    return reading;
}

std::string nearest_folder(const std::string& folder) {
    fs::path path = fs::absolute(folder).lexically_normal();
    std::error_code failed;
    while (!fs::is_directory(path, failed) && path.has_parent_path() && path != path.parent_path())
        path = path.parent_path();
    return path.string();
}

Findings examine_folder(const std::string& data) {
    Findings findings;
    const std::string folder = nearest_folder(data);
    auto inodes = examine_space_of(folder, findings);
    findings.push_back(std::move(inodes));
    findings.push_back(examine_syncs(folder));
    std::error_code failed;
    if (fs::is_directory(data, failed)) findings.push_back(examine_owners(data));
    return findings;
}

Finding examine_data(const std::string& data, bool runs) {
    std::error_code failed;
    const std::string check = "data";
    uint64_t segments = 0, bytes = 0;
    for (fs::directory_iterator at(data + "/journal", failed), end; !failed && at != end;
         at.increment(failed)) {
        if (!at->path().filename().string().starts_with("journal-")) continue;
        std::error_code gone;
        const auto size = at->file_size(gone);
        segments += 1;
        bytes += gone ? 0 : size;
    }
    const bool database = fs::exists(data + "/database/CURRENT", failed);
    if (fs::exists(data + "/journal/lost", failed))
        return {Health::warning, check, "a journal that is marked as lost, in " + data,
                "it was restored, and what was signed afterwards is unknown: this participant "
                "signs nothing in this epoch",
                "If the true journal is found, put its folder in place of this one"};
    if (segments == 0 && !database)
        return {Health::ok, check, "nothing yet: a first start begins it"};
    if (segments == 0 && runs) return {Health::ok, check, "a database; nothing was signed yet"};
    if (segments == 0)
        return {Health::warning, check, "a database without a journal in " + data,
                "if it ever executed a block, it cannot know what it has signed, and will sign "
                "nothing in this epoch",
                "If the journal was moved away, put its folder back"};
    std::string what = "journal of " + std::to_string(segments) + " files, " +
                       std::to_string(bytes / 1024) + " KiB";
    if (!database)
        return {Health::warning, check, what + ", and no database",
                "it is made again from the journal and the peers, which takes a while",
                "If it was not removed on purpose, look for why it is gone"};
    return {Health::ok, check, what + ", and a database"};
}

uint64_t own_descriptors_max() {
    rlimit limit{};
    return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

Result<FileReading> read_file_state(const std::string& path) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0)
        return fail(FileError::unreadable, path + ": " + system_says());
    return FileReading{path, found.st_mode, found.st_uid};
}

}  // namespace tally::cli
