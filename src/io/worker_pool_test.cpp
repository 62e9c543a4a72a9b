// Every job that was taken runs exactly once, a full queue says so, and destruction waits.
#include "io/worker_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace tally::io {
namespace {

TEST(WorkerPool, runs_each_job_once_and_finishes_them_before_it_ends) {
    std::vector<std::atomic<int>> runs(1000);
    {
        WorkerPool pool(3, runs.size());
        for (auto& count : runs) ASSERT_TRUE(pool.submit([&count] { ++count; }));
    }
    for (const auto& count : runs) EXPECT_EQ(count, 1);
}

TEST(WorkerPool, refuses_what_exceeds_its_queue) {
    std::promise<void> gate, started;
    std::atomic<int> runs = 0;
    {
        WorkerPool pool(1, 2);
        ASSERT_TRUE(pool.submit([&] {
            started.set_value();
            gate.get_future().wait();
        }));
        started.get_future().wait();
        EXPECT_TRUE(pool.submit([&] { ++runs; }));
        EXPECT_TRUE(pool.submit([&] { ++runs; }));
        EXPECT_FALSE(pool.submit([&] { runs += 100; }));
        EXPECT_EQ(pool.waiting(), 2u);
        gate.set_value();
    }
    EXPECT_EQ(runs, 2);
}

}  // namespace
}  // namespace tally::io
