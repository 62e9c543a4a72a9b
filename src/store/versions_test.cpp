// Reads at every height equal plain maps, whatever the keys and bounds look like.
#include "store/versions.hpp"

#include <gtest/gtest.h>

#include <map>

#include "sim/random.hpp"
#include "sim/sim_key_value.hpp"
#include "store/error.hpp"

namespace tally::store {
namespace {

using State = std::map<Bytes, Bytes, BytesLess>;
using Entries = std::vector<std::pair<Bytes, Bytes>>;

struct Write {
    Bytes key;
    std::optional<Bytes> value;
};

void commit(ports::KeyValue& store, LedgerIndex ledger, uint64_t height,
            const std::vector<Write>& writes) {
    ports::WriteBatch batch;
    put_versions(batch, ledger, Height{height}, writes);
    ASSERT_TRUE(store.write(batch).ok());
}

Entries scan(const StateView& view, ByteView from, ByteView to, size_t count_max = SIZE_MAX) {
    Entries found;
    EXPECT_TRUE(view.scan(from, to,
                          [&](ByteView key, ByteView value) {
                              found.emplace_back(copy_of(key), copy_of(value));
                              return found.size() < count_max;
                          })
                    .ok());
    return found;
}

Entries scan_map(const State& state, ByteView from, ByteView to) {
    Entries found;
    for (const auto& entry : state) {
        if (compare(entry.first, from) < 0) continue;
        if (!to.empty() && compare(entry.first, to) >= 0) break;
        found.emplace_back(entry);
    }
    return found;
}

/// Prefix-free keys over {0x00, 0x01, 0xfe, 0xff}, of many lengths: those bytes are the ones that
/// heights are made of too.
Bytes some_key(sim::Random& random) {
    static constexpr uint8_t alphabet[]{0x00, 0x01, 0xfe};
    Bytes key;
    const uint64_t length = random.chance(0.1) ? 127 : random.below(4);
    for (uint64_t at = 0; at < length; ++at) {
        key.push_back(length == 127 ? 0x01 : alphabet[random.below(3)]);
    }
    key.push_back(0xff);  // Only at the end, so that no key begins with another.
    return key;
}

TEST(VersionedView, equals_plain_maps_at_every_height) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
        sim::Random random(seed, sim::stream_of("versions"));
        sim::SimKeyValue store;
        const LedgerIndex ledgers[]{{0}, {1}, {65535}};
        std::vector<State> states[3];
        const uint64_t heights = 30;
        for (int index = 0; index < 3; ++index) {
            states[index].emplace_back();
            for (uint64_t height = 1; height < heights; ++height) {
                State state = states[index].back();
                std::vector<Write> writes;
                State written;
                for (uint64_t count = random.below(12); count > 0; --count) {
                    const Bytes key = some_key(random);
                    if (!written.try_emplace(key).second) continue;
                    if (random.chance(0.4)) {
                        state.erase(key);
                        writes.push_back({key, std::nullopt});
                    } else {
                        const Bytes value = random.bytes(random.below(3));
                        state[key] = value;
                        writes.push_back({key, value});
                    }
                }
                ASSERT_NO_FATAL_FAILURE(commit(store, ledgers[index], height, writes));
                states[index].push_back(std::move(state));
            }
        }
        for (int index = 0; index < 3; ++index) {
            for (uint64_t height = 0; height < heights; ++height) {
                const VersionedView view(store, ledgers[index], Height{height});
                const State& state = states[index][height];
                ASSERT_EQ(scan(view, {}, {}), scan_map(state, {}, {}));
                for (int probe = 0; probe < 20; ++probe) {
                    // Bounds are keys, or begin one, or go on where one ends.
                    Bytes from = some_key(random);
                    Bytes to = some_key(random);
                    for (Bytes* bound : {&from, &to}) {
                        if (random.chance(0.3)) bound->pop_back();
                        if (random.chance(0.3)) append(*bound, random.bytes(random.below(12)));
                        if (random.chance(0.2)) bound->push_back(0);
                    }
                    ASSERT_EQ(scan(view, from, to), scan_map(state, from, to))
                        << to_hex(from) << " to " << to_hex(to);
                    ASSERT_EQ(scan(view, from, {}), scan_map(state, from, {}));
                    const auto value = view.get(from);
                    ASSERT_TRUE(value.ok());
                    const auto in_map = state.find(from);
                    ASSERT_EQ(value->has_value(), in_map != state.end()) << to_hex(from);
                    if (*value) {
                        ASSERT_EQ(**value, in_map->second);
                    }
                }
            }
        }
    }
}

TEST(VersionedView, history_is_newest_first_and_ends_at_the_view) {
    sim::SimKeyValue store;
    const Bytes key{1, 2};
    commit(store, {3}, 5, {{key, Bytes{5}}});
    commit(store, {3}, 7, {{key, std::nullopt}});
    commit(store, {3}, 9, {{key, Bytes{}}});
    commit(store, {4}, 6, {{key, Bytes{6}}});
    using Versions = std::vector<VersionedView::Version>;
    const VersionedView newest(store, {3}, {100});
    EXPECT_EQ(*newest.history(key, 10),
              (Versions{{{9}, Bytes{}}, {{7}, std::nullopt}, {{5}, Bytes{5}}}));
    EXPECT_EQ(*newest.history(key, 1), (Versions{{{9}, Bytes{}}}));
    EXPECT_EQ(*newest.history(key, 0), Versions{});
    EXPECT_EQ(*VersionedView(store, {3}, {8}).history(key, 10),
              (Versions{{{7}, std::nullopt}, {{5}, Bytes{5}}}));
    EXPECT_EQ(*newest.history(Bytes{1}, 10), Versions{});
    EXPECT_EQ(*newest.history(Bytes{1, 2, 0xff}, 10), Versions{});
    EXPECT_EQ(**newest.get(key), Bytes{}) << "an empty value is a value";
    EXPECT_EQ(*VersionedView(store, {3}, {8}).get(key), std::nullopt);
    EXPECT_EQ(*VersionedView(store, {3}, {4}).get(key), std::nullopt);
    EXPECT_EQ(**VersionedView(store, {3}, {UINT64_MAX}).get(key), Bytes{});
}

