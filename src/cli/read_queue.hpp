// ReadQueue: requests that read the database wait here for a few threads that answer them, so that
// neither a slow one holds up who submits, nor one client's many hold up everybody else's.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>

#include "io/worker_pool.hpp"

namespace tally::cli {

/// Safe from any thread. One turn for each client that waits, in the order in which they came.
class ReadQueue {
public:
    static constexpr size_t waiting_max = 512;
    static constexpr size_t waiting_of_one_max = 128;

    explicit ReadQueue(size_t threads) : workers_(threads, waiting_max) {}
    /// Drops the jobs that have not begun, and waits for those that have.
    ~ReadQueue();

    /// Never blocks. False: too many wait, of this client or of all; the job was not taken. It must
    /// not throw.
    [[nodiscard]] bool submit(const std::string& client, std::function<void()> job);

private:
    void run_next();

    std::mutex mutex_;
    bool closing_ = false;
    size_t waiting_ = 0;
    std::map<std::string, std::deque<std::function<void()>>> of_client_;  ///< none is empty
    std::list<std::string> turns_;                                        ///< its keys
    io::WorkerPool workers_;  ///< last: its threads use the rest
};

}  // namespace tally::cli
