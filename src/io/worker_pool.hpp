// WorkerPool: a few threads for work that would hold up a loop (checking signatures, coding,
// executing).
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tally::io {

/// Jobs start in the order they were submitted. Safe from any thread.
class WorkerPool {
public:
    /// Requires at least one thread and a queue of at least one job.
    explicit WorkerPool(size_t threads, size_t queue_max = 4096);
    /// Runs the jobs already queued to their end, then joins.
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    /// Never blocks. False when the queue is full: the job was not taken, and whoever has it runs
    /// it itself or says "busy". A job must not throw.
    [[nodiscard]] bool submit(std::function<void()> job);
    /// Jobs waiting, not those running.
    [[nodiscard]] size_t waiting() const;

private:
    void work();

    const size_t queue_max_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> queue_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace tally::io
