// Whatever a library throws is told with what to do, and means that another participant may answer.
#include "cli/unexpected.hpp"

#include <gtest/gtest.h>

#include <boost/system/system_error.hpp>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "cli/output.hpp"

namespace tally::cli {
namespace {

TEST(Unexpected, too_many_open_files_whoever_throws_it) {
    const std::system_error of_library(EMFILE, std::generic_category(), "epoll");
    const std::system_error of_system(ENFILE, std::system_category(), "socket");
    const boost::system::system_error of_boost(EMFILE, boost::system::system_category());
    for (const std::exception* thrown : {static_cast<const std::exception*>(&of_library),
                                         static_cast<const std::exception*>(&of_system),
                                         static_cast<const std::exception*>(&of_boost)}) {
        const Error error = error_of(*thrown);
        EXPECT_TRUE(error.is(ProcessError::out_of_descriptors)) << error.message();
        EXPECT_NE(error.message().find("ulimit -n"), std::string::npos);
        EXPECT_EQ(Output(true).error(error), Exit::unreachable);
    }
}

TEST(Unexpected, memory_and_all_else) {
    EXPECT_TRUE(error_of(std::bad_alloc()).is(ProcessError::out_of_memory));
    const Error other = error_of(std::runtime_error("so it is"));
    EXPECT_TRUE(other.is(ProcessError::unexpected));
    EXPECT_EQ(other.detail, "so it is");
    EXPECT_EQ(Output(true).error(other), Exit::unreachable);
}

TEST(Unexpected, a_participant_needs_so_many_descriptors) {
    EXPECT_TRUE(check_descriptors(node_descriptors_min).ok());
    const auto few = check_descriptors(30);
    ASSERT_FALSE(few.ok());
    EXPECT_TRUE(few.error().is(ProcessError::too_few_descriptors));
    EXPECT_EQ(Output(true).error(few.error()), Exit::unreachable);
}

using UnexpectedDeathTest = testing::Test;
TEST_F(UnexpectedDeathTest, a_thread_that_throws_ends_the_process_with_a_word) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            tell_what_ends_a_thread();
            std::thread([] { throw std::system_error(EMFILE, std::generic_category()); }).join();
        },
        testing::ExitedWithCode(int(Exit::unreachable)), "descriptors_exhausted");
}

}  // namespace
}  // namespace tally::cli
