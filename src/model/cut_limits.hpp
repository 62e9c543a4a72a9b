// What one decided cut can hold at most, and therefore the largest block of a ledger. Charters,
// batches and what a participant stores of a block keep to the same numbers.
#pragma once

#include "base/limits.hpp"

namespace tally::model {

/// On average, of a batch: no valid envelope is as small (a did:key, a network id and a signature
/// are 200 bytes of base64url). So many small ones cannot stand in a batch that they cost far more
/// than its bytes.
constexpr size_t envelope_bytes_min = 128;
/// Lanes × window_bytes of a charter: the batches that one cut can add.
constexpr uint64_t cut_bytes_max = uint64_t{1} << 35;
/// Lanes × window_batches of a charter: the entries of a block's manifest.
constexpr size_t cut_batches_max = 65'536;
/// Transactions of a block, those that were skipped included.
constexpr size_t block_entries_max = cut_bytes_max / envelope_bytes_min;
/// A transaction spans at most 64 segments.
constexpr size_t block_segments_max = 64 * block_entries_max;

}  // namespace tally::model
