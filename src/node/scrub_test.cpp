// A pass of the scrubber finds nothing on a whole disk, however it is sliced, and whatever single
// entry of the database is altered it finds.
#include "node/scrub.hpp"

#include <set>

#include "node/checked_state.hpp"
#include "node/testing/kept.hpp"

namespace tally::node {
namespace {

using ports::Map;

struct Found {
    size_t damages = 0;
    uint64_t bytes = 0;
    int slices = 0;
};

Found scrub(const Kept& kept, size_t bytes_max,
            std::shared_ptr<const ports::Reader> snapshot = nullptr) {
    if (snapshot == nullptr) snapshot = kept.key_value.snapshot();
    const auto charter = std::make_shared<const model::Charter>(kept.charter());
    Found found;
    ScrubPlace place;
    while (place.phase != ScrubPlace::Phase::over) {
        ScrubWork work({place, charter, Participant{0}, model::Epochs(*charter),
                        std::make_shared<const availability::Coder>(charter->body),
                        &kept.verifier(), &kept.disk, 1, snapshot, kept.node->status().decided,
                        bytes_max});
        work.run();
        ENSURE(!(work.next() == place));
        place = work.next();
        found.damages += work.damages().size() + work.log_damages().size();
        found.bytes += work.bytes();
        ++found.slices;
    }
    return found;
}

/// A database that lies in three files; while it is read it writes one more each time.
class InFiles final : public ports::Reader {
public:
    InFiles(const Kept& kept, std::string rotten, ports::KeyValueError error)
        : below_(kept.key_value.snapshot()), rotten_(std::move(rotten)), error_(error) {}
    Result<std::optional<Bytes>> get(Map map, ByteView key) const override {
        return below_->get(map, key);
    }
    Result<void> scan(Map map, ByteView from, ByteView to, const Each& each) const override {
        return below_->scan(map, from, to, each);
    }
    Result<void> scan_backward(Map map, ByteView from, ByteView to,
                               const Each& each) const override {
        return below_->scan_backward(map, from, to, each);
    }
    std::vector<std::string> files() const override {
        std::vector<std::string> names;
        for (int i = 1; i <= 3 + int(checked.size()); ++i)
            names.push_back("file " + std::to_string(i));
        return names;
    }
    Result<uint64_t> check_file(const std::string& file) const override {
        checked.push_back(file);
        if (file == rotten_) return fail(error_, file);
        return uint64_t{1'000};
    }
    mutable std::vector<std::string> checked;

private:
    std::shared_ptr<const ports::Reader> below_;
    std::string rotten_;
    ports::KeyValueError error_;
};

std::vector<std::pair<Bytes, Bytes>> entries_of(const ports::Reader& database, Map map) {
    std::vector<std::pair<Bytes, Bytes>> entries;
    ENSURE(database
               .scan(map, {}, {},
                     [&](ByteView key, ByteView value) {
                         entries.emplace_back(copy_of(key), copy_of(value));
                         return true;
                     })
               .ok());
    return entries;
}

TEST(Scrub, finds_nothing_on_a_whole_disk_however_it_is_sliced) {
    const Kept kept;
    const Found whole = scrub(kept, size_t{1} << 30);
    EXPECT_EQ(whole.damages, 0u);
    EXPECT_EQ(whole.slices, 1);
    EXPECT_GT(whole.bytes, 10'000u);
    for (const size_t bytes_max : {1, 100, 5'000, 50'000}) {
        const Found sliced = scrub(kept, bytes_max);
        EXPECT_EQ(sliced.damages, 0u) << bytes_max;
        EXPECT_GT(sliced.slices, 1) << bytes_max;
    }
}

TEST(Scrub, reads_each_file_once_and_names_what_rots) {
    using ports::KeyValueError;
    const Kept kept;
    const auto read = [&](const char* rotten, KeyValueError error, size_t bytes_max) {
        const auto files = std::make_shared<InFiles>(kept, rotten, error);
        return std::pair(scrub(kept, bytes_max, files).damages, files->checked);
    };
    const std::vector<std::string> all{"file 1", "file 2", "file 3"};
    for (const size_t bytes_max : {size_t{1}, size_t{1} << 30}) {
        EXPECT_EQ(read("none", KeyValueError::damaged, bytes_max), std::pair(size_t{0}, all));
        EXPECT_EQ(read("file 2", KeyValueError::io_failed, bytes_max), std::pair(size_t{0}, all))
            << "the next pass tries again";
        EXPECT_EQ(read("file 2", KeyValueError::damaged, bytes_max).first, 1u);
    }
}

TEST(Scrub, finds_whatever_entry_is_altered) {
    Kept kept;
    for (const Map map :
         {Map::values, Map::nodes, Map::blocks, Map::transactions, Map::decisions, Map::bodies}) {
        const auto entries = entries_of(kept.key_value, map);
        EXPECT_GT(entries.size(), 2u) << int(map);
        for (const auto& [key, value] : entries) {
            std::vector<std::optional<Bytes>> others{std::nullopt, Bytes{}};
            for (size_t at = 0; at < value.size(); at += 1 + value.size() / 5) {
                others.emplace_back(value);
                (*others.back())[at] ^= 1;
            }
            for (const auto& other : others) {
                if (other == value) continue;
                // Below the oldest batch there may be none: a state was loaded.
                if (map == Map::bodies && !other && key == entries.front().first) continue;
                ports::WriteBatch alter, restore;
                if (other) alter.put(map, key, *other);
                if (!other) alter.erase(map, key);
                restore.put(map, key, value);
                ASSERT_TRUE(kept.key_value.write(alter).ok());
                EXPECT_GT(scrub(kept, 3'000).damages, 0u)
                    << int(map) << ' ' << to_hex(key) << ": " << to_hex(value) << " became "
                    << (other ? to_hex(*other) : "nothing");
                ASSERT_TRUE(kept.key_value.write(restore).ok());
            }
        }
    }
    EXPECT_EQ(scrub(kept, 3'000).damages, 0u);
}

TEST(Scrub, a_batch_that_is_decided_and_not_here_yet_is_no_damage) {
    Kept kept;
    const ChainReader stored(kept.key_value);
    Slot slot = kept.node->status().decided;
    const auto tip_at = [&](Slot at) { return (*stored.decision(at))->decision.block.cut[0]; };
    const auto tip = tip_at(slot);
    while (tip_at({slot.value - 1}).height == tip.height) slot = {slot.value - 1};
    model::BatchBody body = **stored.body({{0}, tip.height});
    ports::WriteBatch place;
    put_body(place, body);
    ports::WriteBatch batch;
    for (const auto& write : place.writes()) batch.erase(write.map, write.key);
    ASSERT_TRUE(kept.key_value.write(batch).ok());
    EXPECT_EQ(scrub(kept, 3'000).damages, 1u) << "that it was here is written down";
    ports::WriteBatch held;
    put_held_slot(held, {slot.value - 1});
    ASSERT_TRUE(kept.key_value.write(held).ok());
    EXPECT_EQ(scrub(kept, 3'000).damages, 0u);
}

/// True iff the key reads as its tree says at every height.
bool reads_well(const Kept& kept, ByteView key) {
    for (Height height; height <= kept.executed(); height = height.next()) {
        const auto root = ChainReader(kept.key_value).root({0}, height);
        ENSURE(root.ok() && *root);
        if (!CheckedState(kept.key_value, {0}, height, **root).get(key).ok()) return false;
    }
    return true;
}

TEST(Scrub, finds_whatever_version_was_added_that_is_read) {
    Kept kept;
    std::set<Bytes> keys;
    ASSERT_TRUE(store::scan_versions(kept.key_value, {0}, {},
                                     [&](ByteView key, const store::StoredVersion&) {
                                         keys.insert(copy_of(key));
                                         return true;
                                     })
                    .ok());
    int found = 0, harmless = 0;
    for (const Bytes& key : keys) {
        for (Height height; height <= kept.executed(); height = height.next()) {
            const auto known = store::newest_version(kept.key_value, {0}, height, key);
            ASSERT_TRUE(known.ok());
            if (*known && (*known)->height == height) continue;
            for (const std::optional<Bytes>& added :
                 {std::optional<Bytes>(), std::optional(Bytes{1, 2, 3})}) {
                ports::WriteBatch alter, restore;
                store::put_version(alter, {0}, height, key, added);
                store::erase_version(restore, {0}, height, key);
                ASSERT_TRUE(kept.key_value.write(alter).ok());
                const bool is_well = reads_well(kept, key);
                EXPECT_EQ(scrub(kept, 3'000).damages > 0, !is_well)
                    << to_hex(key) << " at " << height.value;
                ++(is_well ? harmless : found);
                ASSERT_TRUE(kept.key_value.write(restore).ok());
            }
        }
    }
    EXPECT_GT(found, 50);
    EXPECT_GT(harmless, 5) << "says that something is absent which is";
}

}  // namespace
}  // namespace tally::node
