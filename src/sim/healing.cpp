#include "sim/healing.hpp"

#include <algorithm>

#include "node/chain_store.hpp"
#include "sim/workload.hpp"
#include "store/versions.hpp"

namespace tally::sim {
namespace {

constexpr uint64_t patience_us = 300'000'000;
/// Apart from those of the clients.
constexpr uint64_t first_request = uint64_t{1} << 40;

bool is_whole(const node::Status& status) {
    const bool quarantined =
        std::any_of(status.ledgers.begin(), status.ledgers.end(),
                    [](const auto& ledger) { return ledger.quarantine.quarantined; });
    return !quarantined && !status.scrub.running && status.scrub.log_altered.empty();
}

/// What it says of itself, for who looks for the reason.
std::string words_of(const Process* process) {
    if (process == nullptr) return "is down";
    const node::Status status = process->status();
    std::string text = std::to_string(status.scrub.passes) + " passes, the last found " +
                       std::to_string(status.scrub.last_found);
    if (status.scrub.running) text += ", reading " + status.scrub.doing;
    for (const auto& one : status.scrub.log_altered) text += ", altered: " + one;
    for (const auto& ledger : status.ledgers) {
        const auto& quarantine = ledger.quarantine;
        if (!quarantine.quarantined) continue;
        text += ", " + ledger.name + (quarantine.remade ? " is made again" : " is quarantined") +
                ": executed " + std::to_string(ledger.executed.value) + ", certified " +
                std::to_string(ledger.certified.value) + ", found " +
                std::to_string(quarantine.found) + ", healed " + std::to_string(quarantine.healed);
    }
    return text;
}

/// One pass, and whatever it found is healed. Nothing if the time is over.
std::optional<uint64_t> scrub_once(World& world, Participant who, uint64_t request,
                                   uint64_t deadline_us, uint64_t events_max,
                                   const Findings& findings) {
    const Process* process = world.process(who);
    const uint64_t passes = process ? process->status().scrub.passes : 0;
    world.request(who, request, node::StartScrub{});
    while (true) {
        world.run_until(world.now_us() + 50'000, events_max);
        if (findings.first() || world.now_us() > deadline_us || world.events() >= events_max)
            return {};
        const Process* now = world.process(who);
        if (now == nullptr) continue;
        const node::Status status = now->status();
        if (status.scrub.passes > passes && is_whole(status)) return status.scrub.last_found;
    }
}

std::optional<Hash> hash_of_state(const ports::Reader& database, LedgerIndex ledger,
                                  Height height) {
    Hasher hasher(Tag::record);
    const store::VersionedView view(database, ledger, height);
    const auto scanned = view.scan({}, {}, [&](ByteView key, ByteView value) {
        hasher.add_u32(uint32_t(key.size())).add(key);
        hasher.add_u32(uint32_t(value.size())).add(value);
        return true;
    });
    if (!scanned.ok()) return {};
    return hasher.finish();
}

void compare_states(const World& world, const std::vector<Participant>& participants,
                    Findings& findings) {
    for (uint16_t i = 0; i < ledger_count; ++i) {
        std::map<Height, Hash> states;
        for (const Participant who : participants) {
            const auto& database = world.key_value(who);
            const auto mark = node::ChainReader(database).mark({i});
            if (!mark.ok() || !*mark) continue;
            for (Height height = (*mark)->history; height <= (*mark)->height;
                 height = height.next()) {
                const auto hash = hash_of_state(database, {i}, height);
                const bool same = hash && states.try_emplace(height, *hash).first->second == *hash;
                if (!same)
                    findings.add("stored states are equal", name_of(who) + " at " +
                                                                std::string(ledger_names[i]) + "/" +
                                                                std::to_string(height.value));
            }
        }
    }
}

}  // namespace

void check_healing(World& world, const std::vector<Participant>& participants, uint64_t events_max,
                   Findings& findings) {
    const uint64_t deadline_us = world.now_us() + patience_us;
    uint64_t request = first_request;
    for (const Participant who : participants) {
        for (int calm = 0; calm < 2;) {
            const auto found = scrub_once(world, who, ++request, deadline_us, events_max, findings);
            if (findings.first()) return;
            if (!found)
                return findings.add("what was altered heals",
                                    name_of(who) + ": " + words_of(world.process(who)));
            calm = *found == 0 ? calm + 1 : 0;
        }
    }
    compare_states(world, participants, findings);
}

/// Views double their timers: what was lost in the storm may take as long again to end. Then f
/// liars may lead before an honest one does, in each of a few slots.
uint64_t healed_by_us(const World& world, const std::vector<Participant>& honest,
                      const Scenario& scenario, const Quorum& quorum,
                      const model::Parameters& parameters) {
    uint32_t view = 0;
    for (const Participant who : honest) {
        if (const Process* process = world.process(who))
            view = std::max(view, process->status().view.value);
    }
    const auto timer_us = [&](uint32_t at) {
        return scenario.view_timer_us << std::min<uint32_t>(at, 10);
    };
    uint64_t sum_us = 0;
    for (uint32_t more = 0; more <= quorum.liars_max + 1; ++more)
        sum_us += 2 * timer_us(view + more) + 8 * timer_us(more);
    // Who loads a state while too few can say where the ledgers stood gives up after half a minute,
    // tries again after a whole one, and another may only then begin.
    constexpr uint64_t loads_given_up_us = 150'000'000;
    return world.now_us() + sum_us + parameters.dispute_window_us + loads_given_up_us +
           10 * parameters.hold_us + 30'000'000;
}

uint64_t slots_by_time_us(const Scenario& scenario, const model::Parameters& parameters) {
    constexpr uint64_t slot_us = 1'000'000;
    const auto& faults = scenario.faults;
    const bool disputes = std::any_of(faults.begin(), faults.end(), [](const Fault& fault) {
        return fault.kind == FaultKind::diverge;
    });
    return disputes
               ? std::max(parameters.dispute_window_us, parameters.dispute_window_slots * slot_us)
               : 0;
}

}  // namespace tally::sim
