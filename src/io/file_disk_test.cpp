// The real disk keeps the port's promise, gathers syncs, and says when it cannot go on.
#include "io/file_disk.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <mutex>

#include "io/testing/folder.hpp"
#include "ports/testing/disk_conformance.hpp"

namespace tally::ports {
namespace {

/// What the disk reported.
class Reports {
public:
    io::FileDiskEvents events() {
        return {[this](uint64_t ticket) {
                    const std::lock_guard guard(mutex_);
                    tickets_.push_back(ticket);
                    changed_.notify_all();
                },
                [this](Error error) {
                    const std::lock_guard guard(mutex_);
                    error_ = std::move(error);
                    changed_.notify_all();
                }};
    }
    void wait_for(uint64_t ticket) {
        std::unique_lock guard(mutex_);
        changed_.wait(guard, [&] { return !tickets_.empty() && tickets_.back() >= ticket; });
    }
    Error wait_for_error() {
        std::unique_lock guard(mutex_);
        changed_.wait(guard, [&] { return error_.has_value(); });
        return *error_;
    }
    std::vector<uint64_t> tickets() {
        const std::lock_guard guard(mutex_);
        return tickets_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<uint64_t> tickets_;
    std::optional<Error> error_;
};

std::unique_ptr<Disk> open(const std::string& path, Reports& reports) {
    auto disk = io::open_file_disk(path, reports.events());
    if (!disk.ok()) ADD_FAILURE() << disk.error().message();
    return disk.ok() ? std::move(disk).value() : nullptr;
}

class FileWorld : public DiskWorld {
public:
    Disk& disk() override { return *disk_; }
    void wait_for(uint64_t ticket) override { reports_->wait_for(ticket); }
    void restart() override {
        disk_.reset();
        reports_ = std::make_unique<Reports>();
        disk_ = open(folder_.at("disk"), *reports_);
    }

private:
    io::TestFolder folder_;
    std::unique_ptr<Reports> reports_ = std::make_unique<Reports>();
    std::unique_ptr<Disk> disk_ = open(folder_.at("disk"), *reports_);
};

std::unique_ptr<DiskWorld> make_file_world() {
    return std::make_unique<FileWorld>();
}
INSTANTIATE_TEST_SUITE_P(File, DiskConformance, testing::Values(make_file_world));

TEST(FileDisk, reports_ascend_end_with_the_last_ticket_and_gather) {
    const io::TestFolder folder;
    Reports reports;
    auto disk = open(folder.at("disk"), reports);
    uint64_t last = 0;
    for (int number = 0; number < 5000; ++number) {
        disk->append("a", Bytes(100, 1));
        last = disk->sync();
    }
    reports.wait_for(last);
    const auto tickets = reports.tickets();
    EXPECT_TRUE(std::is_sorted(tickets.begin(), tickets.end()));
    EXPECT_EQ(tickets.back(), last);
    EXPECT_LT(tickets.size(), 5000u);
}

TEST(FileDisk, the_destructor_finishes_the_syncs_that_were_asked_for) {
    const io::TestFolder folder;
    Reports reports;
    auto disk = open(folder.at("disk"), reports);
    disk->append("a", Bytes(10, 1));
    const uint64_t ticket = disk->sync();
    disk.reset();
    ASSERT_FALSE(reports.tickets().empty());
    EXPECT_EQ(reports.tickets().back(), ticket);
}

TEST(FileDisk, large_appends_are_written_before_a_sync_and_stay_readable) {
    const io::TestFolder folder;
    Reports reports;
    auto disk = open(folder.at("disk"), reports);
    for (uint8_t number = 0; number < 100; ++number) disk->append("a", Bytes(1 << 20, number));
    for (uint8_t number = 0; number < 100; ++number) {
        const auto bytes = disk->read("a", uint64_t(number) << 20, 1 << 20);
        ASSERT_EQ(*bytes, Bytes(1 << 20, number));
    }
    reports.wait_for(disk->sync());
}

TEST(FileDisk, a_full_disk_is_reported_once_and_nothing_is_synced_after_it) {
    const io::TestFolder folder;
    Reports reports;
    std::filesystem::create_directory(folder.at("disk"));
    std::filesystem::create_symlink("/dev/full", folder.at("disk") + "/full");
    auto disk = open(folder.at("disk"), reports);
    disk->append("a", Bytes(10, 1));
    const uint64_t good = disk->sync();
    reports.wait_for(good);
    disk->append("full", Bytes(10, 1));
    (void)disk->sync();
    const Error error = reports.wait_for_error();
    EXPECT_TRUE(error.is(DiskError::full)) << error.message();
    EXPECT_EQ(error.message(), "the disk is full: " + folder.at("disk") +
                                   "/full: write: No space left on device. Free some space, then "
                                   "restart");
    disk->append("a", Bytes(10, 1));
    (void)disk->sync();
    disk.reset();
    EXPECT_EQ(reports.tickets().back(), good);
}

TEST(FileDisk, a_file_that_cannot_be_opened_is_an_error) {
    const io::TestFolder folder;
    Reports reports;
    std::filesystem::create_directories(folder.at("disk") + "/a");
    auto disk = open(folder.at("disk"), reports);
    disk->append("a", Bytes(10, 1));
    (void)disk->sync();
    const Error error = reports.wait_for_error();
    EXPECT_TRUE(error.is(DiskError::io_failed)) << error.message();
}

TEST(FileDisk, a_folder_in_use_is_refused_until_it_is_free) {
    const io::TestFolder folder;
    Reports reports;
    auto disk = open(folder.at("disk"), reports);
    const auto other = io::open_file_disk(folder.at("disk"), reports.events());
    ASSERT_FALSE(other.ok());
    EXPECT_TRUE(other.error().is(DiskError::locked));
    EXPECT_EQ(other.error().message(),
              "the data directory is in use by another process: " + folder.at("disk") +
                  ". Stop the other process, or choose another directory");
    disk.reset();
    EXPECT_TRUE(io::open_file_disk(folder.at("disk"), reports.events()).ok());
}

TEST(FileDisk, a_folder_that_cannot_be_made_is_an_error) {
    const io::TestFolder folder;
    Reports reports;
    std::ofstream(folder.at("file")) << "in the way";
    const auto disk = io::open_file_disk(folder.at("file") + "/disk", reports.events());
    ASSERT_FALSE(disk.ok());
    EXPECT_TRUE(disk.error().is(DiskError::io_failed)) << disk.error().message();
}

// The child dies while it appends and syncs; every ticket it heard of is in the file.
TEST(FileDisk, a_killed_process_leaves_what_it_was_told_is_synced) {
    const io::TestFolder folder;
    int told[2];
    ASSERT_EQ(pipe(told), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        auto disk = io::open_file_disk(
            folder.at("disk"),
            {[&](uint64_t ticket) { (void)!write(told[1], &ticket, sizeof ticket); },
             [](Error) {}});
        if (!disk.ok()) _exit(1);
        for (;;) {
            Bytes record;
            append_u64(record, (*disk)->sync() + 1);
            (*disk)->append("a", record);
        }
    }
    uint64_t ticket = 0;
    for (int heard = 0; heard < 50; ++heard) {
        ASSERT_EQ(read(told[0], &ticket, sizeof ticket), ssize_t(sizeof ticket));
    }
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(WTERMSIG(status), SIGKILL);
    close(told[0]);
    close(told[1]);

    Reports reports;
    const auto disk = open(folder.at("disk"), reports);
    ASSERT_GE(*disk->size("a"), (ticket - 1) * 8);
    for (uint64_t number = 2; number <= ticket; ++number) {
        ASSERT_EQ(read_u64(*disk->read("a", (number - 2) * 8, 8)), number);
    }
}

}  // namespace
}  // namespace tally::ports
