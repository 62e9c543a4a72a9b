#include "io/file_disk.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "io/file_handle.hpp"
#include "io/thread_name.hpp"

namespace tally::io {
namespace {

using ports::DiskError;

constexpr char lock_name[] = "lock";
constexpr size_t queued_bytes_max = 64 << 20;
/// So much is written before anyone asks for a sync, to keep the queue short.
constexpr size_t queued_bytes_lazy = 4 << 20;

/// Consecutive appends to one file, gathered.
struct Run {
    std::string name;
    uint64_t offset;
    Bytes bytes;
};
using Runs = std::vector<Run>;

Error about(const std::string& path, Error error) {
    error.detail = path + ": " + error.detail;
    return error;
}

class FileDisk : public ports::Disk {
public:
    FileDisk(std::string path, FileDiskEvents events, FileHandle folder, FileHandle lock,
             std::map<std::string, uint64_t> sizes)
        : path_(std::move(path)),
          events_(std::move(events)),
          folder_(std::move(folder)),
          lock_(std::move(lock)),
          sizes_(std::move(sizes)),
          thread_([this] { run(); }) {}

    ~FileDisk() override {
        {
            const std::lock_guard guard(mutex_);
            stopping_ = true;
        }
        wake_.notify_all();
        thread_.join();
    }

    Result<std::vector<std::string>> list() const override;
    Result<Bytes> read(const std::string& name, uint64_t offset, size_t length_max) const override;
    Result<uint64_t> size(const std::string& name) const override;
    void append(const std::string& name, Bytes bytes) override;
    uint64_t sync() override;
    Result<void> truncate(const std::string& name, uint64_t size) override;
    Result<void> remove(const std::string& name) override;

private:
    [[nodiscard]] std::string path_of(const std::string& name) const { return path_ + "/" + name; }
    void run();
    Result<void> write(const Runs& runs, bool durable);
    Result<void> open_for_writing(const std::string& name);
    Result<void> sync_written();

    const std::string path_;
    const FileDiskEvents events_;
    const FileHandle folder_;
    const FileHandle lock_;

    mutable std::mutex mutex_;
    std::condition_variable wake_;  // the thread: something to do
    std::condition_variable idle_;  // everyone else: a round is done
    std::map<std::string, uint64_t> sizes_;
    Runs queued_;
    Runs writing_;  // read by anyone under the mutex, changed by nobody while the thread writes
    size_t queued_bytes_ = 0;
    uint64_t asked_ = 0;   // ticket of the last sync() called
    uint64_t synced_ = 0;  // ticket of the last sync reported
    bool busy_ = false;    // the thread is between taking a round and reporting it
    bool failed_ = false;
    bool stopping_ = false;

    // The thread's own.
    std::string open_name_;
    std::optional<FileHandle> open_file_;
    bool unsynced_ = false;  // the open file has bytes that no fdatasync covers

