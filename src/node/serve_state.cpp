#include "node/serve_state.hpp"

#include "node/snapshot.hpp"

namespace tally::node {

void ServeStateWork::run() {
    const auto block = ChainReader(*snapshot_).block(request_.ledger, request_.height);
    if (!block.ok() || !*block) return;
    const auto chunk = snapshot_chunk(*snapshot_, request_.ledger, request_.height, request_.from);
    if (!chunk.ok()) return;
    answer_ = std::make_shared<const Bytes>(
        model::encode_message(model::StateChunk{(*block)->header, ledger::encode(*chunk)}));
}

Result<std::optional<model::LedgerStand>> stand_at(const ports::Reader& reader,
                                                   const LedgerMark& mark, LedgerIndex ledger,
                                                   Slot slot) {
    const ChainReader stored(reader);
    // Blocks ascend in slots as in heights: the highest one whose slot is not above.
    uint64_t low = mark.history.value, high = mark.height.value;
    std::optional<model::LedgerHeader> found;
    while (low <= high) {
        const uint64_t middle = low + (high - low) / 2;
        TRY(block, stored.block(ledger, {middle}));
        if (!block) return fail(ports::KeyValueError::damaged, "an executed block is missing");
        if (block->header.slot <= slot) {
            found = block->header;
            low = middle + 1;
        } else if (middle == 0) {
            break;
        } else {
            high = middle - 1;
        }
    }
    if (!found) return std::optional<model::LedgerStand>{};
    return std::optional<model::LedgerStand>{{ledger, found->height, found->hash()}};
}

}  // namespace tally::node
