// The cut as a function of R: what q Reports force into a block, whoever leads
// (docs/protocol.md, section 2, step 2).
//
// Pure arithmetic, shared by leaders, voters and light clients. The (f+1)-th largest of q claims is
// one that at least one honest reporter stands behind.
#pragma once

#include <span>

#include "model/messages.hpp"

namespace tally::ordering {

using Reports = std::span<const model::Signed<model::Report>>;

/// The rank-th largest (rank 0 is the largest) of the values; requires rank < values.size().
[[nodiscard]] uint64_t ranked_largest(std::vector<uint64_t> values, size_t rank);

/// Per lane: max(previous, min(previous + W, (f+1)-th largest reported height)).
/// Requires more than f reports, each with one height per lane of `previous`.
[[nodiscard]] std::vector<LaneHeight> cut_of(const model::Cut& previous, Reports reports,
                                             uint64_t window_batches, uint32_t liars_max);

/// τ_s = max(τ of the slot before + 1, (f+1)-th smallest of the reported clocks).
/// Requires more than f reports.
[[nodiscard]] Micros time_of(Micros previous, Reports reports, uint32_t liars_max);

/// A ledger of which the block must carry a certificate, of `at_least` or above.
struct Carry {
    LedgerIndex ledger;
    Height at_least;
    bool operator==(const Carry&) const = default;
};
/// The ledgers whose (f+1)-th largest reported certified height is above what is carried: at most
/// `carried_max`, chosen by greatest lag, then by ledger; listed ascending by ledger.
/// Requires more than f reports that name only ledgers of `highest_carried`.
[[nodiscard]] std::vector<Carry> carry_of(std::span<const Height> highest_carried, Reports reports,
                                          uint64_t carried_max, uint32_t liars_max);

}  // namespace tally::ordering
