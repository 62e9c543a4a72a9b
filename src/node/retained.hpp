// Retained: from where on batches are kept here, and how far a participant that lost them has got
// them back (docs/protocol.md, section 1, "Keep").
#pragma once

#include "node/chain_store.hpp"

namespace tally::node {

using LaneHeights = cbor::List<LaneHeight, limits::participants_max>;

/// One kind of what is kept: of what these slots decided nothing below the lanes' tips there.
struct KeptFrom {
    Slot slot;          ///< up to this one it is dropped,
    LaneHeights lanes;  ///< in each lane below this height; empty: nowhere yet
    bool operator==(const KeptFrom&) const = default;
    static constexpr auto fields() { return std::tuple{&KeptFrom::slot, &KeptFrom::lanes}; }
    [[nodiscard]] LaneHeight of(Participant lane) const {
        return lane.value < lanes.size() ? lanes[lane.value] : LaneHeight{};
    }
};
struct Retained {
    KeptFrom cells;  ///< own cells, and batches that are not coded
    KeptFrom whole;  ///< batches that are coded, besides the own cells
    bool operator==(const Retained&) const = default;
    static constexpr auto fields() { return std::tuple{&Retained::cells, &Retained::whole}; }
};
/// How it was last put; from the beginning if it never was. Errors: KeyValueError::damaged.
[[nodiscard]] Result<Retained> stored_retained(const ports::Reader& reader);
void put_retained(ports::WriteBatch& to, const Retained& retained);

/// The own cells of batches that a load of states jumped over are got back, from the newest slot
/// downwards.
struct RestoreMark {
    Slot top;   ///< where that began
    Slot next;  ///< this slot and those before are still to be looked at
    bool operator==(const RestoreMark&) const = default;
    static constexpr auto fields() { return std::tuple{&RestoreMark::top, &RestoreMark::next}; }
};
[[nodiscard]] Result<std::optional<RestoreMark>> stored_restore_mark(const ports::Reader& reader);
void put_restore_mark(ports::WriteBatch& to, const RestoreMark& mark);
void erase_restore_mark(ports::WriteBatch& to);

}  // namespace tally::node
