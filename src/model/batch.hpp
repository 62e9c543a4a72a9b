// Batches, the coded cells they become, and the certificates that a quorum holds them
// (docs/protocol.md, section 1).
#pragma once

#include "model/charter.hpp"
#include "model/signed.hpp"

namespace tally::model {

/// One envelope as it travels in a batch.
struct BatchItem {
    LedgerIndex ledger;
    cbor::Blob<limits::envelope_bytes_max> envelope;
    bool operator==(const BatchItem&) const = default;
    static constexpr auto fields() { return std::tuple{&BatchItem::ledger, &BatchItem::envelope}; }
};
using Batch = cbor::List<BatchItem, limits::batch_envelopes_max>;

/// Everything that da_root binds. `leaves_root` is over the batch leaves (transaction id, ledger,
/// offset, length); `cells_root` over the roots of every holder's cells.
struct DaParameters {
    uint8_t version = 1;
    Forwarding mode = Forwarding::replicated;
    uint8_t participants = 0;  ///< n
    uint16_t data_cells = 0;   ///< K
    uint16_t cells = 0;        ///< N
    uint32_t cell_bytes = 0;
    uint32_t length = 0;  ///< bytes of the batch
    Epoch epoch;
    Participant lane;
    LaneHeight height;
    Hash leaves_root;
    uint32_t count = 0;
    Hash cells_root;
    bool operator==(const DaParameters&) const = default;
    static constexpr auto fields() {
        return std::tuple{
            &DaParameters::version,    &DaParameters::mode,        &DaParameters::participants,
            &DaParameters::data_cells, &DaParameters::cells,       &DaParameters::cell_bytes,
            &DaParameters::length,     &DaParameters::epoch,       &DaParameters::lane,
            &DaParameters::height,     &DaParameters::leaves_root, &DaParameters::count,
            &DaParameters::cells_root};
    }
};
[[nodiscard]] Hash da_root_of(const DaParameters& parameters);

/// The author's claim, which it signs.
struct BatchClaim {
    static constexpr Statement statement = Statement::batch;
    Participant lane;
    LaneHeight height;
    Hash header;
    bool operator==(const BatchClaim&) const = default;
    static constexpr auto fields() {
        return std::tuple{&BatchClaim::lane, &BatchClaim::height, &BatchClaim::header};
    }
};

struct Acknowledgement {
    static constexpr Statement statement = Statement::acknowledgement;
    Participant lane;
    LaneHeight height;
    Hash header;
    Micros time;  ///< the signer's clock when it first held its cells; ascends along a lane
    bool operator==(const Acknowledgement&) const = default;
    static constexpr auto fields() {
        return std::tuple{&Acknowledgement::lane, &Acknowledgement::height,
                          &Acknowledgement::header, &Acknowledgement::time};
    }
};

struct AcknowledgementPart {
    Participant signer;
    Micros time;
    Signature signature{};
    bool operator==(const AcknowledgementPart&) const = default;
    static constexpr auto fields() {
        return std::tuple{&AcknowledgementPart::signer, &AcknowledgementPart::time,
                          &AcknowledgementPart::signature};
    }
};

/// The author's signature and a quorum's acknowledgements of one batch.
struct LaneCertificate {
    Participant lane;
    LaneHeight height;
    Hash header;
    Signature author{};
    cbor::List<AcknowledgementPart, limits::participants_max> parts;  ///< ascending by signer
    bool operator==(const LaneCertificate&) const = default;
    static constexpr auto fields() {
        return std::tuple{&LaneCertificate::lane, &LaneCertificate::height,
                          &LaneCertificate::header, &LaneCertificate::author,
                          &LaneCertificate::parts};
    }
    [[nodiscard]] Hash digest() const;
};
[[nodiscard]] bool check_lane_certificate(const Signatories& set, const Verifier& verifier,
                                          const LaneCertificate& certificate);
/// T: the (f+1)-th smallest of the times, bracketed by honest clocks. Requires a checked
/// certificate.
[[nodiscard]] Micros time_of(const LaneCertificate& certificate, uint32_t liars_max);

struct BatchHeader {
    Participant lane;
    LaneHeight height;
    Hash parent;  ///< hash of header(height − 1); zero for the first
    DaParameters da;
    uint64_t total_bytes = 0;                 ///< of the lane, this batch included
    std::optional<LaneCertificate> previous;  ///< Certificate(height − 1); none for the first
    bool operator==(const BatchHeader&) const = default;
    static constexpr auto fields() {
        return std::tuple{&BatchHeader::lane, &BatchHeader::height,      &BatchHeader::parent,
                          &BatchHeader::da,   &BatchHeader::total_bytes, &BatchHeader::previous};
    }
    [[nodiscard]] Hash hash() const;
};

/// All cells of one holder: those with the indices holder, holder + n, holder + 2n and so on, end
/// to end, and the way from the root over their hashes to cells_root.
struct CellSet {
    Participant holder;
    cbor::Blob<limits::batch_bytes_max + 64> bytes;
    cbor::List<Hash, 8> path;
    bool operator==(const CellSet&) const = default;
    static constexpr auto fields() {
        return std::tuple{&CellSet::holder, &CellSet::bytes, &CellSet::path};
    }
};
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
/// As many as give a batch back: what shows that one is void. In the order of their holders.
using CellSets = cbor::List<CellSet, limits::participants_max>;

/// A batch's header with the receiver's own cells.
struct Fragment {
    BatchHeader header;
    Signature author{};  ///< on BatchClaim
    std::optional<BatchHeader> parent;
    CellSet cells;
    bool operator==(const Fragment&) const = default;
    static constexpr auto fields() {
        return std::tuple{&Fragment::header, &Fragment::author, &Fragment::parent,
                          &Fragment::cells};
    }
};

}  // namespace tally::model
