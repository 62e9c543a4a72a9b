// From the bytes of a batch to what its author commits to, and back (docs/protocol.md, section 1).
//
// Pure functions. This version disperses only `replicated`: one data cell (K = 1), which is the
// batch itself padded with zeros to a multiple of 64 bytes, and N = n identical cells, so that
// every participant holds the whole batch.
//
// A cell's hash is H(tag ‖ the RFC 9162 root over its 1 KiB leaves); `cells_root` is the RFC 9162
// tree's root over the cells' hashes; `leaves_root` the one over the encodings of the batch leaves.
#pragma once

#include <memory>

#include "model/batch.hpp"

namespace tally::availability {

/// A batch as this participant holds it: either exactly what `header.da` commits to, or void.
struct HeldBatch {
    model::BatchHeader header;
    Hash header_hash;
    /// The batch's canonical bytes; of a void one the whole cell, alike for every holder.
    Bytes bytes;
    /// What the author committed to is no batch: it counts as empty, for every reader alike.
    bool is_void = false;
};

/// One transaction's place in a batch: a leaf under `leaves_root`.
struct BatchLeaf {
    Hash transaction;
    LedgerIndex ledger;
    uint32_t offset = 0;  ///< of the envelope in the batch's bytes
    uint32_t length = 0;
    bool operator==(const BatchLeaf&) const = default;
    static constexpr auto fields() {
        return std::tuple{&BatchLeaf::transaction, &BatchLeaf::ledger, &BatchLeaf::offset,
                          &BatchLeaf::length};
    }
};

/// The one encoding of a batch. Requires 1 to limits::batch_envelopes_max items.
[[nodiscard]] Bytes encode_batch(const model::Batch& batch);
/// In the batch's order; an error iff `bytes` are no batch: one canonical encoding, within every
/// limit, never empty.
[[nodiscard]] Result<std::vector<BatchLeaf>> batch_leaves(ByteView bytes);

/// Where a batch stands: what its parameters follow from, beside its length.
struct Place {
    Epoch epoch;
    uint8_t participants = 0;  ///< n
    Participant lane;
    LaneHeight height;
    model::Forwarding mode = model::Forwarding::replicated;
};

struct Dispersal {
    model::DaParameters da;
    Bytes cell;                     ///< every participant's
    std::vector<Hash> cell_leaves;  ///< under cells_root, one per cell
    [[nodiscard]] model::Cell cell_of(Participant holder) const;
};
/// Requires `bytes` to be a batch, of model::envelope_bytes_min for each item or more.
[[nodiscard]] Dispersal disperse(const Place& place, ByteView bytes);

/// True iff version, n, K, N, cell size, epoch, lane and height are what `place` and the length
/// imply, length and count are within the limits, and the length is that of so many envelopes. No
/// batch with other parameters is ever acknowledged.
[[nodiscard]] bool parameters_follow(const Place& place, const model::DaParameters& da);

/// True iff `cell` is the holder's and its path leads to cells_root; where K = 1 also iff all N
/// cells are this very one, for then they are alike for all. Requires parameters_follow().
[[nodiscard]] bool cell_verifies(const model::DaParameters& da, Participant holder,
                                 const model::Cell& cell);

/// The batch of a cell that verifies. It is void iff it breaks a rule that shows only in the bytes:
/// padding that is not zero, no batch, or any field of da_root other than recomputed.
[[nodiscard]] std::shared_ptr<const HeldBatch> batch_of_cell(const model::BatchHeader& header,
                                                             ByteView cell);

/// The batch that `header` commits to, from what another holder of it sent: HeldBatch::bytes.
/// Nothing if these are not the committed bytes. Requires parameters_follow().
[[nodiscard]] std::shared_ptr<const HeldBatch> rebuild(const model::BatchHeader& header,
                                                       ByteView bytes);

}  // namespace tally::availability
