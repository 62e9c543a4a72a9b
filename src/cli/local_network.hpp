// LocalNetwork: a whole network on this machine, for demonstrations, benchmarks and tests: its
// files in one folder, each participant a process of its own.
#pragma once

#include <boost/json/array.hpp>
#include <memory>
#include <vector>

#include "cli/child_process.hpp"
#include "cli/client.hpp"

namespace tally::cli {

enum class LocalError { folder_in_use, no_free_ports, not_ready, ended };
ErrorText describe(LocalError error);

struct LocalPlan {
    std::string program;  ///< the `tally` to run
    std::string folder;   ///< empty or not there yet
    std::string name = "Demonstration";
    std::vector<std::string> participants = {"alice", "bob", "carol", "dave"};
    std::string ledger;
    boost::json::array genesis;
    uint16_t peer_port = 7101, http_port = 7181;  ///< of the first; moved on until all are free
    /// Where something else stands between the participants: by which port the others reach the
    /// first one, then the next; moved on likewise. 0: by the one on which it listens.
    uint16_t front_port = 0;
    bool quiet = false;            ///< participants log warnings only
    uint64_t expire_ahead_ms = 0;  ///< of the charter; 0: its default
};

/// Keeps other networks on this machine from the same ports.
class HeldName {
public:
    explicit HeldName(int file) : file_(file) {}
    HeldName(HeldName&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
    HeldName(const HeldName&) = delete;
    HeldName& operator=(const HeldName&) = delete;
    ~HeldName();

private:
    int file_;
};

class LocalNetwork {
public:
    /// Writes keys, the draft, the charter signed by all, and configurations; starts nothing.
    [[nodiscard]] static Result<LocalNetwork> make(LocalPlan plan);
    /// Stops every participant that runs.
    ~LocalNetwork();
    LocalNetwork(LocalNetwork&&) = default;

    /// How a participant is started from now on, in place of the plan's program: another program,
    /// or one that becomes it, such as env.
    void start_with(size_t index, std::vector<std::string> command) {
        commands_[index] = std::move(command);
    }
    [[nodiscard]] Result<void> start(size_t index);
    [[nodiscard]] Result<void> start_all();
    /// Until it answers and has heard from a quorum.
    [[nodiscard]] Result<void> wait_ready(size_t index, int timeout_ms);
    void kill(size_t index) { children_[index].kill(); }
    void stop(size_t index) { children_[index].stop(10'000); }
    void stop_all();

    [[nodiscard]] size_t size() const { return children_.size(); }
    [[nodiscard]] const LocalPlan& plan() const { return plan_; }
    [[nodiscard]] const model::Charter& charter() const { return *charter_; }
    [[nodiscard]] Hash network() const { return network_; }
    [[nodiscard]] pid_t pid(size_t index) const { return children_[index].pid(); }
    [[nodiscard]] bool running(size_t index) { return children_[index].running(); }
    [[nodiscard]] Url url(size_t index) const {
        return {"127.0.0.1", uint16_t(plan_.http_port + index)};
    }
    [[nodiscard]] uint16_t peer_port(size_t index) const {
        return uint16_t(plan_.peer_port + index);
    }
    /// By which the others reach it.
    [[nodiscard]] uint16_t front_port(size_t index) const {
        return plan_.front_port > 0 ? uint16_t(plan_.front_port + index) : peer_port(index);
    }
    [[nodiscard]] std::string url_text(size_t index) const;
    [[nodiscard]] std::string file(const std::string& name) const {
        return plan_.folder + "/" + name;
    }
    [[nodiscard]] std::string charter_file() const { return file("network.charter"); }
    [[nodiscard]] std::string config_file(size_t index) const;
    [[nodiscard]] std::string log_file(size_t index) const;
    /// The last lines of a participant's log.
    [[nodiscard]] std::string log_end(size_t index, size_t lines = 15) const;

private:
    LocalNetwork() = default;
    Result<void> write_files();

    LocalPlan plan_;
    std::shared_ptr<const model::Charter> charter_;
    Hash network_;
    std::vector<ChildProcess> children_;
    std::vector<std::vector<std::string>> commands_;
    std::vector<HeldName> held_;
};

}  // namespace tally::cli
