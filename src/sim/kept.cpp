#include "sim/kept.hpp"

#include <bit>

#include "base/quorum.hpp"
#include "node/chain_store.hpp"

namespace tally::sim {
namespace {

constexpr uint64_t restoring_us_max = 120'000'000;

std::optional<model::BatchBody> body_in(const ports::Reader& reader,
                                        const availability::Coder& coder, node::BatchPlace place,
                                        const Hash& header) {
    auto body = node::ChainReader(reader).body(place);
    if (!body.ok() || !*body || (*body)->header.hash() != header) return {};
    if (!coder.rebuild((*body)->header, (*body)->bytes)) return {};
    return std::move(*body);
}

/// Own cells that are right, or the batch whole.
bool keeps(const ports::Reader& reader, const availability::Coder& coder, Participant who,
           node::BatchPlace place, const Hash& header) {
    if (body_in(reader, coder, place, header)) return true;
    const auto cells = node::ChainReader(reader).cells(place);
    return cells.ok() && *cells && (*cells)->header.hash() == header &&
           coder.cells_verify((*cells)->header.da, who, (*cells)->cells);
}

class KeptCheck {
public:
    KeptCheck(const World& world, const std::vector<Participant>& participants,
              const model::Epochs& epochs, const std::vector<model::Decision>& log,
              Findings& findings)
        : world_(world),
          participants_(participants),
          parameters_(epochs.now().parameters),
          coder_(epochs),
          log_(log),
          findings_(findings) {}

    void run() {
        if (log_.empty()) return;
        const auto& newest = log_.back().block.cut;
        for (size_t i = 0; i < newest.size(); ++i) {
            const LaneHeight floor = floor_of(i);
            Hash hash = newest[i].header;
            for (LaneHeight height = newest[i].height; height > floor; --height.value) {
                const auto parent = check({{uint8_t(i)}, height}, hash);
                if (!parent) return;
                hash = *parent;
            }
        }
    }

private:
    /// The lane's tip at the last slot whose batches may be gone.
    [[nodiscard]] LaneHeight floor_of(size_t lane) const {
        const auto& last = log_.back().block;
        LaneHeight floor;
        for (const auto& decision : log_) {
            const auto& block = decision.block;
            const bool is_past =
                block.slot.value + parameters_.retention_slots <= last.slot.value &&
                block.time.value + parameters_.retention_us <= last.time.value;
            if (is_past) floor = model::tip_of(block.cut, {uint8_t(lane)}).height;
        }
        return floor;
    }

    /// The hash of the batch before.
    std::optional<Hash> check(node::BatchPlace place, const Hash& hash) {
        std::optional<Hash> parent;
        const std::string text = "batch " + std::to_string(place.height.value) + " of lane " +
                                 std::to_string(place.lane.value);
        for (const Participant who : participants_) {
            const auto& reader = world_.key_value(who);
            const auto header = node::ChainReader(reader).batch_header(place, hash);
            if (header.ok() && *header) parent = (*header)->parent;
            if (!keeps(reader, coder_, who, place, hash)) {
                findings_.add("what is to be kept is kept",
                              name_of(who) + " has no cells of " + text);
                return {};
            }
        }
        return parent;
    }

    const World& world_;
    const std::vector<Participant>& participants_;
    const model::Parameters& parameters_;
    const availability::Coder coder_;
    const std::vector<model::Decision>& log_;
    Findings& findings_;
};

}  // namespace

std::optional<model::BatchBody> find_batch(const World& world,
                                           const std::vector<Participant>& among,
                                           const availability::Coder& coder, Participant lane,
                                           LaneHeight height, const Hash& header) {
    const node::BatchPlace place{lane, height};
    for (const Participant who : among) {
        if (auto body = body_in(world.key_value(who), coder, place, header)) return body;
    }
    for (const Participant who : among) {
        const auto* dropped = world.dropped(who);
        if (dropped == nullptr) continue;
        if (auto body = body_in(*dropped, coder, place, header)) return body;
    }
    return {};
}

ParticipantSet lost_disks(const Scenario& scenario) {
    ParticipantSet set = 0;
    for (const Fault& fault : scenario.faults) {
        switch (fault.kind) {
        case FaultKind::amnesia:
        case FaultKind::wipe:
        case FaultKind::restore:
        case FaultKind::rot: set |= fault.at; break;
        default: break;
        }
    }
    return set;
}

bool may_lose_batches(const Scenario& scenario) {
    ParticipantSet struck = lost_disks(scenario);
    for (const Liar& liar : scenario.liars) struck |= ParticipantSet{1} << liar.participant.value;
    const uint32_t left = scenario.participants - uint32_t(std::popcount(struck));
    return left <= Quorum::of(scenario.participants).liars_max;
}

void check_kept(World& world, const std::vector<Participant>& participants,
                const model::Epochs& epochs, const std::vector<model::Decision>& log,
                uint64_t events_max, Findings& findings) {
    const auto restoring = [&]() -> const char* {
        for (const Participant who : participants) {
            const Process* process = world.process(who);
            if (process == nullptr) return "somebody is down";
            const node::Status status = process->status();
            if (status.catching_up) return "somebody still loads states";
            if (status.storage.restoring) return "somebody still gets cells back";
            for (const auto& ledger : status.ledgers) {
                if (ledger.slot < status.decided) return "somebody still fetches batches";
            }
        }
        return nullptr;
    };
    const uint64_t deadline_us = world.now_us() + restoring_us_max;
    while (const char* why = restoring()) {
        world.run_until(world.now_us() + 50'000, events_max);
        if (findings.first()) return;
        if (world.now_us() > deadline_us || world.events() >= events_max)
            return findings.add("lost cells are got back", why);
    }
    KeptCheck(world, participants, epochs, log, findings).run();
}

}  // namespace tally::sim
