// The simulated maps keep the port's promise, lose what it lets them lose, and forget the rest.
#include "sim/sim_key_value.hpp"

#include "ports/testing/key_value_conformance.hpp"

namespace tally::ports {
namespace {

class SimKeyValueWorld : public KeyValueWorld {
public:
    KeyValue& store() override { return store_; }
    void crash() override { store_.crash(random_); }

private:
    sim::SimKeyValue store_;
    sim::Random random_{1, sim::stream_of("crash")};
};

std::unique_ptr<KeyValueWorld> make_sim_key_value_world() {
    return std::make_unique<SimKeyValueWorld>();
}
INSTANTIATE_TEST_SUITE_P(Sim, KeyValueConformance, testing::Values(make_sim_key_value_world));

WriteBatch put(std::string_view key, std::string_view value) {
    WriteBatch batch;
    batch.put(Map::values, copy_of(view_of(key)), copy_of(view_of(value)));
    return batch;
}

TEST(SimKeyValue, crashes_lose_nothing_everything_and_something_between) {
    std::map<size_t, int> kept_counts;
    for (uint64_t seed = 0; seed < 200; ++seed) {
        sim::SimKeyValue store;
        sim::Random random(seed, sim::stream_of("crash"));
        for (int number = 0; number < 3; ++number) {
            ASSERT_TRUE(store.write(put(std::string(1, char('a' + number)), "x")).ok());
        }
        store.crash(random);
        size_t kept = 0;
        ASSERT_TRUE(store.scan(Map::values, {}, {}, [&](auto, auto) { return ++kept > 0; }).ok());
        ++kept_counts[kept];
    }
    EXPECT_EQ(kept_counts.size(), 4u);
    for (const auto& count : kept_counts) EXPECT_GT(count.second, 20) << count.first;
}

TEST(SimKeyValue, a_full_disk_refuses_writes_and_keeps_what_it_has) {
    sim::SimKeyValue store;
    ASSERT_TRUE(store.write(put("a", "1")).ok());
    store.set_full(true);
    EXPECT_TRUE(store.write(put("a", "2")).error().is(KeyValueError::io_failed));
    EXPECT_FALSE(store.flush().ok());
    EXPECT_EQ(text_of(**store.get(Map::values, view_of("a"))), "1");
    store.set_full(false);
    EXPECT_TRUE(store.write(put("a", "2")).ok());
}

TEST(SimKeyValue, rot_changes_what_is_read) {
    sim::SimKeyValue store;
    ASSERT_TRUE(store.write(put("a", "1")).ok());
    store.rot(Map::values, view_of("a"), Bytes{9});
    EXPECT_EQ(**store.get(Map::values, view_of("a")), Bytes{9});
}

}  // namespace
}  // namespace tally::ports
