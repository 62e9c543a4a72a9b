#include "node/serve_state.hpp"

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
