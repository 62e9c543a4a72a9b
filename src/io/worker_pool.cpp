#include "io/worker_pool.hpp"

#include "base/ensure.hpp"
#include "io/thread_name.hpp"

namespace tally::io {

WorkerPool::WorkerPool(size_t threads, size_t queue_max) : queue_max_(queue_max) {
    ENSURE(threads > 0 && queue_max > 0);
    for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

WorkerPool::~WorkerPool() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
}

bool WorkerPool::submit(std::function<void()> job) {
    {
        const std::lock_guard lock(mutex_);
        if (queue_.size() >= queue_max_) return false;
        queue_.push_back(std::move(job));
    }
    changed_.notify_one();
    return true;
}

size_t WorkerPool::waiting() const {
    const std::lock_guard lock(mutex_);
    return queue_.size();
}

void WorkerPool::work() {
    name_this_thread("worker");
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) return;
        auto job = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        job();
        job = nullptr;  // What it holds is released outside the lock.
        lock.lock();
    }
}

}  // namespace tally::io
