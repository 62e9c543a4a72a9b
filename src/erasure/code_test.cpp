// Any K of the N cells give the data back, and the parity is what the formula says.
#include "erasure/code.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace tally::erasure {
namespace {

/// Multiplication in GF(2^8) with polynomial 0x11d, as one does it by hand.
uint8_t times(uint8_t a, uint8_t b) {
    uint32_t product = 0;
    for (uint32_t bit = 0; bit < 8; ++bit) {
        if (((b >> bit) & 1) != 0) product ^= uint32_t{a} << bit;
    }
    for (uint32_t bit = 15; bit >= 8; --bit) {
        if (((product >> bit) & 1) != 0) product ^= 0x11du << (bit - 8);
    }
    return uint8_t(product);
}
uint8_t inverse(uint8_t a) {
    for (uint32_t b = 1; b < 256; ++b) {
        if (times(a, uint8_t(b)) == 1) return uint8_t(b);
    }
    return 0;
}

Bytes random_bytes(std::mt19937_64& random, size_t size) {
    Bytes bytes(size);
    for (auto& byte : bytes) byte = uint8_t(random());
    return bytes;
}

TEST(Code, the_parity_is_the_sum_that_the_formula_names) {
    std::mt19937_64 random(1);
    for (const auto& [data_cells, cells] :
         {std::pair{1u, 4u}, {3u, 7u}, {5u, 5u}, {64u, 128u}, {85u, 255u}}) {
        const Code code(data_cells, cells);
        const Bytes data = random_bytes(random, size_t{data_cells} * 64);
        Bytes all = data;
        all.resize(size_t{cells} * 64);
        code.encode(all);
        ASSERT_TRUE(equal(ByteView(all).first(data.size()), data));
        for (uint32_t row = data_cells; row < cells; ++row) {
            for (const size_t at : {size_t{0}, size_t{63}}) {
                uint8_t sum = 0;
                for (uint32_t j = 0; j < data_cells; ++j)
                    sum ^= times(inverse(uint8_t(row ^ j)), data[j * 64 + at]);
                EXPECT_EQ(all[row * 64 + at], sum);
            }
        }
    }
}

TEST(Code, any_k_cells_give_the_data_back) {
    std::mt19937_64 random(2);
    for (int round = 0; round < 300; ++round) {
        const auto data_cells = uint32_t(1 + random() % 85);
        const auto cells = uint32_t(data_cells + random() % (256 - data_cells));
        const size_t cell_bytes = 64 * (1 + random() % 40);
        const Code code(data_cells, cells);
        const Bytes data = random_bytes(random, data_cells * cell_bytes);
        Bytes all = data;
        all.resize(cells * cell_bytes);
        code.encode(all);
        std::vector<uint32_t> order(cells);
        std::iota(order.begin(), order.end(), 0u);
        std::shuffle(order.begin(), order.end(), random);
        std::vector<const uint8_t*> given(cells, nullptr);
        const size_t spare = round % 2 == 0 ? 0 : random() % (cells - data_cells + 1);
        for (size_t i = 0; i < data_cells + spare; ++i)
            given[order[i]] = all.data() + order[i] * cell_bytes;
        ASSERT_EQ(code.data_of(given, cell_bytes), data) << data_cells << " of " << cells;
    }
}

TEST(Code, every_choice_of_a_small_code_decodes) {
    const Code code(3, 7);
    std::mt19937_64 random(3);
    const Bytes data = random_bytes(random, 3 * 128);
    Bytes all = data;
    all.resize(size_t{7} * 128);
    code.encode(all);
    for (uint32_t chosen = 0; chosen < 128; ++chosen) {
        if (std::popcount(chosen) < 3) continue;
        std::vector<const uint8_t*> given(7, nullptr);
        for (uint32_t i = 0; i < 7; ++i) {
            if (((chosen >> i) & 1) != 0) given[i] = all.data() + size_t{i} * 128;
        }
        EXPECT_EQ(code.data_of(given, 128), data) << chosen;
    }
}

}  // namespace
}  // namespace tally::erasure
