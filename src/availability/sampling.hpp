// Sampling: one leaf of one cell, with the way to what the header commits to, and what so many of
// them say of a whole batch (docs/protocol.md, section 1, "Keep").
#pragma once

#include "availability/dispersal.hpp"

namespace tally::availability {

/// 1 KiB of a cell (the last one of a cell may be shorter), and its way to cells_root.
struct CellLeaf {
    uint16_t cell = 0;  ///< 0 ≤ cell < N
    uint16_t leaf = 0;  ///< in the cell
    cbor::Blob<1'024> bytes;
    Hash cell_root;                  ///< over the cell's leaves,
    cbor::List<Hash, 16> in_cell;    ///< the way to it,
    Hash holder_root;                ///< over the hashes of the holder's cells,
    cbor::List<Hash, 16> in_holder;  ///< the way to it,
    cbor::List<Hash, 8> in_batch;    ///< and from there to cells_root
    bool operator==(const CellLeaf&) const = default;
    static constexpr auto fields() {
        return std::tuple{&CellLeaf::cell,      &CellLeaf::leaf,    &CellLeaf::bytes,
                          &CellLeaf::cell_root, &CellLeaf::in_cell, &CellLeaf::holder_root,
                          &CellLeaf::in_holder, &CellLeaf::in_batch};
    }
};

/// Whose cell it is. Where all are copies (K = 1): cell i is participant i's.
[[nodiscard]] Participant holder_of(const model::DaParameters& da, uint32_t cell);
/// How many leaves each cell has.
[[nodiscard]] uint32_t leaves_of_cell(const model::DaParameters& da);

/// A leaf of one of the holder's cells; nothing if that cell is not among them, or has no such
/// leaf. Requires cells that verify under `da`.
[[nodiscard]] std::optional<CellLeaf> leaf_of(const model::DaParameters& da,
                                              const model::CellSet& cells, uint32_t cell,
                                              uint32_t leaf);
/// True iff the leaf is that of `da`, at its place. Requires parameters that follow.
[[nodiscard]] bool leaf_verifies(const model::DaParameters& da, const CellLeaf& leaf);

}  // namespace tally::availability
