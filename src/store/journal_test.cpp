// Recovery gives back a prefix of what was appended with everything synced in it, or says what is
// wrong; it never gives anything else.
#include "store/journal.hpp"

#include <gtest/gtest.h>

#include "sim/random.hpp"
#include "sim/sim_disk.hpp"

namespace tally::store {
namespace {

const JournalIdentity identity{{{1, 2, 3}}, {2}, {{7}}};

struct Seen {
    uint8_t kind;
    Bytes payload;
    JournalPosition position;
    bool operator==(const Seen&) const = default;
};
using SeenList = std::vector<Seen>;

struct Opened {
    Result<std::unique_ptr<Journal>> journal;
    SeenList seen;
    Journal& operator*() const { return *journal.value(); }
};
Opened open(ports::Disk& disk, uint64_t segment_bytes_max = Journal::segment_bytes_default,
            const JournalIdentity& who = identity) {
    SeenList seen;
    auto journal = Journal::open(
        disk, who,
        [&](uint8_t kind, ByteView payload, const JournalPosition& position) {
            seen.push_back({kind, copy_of(payload), position});
        },
        segment_bytes_max);
    return {std::move(journal), std::move(seen)};
}

void sync(Journal& journal, sim::SimDisk& disk) {
    const uint64_t ticket = journal.sync();
    disk.complete(ticket);
    journal.on_synced(ticket);
}

Seen put(Journal& journal, uint8_t kind, Bytes payload) {
    const JournalPosition position = journal.append(kind, payload);
    return {kind, std::move(payload), position};
}

bool is_prefix(const SeenList& shorter, const SeenList& longer) {
    return shorter.size() <= longer.size() &&
           std::equal(shorter.begin(), shorter.end(), longer.begin());
}

TEST(Journal, records_come_back_in_order_and_by_position) {
    sim::SimDisk disk;
    SeenList wanted;
    {
        const Opened journal = open(disk);
        EXPECT_TRUE(journal.seen.empty());
        wanted.push_back(put(*journal, 0, {}));
        wanted.push_back(put(*journal, record_kind_max, Bytes(100'000, 7)));
        wanted.push_back(put(*journal, 1, Bytes{1}));
        sync(*journal, disk);
    }
    const Opened journal = open(disk);
    EXPECT_EQ(journal.seen, wanted);
    EXPECT_EQ((*journal).torn_bytes(), 0u);
    for (const Seen& record : wanted) EXPECT_EQ(*(*journal).read(record.position), record.payload);
    wanted.push_back(put(*journal, 2, Bytes{2}));
    EXPECT_EQ(*(*journal).read(wanted.back().position), Bytes{2}) << "before it is synced too";
    sync(*journal, disk);
    EXPECT_EQ(open(disk).seen, wanted);
}

/// Reads all closed segments again, so many bytes at a time; how many there were.
Result<uint64_t> read_again(const ports::Disk& disk, uint32_t end, size_t bytes_max) {
    JournalScan at;
    uint64_t sum = 0;
    for (int turns = 0; at.segment != end; ++turns) {
        ENSURE(turns < 1'000);
        TRY(bytes, check_records(disk, at, end, bytes_max));
        sum += bytes;
    }
    return sum;
}

TEST(Journal, closed_segments_are_read_again_and_no_altered_byte_passes) {
    sim::SimDisk disk;
    const Opened journal = open(disk, 300);
    for (uint8_t number = 0; number < 20; ++number) (*journal).append(1, Bytes(50, number));
    (*journal).append(1, Bytes(1'000, 1));
    (*journal).append(1, Bytes(50, 1));
    sync(*journal, disk);
    const uint32_t end = (*journal).end().segment;
    ASSERT_GT(end, 5u);
    uint64_t bytes = 0;
    for (uint32_t segment = 1; segment < end; ++segment) bytes += *disk.size(segment_name(segment));
    for (const size_t bytes_max : {1, 100, 250, 1'000'000})
        EXPECT_EQ(*read_again(disk, end, bytes_max), bytes) << bytes_max;

    for (uint32_t segment = 1; segment < end; ++segment) {
        const std::string name = segment_name(segment);
        for (uint64_t at = 0; at < *disk.size(name); ++at) {
            disk.rot(name, at);
            const auto read = read_again(disk, end, 100);
            ASSERT_FALSE(read.ok()) << name << ", byte " << at;
            EXPECT_TRUE(read.error().is(StoreError::journal_damaged));
            disk.rot(name, at);
        }
    }
    EXPECT_EQ(*read_again(disk, end, 100), bytes);
}

TEST(Journal, its_bytes_are_frozen) {
    sim::SimDisk disk;
    const Opened journal = open(disk);
    (*journal).append(5, view_of("vote"));
    sync(*journal, disk);
    const std::string zeros(58, '0');
    EXPECT_EQ(to_hex(*disk.read("journal-000001", 0, 1000)),
              "00000039"
              "ff"
              "74616c6c796a6e6c"
              "00000001"
              "010203" +
                  zeros +
                  "02"
                  "00000001"
                  "0000000000000000"
                  "b673fcff2bb30c56"
                  "00000004"
                  "05"
                  "766f7465"
                  "970e4e06fe0fd066"
                  "00000010"
                  "fe"
                  "0000000000000057f5d68a5a2e735652"
                  "1ce7aa5b6a666184");
}

TEST(Journal, segments_follow_each_other_and_can_be_pruned) {
    sim::SimDisk disk;
    SeenList wanted;
    const uint64_t small = 300;
    {
        const Opened journal = open(disk, small);
        for (uint8_t number = 0; number < 20; ++number) {
            wanted.push_back(put(*journal, 1, Bytes(50, number)));
        }
        wanted.push_back(put(*journal, 1, Bytes(1000, 1)));  // Larger than a segment.
        sync(*journal, disk);
    }
    const Opened journal = open(disk, small);
    EXPECT_EQ(journal.seen, wanted);
    const uint32_t last = (*journal).end().segment;
    ASSERT_GT(last, 5u);
    ASSERT_TRUE((*journal).prune_before(4).ok());
    EXPECT_EQ((*journal).first_segment(), 4u);
    EXPECT_EQ(disk.list()->front(), "journal-000004");
    EXPECT_TRUE((*journal).read(wanted[0].position).error().is(StoreError::no_such_record));
    std::erase_if(wanted, [](const Seen& seen) { return seen.position.segment < 4; });
    EXPECT_EQ(open(disk, small).seen, wanted);

    (*journal).append(1, Bytes(290, 1));
    ASSERT_GT((*journal).end().segment, last);
    ASSERT_TRUE((*journal).prune_before(99).ok());
    EXPECT_EQ((*journal).first_segment(), last) << "what follows is not durable";
    sync(*journal, disk);
    ASSERT_TRUE((*journal).prune_before(99).ok());
    EXPECT_EQ((*journal).first_segment(), last + 1);
    EXPECT_EQ(open(disk, small).seen.size(), 1u);
}

TEST(Journal, what_is_cut_anywhere_is_recovered_up_to_there) {
    sim::SimDisk whole;
    SeenList wanted;
    {
        const Opened journal = open(whole, 200);
        for (uint8_t number = 0; number < 9; ++number) {
            wanted.push_back(put(*journal, number, Bytes(number, number)));
        }
        whole.complete((*journal).sync());  // No mark: all of the last segment may be torn.
    }
    const auto names = *whole.list();
    ASSERT_EQ(names.size(), 2u);
    const uint64_t size = *whole.size(names[1]);
    for (uint64_t cut = 0; cut <= size; ++cut) {
        sim::SimDisk disk = whole;
        ASSERT_TRUE(disk.truncate(names[1], cut).ok());
        SeenList expected = wanted;
        std::erase_if(expected, [&](const Seen& seen) {
            const uint64_t end = seen.position.offset + record_extra_bytes + seen.payload.size();
            return seen.position.segment == 2 && end > cut;
        });
        for (int round = 0; round < 2; ++round) {
            const Opened journal = open(disk, 200);
            ASSERT_TRUE(journal.journal.ok()) << cut;
            ASSERT_EQ(journal.seen, expected) << cut;
            expected.push_back(put(*journal, 9, Bytes{9}));  // It goes on from there.
            disk.complete((*journal).sync());
        }
    }
}

TEST(Journal, a_changed_byte_is_torn_or_damage_never_another_record) {
    sim::SimDisk whole;
    SeenList wanted;
    size_t marked = 0;  // records known to be durable from a mark that is itself in the file
    {
        const Opened journal = open(whole, 200);
        for (uint8_t number = 0; number < 9; ++number) {
            wanted.push_back(put(*journal, number, Bytes(20, number)));
            if (number == 5 || number == 7) {
                marked = wanted.size();
                sync(*journal, whole);
            }
        }
        whole.complete((*journal).sync());
    }
    const auto names = *whole.list();
    ASSERT_GE(names.size(), 2u);
    for (const std::string& name : names) {
        const uint64_t size = *whole.size(name);
        for (uint64_t at = 0; at < size; ++at) {
            sim::SimDisk disk = whole;
            disk.rot(name, at, 0x40);
            const Opened journal = open(disk, 200);
            if (name != names.back()) {
                ASSERT_FALSE(journal.journal.ok()) << name << " " << at;
                ASSERT_TRUE(journal.journal.error().is(StoreError::journal_damaged));
                continue;
            }
            if (!journal.journal.ok()) {
                ASSERT_TRUE(journal.journal.error().is(StoreError::journal_damaged));
                continue;
            }
            ASSERT_TRUE(is_prefix(journal.seen, wanted));
            ASSERT_GE(journal.seen.size(), marked) << at;
            ASSERT_LT(journal.seen.size() + (*journal).torn_bytes(), wanted.size() + size);
        }
    }
}

TEST(Journal, every_crash_leaves_a_prefix_with_all_that_was_synced) {
    uint64_t torn = 0, lost = 0, rolled = 0;
    for (uint64_t seed = 0; seed < 3000; ++seed) {
        sim::Random random(seed, sim::stream_of("journal"));
        sim::Random crash(seed, sim::stream_of("crash"));
        sim::SimDisk disk;
        SeenList history;
        size_t durable = 0;
        for (int life = 0; life < 4; ++life) {
            const Opened journal = open(disk, 2000);
            ASSERT_TRUE(journal.journal.ok())
                << "seed " << seed << ": " << journal.journal.error().message();
            ASSERT_TRUE(is_prefix(journal.seen, history)) << "seed " << seed;
            ASSERT_GE(journal.seen.size(), durable) << "seed " << seed;
            lost += history.size() - journal.seen.size();
            torn += (*journal).torn_bytes() > 0 ? 1 : 0;
            history = journal.seen;
            durable = history.size();
            std::vector<std::pair<uint64_t, size_t>> asked;
            for (uint64_t step = random.below(25); step > 0; --step) {
                const size_t length =
                    size_t(random.chance(0.2) ? random.below(1500) : random.below(60));
                history.push_back(put(*journal, uint8_t(random.below(3)), random.bytes(length)));
                if (random.chance(0.3)) asked.emplace_back((*journal).sync(), history.size());
                if (random.chance(0.3) && disk.pending()) {
                    const uint64_t ticket = *disk.pending();
                    disk.complete(ticket);
                    // The driver may not have come to tell.
                    if (random.chance(0.8)) (*journal).on_synced(ticket);
                    for (const auto& sync : asked) {
                        if (sync.first <= ticket) durable = std::max(durable, sync.second);
                    }
                }
            }
            rolled = std::max<uint64_t>(rolled, (*journal).end().segment);
            disk.crash(crash);
        }
    }
    EXPECT_GT(torn, 1000u);
    EXPECT_GT(lost, 5000u);
    EXPECT_GT(rolled, 5u);
}

TEST(Journal, damage_names_the_place) {
    sim::SimDisk disk;
    Seen second;
    {
        const Opened journal = open(disk);
        (*journal).append(1, Bytes{1});
        second = put(*journal, 1, Bytes{2});
        sync(*journal, disk);
        (*journal).append(1, Bytes{3});
        sync(*journal, disk);
    }
    const Opened intact = open(disk);
    disk.rot("journal-000001", second.position.offset + 5);
    EXPECT_TRUE((*intact).read(second.position).error().is(StoreError::journal_damaged));
    const Opened journal = open(disk);
    ASSERT_FALSE(journal.journal.ok());
    EXPECT_EQ(journal.journal.error().message(),
              "the journal is damaged: " + second.position.text() +
                  ", though it was synced beyond that. This participant cannot know what it has "
                  "signed. `tally node` puts such a journal aside, and signs nothing in this "
                  "epoch. If a true copy is found, put it in its place");
}

TEST(Journal, a_stranger_cannot_make_a_torn_record_look_like_damage) {
    // The stranger knows all but the key, and puts a mark into a payload.
    for (const bool knows_key : {false, true}) {
        sim::SimDisk disk;
        Seen torn;
        {
            const Opened journal = open(disk);
            const Hash key = knows_key ? identity.mark_key : Hash{{8}};
            Bytes payload(50, 1);
            append(payload, encode_record(uint8_t(OwnKind::synced_mark),
                                          encode_mark(key, 1, 1'000'000), {}));
            torn = put(*journal, 1, std::move(payload));
            disk.complete((*journal).sync());
        }
        disk.rot("journal-000001", torn.position.offset + 6);
        EXPECT_EQ(open(disk).journal.ok(), !knows_key);
    }
}

TEST(Journal, missing_and_exchanged_segments_are_damage) {
    sim::SimDisk disk;
    {
        const Opened journal = open(disk, 100);
        for (uint8_t number = 0; number < 5; ++number) (*journal).append(1, Bytes(50, number));
        sync(*journal, disk);
    }
    sim::SimDisk missing = disk;
    ASSERT_TRUE(missing.remove("journal-000002").ok());
    EXPECT_EQ(open(missing).journal.error().detail, "journal-000002 is missing");

    sim::SimDisk emptied = disk;
    ASSERT_TRUE(emptied.truncate("journal-000001", 0).ok());
    EXPECT_EQ(open(emptied).journal.error().detail,
              "journal-000001, byte 0, with later segments after it");

    sim::SimDisk exchanged = disk;
    const Bytes third = *disk.read("journal-000003", 0, 1000);
    ASSERT_TRUE(exchanged.remove("journal-000002").ok());
    exchanged.append("journal-000002", third);
    EXPECT_EQ(open(exchanged).journal.error().detail,
              "journal-000002 says that it is journal-000003");

    sim::SimDisk shortened = disk;
    const uint64_t size = *disk.size("journal-000002");
    ASSERT_TRUE(shortened.truncate("journal-000002", size - record_extra_bytes - 50).ok());
    EXPECT_EQ(open(shortened).journal.error().detail,
              "journal-000003 does not follow journal-000002");
}

TEST(Journal, another_networks_participants_or_versions_journal_is_refused) {
    sim::SimDisk disk;
    {
        const Opened journal = open(disk);
        sync(*journal, disk);
    }
    const auto network = open(disk, 1000, {{{9}}, {2}, {}}).journal.error();
    EXPECT_TRUE(network.is(StoreError::journal_other_network));
    EXPECT_EQ(network.message().find("the journal belongs to another network: journal-000001 is "
                                     "of network 010203"),
              0u)
        << network.message();
    const auto participant = open(disk, 1000, {identity.network, {3}, {}}).journal.error();
    EXPECT_TRUE(participant.is(StoreError::journal_other_participant));
    EXPECT_EQ(participant.detail, "journal-000001 is of participant 2, not 3");

    sim::SimDisk newer;
    SegmentHeader header;
    header.format = 2;
    Bytes payload = encode_header(header);
    append(payload, Bytes(10, 1));  // Whatever comes then.
    newer.append("journal-000001", encode_record(uint8_t(OwnKind::header), payload, {}));
    const auto version = open(newer).journal.error();
    EXPECT_TRUE(version.is(StoreError::journal_newer));
    EXPECT_EQ(version.detail, "journal-000001 has format 2, this version knows up to 1");
}

TEST(Journal, other_files_are_left_alone) {
    sim::SimDisk disk;
    for (const char* name :
         {"journal", "journal-1", "journal-0000001", "journal-00000x", "notes"}) {
        disk.append(name, Bytes{1});
    }
    disk.complete(disk.sync());
    const Opened journal = open(disk);
    ASSERT_TRUE(journal.journal.ok());
    EXPECT_EQ(disk.list()->size(), 6u);
}

}  // namespace
}  // namespace tally::store
