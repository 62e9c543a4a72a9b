// What every KeyValue must do, whichever world it belongs to. Each implementation's test includes
// this once and instantiates it:
//
//     INSTANTIATE_TEST_SUITE_P(Rocks, KeyValueConformance, testing::Values(make_rocks_world));
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>

#include "ports/key_value.hpp"

namespace tally::ports {

/// A KeyValue and the power to crash it.
class KeyValueWorld {
public:
    virtual ~KeyValueWorld() = default;
    virtual KeyValue& store() = 0;
    /// What is not flushed may be lost; afterwards store() is what a restarted process opens.
    virtual void crash() = 0;
};

class KeyValueConformance : public testing::TestWithParam<std::unique_ptr<KeyValueWorld> (*)()> {
protected:
    using Model = std::array<std::map<Bytes, Bytes, BytesLess>, map_count>;
    using Entries = std::vector<std::pair<Bytes, Bytes>>;

    std::unique_ptr<KeyValueWorld> world = GetParam()();

    KeyValue& store() { return world->store(); }
    static Bytes bytes(std::string_view text) { return copy_of(view_of(text)); }
    static std::optional<std::string> get(const Reader& reader, Map map, std::string_view key) {
        const auto value = *reader.get(map, view_of(key));
        return value ? std::optional<std::string>(text_of(*value)) : std::nullopt;
    }
    /// The keys in order, joined by spaces.
    static std::string keys(const Reader& reader, std::string_view from, std::string_view to,
                            bool backward = false, size_t count_max = 100) {
        std::string joined;
        const auto each = [&](ByteView key, ByteView) {
            joined += (joined.empty() ? "" : " ") + std::string(text_of(key));
            return --count_max > 0;
        };
        const auto done = backward
                              ? reader.scan_backward(Map::blocks, view_of(from), view_of(to), each)
                              : reader.scan(Map::blocks, view_of(from), view_of(to), each);
        EXPECT_TRUE(done.ok());
        return joined;
    }
    static Entries entries(const Reader& reader, Map map, ByteView from, ByteView to,
                           bool backward) {
        Entries found;
        const auto each = [&](ByteView key, ByteView value) {
            found.emplace_back(copy_of(key), copy_of(value));
            return true;
        };
        EXPECT_TRUE((backward ? reader.scan_backward(map, from, to, each)
                              : reader.scan(map, from, to, each))
                        .ok());
        return found;
    }
    static void expect_equal(const Reader& reader, const Model& model) {
        for (uint8_t map = uint8_t(Map::values); map < map_count; ++map) {
            const Entries wanted(model[map].begin(), model[map].end());
            ASSERT_EQ(entries(reader, Map(map), {}, {}, false), wanted) << "map " << int(map);
        }
    }
};

TEST_P(KeyValueConformance, what_is_written_is_read_until_it_is_erased) {
    WriteBatch batch;
    batch.put(Map::values, bytes("a"), bytes("1"));
    batch.put(Map::nodes, bytes("a"), bytes(""));
    ASSERT_TRUE(store().write(batch).ok());
    EXPECT_EQ(get(store(), Map::values, "a"), "1");
    EXPECT_EQ(get(store(), Map::nodes, "a"), "") << "an empty value is a value";
    EXPECT_EQ(get(store(), Map::bodies, "a"), std::nullopt) << "maps are apart";

    WriteBatch again;
    again.erase(Map::values, bytes("a"));
    again.erase(Map::values, bytes("never there"));
    ASSERT_TRUE(store().write(again).ok());
    EXPECT_EQ(get(store(), Map::values, "a"), std::nullopt);
}

TEST_P(KeyValueConformance, within_a_batch_the_last_write_of_a_key_wins) {
    WriteBatch batch;
    batch.put(Map::blocks, bytes("a"), bytes("1"));
    batch.erase(Map::blocks, bytes("a"));
    batch.erase(Map::blocks, bytes("b"));
    batch.put(Map::blocks, bytes("b"), bytes("2"));
    ASSERT_TRUE(store().write(batch).ok());
    EXPECT_EQ(keys(store(), "", ""), "b");
}

TEST_P(KeyValueConformance, scans_keep_to_their_bounds_in_both_directions) {
    WriteBatch batch;
    for (const char* key : {"b", "a", "ab", "c", "\xff", "B"}) {
        batch.put(Map::blocks, bytes(key), bytes("x"));
    }
    ASSERT_TRUE(store().write(batch).ok());
    EXPECT_EQ(keys(store(), "", ""), "B a ab b c \xff") << "unsigned bytes, shorter first";
    EXPECT_EQ(keys(store(), "", "", true), "\xff c b ab a B");
    EXPECT_EQ(keys(store(), "a", "c"), "a ab b") << "from is in, to is out";
    EXPECT_EQ(keys(store(), "a", "c", true), "b ab a");
    EXPECT_EQ(keys(store(), "aa", "bz"), "ab b") << "bounds need not be keys";
    EXPECT_EQ(keys(store(), "aa", "bz", true), "b ab");
    EXPECT_EQ(keys(store(), "b", "b"), "");
    EXPECT_EQ(keys(store(), "c", "a"), "") << "a range the wrong way round is empty";
    EXPECT_EQ(keys(store(), "c", "a", true), "");
    EXPECT_EQ(keys(store(), "", "", false, 2), "B a") << "until it returns false";
    EXPECT_EQ(keys(store(), "", "", true, 2), "\xff c");
}

TEST_P(KeyValueConformance, a_snapshot_does_not_see_later_writes) {
    WriteBatch first;
    first.put(Map::blocks, bytes("a"), bytes("old"));
    first.put(Map::blocks, bytes("b"), bytes("old"));
    ASSERT_TRUE(store().write(first).ok());
    const auto before = store().snapshot();
    WriteBatch second;
    second.put(Map::blocks, bytes("a"), bytes("new"));
    second.erase(Map::blocks, bytes("b"));
    second.put(Map::blocks, bytes("c"), bytes("new"));
    ASSERT_TRUE(store().write(second).ok());
    ASSERT_TRUE(store().flush().ok());

    EXPECT_EQ(get(*before, Map::blocks, "a"), "old");
    EXPECT_EQ(keys(*before, "", ""), "a b");
    EXPECT_EQ(keys(*before, "", "", true), "b a");
    EXPECT_EQ(get(store(), Map::blocks, "a"), "new");
    EXPECT_EQ(keys(*store().snapshot(), "", ""), "a c");
}

TEST_P(KeyValueConformance, what_is_flushed_survives_a_crash) {
    WriteBatch batch;
    batch.put(Map::values, bytes("a"), bytes("1"));
    batch.put(Map::decisions, bytes("b"), Bytes(100'000, 7));
    ASSERT_TRUE(store().write(batch).ok());
    ASSERT_TRUE(store().flush().ok());
    world->crash();
    EXPECT_EQ(get(store(), Map::values, "a"), "1");
    EXPECT_EQ((*store().get(Map::decisions, view_of("b")))->size(), 100'000u);
    ASSERT_TRUE(store().flush().ok()) << "also with nothing to do";
}

// The model's history: a crash leaves the state after some batch not before the last flush.
TEST_P(KeyValueConformance, a_crash_leaves_a_prefix_of_the_batches_in_all_maps_alike) {
    std::mt19937_64 random(1);
    std::vector<Model> history(1);
    size_t flushed = 0;
    for (int round = 0; round < 12; ++round) {
        for (int step = 0; step < 20; ++step) {
            WriteBatch batch;
            Model next = history.back();
            for (size_t write = random() % 5; write > 0; --write) {
                const auto map = Map(1 + random() % (map_count - 1));
                Bytes key(1 + random() % 3, uint8_t(random() % 3));  // Few keys: they collide.
                if (random() % 3 == 0) {
                    next[size_t(map)].erase(key);
                    batch.erase(map, std::move(key));
                } else {
                    Bytes value(random() % 40, uint8_t(random()));
                    next[size_t(map)][key] = value;
                    batch.put(map, std::move(key), std::move(value));
                }
            }
            ASSERT_TRUE(store().write(batch).ok());
            history.push_back(std::move(next));
            if (random() % 15 == 0) {
                ASSERT_TRUE(store().flush().ok());
                flushed = history.size() - 1;
            }
        }
        ASSERT_NO_FATAL_FAILURE(expect_equal(store(), history.back()));
        world->crash();
        Model found;
        for (uint8_t map = 1; map < map_count; ++map) {
            for (auto& [key, value] : entries(store(), Map(map), {}, {}, false)) {
                found[map][key] = value;
            }
        }
        while (history.size() > flushed + 1 && history.back() != found) history.pop_back();
        ASSERT_EQ(history.back(), found) << "round " << round;
        // What a restarted process finds cannot be lost by its next crash.
        flushed = history.size() - 1;
    }
}

// What the state's versions need: ranges within the versions of one key, across many flushes.
TEST_P(KeyValueConformance, ranges_within_one_key_of_values_are_whole) {
    std::mt19937_64 random(3);
    Model model;
    const auto some_key = [&] {
        Bytes key(random() % 6, uint8_t(random() % 2));
        key.push_back(0xff);  // Ends it: prefix-free.
        return key;
    };
    const auto version_of = [](Bytes key, uint64_t height) {
        append_u64(key, ~height);
        return key;
    };
    for (uint64_t height = 1; height <= 60; ++height) {
        WriteBatch batch;
        for (int write = 0; write < 3; ++write) {
            Bytes version = version_of(some_key(), height);
            model[size_t(Map::values)][version] = Bytes{uint8_t(height)};
            batch.put(Map::values, std::move(version), Bytes{uint8_t(height)});
        }
        ASSERT_TRUE(store().write(batch).ok());
        if (random() % 6 == 0) {
            ASSERT_TRUE(store().flush().ok());
        }
    }
    ASSERT_NO_FATAL_FAILURE(expect_equal(store(), model));
    for (int probe = 0; probe < 500; ++probe) {
        Bytes key = some_key();
        if (random() % 4 == 0) key.pop_back();  // Begins others, is none.
        if (random() % 4 == 0) key.push_back(uint8_t(random()));
        const Bytes from = version_of(key, random() % 64);
        Bytes to = version_of(key, 0);
        to.push_back(0);
        const auto& in_model = model[size_t(Map::values)];
        Entries wanted;
        for (auto entry = in_model.lower_bound(from); entry != in_model.end(); ++entry) {
            const bool is_version = entry->first.size() == key.size() + 8 &&
                                    equal(ByteView(entry->first).first(key.size()), key);
            if (is_version) wanted.emplace_back(*entry);
        }
        Entries found = entries(store(), Map::values, from, to, false);
        std::erase_if(found, [&](const auto& entry) {
            return entry.first.size() != key.size() + 8;  // May be left out: of another key.
        });
        ASSERT_EQ(found, wanted) << to_hex(from);
    }
}

TEST_P(KeyValueConformance, readers_at_many_moments_equal_plain_maps) {
    std::mt19937_64 random(2);
    Model model;
    std::vector<std::pair<std::shared_ptr<const Reader>, Model>> moments;
    const auto some_key = [&] { return Bytes{uint8_t(random() % 8), uint8_t(random() % 8)}; };
    for (int step = 0; step < 300; ++step) {
        WriteBatch batch;
        for (int write = 0; write < 3; ++write) {
            const auto map = Map(1 + random() % 2);
            const Bytes key = some_key();
            if (random() % 3 == 0) {
                model[size_t(map)].erase(key);
                batch.erase(map, key);
            } else {
                model[size_t(map)][key] = Bytes{uint8_t(step)};
                batch.put(map, key, Bytes{uint8_t(step)});
            }
        }
        ASSERT_TRUE(store().write(batch).ok());
        if (random() % 10 == 0) {
            ASSERT_TRUE(store().flush().ok());
        }
        if (random() % 10 == 0) moments.emplace_back(store().snapshot(), model);
        if (moments.size() > 4) moments.erase(moments.begin() + long(random() % 5));
    }
    moments.emplace_back(store().snapshot(), model);
    for (const auto& moment : moments) {
        const Reader& reader = *moment.first;
        ASSERT_NO_FATAL_FAILURE(expect_equal(reader, moment.second));
        for (int probe = 0; probe < 50; ++probe) {
            const Bytes from = some_key();
            const Bytes to = some_key();
            Entries wanted;
            for (const auto& entry : moment.second[1]) {
                if (compare(entry.first, from) >= 0 && compare(entry.first, to) < 0) {
                    wanted.emplace_back(entry);
                }
            }
            EXPECT_EQ(entries(reader, Map::values, from, to, false), wanted);
            std::reverse(wanted.begin(), wanted.end());
            EXPECT_EQ(entries(reader, Map::values, from, to, true), wanted);
            const auto found = *reader.get(Map::values, from);
            const auto in_model = moment.second[1].find(from);
            ASSERT_EQ(found.has_value(), in_model != moment.second[1].end());
            if (found) {
                EXPECT_EQ(*found, in_model->second);
            }
        }
    }
}

}  // namespace tally::ports
