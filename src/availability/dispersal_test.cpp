// What an author commits to is exactly what every reader rebuilds, from whichever holders' cells;
// whatever differs is refused, or void for all alike.
#include "availability/dispersal.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "base/quorum.hpp"
#include "crypto/merkle.hpp"
#include "model/cut_limits.hpp"
#include "model/envelope.hpp"

namespace tally::availability {
namespace {

const Place place{Epoch{}, Participant{2}, LaneHeight{7}};
constexpr auto coded = model::Forwarding::coded;
/// With fewer bytes than this they travel whole.
constexpr uint64_t coded_from = 4'096;
const Coder coder(4, {}, coded_from);

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
model::CellSets sets_of(const Dispersal& dispersal, std::initializer_list<uint8_t> holders) {
    model::CellSets sets;
    for (const uint8_t holder : holders) sets.push_back(dispersal.cells_of(Participant{holder}));
    return sets;
}
/// What an author makes who commits to these cells, whatever they are. Of one cell all are copies.
void commit_to_cells(Dispersal& out, const Coder& by = coder) {
    const uint32_t n = out.da.participants;
    out.roots.clear();
    const auto leaf_of = [](ByteView cell) {
        std::vector<Hash> leaves;
        for (size_t at = 0; at < cell.size(); at += 1024)
            leaves.push_back(
                merkle_leaf(cell.subspan(at, std::min<size_t>(1024, cell.size() - at))));
        return tagged_hash(Tag::cell, merkle_root(leaves).view());
    };
    for (uint32_t holder = 0; holder < n; ++holder) {
        std::vector<Hash> own;
        for (uint32_t i = 0; i < out.shape.cells_each; ++i) {
            const size_t index = out.shape.is_coded() ? holder + size_t{i} * n : 0;
            own.push_back(
                leaf_of(ByteView(out.cells).subspan(index * out.da.cell_bytes, out.da.cell_bytes)));
        }
        out.roots.push_back(merkle_root(own));
    }
    out.da.cells_root = merkle_root(out.roots);
    ASSERT_TRUE(by.parameters_follow(place, out.da));
}
/// Of an author who commits to any bytes as if they were a batch.
Dispersal commit_to(Bytes cell, uint32_t length, Hash leaves_root, uint32_t count) {
    Dispersal out = coder.disperse(place, coded, encode_batch(batch_of({200})));
    out.shape = coder.shape_of(coded, length);
    out.da.length = length;
    out.da.data_cells = uint16_t(out.shape.data_cells);
    out.da.cells = uint16_t(out.shape.cells);
    out.da.cell_bytes = out.shape.cell_bytes;
    out.da.leaves_root = leaves_root;
    out.da.count = count;
    const bool is_coded = out.shape.is_coded();
    cell.resize(size_t{is_coded ? out.shape.cells : 1} * out.da.cell_bytes);
    if (is_coded) erasure::Code(out.shape.data_cells, out.shape.cells).encode(cell);
    out.cells = std::move(cell);
    commit_to_cells(out);
    return out;
}
/// Whoever's cells one reads, and whatever others have kept of it.
void expect_void_for_all(const Dispersal& dispersal) {
    const auto header = header_of(dispersal.da);
    const auto expect_void = [&](const model::CellSets& sets) {
        for (const auto& set : sets) ASSERT_TRUE(coder.cells_verify(dispersal.da, set.holder, set));
        const auto held = coder.batch_of(header, sets);
        EXPECT_TRUE(held->is_void);
        const auto fetched = coder.rebuild(header, held->bytes);
        ASSERT_TRUE(fetched);
        EXPECT_TRUE(fetched->is_void);
        EXPECT_EQ(fetched->bytes, held->bytes);
        const auto own = coder.cells_of(*held, sets.front().holder);
        ASSERT_TRUE(own);
        EXPECT_TRUE(coder.cells_verify(dispersal.da, sets.front().holder, *own));
    };
    for (uint8_t a = 0; a < 4; ++a) {
        if (!dispersal.shape.is_coded()) expect_void(sets_of(dispersal, {a}));
        for (uint8_t b = uint8_t(a + 1); dispersal.shape.is_coded() && b < 4; ++b)
            expect_void(sets_of(dispersal, {a, b}));
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
    const auto dispersal = coder.disperse(place, model::Forwarding::replicated, bytes);
    EXPECT_EQ(dispersal.da.data_cells, 1);
    EXPECT_EQ(dispersal.da.cells, 4);
    EXPECT_EQ(dispersal.da.length, 1514u);
    EXPECT_EQ(dispersal.da.cell_bytes, 1536u);
    EXPECT_EQ(dispersal.da.leaves_root.hex(),
              "e886c6a0107868b3b7fdbb2cc7fcbed2e3ccf1fe75b28deabdf4eb80aad522cc");
    ASSERT_EQ(dispersal.roots.size(), 4u);
    for (const Hash& root : dispersal.roots)
        EXPECT_EQ(root.hex(), "647b1ec190731e3af424a11cd1289a64197908f4dfc1cde0907a145f54c8d364");
    EXPECT_EQ(dispersal.da.cells_root.hex(),
              "8747027f347100bf843613968d40bf6d0f8a072410d6071c1cc7fda8c3557176");
    EXPECT_EQ(model::da_root_of(dispersal.da).hex(),
              "35dc3ce400f33541e4eb3a15189223c82fb2bf98d53a458b9b4b1e73a8714ccd");
}

TEST(Dispersal, coded_cells_have_their_golden_hashes) {
    // Computed from the formulas, in another language: n = 4, K = 64, N = 128, cells of 128 bytes.
    model::Batch batch;
    for (uint8_t i = 1; i <= 5; ++i) batch.push_back({LedgerIndex{0}, Bytes(1'000, i)});
    const auto dispersal = coder.disperse(place, coded, encode_batch(batch));
    EXPECT_EQ(dispersal.da.length, 5'026u);
    EXPECT_EQ(dispersal.da.data_cells, 64);
    EXPECT_EQ(dispersal.da.cells, 128);
    EXPECT_EQ(dispersal.da.cell_bytes, 128u);
    ASSERT_EQ(dispersal.roots.size(), 4u);
    EXPECT_EQ(dispersal.roots[0].hex(),
              "67bfca6b8989c4201eaf272b8b457d2489ef1506ce33e66a2e34cbf9680e165d");
    EXPECT_EQ(dispersal.roots[3].hex(),
              "5857381a8701f74200fd34e807714a31c3e9b7bcfac034de6a7afd5c387ffdd9");
    EXPECT_EQ(dispersal.da.cells_root.hex(),
              "b4df579b3da79cb2ffd4f85dd7e787de949e4d5ad9491e739c132d5fb979d4f6");
}

TEST(Dispersal, parameters_are_those_of_the_table) {
    // docs/protocol.md, section 1.
    const std::tuple<uint32_t, uint32_t, uint32_t, uint32_t> rows[] = {
        {1, 1, 1, 1},     {2, 1, 1, 2},      {3, 1, 1, 3},     {4, 32, 64, 128},
        {7, 18, 54, 126}, {10, 12, 48, 120}, {16, 8, 48, 128}, {31, 4, 44, 124},
        {50, 2, 34, 100}, {100, 1, 34, 100}, {255, 1, 85, 255}};
    for (const auto& [n, c, data_cells, cells] : rows) {
        const auto shape = Coder(n, {}, coded_from).shape_of(coded, 1'000'000);
        EXPECT_EQ(std::tuple(n, shape.cells_each, shape.data_cells, shape.cells),
                  std::tuple(n, c, data_cells, cells));
        EXPECT_EQ(shape.cell_bytes % 64, 0u);
        EXPECT_GE(uint64_t{shape.cell_bytes} * data_cells, 1'000'000u);
        EXPECT_EQ(Coder(n, {}, coded_from).shape_of(coded, 4'095).data_cells, 1u);
        EXPECT_EQ(
            Coder(n, {}, coded_from).shape_of(model::Forwarding::replicated, 1'000'000).data_cells,
            1u);
    }
}

TEST(Dispersal, the_cells_of_any_f_plus_one_holders_are_the_very_bytes) {
    for (const auto& batch : {batch_of({124}), batch_of({0, 64, 61'440, 1000}),
                              batch_of({1023, 1024, 1025, 61'000, 61'001, 61'002})}) {
        const Bytes bytes = encode_batch(batch);
        for (const uint32_t n : {1, 4, 7, 16, 31, 100}) {
            const Coder by(n, {}, coded_from);
            const auto dispersal = by.disperse(place, coded, bytes);
            EXPECT_TRUE(by.parameters_follow(place, dispersal.da));
            const uint32_t needed = dispersal.shape.holders_needed();
            EXPECT_EQ(needed, dispersal.shape.is_coded() ? Quorum::of(n).liars_max + 1 : 1);
            std::vector<uint8_t> order(n);
            std::iota(order.begin(), order.end(), uint8_t{0});
            std::mt19937_64 random(n);
            for (int round = 0; round < 10; ++round) {
                std::shuffle(order.begin(), order.end(), random);
                std::sort(order.begin(), order.begin() + needed);
                model::CellSets sets;
                for (uint32_t i = 0; i < needed; ++i) {
                    sets.push_back(dispersal.cells_of(Participant{order[i]}));
                    ASSERT_TRUE(by.cells_verify(dispersal.da, Participant{order[i]}, sets.back()));
                }
                const auto held = by.batch_of(header_of(dispersal.da), sets);
                ASSERT_FALSE(held->is_void);
                ASSERT_EQ(held->bytes, bytes);
                const uint8_t other = order[n - 1];
                ASSERT_EQ(*by.cells_of(*held, Participant{other}),
                          dispersal.cells_of(Participant{other}))
                    << "whoever has the batch has everybody's cells";
            }
            const auto fetched = by.rebuild(header_of(dispersal.da), bytes);
            ASSERT_TRUE(fetched);
            EXPECT_FALSE(fetched->is_void);
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

TEST(Dispersal, every_flipped_bit_of_cells_or_path_is_refused) {
    for (const size_t size : {size_t{900}, size_t{9'000}}) {
        const auto dispersal = coder.disperse(place, coded, encode_batch(batch_of({size, size})));
        EXPECT_EQ(dispersal.shape.is_coded(), size > 2'000);
        const auto good = dispersal.cells_of(Participant{1});
        ASSERT_TRUE(coder.cells_verify(dispersal.da, Participant{1}, good));
        for (size_t at = 0; at < good.bytes.size(); at += 37) {
            auto bad = good;
            bad.bytes[at] ^= 1;
            EXPECT_FALSE(coder.cells_verify(dispersal.da, Participant{1}, bad));
        }
        auto bad = good;
        bad.path[0].bytes[3] ^= 1;
        EXPECT_FALSE(coder.cells_verify(dispersal.da, Participant{1}, bad));
        bad = good;
        bad.path.pop_back();
        EXPECT_FALSE(coder.cells_verify(dispersal.da, Participant{1}, bad));
        EXPECT_FALSE(coder.cells_verify(dispersal.da, Participant{2}, good));
        bad = good;
        bad.holder = Participant{2};
        EXPECT_EQ(coder.cells_verify(dispersal.da, Participant{2}, bad), size < 2'000)
            << "copies have the same way up";
        bad = good;
        bad.holder = Participant{200};
        EXPECT_FALSE(coder.cells_verify(dispersal.da, Participant{200}, bad));
        bad = good;
        bad.bytes.push_back(0);
        EXPECT_FALSE(coder.cells_verify(dispersal.da, Participant{1}, bad));
    }
}

TEST(Dispersal, what_is_not_the_committed_bytes_rebuilds_nothing) {
    for (const size_t size : {size_t{900}, size_t{9'000}}) {
        const Bytes bytes = encode_batch(batch_of({size, size}));
        const auto dispersal = coder.disperse(place, coded, bytes);
        const auto header = header_of(dispersal.da);
        for (size_t at = 0; at < bytes.size(); at += 97) {
            Bytes bad = bytes;
            bad[at] ^= 1;
            EXPECT_FALSE(coder.rebuild(header, bad));
        }
        EXPECT_FALSE(coder.rebuild(header, {}));
        EXPECT_FALSE(coder.rebuild(header, ByteView(bytes).first(bytes.size() - 1)));
        // Cells that show nothing false are as good as the batch; too few, too many, one holder's
        // twice, or in another order, are not.
        const auto sets =
            dispersal.shape.is_coded() ? sets_of(dispersal, {1, 3}) : sets_of(dispersal, {1});
        const auto whole = coder.rebuild(header, cbor::encode(sets));
        ASSERT_TRUE(whole);
        EXPECT_FALSE(whole->is_void);
        EXPECT_EQ(whole->bytes, bytes);
        for (const auto& bad : {sets_of(dispersal, {1, 1}), sets_of(dispersal, {3, 1}),
                                sets_of(dispersal, {0, 1, 3}), model::CellSets{}})
            EXPECT_FALSE(coder.rebuild(header, cbor::encode(bad)));
        auto bad = sets;
        bad[0].bytes[5] ^= 1;
        EXPECT_FALSE(coder.rebuild(header, cbor::encode(bad)));
    }
}

TEST(Dispersal, cells_of_no_codeword_are_void_whoever_reads_which) {
    const Bytes bytes = encode_batch(batch_of({9'000, 700}));
    for (const size_t cell : {size_t{0}, size_t{5}, size_t{64}, size_t{127}}) {
        Dispersal dispersal = coder.disperse(place, coded, bytes);
        dispersal.cells[cell * dispersal.da.cell_bytes + 9] ^= 1;
        commit_to_cells(dispersal);
        expect_void_for_all(dispersal);
        EXPECT_FALSE(coder.rebuild(header_of(dispersal.da), bytes))
            << "nobody passes it on as a batch";
    }
}

TEST(Dispersal, a_batch_with_a_ledger_of_another_forwarding_is_void) {
    using enum model::Forwarding;
    const Coder mixed(4, {coded, replicated}, coded_from);
    for (const size_t size : {size_t{300}, size_t{9'000}}) {
        for (const auto mode : {coded, replicated}) {
            for (const uint16_t ledger : {0, 1, 7}) {
                const Bytes bytes = encode_batch({{LedgerIndex{ledger}, Bytes(size, 3)}});
                const auto dispersal = mixed.disperse(place, mode, bytes);
                const bool is_right = ledger == 7 || (ledger == 0) == (mode == coded);
                model::CellSets sets = dispersal.shape.is_coded() ? sets_of(dispersal, {0, 2})
                                                                  : sets_of(dispersal, {2});
                EXPECT_EQ(mixed.batch_of(header_of(dispersal.da), sets)->is_void, !is_right);
            }
        }
    }
}

TEST(Dispersal, every_parameter_is_bound_by_the_formulas_or_by_the_bytes) {
    const auto differs = [&](auto change) {
        for (const size_t size : {size_t{900}, size_t{9'000}}) {
            const Bytes bytes = encode_batch(batch_of({size, 20}));
            const auto good = coder.disperse(place, coded, bytes).da;
            auto da = good;
            change(da);
            EXPECT_NE(model::da_root_of(da), model::da_root_of(good));
            if (!coder.parameters_follow(place, da)) continue;
            const auto held = coder.rebuild(header_of(da), bytes);
            EXPECT_TRUE(!held || held->is_void || da.mode != good.mode);
        }
    };
    differs([](auto& da) { ++da.version; });
    differs([](auto& da) { da.mode = model::Forwarding::replicated; });
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

TEST(Dispersal, garbage_and_false_leaves_are_void_for_all) {
    const Bytes batch = encode_batch(batch_of({200, 300}));
    const auto honest = coder.disperse(place, coded, batch).da;
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
    // The same of coded ones.
    const Bytes large = encode_batch(batch_of({5'000, 300}));
    const auto good = coder.disperse(place, coded, large).da;
    expect_void_for_all(commit_to(Bytes(6'000, 0xab), 6'000, good.leaves_root, 2));
    expect_void_for_all(commit_to(large, good.length, sha256({}), 2));
    Bytes more = large;
    more.resize(good.length + 1);
    more.back() = 1;
    expect_void_for_all(commit_to(more, good.length, good.leaves_root, 2));
}

TEST(Dispersal, a_batch_of_many_tiny_envelopes_is_acknowledged_by_nobody) {
    // Their entries in a block, their results and what checking makes of them would be hundreds of
    // times the bytes that the author pays for.
    model::Batch tiny(limits::batch_envelopes_max);
    const Bytes bytes = encode_batch(tiny);
    const auto leaves = *batch_leaves(bytes);
    ASSERT_LT(bytes.size(), 200'000u);
    auto da = commit_to(bytes, uint32_t(bytes.size()), sha256({}), 1).da;
    EXPECT_TRUE(coder.parameters_follow(place, da));
    da.count = uint32_t(leaves.size());
    EXPECT_FALSE(coder.parameters_follow(place, da));
    da.count = da.length / 128;
    EXPECT_TRUE(coder.parameters_follow(place, da));
    ++da.count;
    EXPECT_FALSE(coder.parameters_follow(place, da));
}

TEST(Dispersal, the_smallest_valid_envelope_is_larger_than_the_least_size) {
    for (const model::SecretKey& key : {model::SecretKey(Ed25519Secret::from_seed({})),
                                        model::SecretKey(*Secp256k1Secret::from_bytes({1}))}) {
        const auto envelope = model::sign_envelope({Hash{}, "a", "", 0, 0, "[{}]"}, key);
        ASSERT_TRUE(model::check_envelope(view_of(envelope), Hash{}, "a").valid());
        EXPECT_GT(envelope.size(), 2 * model::envelope_bytes_min);
    }
}

TEST(Dispersal, copies_that_differ_are_not_acknowledged) {
    auto dispersal = coder.disperse(place, coded, encode_batch(batch_of({150})));
    dispersal.roots[3] = sha256({});
    dispersal.da.cells_root = merkle_root(dispersal.roots);
    for (uint8_t holder = 0; holder < 3; ++holder)
        EXPECT_FALSE(coder.cells_verify(dispersal.da, Participant{holder},
                                        dispersal.cells_of(Participant{holder})));
}

}  // namespace
}  // namespace tally::availability
