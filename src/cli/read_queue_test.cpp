// Whoever asks for much waits for its own turns; nobody else notices.
#include "cli/read_queue.hpp"

#include <gtest/gtest.h>

#include <future>

namespace tally::cli {
namespace {

/// One thread, held up until release().
class Queue : public ::testing::Test {
protected:
    Queue() {
        std::promise<void> begun;
        EXPECT_TRUE(queue_->submit("holder", [this, &begun] {
            begun.set_value();
            released_.get_future().wait();
        }));
        begun.get_future().wait();
    }
    void release() { released_.set_value(); }
    [[nodiscard]] bool note(const std::string& client) {
        return queue_->submit(client, [this, client] { ran_.push_back(client); });
    }

    std::promise<void> released_;
    std::vector<std::string> ran_;  ///< by the queue's one thread
    std::unique_ptr<ReadQueue> queue_ = std::make_unique<ReadQueue>(1);
};

TEST_F(Queue, gives_each_client_its_turn) {
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(note("greedy"));
    EXPECT_TRUE(note("modest"));
    EXPECT_TRUE(note("modest"));
    std::promise<void> done;
    EXPECT_TRUE(queue_->submit("greedy", [&] { done.set_value(); }));
    release();
    done.get_future().wait();
    EXPECT_EQ(ran_, (std::vector<std::string>{"greedy", "modest", "greedy", "modest", "greedy",
                                              "greedy", "greedy"}));
}

TEST_F(Queue, refuses_who_has_too_many_waiting_and_then_everybody) {
    size_t taken = 0;
    while (note("greedy")) ++taken;
    EXPECT_EQ(taken, ReadQueue::waiting_of_one_max);
    EXPECT_TRUE(note("modest"));
    for (int client = 0; client < 100; ++client) {
        while (note("client " + std::to_string(client))) ++taken;
    }
    EXPECT_EQ(taken + 1, ReadQueue::waiting_max);
    EXPECT_FALSE(note("modest"));
    release();
}

TEST_F(Queue, drops_what_has_not_begun_when_it_ends) {
    EXPECT_TRUE(note("late"));
    std::thread ends([this] { queue_.reset(); });
    // It is closing before the job that holds the thread ends, or after: both are right, and only
    // what ran before is seen.
    release();
    ends.join();
    EXPECT_LE(ran_.size(), 1u);
}

}  // namespace
}  // namespace tally::cli
