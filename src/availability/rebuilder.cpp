#include "availability/rebuilder.hpp"

#include <algorithm>

namespace tally::availability {

bool Rebuilder::want(Participant lane, const LanePlace& place, uint64_t now_us) {
    const Key key{lane, place};
    if (wanted_.contains(key)) return true;
    if (wanted_.size() >= wanted_max || config_.asker.others.empty()) return false;
    wanted_.emplace(key, Wanted{{now_us},
                                gathering_of_own(config_.stored_cells, *config_.coder,
                                                 config_.epoch, config_.asker.self, lane, place)});
    return true;
}

std::map<Rebuilder::Key, Rebuilder::Wanted>::iterator Rebuilder::find(
    const model::BatchHeader& header) {
    return wanted_.find({header.lane, {header.height, header.hash()}});
}

bool Rebuilder::follow(const model::BatchHeader& header) const {
    return config_.coder->parameters_follow(decided_place(config_.epoch, header), header.da);
}

bool Rebuilder::on_cells(Participant from, const model::BatchCells& message, uint64_t now_us,
                         RebuilderEffects& effects) {
    const auto& header = message.header;
    const auto found = find(header);
    if (found == wanted_.end()) return false;
    auto& [key, wanted] = *found;
    const Participant holder = config_.coder->holder_of(header.da.epoch, from);
    if (wanted.gathering && wanted.gathering->sets.contains(holder)) return true;  // It came twice.
    if (!follow(header) || !config_.coder->cells_verify(header.da, from, message.cells)) {
        ++refused_;
        return true;
    }
    const bool is_first = !wanted.gathering;
    if (is_first) wanted.gathering = Gathering{header, {}};
    wanted.gathering->sets.emplace(holder, message.cells);
    if (wanted.gathering->sets.size() < config_.coder->shape_of(header.da).holders_needed()) {
        // How many it takes is known now: the others are asked at once.
        if (is_first) wanted.fetch.ask_at_us = now_us;
        ask_for(key, wanted, now_us, effects);
        return true;
    }
    model::CellSets sets;
    for (auto& [of, set] : wanted.gathering->sets) sets.push_back(std::move(set));
    wanted_.erase(found);
    effects.output(Rebuilt{config_.coder->batch_of(header, sets)});
    return true;
}

bool Rebuilder::on_body(const model::BatchBody& body, RebuilderEffects& effects) {
    const auto found = find(body.header);
    if (found == wanted_.end()) return false;
    auto batch = follow(body.header) ? config_.coder->rebuild(body.header, body.bytes) : nullptr;
    if (batch == nullptr) {
        ++refused_;
        return true;
    }
    wanted_.erase(found);
    effects.output(Rebuilt{std::move(batch)});
    return true;
}

void Rebuilder::ask_for(const Key& key, Wanted& wanted, uint64_t now_us,
                        RebuilderEffects& effects) {
    if (now_us < wanted.fetch.ask_at_us) return;
    const auto& [lane, place] = key;
    const auto* gathering = wanted.gathering ? &*wanted.gathering : nullptr;
    for (const Question& question :
         ask(config_.asker, *config_.coder, place, wanted.fetch, gathering, {}, {}, now_us)) {
        if (question.whole) {
            effects.send(question.to, model::FetchBatch{lane, place.first, place.second});
        } else {
            effects.send(question.to, model::FetchCells{lane, place.first, place.second});
        }
    }
}

void Rebuilder::on_tick(uint64_t now_us, RebuilderEffects& effects) {
    for (auto& [key, wanted] : wanted_) ask_for(key, wanted, now_us, effects);
}

uint64_t Rebuilder::next_wakeup_us() const {
    uint64_t at_us = UINT64_MAX;
    for (const auto& [key, wanted] : wanted_) at_us = std::min(at_us, wanted.fetch.ask_at_us);
    return at_us;
}

}  // namespace tally::availability
