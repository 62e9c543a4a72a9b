#include "availability/retrieval.hpp"

#include <algorithm>

namespace tally::availability {
namespace {

/// After this long without an answer the next participant is asked, too.
constexpr uint64_t hedge_us = 200'000;
constexpr uint32_t hedge_doublings_max = 5;
/// As many questions as there are others, so many times.
constexpr uint32_t rounds_in_vain = 2;

}  // namespace

std::vector<Question> ask(const Asker& asker, const Coder& coder, const LanePlace& place,
                          Fetch& fetch, const Gathering* gathering, std::vector<Participant> known,
                          uint64_t now_us) {
    std::vector<Participant> holders;
    if (fetch.asked < known.size()) {
        holders = std::move(known);
    } else {
        for (uint32_t i = 0; i < asker.count; ++i) holders.push_back(Participant{uint8_t(i)});
    }
    std::erase_if(holders, [&](Participant holder) {
        return holder == asker.self || (gathering != nullptr && gathering->sets.contains(holder));
    });
    std::vector<Question> questions;
    if (holders.empty()) return questions;
    size_t missing = 1;
    if (gathering != nullptr)
        missing = coder.shape_of(gathering->header.da).holders_needed() - gathering->sets.size();
    const uint32_t round = fetch.asked / (asker.count - 1);
    for (size_t i = 0; i < std::min(missing, holders.size()); ++i) {
        const uint64_t turn = asker.self.value + place.first.value + fetch.asked;
        questions.push_back({holders[turn % holders.size()], false});
        ++fetch.asked;
    }
    if (round >= rounds_in_vain) {
        const uint64_t turn = asker.self.value + 1 + fetch.wholes++ % (asker.count - 1);
        questions.push_back({Participant{uint8_t(turn % asker.count)}, true});
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
    gathering.sets.emplace(self, std::move(own->cells));
    return gathering;
}

}  // namespace tally::availability