TEST(VersionedView, a_key_written_very_often_does_not_slow_a_scan_down) {
    // Counts what is read beneath.
    class Counting : public ports::Reader {
    public:
        explicit Counting(const ports::Reader& inner) : inner_(inner) {}
        Result<std::optional<Bytes>> get(ports::Map map, ByteView key) const override {
            return inner_.get(map, key);
        }
        Result<void> scan(ports::Map map, ByteView from, ByteView to,
                          const Each& each) const override {
            return inner_.scan(map, from, to, [&](ByteView key, ByteView value) {
                ++count;
                return each(key, value);
            });
        }
        Result<void> scan_backward(ports::Map map, ByteView from, ByteView to,
                                   const Each& each) const override {
            return inner_.scan_backward(map, from, to, each);
        }
        mutable int count = 0;

    private:
        const ports::Reader& inner_;
    };
    sim::SimKeyValue store;
    for (uint64_t height = 1; height <= 1000; ++height) {
        commit(store, {0}, height, {{Bytes{1}, Bytes{1}}, {Bytes{2}, Bytes{2}}});
    }
    const Counting counting(store);
    EXPECT_EQ(scan(VersionedView(counting, {0}, {500}), {}, {}),
              (Entries{{Bytes{1}, Bytes{1}}, {Bytes{2}, Bytes{2}}}));
    EXPECT_LT(counting.count, 50);
    counting.count = 0;
    EXPECT_TRUE(VersionedView(counting, {0}, {500}).get(Bytes{1})->has_value());
    EXPECT_EQ(counting.count, 1);
}

TEST(VersionedView, damage_is_an_error_never_a_value) {
    sim::SimKeyValue store;
    commit(store, {0}, 1, {{Bytes{1}, Bytes{9}}});
    store.rot(ports::Map::values, *from_hex("000001fffffffffffffffe"), Bytes{7, 9});
    const VersionedView view(store, {0}, {1});
    EXPECT_TRUE(view.get(Bytes{1}).error().is(StateViewError::altered));
    EXPECT_TRUE(view.scan({}, {}, [](ByteView, ByteView) { return true; })
                    .error()
                    .is(StateViewError::altered));
    ports::WriteBatch batch;
    batch.put(ports::Map::values, Bytes{0, 0, 0}, Bytes{1});
    ASSERT_TRUE(store.write(batch).ok());
    EXPECT_FALSE(view.scan({}, {}, [](ByteView, ByteView) { return true; }).ok());
}

TEST(Versions, each_is_shown_as_it_lies_there) {
    sim::SimKeyValue store;
    const LedgerIndex ledger{3};
    const Bytes a{1, 0xff}, b{2, 0xff};
    commit(store, {2}, 1, {{a, a}});
    commit(store, ledger, 1, {{a, a}, {b, b}});
    commit(store, ledger, 4, {{a, {}}});
    commit(store, ledger, 6, {{a, b}});
    commit(store, {4}, 1, {{a, a}});
    using Shown = std::vector<std::tuple<Bytes, uint64_t, std::optional<Bytes>, bool>>;
    const auto shown = [&](ByteView from) {
        Shown all;
        EXPECT_TRUE(
            scan_versions(store, ledger, from, [&](ByteView key, const StoredVersion& version) {
                all.emplace_back(copy_of(key), version.height.value, version.value,
                                 version.is_version);
                return true;
            }).ok());
        return all;
    };
    EXPECT_EQ(shown({}),
              (Shown{{a, 6, b, true}, {a, 4, {}, true}, {a, 1, a, true}, {b, 1, b, true}}));
    EXPECT_EQ(shown(b), (Shown{{b, 1, b, true}}));

    EXPECT_EQ((*newest_version(store, ledger, {5}, a))->height, Height{4});
    EXPECT_EQ((*newest_version(store, ledger, {9}, a))->value, b);
    EXPECT_FALSE(*newest_version(store, ledger, {0}, a));
    EXPECT_FALSE(*newest_version(store, ledger, {9}, Bytes{1, 1, 0xff}));

    ports::WriteBatch batch;
    erase_version(batch, ledger, {6}, a);
    ASSERT_TRUE(store.write(batch).ok());
    EXPECT_EQ((*newest_version(store, ledger, {9}, a))->height, Height{4});

    store.rot(ports::Map::values, *from_hex("000302fffffffffffffffffe"), Bytes{7, 9});
    batch = {};
    batch.put(ports::Map::values, Bytes{0, 3, 0}, Bytes{1});
    ASSERT_TRUE(store.write(batch).ok());
    EXPECT_EQ(std::get<3>(shown({}).back()), false) << "no version has this form";
    EXPECT_TRUE(std::get<0>(shown({}).front()).empty()) << "nor this key";
}

}  // namespace
}  // namespace tally::store
