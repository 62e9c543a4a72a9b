#include "ordering/cut.hpp"

#include <algorithm>

namespace tally::ordering {
namespace {

/// Rank of the (f+1)-th largest, counted from zero.
size_t honest_rank(uint32_t liars_max) {
    return liars_max;
}

Height reported_height(const model::Report& report, LedgerIndex ledger) {
    const auto at = std::lower_bound(
        report.certified.begin(), report.certified.end(), ledger,
        [](const model::CertifiedHeight& a, LedgerIndex b) { return a.ledger < b; });
    return at != report.certified.end() && at->ledger == ledger ? at->height : Height{0};
}

}  // namespace

uint64_t ranked_largest(std::vector<uint64_t> values, size_t rank) {
    ENSURE(rank < values.size());
    std::nth_element(values.begin(), values.begin() + ptrdiff_t(rank), values.end(),
                     std::greater<>());
    return values[rank];
}

std::vector<LaneHeight> cut_of(const model::Cut& previous, Reports reports, uint64_t window_batches,
                               uint32_t liars_max) {
    ENSURE(reports.size() > liars_max);
    std::vector<LaneHeight> heights;
    heights.reserve(previous.size());
    for (size_t lane = 0; lane < previous.size(); ++lane) {
        std::vector<uint64_t> claims;
        claims.reserve(reports.size());
        for (const auto& report : reports) claims.push_back(report.body.lanes.at(lane).value);
        const uint64_t seen = ranked_largest(std::move(claims), honest_rank(liars_max));
        const uint64_t before = previous[lane].height.value;
        // The difference, not the sum, is compared: heights are strangers' numbers.
        const uint64_t ahead = seen > before ? seen - before : 0;
        heights.push_back({before + std::min(ahead, window_batches)});
    }
    return heights;
}

Micros time_of(Micros previous, Reports reports, uint32_t liars_max) {
    ENSURE(reports.size() > liars_max);
    std::vector<Micros> clocks;
    clocks.reserve(reports.size());
    for (const auto& report : reports) clocks.push_back(report.body.time);
    std::nth_element(clocks.begin(), clocks.begin() + liars_max, clocks.end());
    return std::max(previous.next(), clocks[liars_max]);
}

std::vector<Carry> carry_of(std::span<const Height> highest_carried, Reports reports,
                            uint64_t carried_max, uint32_t liars_max) {
    ENSURE(reports.size() > liars_max);
    std::vector<Carry> due;
    for (size_t index = 0; index < highest_carried.size(); ++index) {
        const LedgerIndex ledger{uint16_t(index)};
        std::vector<uint64_t> claims;
        claims.reserve(reports.size());
        for (const auto& report : reports)
            claims.push_back(reported_height(report.body, ledger).value);
        const Height seen{ranked_largest(std::move(claims), honest_rank(liars_max))};
        if (seen > highest_carried[index]) due.push_back({ledger, seen});
    }
    const auto lag = [&](const Carry& carry) {
        return carry.at_least.value - highest_carried[carry.ledger.value].value;
    };
    std::stable_sort(due.begin(), due.end(),
                     [&](const Carry& a, const Carry& b) { return lag(a) > lag(b); });
    if (due.size() > carried_max) due.resize(carried_max);
    std::sort(due.begin(), due.end(),
              [](const Carry& a, const Carry& b) { return a.ledger < b.ledger; });
    return due;
}

}  // namespace tally::ordering