    std::thread thread_;  // last, so that all else is there when it starts
};

Result<std::vector<std::string>> FileDisk::list() const {
    const std::lock_guard guard(mutex_);
    std::vector<std::string> names;
    for (const auto& entry : sizes_) names.push_back(entry.first);
    return names;
}

Result<uint64_t> FileDisk::size(const std::string& name) const {
    const std::lock_guard guard(mutex_);
    const auto found = sizes_.find(name);
    if (found == sizes_.end()) return fail(DiskError::not_found, path_of(name));
    return found->second;
}

Result<Bytes> FileDisk::read(const std::string& name, uint64_t offset, size_t length_max) const {
    Bytes tail;  // What is not in the file yet.
    uint64_t tail_offset = UINT64_MAX;
    {
        const std::lock_guard guard(mutex_);
        const auto found = sizes_.find(name);
        if (found == sizes_.end()) return fail(DiskError::not_found, path_of(name));
        if (offset >= found->second) return Bytes{};
        length_max = size_t(std::min<uint64_t>(length_max, found->second - offset));
        for (const Runs* runs : {&writing_, &queued_}) {
            for (const Run& run : *runs) {
                if (run.name != name || run.offset >= offset + length_max) continue;
                const uint64_t skip = offset > run.offset ? offset - run.offset : 0;
                if (skip >= run.bytes.size()) continue;
                if (tail.empty()) tail_offset = run.offset + skip;
                const size_t wanted = size_t(offset + length_max - (run.offset + skip));
                const ByteView rest = ByteView(run.bytes).subspan(size_t(skip));
                tally::append(tail, rest.first(std::min(rest.size(), wanted)));
            }
        }
    }
    if (tail_offset == offset && tail.size() == length_max) return tail;
    TRY(file, open_file(path_of(name), O_RDONLY));
    const uint64_t in_file = std::min<uint64_t>(length_max, tail_offset - offset);
    TRY(bytes, read_at(file, offset, size_t(in_file)));
    if (bytes.size() < in_file) return fail(DiskError::io_failed, path_of(name) + " is too short");
    tally::append(bytes, tail);
    return bytes;
}

void FileDisk::append(const std::string& name, Bytes bytes) {
    ENSURE(!name.empty() && name != lock_name && name.find('/') == std::string::npos);
    std::unique_lock guard(mutex_);
    idle_.wait(guard, [&] { return failed_ || queued_bytes_ < queued_bytes_max; });
    if (failed_) return;
    uint64_t& size = sizes_[name];
    queued_bytes_ += bytes.size();
    if (!queued_.empty() && queued_.back().name == name) {
        tally::append(queued_.back().bytes, bytes);
        size += bytes.size();
    } else {
        const uint64_t offset = size;
        size += bytes.size();
        queued_.push_back({name, offset, std::move(bytes)});
    }
    if (queued_bytes_ >= queued_bytes_lazy) wake_.notify_one();
}

uint64_t FileDisk::sync() {
    const std::lock_guard guard(mutex_);
    ++asked_;
    wake_.notify_one();
    return asked_;
}

Result<void> FileDisk::truncate(const std::string& name, uint64_t size) {
    const std::lock_guard guard(mutex_);
    ENSURE(queued_.empty() && !busy_);
    const auto found = sizes_.find(name);
    if (found == sizes_.end()) return fail(DiskError::not_found, path_of(name));
    TRY(file, open_file(path_of(name), O_WRONLY));
    if (ftruncate(file.descriptor(), off_t(size)) != 0) return disk_error(errno, path_of(name));
    found->second = size;
    // Which names the folder has may be news to the disk too, if the last process was killed.
    CHECK(sync_all(file));
    return sync_all(folder_);
}

Result<void> FileDisk::remove(const std::string& name) {
    std::unique_lock guard(mutex_);
    idle_.wait(guard, [&] { return !busy_; });
    if (sizes_.find(name) == sizes_.end()) return fail(DiskError::not_found, path_of(name));
    std::erase_if(queued_, [&](const Run& run) {
        if (run.name != name) return false;
        queued_bytes_ -= run.bytes.size();
        return true;
    });
    if (open_name_ == name) {  // The thread's own, but it is idle.
        open_file_.reset();
        unsynced_ = false;
    }
    // The file may never have been written.
    if (unlink(path_of(name).c_str()) != 0 && errno != ENOENT) {
        return disk_error(errno, path_of(name));
    }
    sizes_.erase(name);
    return sync_all(folder_);
}

void FileDisk::run() {
    name_this_thread("journal");
    std::unique_lock guard(mutex_);
    for (;;) {
        wake_.wait(guard, [&] {
            return stopping_ ||
                   (!failed_ && (asked_ > synced_ || queued_bytes_ >= queued_bytes_lazy));
        });
        if (failed_) return;
        const uint64_t ticket = asked_;
        const bool durable = ticket > synced_;
        if (stopping_ && !durable && queued_.empty()) return;
        writing_ = std::move(queued_);
        queued_.clear();
        queued_bytes_ = 0;
        busy_ = true;
        guard.unlock();
        const auto start = std::chrono::steady_clock::now();
        Result<void> done = write(writing_, durable);
        const auto took = std::chrono::steady_clock::now() - start;
        guard.lock();
        if (done.ok()) {
            writing_.clear();
            synced_ = ticket;
        } else {
            failed_ = true;  // What was being written stays readable.
        }
        busy_ = false;
        idle_.notify_all();
        if (done.ok() && !durable) continue;
        guard.unlock();
        if (done.ok()) {
            if (events_.on_timed)
                events_.on_timed(
                    uint64_t(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
            events_.on_synced(ticket);
        } else {
            events_.on_failed(std::move(done).error());
        }
        guard.lock();
    }
}

Result<void> FileDisk::write(const Runs& runs, bool durable) {
    for (const Run& run : runs) {
        if (!open_file_ || open_name_ != run.name) CHECK(open_for_writing(run.name));
        unsynced_ = true;
        if (auto done = write_at(*open_file_, run.offset, run.bytes); !done.ok()) {
            return about(path_of(run.name), std::move(done).error());
        }
    }
    if (durable) CHECK(sync_written());
    return success();
}

Result<void> FileDisk::open_for_writing(const std::string& name) {
    CHECK(sync_written());  // Order between files.
    auto file = open_file(path_of(name), O_WRONLY);
    const bool made = !file.ok() && file.error().is(DiskError::not_found);
    if (made) file = open_file(path_of(name), O_WRONLY | O_CREAT);
    if (!file.ok()) return std::move(file).error();
    // A name that the folder loses takes the file's synced bytes with it.
    if (made) CHECK(sync_all(folder_));
    open_name_ = name;
    open_file_ = std::move(file).value();
    return success();
}

Result<void> FileDisk::sync_written() {
    if (!unsynced_ || !open_file_) return success();
    if (auto done = sync_data(*open_file_); !done.ok()) {
        return about(path_of(open_name_), std::move(done).error());
    }
    unsynced_ = false;
    return success();
}

Result<std::map<std::string, uint64_t>> sizes_in(const std::string& path) {
    std::map<std::string, uint64_t> sizes;
    std::error_code failed;
    std::filesystem::directory_iterator entry(path, failed);
    for (const std::filesystem::directory_iterator end; !failed && entry != end;
         entry.increment(failed)) {
        const std::string name = entry->path().filename();
        if (name == lock_name || !entry->is_regular_file(failed)) continue;
        sizes[name] = entry->file_size(failed);
    }
    if (failed) return fail(DiskError::io_failed, path + ": " + failed.message());
    return sizes;
}

}  // namespace

Result<std::unique_ptr<ports::Disk>> open_file_disk(const std::string& path,
                                                    FileDiskEvents events) {
    std::error_code failed;
    std::filesystem::create_directories(path, failed);
    if (failed) return fail(DiskError::io_failed, path + ": " + failed.message());
    TRY(folder, open_file(path, O_RDONLY | O_DIRECTORY));
    TRY(lock, open_file(path + "/" + lock_name, O_RDWR | O_CREAT));
    if (flock(lock.descriptor(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return fail(DiskError::locked, path);
        return disk_error(errno, path);
    }
    TRY(sizes, sizes_in(path));
    // The folder itself may be new.
    TRY(parent, open_file(path + "/..", O_RDONLY | O_DIRECTORY));
    CHECK(sync_all(parent));
    CHECK(sync_all(folder));
    return std::unique_ptr<ports::Disk>(std::make_unique<FileDisk>(
        path, std::move(events), std::move(folder), std::move(lock), std::move(sizes)));
}

}  // namespace tally::io
