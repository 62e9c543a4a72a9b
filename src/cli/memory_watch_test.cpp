// A process's memory is seen to grow, and of many samples some are shown that tell the same.
#include "cli/memory_watch.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <string>

namespace tally::cli {
namespace {

TEST(MemoryWatch, sees_what_a_process_holds) {
    MemoryWatch watch({::getpid(), 0});
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    const std::string held(size_t{128} * 1024 * 1024, 'x');
    std::this_thread::sleep_for(std::chrono::milliseconds(1'200));
    EXPECT_EQ(held.back(), 'x');
    watch.stop();
    const auto samples = watch.largest_mib(100);
    ASSERT_GE(samples.size(), 2u);
    EXPECT_GE(samples.back(), samples.front() + 100);
}

TEST(MemoryWatch, keeps_the_first_the_last_and_some_between) {
    EXPECT_EQ(spread({1, 2, 3, 4, 5, 6, 7}, 4), (std::vector<uint64_t>{1, 3, 5, 7}));
    EXPECT_EQ(spread({1, 2}, 4), (std::vector<uint64_t>{1, 2}));
    EXPECT_EQ(spread({}, 4), std::vector<uint64_t>{});
}

}  // namespace
}  // namespace tally::cli
