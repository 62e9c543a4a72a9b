// Sampling: one leaf of one cell, with the way to what the header commits to, and what so many of
// them say of a whole batch (docs/protocol.md, section 1, "Keep").
#pragma once

#include "availability/dispersal.hpp"

namespace tally::availability {

using model::CellLeaf;

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
