#include "cli/read_queue.hpp"

#include "base/ensure.hpp"

namespace tally::cli {

ReadQueue::~ReadQueue() {
    const std::lock_guard lock(mutex_);
    closing_ = true;
}

bool ReadQueue::submit(const std::string& client, std::function<void()> job) {
    {
        const std::lock_guard lock(mutex_);
        if (waiting_ >= waiting_max) return false;
        auto& jobs = of_client_[client];
        if (jobs.size() >= waiting_of_one_max) return false;
        if (jobs.empty()) turns_.push_back(client);
        jobs.push_back(std::move(job));
        ++waiting_;
    }
    // In the pool no more wait than here, so there is room.
    ENSURE(workers_.submit([this] { run_next(); }));
    return true;
}

void ReadQueue::run_next() {
    std::function<void()> job;
    {
        const std::lock_guard lock(mutex_);
        if (closing_ || turns_.empty()) return;
        std::string client = std::move(turns_.front());
        turns_.pop_front();
        const auto of_client = of_client_.find(client);
        job = std::move(of_client->second.front());
        of_client->second.pop_front();
        --waiting_;
        if (of_client->second.empty())
            of_client_.erase(of_client);
        else
            turns_.push_back(std::move(client));
    }
    job();
}

}  // namespace tally::cli
