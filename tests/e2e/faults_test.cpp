// Four participants under load while their processes, disks and clocks fail, one fault after the
// other, drawn from a seed: nothing that was acknowledged is lost, nothing takes effect twice, and
// in the end all four have the same blocks and the same state.
//
//   faults_test [--faults N] [--seed N]
//
// What this machine does not permit is left out, and said: a disk that fills needs root (it is a
// tmpfs in a mount namespace of this process), clocks that are apart need Debian's faketime.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <random>

#include "cli/key_file.hpp"
#include "cli/output.hpp"
#include "entry_load.hpp"

namespace tally::cli {

int fault_count = 12;
uint32_t fault_seed = 1;

namespace {

using std::chrono::milliseconds;

enum class Kind : uint8_t {
    kill,          ///< kill -9, and started again
    kill_twice,    ///< again while it recovers
    kill_in_turn,  ///< another one while the first recovers
    kill_two,      ///< two at once: for a while nothing is ordered
    stop,          ///< in good order
    wipe,          ///< kill -9, and the database is gone; with its journal it may go on signing
    pause,         ///< SIGSTOP, and later SIGCONT
    fill_disk,     ///< no room on the last participant's disk
    set_clock,     ///< killed, and its clock shows another time when it is back
};
constexpr size_t kind_count = size_t(Kind::set_clock) + 1;
constexpr const char* kind_names[kind_count] = {"kill",     "kill twice", "kill in turn",
                                                "kill two", "stop",       "wipe",
                                                "pause",    "fill disk",  "set clock"};

/// Who loses its whole disk once; one with an honest clock, for it is the one of f.
constexpr size_t lost_victim = 3;

struct Planned {
    Kind kind = Kind::kill;
    size_t victim = 0, other = 0;
    int after_ms = 0, lasts_ms = 0;
    int clock_ms = 0;  ///< of set_clock: how far from the true time
};

/// Every fault there can be here, in an order drawn from the seed, and again.
std::vector<Planned> plan_faults(uint32_t seed, int count, const std::vector<Kind>& possible) {
    std::mt19937 draw(seed);
    const auto below = [&](size_t bound) { return size_t(draw()) % bound; };
    std::vector<Planned> plan;
    std::vector<Kind> round;
    while (int(plan.size()) < count) {
        if (round.empty()) round = possible;
        const size_t at = below(round.size());
        Planned next;
        next.kind = round[at];
        round.erase(round.begin() + ptrdiff_t(at));
        next.victim = next.kind == Kind::fill_disk ? 3 : below(4);
        next.other = (next.victim + 1 + below(3)) % 4;
        next.after_ms = int(below(500));
        next.lasts_ms = int(below(next.kind == Kind::pause ? 3'000 : 700));
        // One clock may be far off: it is one of f.
        next.clock_ms = next.victim == 0 ? int(below(60'000)) - 30'000 : int(below(300)) - 150;
        plan.push_back(next);
    }
    return plan;
}

/// A disk of its own for one folder, whose size can change.
class SmallDisk {
public:
    explicit SmallDisk(std::string folder) : folder_(std::move(folder)) {
        std::filesystem::create_directories(folder_);
        // A mount of this process and its children alone: it does not outlive them.
        mounted_ = ::unshare(CLONE_NEWNS) == 0 &&
                   ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                   ::mount("tmpfs", folder_.c_str(), "tmpfs", 0, roomy) == 0;
        if (!mounted_) why_not_ = std::strerror(errno);
    }
    ~SmallDisk() {
        if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;

    [[nodiscard]] bool mounted() const { return mounted_; }
    [[nodiscard]] const std::string& why_not() const { return why_not_; }
    /// As large as what is on it now, and so many bytes more.
    [[nodiscard]] bool leave(uint64_t bytes) const {
        // What is written meanwhile may need more already.
        for (int tries = 0; tries < 100; ++tries) {
            struct statvfs now {};
            if (::statvfs(folder_.c_str(), &now) != 0) return false;
            const uint64_t used = uint64_t(now.f_blocks - now.f_bfree) * now.f_frsize;
            if (resize("size=" + std::to_string(used + bytes))) return true;
        }
        return false;
    }
    [[nodiscard]] bool make_room() const { return resize(roomy); }

private:
    static constexpr char roomy[] = "size=1024m";
    [[nodiscard]] bool resize(const std::string& options) const {
        return ::mount("tmpfs", folder_.c_str(), "tmpfs", MS_REMOUNT, options.c_str()) == 0;
    }

    std::string folder_;
    std::string why_not_;
    bool mounted_ = false;
};

/// Where Debian's faketime lies; empty: it is not installed.
std::string faketime_library() {
    std::error_code none;
    for (const auto& machine : std::filesystem::directory_iterator("/usr/lib", none)) {
        auto library = machine.path() / "faketime" / "libfaketimeMT.so.1";
        if (std::filesystem::exists(library, none)) return library;
    }
    return {};
}

class Storm {
public:
    Storm(LocalNetwork& network, const SmallDisk& disk, std::string faketime)
        : network_(network), disk_(disk), faketime_(std::move(faketime)) {}

    void strike(const Planned& fault) {
        std::this_thread::sleep_for(milliseconds(fault.after_ms));
        switch (fault.kind) {
        case Kind::kill:
            network_.kill(fault.victim);
            wait(fault);
            start(fault.victim);
            break;
        case Kind::kill_twice:
            network_.kill(fault.victim);
            start(fault.victim);
            std::this_thread::sleep_for(milliseconds(fault.lasts_ms / 3));
            network_.kill(fault.victim);
            start(fault.victim);
            break;
        case Kind::kill_in_turn:
            network_.kill(fault.victim);
            wait(fault);
            start(fault.victim);
            network_.kill(fault.other);
            wait(fault);
            start(fault.other);
            break;
        case Kind::kill_two:
            network_.kill(fault.victim);
            network_.kill(fault.other);
            wait(fault);
            start(fault.other);
            wait(fault);
            start(fault.victim);
            break;
        case Kind::stop:
            network_.stop(fault.victim);
            wait(fault);
            start(fault.victim);
            break;
        case Kind::wipe:
            network_.kill(fault.victim);
            std::filesystem::remove_all(data_of(fault.victim) + "/database");
            start(fault.victim);
            break;
        case Kind::pause:
            ::kill(network_.pid(fault.victim), SIGSTOP);
            wait(fault);
            ::kill(network_.pid(fault.victim), SIGCONT);
            break;
        case Kind::fill_disk: fill(fault); break;
        case Kind::set_clock:
            network_.kill(fault.victim);
            set_clock(fault.victim, fault.clock_ms);
            start(fault.victim);
            break;
        }
        for (const size_t one : {fault.victim, fault.other}) {
            const auto ready = network_.wait_ready(one, 60'000);
            ASSERT_TRUE(ready.ok()) << ready.error().message();
        }
    }

    /// Its disk is another one: neither its database nor its journal is there. One in a whole run,
    /// for it signs nothing from then on.
    void lose_all(size_t index) {
        network_.kill(index);
        for (const char* part : {"/database", "/journal"})
            std::filesystem::remove_all(data_of(index) + part);
        start(index);
        bool noticed = false;
        for (int tries = 0; tries < 1'000 && !noticed; ++tries) {
            const auto status = Client(network_.url(index)).get("/v1/status");
            noticed = status.ok() && status->body.at("journal_lost").as_bool() &&
                      !status->body.at("signing").as_bool();
            std::this_thread::sleep_for(milliseconds(50));
        }
        EXPECT_TRUE(noticed) << "it may sign again what it signed before";
    }

    void set_clock(size_t index, int off_ms) {
        char off[32];
        std::snprintf(off, sizeof off, "FAKETIME=%+.3f", off_ms / 1'000.0);
        network_.start_with(index, {"/usr/bin/env", "LD_PRELOAD=" + faketime_, off,
                                    "FAKETIME_DONT_FAKE_MONOTONIC=1", TALLY_PROGRAM});
    }

private:
    [[nodiscard]] std::string data_of(size_t index) const {
        return network_.file(network_.plan().participants[index]);
    }
    static void wait(const Planned& fault) {
        std::this_thread::sleep_for(milliseconds(fault.lasts_ms));
    }
    void start(size_t index) { ASSERT_TRUE(network_.start(index).ok()); }

    /// The process ends by itself, and does not stay while there is no room.
    void fill(const Planned& fault) {
        ASSERT_TRUE(disk_.leave(uint64_t(fault.lasts_ms) * 100)) << std::strerror(errno);
        EXPECT_TRUE(ends_by_itself(fault.victim)) << network_.log_end(fault.victim);
        EXPECT_NE(network_.log_end(fault.victim).find("No space left"), std::string::npos)
            << network_.log_end(fault.victim);
        start(fault.victim);
        EXPECT_TRUE(ends_by_itself(fault.victim)) << network_.log_end(fault.victim);
        EXPECT_EQ(network_.log_end(fault.victim).find("Assertion"), std::string::npos)
            << network_.log_end(fault.victim);
        ASSERT_TRUE(disk_.make_room()) << std::strerror(errno);
        start(fault.victim);
    }
    bool ends_by_itself(size_t index) {
        // One that signs nothing writes little.
        for (int tries = 0; tries < 5'000; ++tries) {
            if (!network_.running(index)) return true;
            std::this_thread::sleep_for(milliseconds(20));
        }
        return false;
    }

    LocalNetwork& network_;
    const SmallDisk& disk_;
    std::string faketime_;
};

/// Adds a line to its configuration.
bool configure(const LocalNetwork& network, size_t index, const std::string& line) {
    const auto before = read_file(network.config_file(index), 1'024);
    return before.ok() && write_file(network.config_file(index), *before + line).ok();
}

TEST(Faults, nothing_acknowledged_is_lost_and_nothing_happens_twice) {
    crypto_start();
    auto folder = WorkFolder::make("", "tally-faults");
    ASSERT_TRUE(folder.ok());
    const model::SecretKey key = Ed25519Secret::from_seed(random_secret());
    auto made = LocalNetwork::make(entry_plan(*folder, "faults", key));
    ASSERT_TRUE(made.ok()) << made.error().message();
    LocalNetwork network = std::move(*made);
    const SmallDisk disk(network.file(network.plan().participants[3]));
    const std::string faketime = faketime_library();

    std::vector<Kind> possible;
    for (size_t kind = 0; kind < kind_count; ++kind) possible.push_back(Kind(kind));
    if (!disk.mounted()) {
        std::printf("no disk fills: %s\n", disk.why_not().c_str());
        std::erase(possible, Kind::fill_disk);
    }
    if (faketime.empty()) {
        std::printf("no clock is set: faketime is not installed\n");
        std::erase(possible, Kind::set_clock);
    }
    // After a wipe alice executes everything again, and the others load the state that they have
    // not executed lately.
    for (size_t i = 0; i < network.size(); ++i)
        ASSERT_TRUE(configure(
            network, i, i == 0 ? "snapshot_after_slots = 0\n" : "snapshot_after_slots = 40\n"));
    Storm storm(network, disk, faketime);
    if (!faketime.empty()) {
        constexpr int apart_ms[] = {-20'000, 120, 0, -90};
        for (size_t i = 0; i < network.size(); ++i) storm.set_clock(i, apart_ms[i]);
    }
    const auto started = network.start_all();
    ASSERT_TRUE(started.ok()) << started.error().message();

    Clients clients(network, key, 12, 20);
    std::map<Kind, int> struck;
    int count = 0;
    for (const Planned& fault : plan_faults(fault_seed, fault_count, possible)) {
        // From then on the network survives no other loss, until the lost one is back.
        if (++count == fault_count * 3 / 4 + 1) storm.lose_all(lost_victim);
        SCOPED_TRACE(std::string(kind_names[size_t(fault.kind)]) + " " +
                     network.plan().participants[fault.victim] + " and " +
                     network.plan().participants[fault.other] + ", seed " +
                     std::to_string(fault_seed));
        storm.strike(fault);
        if (testing::Test::HasFailure()) {
            folder->keep();
            FAIL() << "kept for a look: " << folder->path() << "\n" << logs_of(network);
        }
        ++struck[fault.kind];
    }
    for (const auto& [kind, times] : struck)
        std::printf("%s %d, ", kind_names[size_t(kind)], times);
    std::printf("seed %u\n", fault_seed);
    expect_nothing_lost(network, clients);
    network.stop_all();  // before their disk is gone
    EXPECT_GT(clients.acknowledged.size(), size_t(5 * fault_count));
    if (testing::Test::HasFailure()) {
        folder->keep();
        std::printf("kept for a look: %s\n", folder->path().c_str());
    }
}

}  // namespace
}  // namespace tally::cli

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    for (int i = 1; i < argc; i += 2) {
        const bool has_value = i + 1 < argc;
        if (has_value && std::strcmp(argv[i], "--faults") == 0) {
            tally::cli::fault_count = std::stoi(argv[i + 1]);
        } else if (has_value && std::strcmp(argv[i], "--seed") == 0) {
            tally::cli::fault_seed = uint32_t(std::stoul(argv[i + 1]));
        } else {
            std::fprintf(stderr, "usage: faults_test [--faults N] [--seed N]\n");
            return 2;
        }
    }
    return RUN_ALL_TESTS();
}
