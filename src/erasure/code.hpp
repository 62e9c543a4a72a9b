// K-of-N coding: from K cells of data N − K cells of parity, such that any K of the N give the data
// back.
//
// A systematic Cauchy code over GF(2^8), polynomial 0x11d (Blömer et al., "An XOR-Based
// Erasure-Resilient Coding Scheme", ICSI TR-95-048, 1995): cell i < K is data, cell i ≥ K the sum
// over j < K of data j / (i ⊕ j). The multiplication of long cells is ISA-L's; the inverse of a
// Cauchy matrix has a closed form.
//
// Immutable once made: any number of threads may use one.
#pragma once

#include <span>

#include "base/bytes.hpp"

namespace tally::erasure {

class Code {
public:
    static constexpr uint32_t cells_max = 255;
    /// Requires 1 ≤ data_cells ≤ cells ≤ cells_max.
    Code(uint32_t data_cells, uint32_t cells);

    [[nodiscard]] uint32_t data_cells() const { return data_cells_; }  ///< K
    [[nodiscard]] uint32_t cells() const { return cells_; }            ///< N

    /// Computes the parity. `cells`: all N, end to end, of which the first K are the data. Requires
    /// equal cells of a multiple of 64 bytes.
    void encode(std::span<uint8_t> cells) const;

    /// The data, from any K cells or more. `cells[i]`: the cell with index i, or null; N of them,
    /// at least K of them there, of `cell_bytes` each, a multiple of 64.
    [[nodiscard]] Bytes data_of(std::span<const uint8_t* const> cells, size_t cell_bytes) const;

private:
    uint32_t data_cells_;
    uint32_t cells_;
    Bytes tables_;  ///< ISA-L's, of all parity rows
};

}  // namespace tally::erasure
