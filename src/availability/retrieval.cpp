#include "availability/retrieval.hpp"

#include <algorithm>

namespace tally::availability {
namespace {

/// After this long without an answer the next participant is asked, too.
constexpr uint64_t hedge_us = 200'000;
constexpr uint32_t hedge_doublings_max = 5;
/// As many questions as there are others, so many times.
constexpr uint32_t rounds_in_vain = 2;
/// Of one batch in so many it does not matter who was slow.
constexpr uint64_t heights_to_try_again = 16;

}  // namespace

Asker asker_among(const model::Signatories& set, Participant self) {
    Asker asker{self, {}};
    for (uint32_t i = 0; i < set.places(); ++i) {
        const Participant other{uint8_t(i)};
        if (other != self && set.has(other)) asker.others.push_back(other);
    }
    return asker;
}

std::vector<Question> ask(const Asker& asker, const Coder& coder, const LanePlace& place,
                          Fetch& fetch, const Gathering* gathering, std::vector<Participant> known,
                          const Slowness& slowness, uint64_t now_us) {
    const auto& others = asker.others;
    std::vector<Question> questions;
    if (others.empty()) {  // Another epoch may bring some.
        fetch.ask_at_us = now_us + (hedge_us << hedge_doublings_max);
        return questions;
    }
    const auto may_give = [&](std::vector<Participant> those) {
        std::erase_if(those, [&](Participant one) {
            return !std::binary_search(others.begin(), others.end(), one) ||
                   (gathering != nullptr &&
                    gathering->sets.contains(coder.holder_of(gathering->header.da.epoch, one)));
        });
        return those;
    };
    auto holders = fetch.asked < known.size() ? may_give(std::move(known)) : may_give(others);
    if (holders.empty()) holders = may_give(others);
    // Of those who hold it, some may have left since: then all others gave what is theirs.
    const bool is_exhausted = holders.empty();
    size_t missing = 1;
    if (gathering != nullptr)
        missing = coder.shape_of(gathering->header.da).holders_needed() - gathering->sets.size();
    const uint32_t round = fetch.asked / uint32_t(others.size());
    if (is_exhausted) ++fetch.asked;  // So that the rounds go on.
    if (!is_exhausted) {
        const uint64_t turn = asker.self.value + place.first.value + fetch.asked;
        std::rotate(holders.begin(), holders.begin() + int64_t(turn % holders.size()),
                    holders.end());
    }
    // Else one that answers for other batches could keep this one back for good.
    if (round == 0 && place.first.value % heights_to_try_again != 0)
        std::stable_partition(holders.begin(), holders.end(),
                              [&](Participant one) { return !slowness.is_slow(one); });
    fetch.waiting.clear();
    for (size_t i = 0; i < std::min(missing, holders.size()); ++i) {
        questions.push_back({holders[i], false});
        fetch.waiting.push_back(holders[i]);
        ++fetch.asked;
    }
    if (round >= rounds_in_vain || is_exhausted) {
        const uint64_t turn = asker.self.value + fetch.wholes++;
        questions.push_back({others[turn % others.size()], true});
    }
    fetch.ask_at_us = now_us + (hedge_us << std::min(round, hedge_doublings_max));
    return questions;
}

Place decided_place(Epoch now, const model::BatchHeader& header) {
    return {std::min(now, header.da.epoch), header.lane, header.height};
}

std::optional<Gathering> gathering_of_own(const StoredCells& stored, const Coder& coder, Epoch now,
                                          Participant self, Participant lane,
                                          const LanePlace& place) {
    auto own = stored ? stored(lane, place) : std::nullopt;
    if (!own) return {};
    const auto& header = own->header;
    const bool is_right =
        header.lane == lane && header.height == place.first && header.hash() == place.second &&
        coder.parameters_follow(decided_place(now, header), header.da) &&
        coder.shape_of(header.da).is_coded() && coder.cells_verify(header.da, self, own->cells);
    if (!is_right) return {};
    Gathering gathering{header, {}};
    gathering.sets.emplace(own->cells.holder, std::move(own->cells));
    return gathering;
}

}  // namespace tally::availability
