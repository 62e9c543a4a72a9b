// Strong integers: a height is not a slot is not a count. No arithmetic but what has a meaning.
#pragma once

#include <compare>
#include <cstdint>

namespace tally {

/// An ordinal with its own type. `next()` is the one after; `value` is there when arithmetic is
/// meant.
template <class Tag, class Int = uint64_t>
struct Ordinal {
    using value_type = Int;
    Int value = 0;
    auto operator<=>(const Ordinal&) const = default;
    [[nodiscard]] constexpr Ordinal next() const { return {Int(value + 1)}; }
    [[nodiscard]] constexpr Ordinal plus(Int count) const { return {Int(value + count)}; }
};

/// A ledger's block number. Zero is genesis, from the charter, which nobody votes on.
using Height = Ordinal<struct HeightTag>;
/// A place in the one agreed history. Zero is genesis; the first decided slot is one.
using Slot = Ordinal<struct SlotTag>;
/// An attempt at deciding a slot; the leader changes with it.
using View = Ordinal<struct ViewTag, uint32_t>;
/// A period with one set of participants and one set of keys.
using Epoch = Ordinal<struct EpochTag, uint32_t>;
/// A batch's number in its lane. Zero: no batch yet; the first batch is one.
using LaneHeight = Ordinal<struct LaneHeightTag>;
/// A participant's place in the epoch's list, from zero; also names its lane.
using Participant = Ordinal<struct ParticipantTag, uint8_t>;
/// A ledger's place in the charter's list, from zero.
using LedgerIndex = Ordinal<struct LedgerIndexTag, uint16_t>;
/// Protocol time: microseconds since the Unix epoch.
using Micros = Ordinal<struct MicrosTag>;

}  // namespace tally
