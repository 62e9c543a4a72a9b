// Every leaf of every cell proves itself under its header and nowhere else.
#include "availability/sampling.hpp"

#include <gtest/gtest.h>

namespace tally::availability {
namespace {

Dispersal sampled_dispersal(uint32_t n, size_t bytes, model::Forwarding mode) {
    const Coder by(n, {});
    model::Batch batch;
    for (size_t done = 0; done < bytes; done += 50'000) {
        Bytes envelope;
        while (envelope.size() < 50'000) append_u64(envelope, done + envelope.size());
        batch.push_back({LedgerIndex{1}, std::move(envelope)});
    }
    return by.disperse({Epoch{}, Participant{1}, LaneHeight{3}}, mode, encode_batch(batch));
}

TEST(Sampling, every_leaf_proves_itself) {
    for (const auto mode : {model::Forwarding::coded, model::Forwarding::replicated}) {
        for (const uint32_t n : {1u, 4u, 7u}) {
            // 50,000 bytes make cells of 832 bytes at n = 4, or one of 50,048: 49 leaves.
            const auto dispersal = sampled_dispersal(n, 50'000, mode);
            const auto& da = dispersal.da;
            for (uint32_t cell = 0; cell < da.cells; ++cell) {
                const auto cells = dispersal.cells_of(holder_of(da, cell));
                for (uint32_t leaf = 0; leaf < leaves_of_cell(da); ++leaf) {
                    const auto shown = leaf_of(da, cells, cell, leaf);
                    ASSERT_TRUE(shown) << cell << '/' << leaf;
                    EXPECT_TRUE(leaf_verifies(da, *shown));
                }
                EXPECT_FALSE(leaf_of(da, cells, cell, leaves_of_cell(da)));
                EXPECT_FALSE(leaf_of(da, cells, cell + da.cells, 0));
                const bool is_anothers = n > 1;
                EXPECT_EQ(!leaf_of(da, cells, cell + 1, 0), is_anothers || cell + 1 == da.cells);
            }
        }
    }
}

TEST(Sampling, whatever_is_altered_proves_nothing) {
    const auto dispersal = sampled_dispersal(4, 300'000, model::Forwarding::coded);
    const auto& da = dispersal.da;
    const auto good = leaf_of(da, dispersal.cells_of({2}), 6, 1);
    ASSERT_TRUE(good && leaf_verifies(da, *good));
    const auto refused = [&](auto change) {
        CellLeaf leaf = *good;
        change(leaf);
        return leaf == *good || !leaf_verifies(da, leaf);
    };
    EXPECT_TRUE(refused([](auto& leaf) { leaf.bytes[5] ^= 1; }));
    EXPECT_TRUE(refused([](auto& leaf) { leaf.bytes.pop_back(); }));
    EXPECT_TRUE(refused([](auto& leaf) { leaf.cell = 10; }));
    EXPECT_TRUE(refused([](auto& leaf) { leaf.cell = 7; }));
    EXPECT_TRUE(refused([](auto& leaf) { leaf.cell = 60'000; }));
    EXPECT_TRUE(refused([](auto& leaf) { leaf.leaf = 0; }));
    EXPECT_TRUE(refused([](auto& leaf) { leaf.leaf = 60'000; }));
    EXPECT_TRUE(refused([](auto& leaf) { leaf.cell_root.bytes[0] ^= 1; }));
    EXPECT_TRUE(refused([](auto& leaf) { leaf.holder_root.bytes[0] ^= 1; }));
    EXPECT_TRUE(refused([](auto& leaf) { leaf.in_cell.pop_back(); }));
    EXPECT_TRUE(refused([](auto& leaf) { leaf.in_holder[0].bytes[0] ^= 1; }));
    EXPECT_TRUE(refused([](auto& leaf) { leaf.in_batch[0].bytes[0] ^= 1; }));
    auto other = da;
    other.cells_root.bytes[0] ^= 1;
    EXPECT_FALSE(leaf_verifies(other, *good));
}

}  // namespace
}  // namespace tally::availability
