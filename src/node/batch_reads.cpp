#include "node/batch_reads.hpp"

namespace tally::node {

ErrorText describe(BatchReadError error) {
    switch (error) {
    case BatchReadError::unknown_lane:
        return {"unknown_lane", "the network has no such participant",
                "A batch is named by the participant that made it and its number; `tally status` "
                "lists them"};
    case BatchReadError::unknown_batch:
        return {"unknown_batch", "this participant has no such batch",
                "It is not ordered yet, older than what is kept, or still got back here: ask "
                "another participant, or see `tally status`"};
    case BatchReadError::not_my_cell:
        return {"not_my_cell", "this participant does not hold that cell of the batch",
                "Cell i of n participants' is held by participant i mod n, in the charter's order"};
    case BatchReadError::behind:
        return {"participant_behind", "this participant does not know yet who may read",
                "It is catching up: ask another participant, or again in a while"};
    }
    std::abort();
}

Result<std::optional<model::BatchCells>> own_cells(const ChainReader& stored,
                                                   const availability::Coder& coder,
                                                   Participant self, BatchPlace place,
                                                   const Hash& header, size_t& bytes_read) {
    TRY(cells, stored.cells(place));
    if (cells) bytes_read += cells->cells.bytes.size();
    if (cells && cells->header.hash() == header) return cells;
    cells.reset();
    TRY(body, stored.body(place));
    if (!body) return cells;
    bytes_read += body->bytes.size();
    const bool is_void = body->bytes.size() != body->header.da.length;
    if (body->header.hash() != header || body->bytes.empty()) return cells;
    const availability::HeldBatch batch{body->header, header, std::move(body->bytes), is_void};
    if (auto own = coder.cells_of(batch, self))
        cells = model::BatchCells{batch.header, std::move(*own)};
    return cells;
}

namespace {

/// The newest slot whose decision is stored.
Result<Slot> newest_slot(const ChainReader& stored) {
    uint64_t known = 0;
    uint64_t step = 1;
    const auto is_there = [&](uint64_t slot) -> Result<bool> {
        TRY(decision, stored.has_decision({slot}));
        return decision;
    };
    // Decisions have no gaps.
    while (true) {
        TRY(there, is_there(known + step));
        if (!there) break;
        known += step;
        step *= 2;
    }
    for (; step > 0; step /= 2) {
        TRY(there, is_there(known + step));
        if (there) known += step;
    }
    return Slot{known};
}

/// The slot that decided the batch: the first whose cut reaches it. Nothing if none does yet.
Result<std::optional<StoredDecision>> decision_of(const ChainReader& stored, BatchPlace place) {
    TRY(newest, newest_slot(stored));
    uint64_t low = 0, high = newest.value + 1;
    std::optional<StoredDecision> found;
    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;
        TRY(decision, stored.decision({middle}));
        if (!decision) return fail(ports::KeyValueError::damaged, "a decided slot is missing");
        const auto& cut = decision->decision.block.cut;
        const bool reaches =
            place.lane.value < cut.size() && cut[place.lane.value].height >= place.height;
        if (reaches) {
            high = middle;
            found = std::move(*decision);
        } else {
            low = middle;
        }
    }
    return found;
}

Error unknown(BatchPlace place) {
    return fail(BatchReadError::unknown_batch, "batch " + std::to_string(place.height.value));
}

}  // namespace

BatchReads::BatchReads(std::shared_ptr<const model::Charter> charter, Participant self,
                       const Reads* reads)
    : charter_(std::move(charter)), self_(self), reads_(reads), coder_(model::Epochs(*charter_)) {}

/// The certificate of a tip lies with its decision, that of any other in the header after it.
Result<ServedHeader> BatchReads::served_header(const ChainReader& stored, BatchPlace place) const {
    if (place.lane.value >= charter_->places()) return BatchReadError::unknown_lane;
    if (place.height.value == 0) return unknown(place);
    TRY(decision, decision_of(stored, place));
    if (!decision) return unknown(place);
    ServedHeader served;
    served.slot = decision->decision.block.slot;
    const auto& tip = decision->decision.block.cut[place.lane.value];
    if (tip.height == place.height) {
        for (const auto& certificate : decision->decision.certificates) {
            if (certificate.lane == place.lane && certificate.height == place.height)
                served.certificate = certificate;
        }
    } else {
        TRY(next, stored.any_batch_header({place.lane, place.height.next()}));
        if (!next || !next->previous) return unknown(place);
        served.certificate = *next->previous;
    }
    TRY(header, stored.batch_header(place, served.certificate.header));
    if (!header) return unknown(place);
    served.header = std::move(*header);
    return served;
}

/// Who may read is judged by the newest blocks that are here: they must not be old.
Result<void> BatchReads::check_is_recent(const ChainReader& stored) const {
    constexpr uint64_t slots_behind_max = 256;
    TRY(newest, newest_slot(stored));
    for (size_t i = 0; i < charter_->body.ledgers.size(); ++i) {
        TRY(mark, stored.mark({uint16_t(i)}));
        if (!mark || mark->slot.value + slots_behind_max < newest.value)
            return BatchReadError::behind;
    }
    return success();
}

Result<ServedCells> BatchReads::served_cells(BatchPlace place, std::string_view reader) const {
    CHECK(reads_->check_reads_everything(reader));
    const auto snapshot = reads_->key_value().snapshot();
    const ChainReader stored(*snapshot);
    CHECK(check_is_recent(stored));
    TRY(served, served_header(stored, place));
    size_t bytes_read = 0;
    TRY(cells, own_cells(stored, coder_, self_, place, served.certificate.header, bytes_read));
    const bool is_right = cells && coder_.cells_verify(served.header.da, self_, cells->cells);
    if (!is_right) return unknown(place);
    return ServedCells{std::move(served), std::move(cells->cells)};
}

Result<Bytes> BatchReads::header(Participant lane, LaneHeight height) const {
    const auto snapshot = reads_->key_value().snapshot();
    TRY(served, served_header(ChainReader(*snapshot), {lane, height}));
    return cbor::encode(served);
}

Result<Bytes> BatchReads::cells(Participant lane, LaneHeight height,
                                std::string_view reader) const {
    TRY(served, served_cells({lane, height}, reader));
    return cbor::encode(served);
}

Result<Bytes> BatchReads::leaf(Participant lane, LaneHeight height, uint32_t cell, uint32_t leaf,
                               std::string_view reader) const {
    TRY(served, served_cells({lane, height}, reader));
    auto shown = availability::leaf_of(served.of.header.da, served.cells, cell, leaf);
    if (!shown) return fail(BatchReadError::not_my_cell, std::to_string(cell));
    return cbor::encode(ServedLeaf{std::move(served.of), std::move(*shown)});
}

}  // namespace tally::node
