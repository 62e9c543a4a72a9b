// Submitter: many transactions through several participants at once, each until it is known what
// became of it. A participant that is away is left alone for a while and its transactions go to
// another; the same envelope sent twice takes effect once.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "cli/client.hpp"

namespace tally::cli {

/// Which participants answer, for all who ask them.
class Reachability {
public:
    explicit Reachability(size_t participants);
    /// Who is to be asked: `home` if it is not away, else another. Sleeps a moment if all are away.
    [[nodiscard]] size_t choose(size_t home);
    void answered(size_t participant);
    void failed(size_t participant);
    /// Nobody has answered for so long that waiting on makes no sense.
    [[nodiscard]] bool is_hopeless() const;

private:
    struct Participant {
        uint64_t away_until_ms = 0, away_ms = 0;
    };
    mutable std::mutex mutex_;
    std::vector<Participant> participants_;
    uint64_t answered_ms_;
};

/// True iff the error says that the participant is away, not that the request was wrong.
[[nodiscard]] bool is_away(const Error& error);

enum class Fate : uint8_t {
    applied,
    there,    ///< refused, for what it would write is there: ResultCode::not_unique
    refused,  ///< changed nothing; the reason is known
    unknown,  ///< may still take effect
};

/// Transactions that follow each other; those behind one that is refused are not submitted.
struct Job {
    std::string name;
    uint64_t line = 0;
    size_t signer = 0;
    std::vector<std::string> changes;
};

struct JobOutcome {
    Fate fate = Fate::unknown;  ///< applied: at least one was, and the others are there
    uint64_t applied = 0;       ///< transactions
    std::string why;
    std::string last_transaction;  ///< id of the last applied
};

class Submitter {
public:
    struct Setup {
        const std::vector<Url>& participants;
        const std::vector<model::SecretKey>& signers;
        Hash network;
        const std::string& ledger;
        size_t in_flight = 64;
        Reachability& reachability;
        /// Called by workers, one at a time.
        std::function<void(const Job&, const JobOutcome&)> on_done;
        /// Called now and then while the caller waits; false: stop.
        std::function<bool()> go_on;
    };
    explicit Submitter(Setup setup);
    ~Submitter();
    Submitter(const Submitter&) = delete;
    Submitter& operator=(const Submitter&) = delete;

    /// Waits for room. False: it has stopped, and the job is not taken.
    [[nodiscard]] bool put(Job job);
    /// Waits until all is done, or stopped. The error that stopped it: nobody answers any more.
    [[nodiscard]] std::optional<Error> finish();

private:
    class Worker;
    std::optional<Job> take();
    void stop(std::optional<Error> error);
    /// Waits until `holds` or stopped; with the lock held.
    template <class Condition>
    void wait(std::unique_lock<std::mutex>& lock, const Condition& holds);

    Setup setup_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Job> jobs_;
    size_t working_ = 0;
    bool complete_ = false;  ///< nothing more will be put
    std::atomic<bool> stopped_ = false;
    std::optional<Error> error_;
    std::vector<std::thread> threads_;
};

}  // namespace tally::cli
