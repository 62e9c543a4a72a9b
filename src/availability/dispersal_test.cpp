// What an author commits to is exactly what every holder rebuilds; whatever differs is refused, or
// void for all alike.
#include "availability/dispersal.hpp"

#include <gtest/gtest.h>

#include "crypto/merkle.hpp"
#include "model/cut_limits.hpp"
#include "model/envelope.hpp"

namespace tally::availability {
namespace {

const Place place{Epoch{}, 4, Participant{2}, LaneHeight{7}};

model::Batch batch_of(std::initializer_list<size_t> sizes) {
    model::Batch batch;
    for (const size_t size : sizes)
        batch.push_back({LedgerIndex{uint16_t(size % 3)}, Bytes(size, uint8_t(size))});
    return batch;
}
model::BatchHeader header_of(const model::DaParameters& da) {
    model::BatchHeader header;
    header.lane = place.lane;
    header.height = place.height;
    header.da = da;
    return header;
}
/// What an author makes who commits to any bytes as if they were a batch.
Dispersal commit_to(Bytes cell, uint32_t length, Hash leaves_root, uint32_t count) {
    Dispersal out = disperse(place, encode_batch(batch_of({200})));
    out.da.length = length;
    cell.resize((length + 63) / 64 * 64);
    out.da.cell_bytes = uint32_t(cell.size());
    std::vector<Hash> leaves;
    for (size_t at = 0; at < cell.size(); at += 1024)
        leaves.push_back(
            merkle_leaf(ByteView(cell).subspan(at, std::min<size_t>(1024, cell.size() - at))));
    out.cell = std::move(cell);
    out.cell_leaves.assign(4, tagged_hash(Tag::cell, merkle_root(leaves).view()));
    out.da.cells_root = merkle_root(out.cell_leaves);
    out.da.leaves_root = leaves_root;
    out.da.count = count;
    return out;
}
void expect_void_for_all(const Dispersal& dispersal) {
    ASSERT_TRUE(parameters_follow(place, dispersal.da));
    const auto header = header_of(dispersal.da);
    for (uint8_t holder = 0; holder < 4; ++holder) {
        const auto cell = dispersal.cell_of(Participant{holder});
        ASSERT_TRUE(cell_verifies(dispersal.da, Participant{holder}, cell));
        const auto held = batch_of_cell(header, cell.bytes);
        EXPECT_TRUE(held->is_void);
        EXPECT_EQ(held->bytes, dispersal.cell);
        const auto fetched = rebuild(header, held->bytes);
        ASSERT_TRUE(fetched);
        EXPECT_TRUE(fetched->is_void);
        EXPECT_EQ(fetched->bytes, held->bytes);
    }
}

TEST(Dispersal, has_its_golden_hashes) {
    // Computed from the formulas of docs/protocol.md, sections 1 and 9, apart from this code:
    // K = 1, N = n = 4, a cell of ⌈1514 / 64⌉ · 64 bytes, two leaves of it, one envelope that is a
    // JWS and one that is none.
    const model::Batch batch{{LedgerIndex{0}, copy_of(view_of("h.p.s"))},
                             {LedgerIndex{2}, Bytes(1500, 'x')}};
    const Bytes bytes = encode_batch(batch);
    EXPECT_EQ(to_hex(ByteView(bytes).first(12)), "82820045682e702e73820259");
    const auto dispersal = disperse(place, bytes);
    EXPECT_EQ(dispersal.da.data_cells, 1);
    EXPECT_EQ(dispersal.da.cells, 4);
    EXPECT_EQ(dispersal.da.length, 1514u);
    EXPECT_EQ(dispersal.da.cell_bytes, 1536u);
    EXPECT_EQ(dispersal.da.leaves_root.hex(),
              "e886c6a0107868b3b7fdbb2cc7fcbed2e3ccf1fe75b28deabdf4eb80aad522cc");
    ASSERT_EQ(dispersal.cell_leaves.size(), 4u);
    for (const Hash& leaf : dispersal.cell_leaves)
        EXPECT_EQ(leaf.hex(), "647b1ec190731e3af424a11cd1289a64197908f4dfc1cde0907a145f54c8d364");
    EXPECT_EQ(dispersal.da.cells_root.hex(),
              "8747027f347100bf843613968d40bf6d0f8a072410d6071c1cc7fda8c3557176");
    EXPECT_EQ(model::da_root_of(dispersal.da).hex(),
              "35dc3ce400f33541e4eb3a15189223c82fb2bf98d53a458b9b4b1e73a8714ccd");
}

TEST(Dispersal, every_holder_rebuilds_the_very_bytes) {
    for (const auto& batch : {batch_of({124}), batch_of({0, 64, 61'440, 1000}),
                              batch_of({1023, 1024, 1025, 61'000, 61'001, 61'002})}) {
        const Bytes bytes = encode_batch(batch);
        const auto dispersal = disperse(place, bytes);
        EXPECT_TRUE(parameters_follow(place, dispersal.da));
        EXPECT_EQ(dispersal.da.cell_bytes % 64, 0u);
        for (uint8_t holder = 0; holder < 4; ++holder) {
            const auto cell = dispersal.cell_of(Participant{holder});
            EXPECT_TRUE(cell_verifies(dispersal.da, Participant{holder}, cell));
            const auto held = batch_of_cell(header_of(dispersal.da), cell.bytes);
            EXPECT_FALSE(held->is_void);
            EXPECT_EQ(held->bytes, bytes);
            EXPECT_FALSE(rebuild(header_of(dispersal.da), held->bytes)->is_void);
        }
    }
}

TEST(Dispersal, a_leaf_names_where_each_envelope_stands) {
    const auto batch = batch_of({3, 300, 70});
    const Bytes bytes = encode_batch(batch);
    const auto leaves = *batch_leaves(bytes);
    ASSERT_EQ(leaves.size(), 3u);
    for (size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(copy_of(ByteView(bytes).subspan(leaves[i].offset, leaves[i].length)),
                  Bytes(batch[i].envelope));
        EXPECT_EQ(leaves[i].ledger, batch[i].ledger);
        EXPECT_EQ(leaves[i].transaction, model::transaction_id_of(batch[i].envelope));
    }
}

TEST(Dispersal, a_batch_has_one_encoding_and_is_never_empty) {
    const Bytes good = encode_batch(batch_of({3, 5}));
    for (size_t length = 0; length < good.size(); ++length)
        EXPECT_FALSE(batch_leaves(ByteView(good).first(length)).ok());
    for (const std::string_view bad : {"80", "818000",
                                       "8182004100"
                                       "00",
                                       "818218004100", "f6"})
        EXPECT_FALSE(batch_leaves(*from_hex(bad)).ok()) << bad;
    EXPECT_TRUE(batch_leaves(*from_hex("8182004100")).ok());
    model::Batch too_large;
    for (int i = 0; i < 70; ++i) too_large.push_back({LedgerIndex{}, Bytes(61'440)});
    EXPECT_FALSE(batch_leaves(cbor::encode(too_large)).ok());
}

TEST(Dispersal, every_flipped_bit_of_cell_or_path_is_refused) {
    const auto dispersal = disperse(place, encode_batch(batch_of({900, 900, 900})));
    const auto good = dispersal.cell_of(Participant{1});
    for (size_t at = 0; at < good.bytes.size(); at += 37) {
        auto bad = good;
        bad.bytes[at] ^= 1;
        EXPECT_FALSE(cell_verifies(dispersal.da, Participant{1}, bad));
        EXPECT_FALSE(rebuild(header_of(dispersal.da), bad.bytes));
    }
    auto bad = good;
    bad.path[0].bytes[3] ^= 1;
    EXPECT_FALSE(cell_verifies(dispersal.da, Participant{1}, bad));
    bad = good;
    bad.path.pop_back();
    EXPECT_FALSE(cell_verifies(dispersal.da, Participant{1}, bad));
    EXPECT_FALSE(cell_verifies(dispersal.da, Participant{2}, good));
    bad = good;
    bad.bytes.push_back(0);
    EXPECT_FALSE(cell_verifies(dispersal.da, Participant{1}, bad));
    EXPECT_FALSE(rebuild(header_of(dispersal.da), {}));
}

TEST(Dispersal, every_parameter_is_bound_by_the_formulas_or_by_the_bytes) {
    const Bytes bytes = encode_batch(batch_of({900, 20}));
    const auto good = disperse(place, bytes).da;
    const auto differs = [&](auto change) {
        auto da = good;
        change(da);
        EXPECT_NE(model::da_root_of(da), model::da_root_of(good));
        if (!parameters_follow(place, da)) return;
        const auto held = rebuild(header_of(da), bytes);
        EXPECT_TRUE(!held || held->is_void);
    };
    differs([](auto& da) { ++da.version; });
    differs([](auto& da) { da.mode = model::Forwarding::coded; });
    differs([](auto& da) { ++da.participants; });
    differs([](auto& da) { ++da.data_cells; });
    differs([](auto& da) { ++da.cells; });
    differs([](auto& da) { da.cell_bytes += 64; });
    differs([](auto& da) { --da.length; });
    differs([](auto& da) { ++da.length; });
    differs([](auto& da) { da.length = 0; });
    differs([](auto& da) { da.length = 0xffffffff; });
    differs([](auto& da) { ++da.epoch.value; });
    differs([](auto& da) { ++da.lane.value; });
    differs([](auto& da) { ++da.height.value; });
    differs([](auto& da) { da.leaves_root.bytes[0] ^= 1; });
    differs([](auto& da) { ++da.count; });
    differs([](auto& da) { da.count = 0; });
    differs([](auto& da) { da.cells_root.bytes[31] ^= 1; });
}

TEST(Dispersal, garbage_and_false_leaves_are_void_for_all_with_the_same_bytes) {
    const Bytes batch = encode_batch(batch_of({200, 300}));
    const auto honest = disperse(place, batch).da;
    expect_void_for_all(commit_to(Bytes(500, 0xab), 500, honest.leaves_root, 2));
    expect_void_for_all(commit_to(batch, honest.length, sha256({}), 2));
    expect_void_for_all(commit_to(batch, honest.length, honest.leaves_root, 3));
    Bytes padded = batch;
    padded.resize(honest.cell_bytes);
    ASSERT_GT(padded.size(), batch.size());
    padded.back() = 1;
    expect_void_for_all(commit_to(padded, honest.length, honest.leaves_root, 2));
    // A batch spelled in another way than the canonical one.
    Bytes spelled_longer = *from_hex("8182180058ff");
    spelled_longer.resize(6 + 255);
    expect_void_for_all(commit_to(spelled_longer, 6 + 255, honest.leaves_root, 1));
    expect_void_for_all(commit_to(Bytes(128, 0x80), 128, sha256({}), 1));
}

TEST(Dispersal, a_batch_of_many_tiny_envelopes_is_acknowledged_by_nobody) {
    // Their entries in a block, their results and what checking makes of them would be hundreds of
    // times the bytes that the author pays for.
    model::Batch tiny(limits::batch_envelopes_max);
    const Bytes bytes = encode_batch(tiny);
    const auto leaves = *batch_leaves(bytes);
    ASSERT_LT(bytes.size(), 200'000u);
    auto da = commit_to(bytes, uint32_t(bytes.size()), sha256({}), 1).da;
    EXPECT_TRUE(parameters_follow(place, da));
    da.count = uint32_t(leaves.size());
    EXPECT_FALSE(parameters_follow(place, da));
    da.count = da.length / 128;
    EXPECT_TRUE(parameters_follow(place, da));
    ++da.count;
    EXPECT_FALSE(parameters_follow(place, da));
}

TEST(Dispersal, the_smallest_valid_envelope_is_larger_than_the_least_size) {
    for (const model::SecretKey& key : {model::SecretKey(Ed25519Secret::from_seed({})),
                                        model::SecretKey(*Secp256k1Secret::from_bytes({1}))}) {
        const auto envelope = model::sign_envelope({Hash{}, "a", "", 0, 0, "[{}]"}, key);
        ASSERT_TRUE(model::check_envelope(view_of(envelope), Hash{}, "a").valid());
        EXPECT_GT(envelope.size(), 2 * model::envelope_bytes_min);
    }
}

TEST(Dispersal, cells_that_differ_are_not_acknowledged) {
    auto dispersal = disperse(place, encode_batch(batch_of({150})));
    dispersal.cell_leaves[3] = sha256({});
    dispersal.da.cells_root = merkle_root(dispersal.cell_leaves);
    for (uint8_t holder = 0; holder < 3; ++holder)
        EXPECT_FALSE(cell_verifies(dispersal.da, Participant{holder},
                                   dispersal.cell_of(Participant{holder})));
}

}  // namespace
}  // namespace tally::availability
