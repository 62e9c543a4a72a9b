#include "node/serve_state.hpp"

#include <algorithm>

#include "node/checked_state.hpp"

namespace tally::node {

void ServeStateWork::run() {
    const auto block = ChainReader(*snapshot_).block(request_.ledger, request_.height);
    if (!block.ok() || !*block) return;
    const auto made = chunk();
    if (!made.ok()) return;
    answer_ = std::make_shared<const Bytes>(
        model::encode_message(model::StateChunk{(*block)->header, ledger::encode(*made)}));
}

Result<ledger::SnapshotChunk> ServeStateWork::chunk() {
    const auto& [ledger, height, from] = request_;
    const OnDamage on_damage = [this](const Damage& damage) { damages_.push_back(damage); };
    if (believe_the_disk_) {
        TRY(root, ChainReader(*snapshot_).root(ledger, height));
        if (!root) return SnapshotError::no_such_state;
        return ledger::make_snapshot_chunk(store::VersionedView(*snapshot_, ledger, height),
                                           store::TreePages(*snapshot_, ledger), *root, from);
    }
    TRY(state, open_checked_state(*snapshot_, ledger, height, on_damage));
    if (state == nullptr) return SnapshotError::no_such_state;
    return snapshot_chunk(*snapshot_, ledger, height, from, on_damage);
}

Result<std::optional<model::LedgerStand>> stand_at(const ports::Reader& reader,
                                                   const LedgerMark& mark, LedgerIndex ledger,
                                                   Slot slot, Height carried,
                                                   uint64_t& bytes_read) {
    if (carried < mark.history || carried > mark.height) return std::optional<model::LedgerStand>{};
    const ChainReader stored(reader);
    const auto header_at = [&](Height height) -> Result<model::LedgerHeader> {
        TRY(block, stored.header(ledger, height));
        if (!block) return fail(ports::KeyValueError::damaged, "an executed block is missing");
        bytes_read += block->block_bytes;
        return block->header;
    };
    TRY(header, header_at(carried));
    model::LedgerStand stand{ledger, carried, header.hash(), {}};
    if (carried < mark.height) {
        TRY(after, header_at(carried.next()));
        Hash vouched = mark.header;
        if (after.height < mark.height) {
            TRY(later, header_at(after.height.next()));
            vouched = later.parent;
        }
        // Altered on this disk, it would not say where it was made.
        if (after.parent != stand.header || after.hash() != vouched)
            return std::optional<model::LedgerStand>{};
        if (after.slot <= slot) stand.next = after.slot;
    }
    return std::optional(stand);
}

}  // namespace tally::node
