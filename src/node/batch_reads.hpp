// BatchReads: what a participant shows of decided batches, the transactions as they were signed, to
// who is no participant: headers to anyone, cells to those who may read every field of every ledger
// that may be in them.
#pragma once

#include "availability/sampling.hpp"
#include "node/reader.hpp"

namespace tally::node {

enum class BatchReadError { unknown_lane, unknown_batch, not_my_cell, behind };
ErrorText describe(BatchReadError error);

/// A batch's header, and that a quorum made its cells durable.
struct ServedHeader {
    model::BatchHeader header;
    model::LaneCertificate certificate;
    Slot slot;  ///< in which it was decided, as the participant says
    static constexpr auto fields() {
        return std::tuple{&ServedHeader::header, &ServedHeader::certificate, &ServedHeader::slot};
    }
};
struct ServedCells {
    ServedHeader of;
    model::CellSet cells;
    static constexpr auto fields() { return std::tuple{&ServedCells::of, &ServedCells::cells}; }
};
struct ServedLeaf {
    ServedHeader of;
    availability::CellLeaf leaf;
    static constexpr auto fields() { return std::tuple{&ServedLeaf::of, &ServedLeaf::leaf}; }
};

/// As they lie here, or made of the batch if that does; as good as what lies here. `bytes_read`
/// grows by what was read.
[[nodiscard]] Result<std::optional<model::BatchCells>> own_cells(const ChainReader& stored,
                                                                 const availability::Coder& coder,
                                                                 Participant self, BatchPlace place,
                                                                 const Hash& header,
                                                                 size_t& bytes_read);

/// Any thread may call; each call takes its own snapshot. Everything comes as CBOR.
class BatchReads {
public:
    /// `reads` is borrowed.
    BatchReads(std::shared_ptr<const model::Charter> charter, Participant self, const Reads* reads);

    /// ServedHeader.
    [[nodiscard]] Result<Bytes> header(Participant lane, LaneHeight height) const;
    /// ServedCells: this participant's. `reader`: as for Reads.
    [[nodiscard]] Result<Bytes> cells(Participant lane, LaneHeight height,
                                      std::string_view reader) const;
    /// ServedLeaf: of one of this participant's cells.
    [[nodiscard]] Result<Bytes> leaf(Participant lane, LaneHeight height, uint32_t cell,
                                     uint32_t leaf, std::string_view reader) const;

private:
    Result<void> check_is_recent(const ChainReader& stored) const;
    Result<ServedHeader> served_header(const ChainReader& stored, BatchPlace place) const;
    Result<ServedCells> served_cells(BatchPlace place, std::string_view reader) const;

    std::shared_ptr<const model::Charter> charter_;
    Participant self_;
    const Reads* reads_;
    availability::Coder coder_;
};

}  // namespace tally::node
