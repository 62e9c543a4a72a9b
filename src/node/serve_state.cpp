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
                                                   Slot slot, Height known, uint64_t& bytes_read) {
    const ChainReader stored(reader);
    std::optional<model::LedgerHeader> found;
    const auto is_up_to = [&](uint64_t height) -> Result<bool> {
        TRY(block, stored.header(ledger, {height}));
        if (!block) return fail(ports::KeyValueError::damaged, "an executed block is missing");
        bytes_read += block->block_bytes;
        if (block->header.slot > slot) return false;
        if (!found || found->height < block->header.height) found = block->header;
        return true;
    };
    // Blocks ascend in slots as in heights. From what is known in growing steps, then between the
    // last two: few blocks wait to be carried.
    uint64_t low = std::max(known.value, mark.history.value), high = mark.height.value;
    for (uint64_t step = 1; low <= high; step *= 2) {
        const uint64_t height = std::min(low + step - 1, high);
        TRY(holds, is_up_to(height));
        if (!holds) {
            high = height;
            break;
        }
        low = height + 1;
    }
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        TRY(holds, is_up_to(middle));
        if (holds) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (!found) return std::optional<model::LedgerStand>{};
    return std::optional<model::LedgerStand>{{ledger, found->height, found->hash()}};
}

}  // namespace tally::node
