// The reading side of the machine: cells of what is certified or decided are asked for until enough
// of them are here (docs/protocol.md, section 1, "Read").
#include <algorithm>

#include "availability/machine.hpp"

namespace tally::availability {
namespace {

/// A certified batch may still be on its way from its author: so long nobody is asked for it.
constexpr uint64_t unseen_wait_us = 100'000;

}  // namespace

/// Whether this is what was asked for; if not, it is refused, unless another was only faster.
bool Machine::is_fetched(Participant from, const model::BatchHeader& header, const Hash& hash) {
    if (header.lane.value >= count_) {
        refuse(Refusal::unknown_lane, from);
        return false;
    }
    const Lane& lane = lanes_[header.lane.value];
    const LanePlace place{header.height, hash};
    if (header.height <= lane.held_through() || lane.holds(place)) return false;
    if (!lane.fetches().contains(place)) {
        refuse(Refusal::unexpected, from);
        return false;
    }
    if (config_.coder->parameters_follow(decided_place(config_.self.set->epoch, header), header.da))
        return true;
    refuse(Refusal::bad_parameters, from);
    return false;
}

/// What a header that was read says of the batch before it, and asking for what is missing then.
void Machine::after_reading(const model::BatchHeader& header, model::Now now, Effects& effects) {
    const Lane& lane = lanes_[header.lane.value];
    const auto& previous = header.previous;
    if (previous && previous->lane == header.lane && previous->height > lane.cut().height &&
        lane.certificate(previous->height) == nullptr && is_certified(*previous))
        hold_certificate(*previous, true, effects);
    fetch(header.lane, now, effects);
}

/// A whole batch, from one who has it where too few give their cells.
void Machine::on_body(Participant from, const model::BatchBody& body, model::Now now,
                      Effects& effects) {
    const auto& header = body.header;
    if (!is_fetched(from, header, header.hash())) return;
    auto batch = config_.coder->rebuild(header, body.bytes);
    if (!batch) return refuse(Refusal::false_body, from);
    ++counted_.batches_fetched;
    if (auto own = config_.coder->cells_of(*batch, config_.self.index))
        keep_cells(header, std::move(*own), effects);
    hold(std::move(batch), effects);
    after_reading(header, now, effects);
}

/// Cells that were asked for: of a holder, its own.
void Machine::on_cells(Participant from, const model::BatchCells& message, model::Now now,
                       Effects& effects) {
    const auto& header = message.header;
    const LanePlace place{header.height, header.hash()};
    if (!is_fetched(from, header, place.second)) return;
    Lane& lane = lanes_[header.lane.value];
    const Gathering* gathering = lane.gathering(place);
    const Participant holder = config_.coder->holder_of(header.da.epoch, from);
    if (gathering != nullptr && gathering->sets.contains(holder)) return;  // It came twice.
    if (!config_.coder->cells_verify(header.da, from, message.cells))
        return refuse(Refusal::bad_cell, from);
    slowness_.on_answer(from);
    std::erase(lane.fetches().at(place).waiting, from);
    // How many it takes is known now: the others are asked at once.
    if (gathering == nullptr) lane.fetches().at(place).ask_at_us = now.monotonic_us;
    gather(header, message.cells, effects);
    if (lane.holds(place)) ++counted_.batches_fetched;
    after_reading(header, now, effects);
}

/// Keeps verified cells. Once there are those of enough holders the batch is held, and the own
/// cells are made if their author never sent them.
void Machine::gather(const model::BatchHeader& header, const model::CellSet& cells,
                     Effects& effects) {
    Lane& lane = lanes_[header.lane.value];
    const Hash hash = header.hash();
    if (lane.holds({header.height, hash})) return;
    const Gathering& gathering = lane.gather(header, hash, cells);
    const Shape shape = config_.coder->shape_of(header.da);
    if (gathering.sets.size() < shape.holders_needed()) return;
    model::CellSets sets;
    for (const auto& [holder, set] : gathering.sets) sets.push_back(set);
    const bool has_own =
        gathering.sets.contains(config_.coder->holder_of(header.da.epoch, config_.self.index));
    auto batch = config_.coder->batch_of(header, sets);
    if (shape.is_coded() && !has_own) {
        if (auto own = config_.coder->cells_of(*batch, config_.self.index))
            keep_cells(header, std::move(*own), effects);
    }
    hold(std::move(batch), effects);
}

/// Own cells of a batch that is fetched now; null if there are none that are right.
const Gathering* Machine::gather_own(Participant index, const LanePlace& place) {
    auto own = gathering_of_own(config_.stored_cells, *config_.coder, config_.self.set->epoch,
                                config_.self.index, index, place);
    if (!own) return nullptr;
    return &lanes_[index.value].gather(own->header, place.second,
                                       std::move(own->sets.begin()->second));
}

/// What is no code is held as the batch itself.
void Machine::keep_cells(const model::BatchHeader& header, model::CellSet cells, Effects& effects) {
    if (config_.coder->shape_of(header.da).is_coded())
        effects.output(CellsHeld{{header, std::move(cells)}});
}

void Machine::refresh_fetches(Lane& lane, model::Now now) {
    lane.refresh_fetches(now.monotonic_us, now.monotonic_us + unseen_wait_us);
}

void Machine::fetch(Participant index, model::Now now, Effects& effects) {
    Lane& lane = lanes_[index.value];
    refresh_fetches(lane, now);
    ask_for_missing(lane, index, now, effects);
}

/// Of each batch that is due; first those who acknowledged it, where that is known.
void Machine::ask_for_missing(Lane& lane, Participant index, model::Now now, Effects& effects) {
    if (!fetching_) return;
    for (auto& [place, fetch] : lane.fetches()) {
        if (now.monotonic_us < fetch.ask_at_us) continue;
        for (const Participant silent : fetch.waiting) slowness_.on_silence(silent);
        const Gathering* gathering = lane.gathering(place);
        if (gathering == nullptr) gathering = gather_own(index, place);
        std::vector<Participant> known;
        const auto* certificate = lane.certificate(place.first);
        if (certificate != nullptr && certificate->header == place.second) {
            for (const auto& part : certificate->parts) known.push_back(part.signer);
        }
        for (const Question& question : ask(asker_, *config_.coder, place, fetch, gathering,
                                            std::move(known), slowness_, now.monotonic_us)) {
            if (question.whole) {
                effects.send(question.to, model::FetchBatch{index, place.first, place.second});
            } else {
                effects.send(question.to, model::FetchCells{index, place.first, place.second});
            }
        }
    }
}

}  // namespace tally::availability
