// What every Disk must do, whichever world it belongs to. Each implementation's test includes this
// once and instantiates it:
//
//     INSTANTIATE_TEST_SUITE_P(File, DiskConformance, testing::Values(make_file_world));
#pragma once

#include <gtest/gtest.h>

#include "ports/disk.hpp"

namespace tally::ports {

/// A Disk and the power to wait for it and to restart.
class DiskWorld {
public:
    virtual ~DiskWorld() = default;
    virtual Disk& disk() = 0;
    /// Returns when this ticket, or a later one, was reported synced.
    virtual void wait_for(uint64_t ticket) = 0;
    /// Afterwards disk() is what the next process opens. What is synced survives.
    virtual void restart() = 0;
};

class DiskConformance : public testing::TestWithParam<std::unique_ptr<DiskWorld> (*)()> {
protected:
    std::unique_ptr<DiskWorld> world = GetParam()();

    Disk& disk() { return world->disk(); }
    void append(const std::string& name, std::string_view text) {
        disk().append(name, copy_of(view_of(text)));
    }
    std::string read(const std::string& name, uint64_t offset = 0, size_t length_max = 1000) {
        const auto bytes = disk().read(name, offset, length_max);
        return bytes.ok() ? std::string(text_of(*bytes)) : std::string(bytes.error().code);
    }
};

TEST_P(DiskConformance, what_is_appended_is_read_before_and_after_it_is_synced) {
    append("a", "one ");
    append("b", "other");
    append("a", "two");
    EXPECT_EQ(read("a"), "one two");
    EXPECT_EQ(*disk().size("a"), 7u);
    EXPECT_EQ(*disk().list(), (std::vector<std::string>{"a", "b"}));
    world->wait_for(disk().sync());
    append("a", " three");
    EXPECT_EQ(read("a"), "one two three") << "half synced, half queued";
    EXPECT_EQ(read("a", 4, 3), "two");
    EXPECT_EQ(read("a", 6, 3), "o t");
    EXPECT_EQ(read("a", 8, 2), "th");
    EXPECT_EQ(read("a", 8, 1000), "three");
    EXPECT_EQ(read("a", 13), "");
    EXPECT_EQ(read("a", 99), "");
    EXPECT_EQ(read("c"), "file_not_found");
    EXPECT_TRUE(disk().size("c").error().is(DiskError::not_found));
}

TEST_P(DiskConformance, synced_bytes_survive_a_restart) {
    append("a", "one");
    append("b", "two");
    world->wait_for(disk().sync());
    append("a", " unsynced");
    world->restart();
    EXPECT_EQ(read("a", 0, 3), "one");
    EXPECT_EQ(read("b"), "two");
    append("b", " three");
    world->wait_for(disk().sync());
    world->restart();
    EXPECT_EQ(read("b"), "two three") << "appends go on where the file ends";
}

TEST_P(DiskConformance, tickets_grow_and_one_sync_answers_all_before) {
    const uint64_t first = disk().sync();
    append("a", "one");
    const uint64_t second = disk().sync();
    EXPECT_LT(first, second);
    world->wait_for(second);
    world->restart();
    EXPECT_EQ(read("a"), "one");
}

TEST_P(DiskConformance, truncation_is_durable_and_appends_follow_it) {
    append("a", "one two");
    world->wait_for(disk().sync());
    world->restart();
    ASSERT_TRUE(disk().truncate("a", 4).ok());
    EXPECT_EQ(*disk().size("a"), 4u);
    append("a", "three");
    EXPECT_EQ(read("a"), "one three");
    world->wait_for(disk().sync());
    world->restart();
    EXPECT_EQ(read("a"), "one three");
    EXPECT_TRUE(disk().truncate("b", 0).error().is(DiskError::not_found));
}

TEST_P(DiskConformance, removed_files_are_gone_and_may_be_made_again) {
    append("a", "one");
    append("b", "two");
    world->wait_for(disk().sync());
    append("a", "more");
    ASSERT_TRUE(disk().remove("a").ok());
    EXPECT_EQ(*disk().list(), (std::vector<std::string>{"b"}));
    EXPECT_TRUE(disk().remove("a").error().is(DiskError::not_found));
    append("b", " and");
    append("a", "anew");
    EXPECT_EQ(read("a"), "anew");
    world->wait_for(disk().sync());
    world->restart();
    EXPECT_EQ(read("a"), "anew");
    EXPECT_EQ(read("b"), "two and");
}

TEST_P(DiskConformance, a_file_removed_and_made_again_between_syncs_is_the_new_one) {
    append("a", "a longer text");
    (void)disk().sync();
    ASSERT_TRUE(disk().remove("a").ok());
    append("a", "new");
    const uint64_t ticket = disk().sync();
    append("a", "er");
    EXPECT_EQ(read("a"), "newer");
    world->wait_for(ticket);
    world->restart();
    EXPECT_EQ(read("a", 0, 3), "new");
}

TEST_P(DiskConformance, many_appends_keep_their_order) {
    std::string wanted;
    for (int number = 0; number < 3000; ++number) {
        const std::string text = std::to_string(number) + ",";
        append(number % 700 < 600 ? "a" : "b", text);
        if (number % 700 < 600) wanted += text;
        if (number % 100 == 0) (void)disk().sync();
        if (number % 500 == 0) {
            ASSERT_EQ(read("a", 0, SIZE_MAX), wanted);
        }
    }
    world->wait_for(disk().sync());
    world->restart();
    EXPECT_EQ(read("a", 0, SIZE_MAX), wanted);
}

}  // namespace tally::ports
