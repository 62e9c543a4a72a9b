// From the bytes of a batch to the cells that its holders keep, and back (docs/protocol.md, section
// 1).
//
// A batch of `coded` forwarding becomes N = n · c cells, of which any K = (f + 1) · c give it back;
// every participant holds c of them. One of `replicated` forwarding, or of few bytes, or of a
// network that survives no loss, is one cell (K = 1, padded with zeros to a multiple of 64 bytes)
// of which everybody has a copy. All of it follows from (forwarding, n, length) and the
// charter.
//
// A cell's hash is H(tag ‖ the RFC 9162 root over its 1 KiB leaves); a holder's root is the RFC
// 9162 tree's over its cells' hashes, `cells_root` the one over the holders' roots, and
// `leaves_root` the one over the encodings of the batch leaves.
//
// Pure functions; a Coder is immutable, and any number of threads may use one.
#pragma once

#include <algorithm>
#include <memory>

#include "erasure/code.hpp"
#include "model/batch.hpp"

namespace tally::availability {

/// A batch as this participant holds it: either exactly what `header.da` commits to, or void.
struct HeldBatch {
    model::BatchHeader header;
    Hash header_hash;
    /// The batch's canonical bytes; of a void one the encoding of the CellSets that show it, which
    /// need not be those that others have.
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

/// Where a batch stands.
struct Place {
    Epoch epoch;
    Participant lane;
    LaneHeight height;
};

/// How many cells there are, and how large.
struct Shape {
    uint32_t cells_each = 1;  ///< c: of each holder
    uint32_t data_cells = 1;  ///< K
    uint32_t cells = 1;       ///< N
    uint32_t cell_bytes = 0;
    [[nodiscard]] bool is_coded() const { return data_cells > 1; }
    /// How many holders' cells give the batch back.
    [[nodiscard]] uint32_t holders_needed() const { return data_cells / cells_each; }
};

/// All that an author hands out of one batch.
struct Dispersal {
    model::DaParameters da;
    Shape shape;
    Bytes cells;              ///< all N by their index, end to end; the one if all are copies
    std::vector<Hash> roots;  ///< of each holder's cells
    /// `holder`: its place among the holders, see Coder::holder_of().
    [[nodiscard]] model::CellSet cells_of(Participant holder) const;
};

/// Deliberate mistakes, for tests alone: each must be caught by a checker.
struct CoderCanaries {
    bool skip_cell_check = false;    ///< cells are believed whatever their hashes are
    bool skip_coding_check = false;  ///< what is decoded is believed to be what was committed to
    bool miscode = false;  ///< for liars: every other batch is committed to with one cell altered
    bool operator==(const CoderCanaries&) const = default;
};

class Coder {
public:
    /// Of a network of so many participants, whose charter says how each ledger's batches travel.
    /// A batch of fewer bytes than `coded_bytes_min` is not coded: its cells would be mostly
    /// padding and hashes.
    Coder(uint32_t participants, std::vector<model::Forwarding> by_ledger,
          uint64_t coded_bytes_min = model::Parameters{}.coded_bytes_min,
          CoderCanaries canaries = {});
    explicit Coder(const model::CharterBody& charter, CoderCanaries canaries = {});
    /// Of each epoch by its own participants and parameters.
    explicit Coder(const model::Epochs& epochs, CoderCanaries canaries = {});

    /// Whose cells of an epoch's batches this participant holds, by their place among the holders:
    /// its own place among those who took part; of one who did not, for it came later, those of its
    /// number modulo n, so that what is kept gets more and not less.
    [[nodiscard]] Participant holder_of(Epoch epoch, Participant participant) const;
    /// Of a ledger that the charter does not have: coded.
    [[nodiscard]] model::Forwarding forwarding_of(LedgerIndex ledger) const;
    /// Requires a mode and a length within the limits. Of an epoch that is not known: as in the
    /// newest.
    [[nodiscard]] Shape shape_of(model::Forwarding mode, uint32_t length,
                                 Epoch epoch = {UINT32_MAX}) const;
    [[nodiscard]] Shape shape_of(const model::DaParameters& da) const {
        return shape_of(da.mode, da.length, da.epoch);
    }

    /// Requires `bytes` to be a batch, of model::envelope_bytes_min for each item or more.
    [[nodiscard]] Dispersal disperse(const Place& place, model::Forwarding mode,
                                     ByteView bytes) const;

    /// True iff version, n, K, N, cell size, epoch, lane and height are what `place`, the
    /// forwarding and the length imply, length and count are within the limits, and the length is
    /// that of so many envelopes. No batch with other parameters is ever acknowledged.
    [[nodiscard]] bool parameters_follow(const Place& place, const model::DaParameters& da) const;

    /// True iff these are all of the cells that this participant holds and their path leads to
    /// cells_root; where K = 1 also iff all N cells are this very one, for then they are alike for
    /// all. Requires parameters_follow().
    [[nodiscard]] bool cells_verify(const model::DaParameters& da, Participant participant,
                                    const model::CellSet& cells) const;
    /// The same, of who holds the cells of this place among the holders.
    [[nodiscard]] bool cells_verify_as(const model::DaParameters& da, Participant holder,
                                       const model::CellSet& cells) const;

    /// The batch of the cells of as many different holders as are needed, each of which verifies.
    /// It is void iff it breaks a rule that does not show in these alone: cells that are not those
    /// of one codeword, padding that is not zero, no batch, a ledger of another forwarding, or any
    /// field of da_root other than recomputed. So whose cells they are makes no difference.
    [[nodiscard]] std::shared_ptr<const HeldBatch> batch_of(const model::BatchHeader& header,
                                                            const model::CellSets& sets) const;

    /// The batch that `header` commits to, from what another holder of it sent: HeldBatch::bytes.
    /// Nothing if these are not the committed bytes. Requires parameters_follow().
    [[nodiscard]] std::shared_ptr<const HeldBatch> rebuild(const model::BatchHeader& header,
                                                           ByteView bytes) const;

    /// A participant's cells of a held batch; nothing if they do not follow from it, for it is
    /// void.
    [[nodiscard]] std::optional<model::CellSet> cells_of(const HeldBatch& batch,
                                                         Participant participant) const;

private:
    /// Those who hold the batches of an epoch.
    struct Holders {
        uint32_t count = 0;  ///< n
        uint64_t coded_bytes_min = 0;
        std::vector<std::optional<uint8_t>> places;  ///< by participant; none did not take part
        uint32_t cells_each = 1;
        std::shared_ptr<const erasure::Code> code = nullptr;
    };
    [[nodiscard]] static Holders holders_of(uint32_t count, uint64_t coded_bytes_min);
    [[nodiscard]] const Holders& of(Epoch epoch) const {
        return epochs_[std::min<size_t>(epoch.value, epochs_.size() - 1)];
    }
    [[nodiscard]] Dispersal cells_of_bytes(const Holders& holders, const Shape& shape,
                                           ByteView bytes) const;
    void hash_coded(const Holders& holders, Dispersal& dispersal) const;
    [[nodiscard]] bool is_the_batch(const model::DaParameters& da, ByteView padded) const;
    [[nodiscard]] Bytes data_of(const model::DaParameters& da, const model::CellSets& sets) const;

    std::vector<Holders> epochs_;
    std::vector<model::Forwarding> by_ledger_;
    CoderCanaries canaries_;
};

}  // namespace tally::availability
