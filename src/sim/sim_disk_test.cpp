// The simulated disk keeps the port's promise, and breaks all that it does not promise.
#include "sim/sim_disk.hpp"

#include <set>

#include "ports/testing/disk_conformance.hpp"

namespace tally::ports {
namespace {

class SimDiskWorld : public DiskWorld {
public:
    Disk& disk() override { return disk_; }
    void wait_for(uint64_t ticket) override { disk_.complete(ticket); }
    void restart() override { disk_.crash(random_); }

private:
    sim::SimDisk disk_;
    sim::Random random_{1, sim::stream_of("crash")};
};

std::unique_ptr<DiskWorld> make_sim_disk_world() {
    return std::make_unique<SimDiskWorld>();
}
INSTANTIATE_TEST_SUITE_P(Sim, DiskConformance, testing::Values(make_sim_disk_world));

TEST(SimDisk, crashes_keep_synced_bytes_and_lose_or_tear_the_rest) {
    int lost = 0, kept = 0, cut = 0, torn = 0, gone = 0;
    for (uint64_t seed = 0; seed < 400; ++seed) {
        sim::Random random(seed, sim::stream_of("crash"));
        sim::SimDisk disk;
        const bool synced_before = seed % 2 == 0;
        const Bytes first(300, 1);
        const Bytes second(3000, 2);
        size_t synced = 0;
        if (synced_before) {
            disk.append("a", first);
            disk.complete(disk.sync());
            synced = first.size();
        }
        disk.append("a", second);
        (void)disk.sync();
        EXPECT_EQ(disk.unsynced_bytes(), second.size());
        disk.crash(random);
        EXPECT_EQ(disk.unsynced_bytes(), 0u);
        EXPECT_EQ(disk.pending(), std::nullopt);
        const auto left = disk.read("a", 0, SIZE_MAX);
        if (!left.ok()) {
            ASSERT_FALSE(synced_before);
            ++gone;
            continue;
        }
        ASSERT_GE(left->size(), synced);
        ASSERT_TRUE(equal(ByteView(*left).first(synced), ByteView(first).first(synced)));
        const ByteView rest = ByteView(*left).subspan(synced);
        const bool damaged = !equal(rest, ByteView(second).first(rest.size()));
        torn += damaged ? 1 : 0;
        lost += rest.empty() ? 1 : 0;
        kept += !damaged && rest.size() == second.size() ? 1 : 0;
        cut += !damaged && !rest.empty() && rest.size() < second.size() ? 1 : 0;
    }
    for (const int count : {lost, kept, cut, torn, gone}) EXPECT_GT(count, 20);
}

TEST(SimDisk, order_holds_between_files) {
    std::set<std::string> seen;
    for (uint64_t seed = 0; seed < 300; ++seed) {
        sim::Random random(seed, sim::stream_of("crash"));
        sim::SimDisk disk;
        disk.append("a", Bytes(10, 1));
        disk.append("b", Bytes(10, 1));
        disk.append("a", Bytes(10, 2));
        disk.crash(random);
        const auto a = disk.read("a", 0, 100);
        const auto b = disk.read("b", 0, 100);
        const size_t a_size = a.ok() ? a->size() : 0;
        const size_t b_size = b.ok() ? b->size() : 0;
        if (a_size > 10) {
            EXPECT_EQ(*b, Bytes(10, 1)) << "b was synced before the second a was begun";
        }
        if (b_size > 0) {
            EXPECT_TRUE(equal(ByteView(*a).first(10), Bytes(10, 1)));
        }
        seen.insert(a_size > 10 ? "second a" : b_size > 0 ? "b" : "a");
    }
    EXPECT_EQ(seen.size(), 3u);
}

TEST(SimDisk, a_sync_covers_what_was_appended_before_it_was_asked_for) {
    for (uint64_t seed = 0; seed < 50; ++seed) {
        sim::Random random(seed, sim::stream_of("crash"));
        sim::SimDisk disk;
        disk.append("a", Bytes(10, 1));
        const uint64_t first = disk.sync();
        disk.append("a", Bytes(10, 2));
        const uint64_t second = disk.sync();
        EXPECT_EQ(disk.pending(), first);
        disk.complete(first);
        EXPECT_EQ(disk.pending(), second);
        EXPECT_EQ(disk.unsynced_bytes(), 10u);
        disk.crash(random);
        EXPECT_TRUE(equal(ByteView(*disk.read("a", 0, 10)), Bytes(10, 1)));
    }
}

TEST(SimDisk, rot_and_wiping_change_what_is_there) {
    sim::SimDisk disk;
    disk.append("a", Bytes{1, 2});
    disk.rot("a", 1);
    EXPECT_EQ(*disk.read("a", 0, 9), (Bytes{1, 3}));
    disk.wipe();
    EXPECT_TRUE(disk.list()->empty());
}

TEST(SimDisk, without_room_nothing_more_becomes_durable_until_it_starts_anew) {
    for (uint64_t seed = 0; seed < 200; ++seed) {
        sim::Random random(seed, 1);
        sim::SimDisk disk;
        disk.append("a", Bytes(100, 1));
        const uint64_t before = disk.sync();
        disk.set_room(50);
        disk.append("a", Bytes(30, 2));
        const uint64_t fits = disk.sync();
        EXPECT_FALSE(disk.fails(fits));
        disk.append("a", Bytes(30, 3));
        disk.append("b", Bytes(1, 4));
        const uint64_t beyond = disk.sync();
        EXPECT_TRUE(disk.fails(beyond));
        EXPECT_FALSE(disk.fails(before) || disk.fails(fits)) << "what was asked for before may end";
        disk.set_room(std::nullopt);
        disk.append("a", Bytes(1, 5));
        EXPECT_TRUE(disk.fails(disk.sync())) << "a file with a hole is never called synced";
        disk.complete(fits);
        disk.crash(random);
        EXPECT_GE(*disk.size("a"), 130u);
        EXPECT_LE(*disk.size("a"), 150u) << "there was no room for more";
        const auto next = disk.size("b");
        EXPECT_TRUE(!next.ok() || *next == 0);
        disk.append("a", Bytes(1, 6));
        EXPECT_FALSE(disk.fails(disk.sync()));
    }
}

}  // namespace
}  // namespace tally::ports
