#include "sim/blame.hpp"

#include "sim/kept.hpp"

namespace tally::sim {
namespace {

/// Three deadlines of 15 seconds, and time for rounds and for what is behind.
constexpr uint64_t naming_us_max = 150'000'000;
constexpr uint64_t work_every_us = 2'000'000;
/// What is kept for less may be past retention before a question about it is over.
constexpr uint64_t audited_retention_us = 600'000'000;

/// Who does not name whom.
std::optional<std::string> unnamed(const World& world, const Scenario& scenario,
                                   const std::vector<Participant>& participants) {
    for (const Participant who : participants) {
        const Process* process = world.process(who);
        if (contains(lost_disks(scenario), who)) continue;
        if (!process) return name_of(who) + " is down";
        for (const auto& peer : process->status().peers) {
            const Liar* liar = scenario.liar(peer.number);
            if (!liar || liar->kind != LiarKind::discarder || !peer.audits.keeps) continue;
            return name_of(who) + " asked " + name_of(peer.number) + " " +
                   std::to_string(peer.audits.asked) + " times, and " +
                   std::to_string(peer.audits.passed) + " passed, " +
                   std::to_string(peer.audits.missed) + " missed";
        }
    }
    return {};
}

}  // namespace

void check_discarders(World& world, const Scenario& scenario, const model::CharterBody& charter,
                      const std::vector<Participant>& participants,
                      const std::function<void()>& give_work, uint64_t events_max,
                      Findings& findings) {
    if (charter.parameters.retention_us < audited_retention_us ||
        !scenario.has(LiarKind::discarder))
        return;
    const uint64_t deadline_us = world.now_us() + naming_us_max;
    while (const auto why = unnamed(world, scenario, participants)) {
        give_work();
        world.run_until(world.now_us() + work_every_us, events_max);
        if (findings.first()) return;
        if (world.now_us() > deadline_us || world.events() >= events_max)
            return findings.add("who keeps nothing is named", *why);
    }
    // What was given last ends, too.
    world.run_until(world.now_us() + 2 * work_every_us, events_max);
}

uint64_t check_blame(const World& world, const Scenario& scenario,
                     const std::vector<Participant>& participants, Findings& findings) {
    uint64_t equivocators_named = 0;
    const ParticipantSet forgetful = scenario.forgetful(), lost = lost_disks(scenario);
    for (const Participant who : participants) {
        const Process* process = world.process(who);
        if (!process) continue;
        const node::Status status = process->status();
        for (const Participant named : status.equivocators) {
            ++equivocators_named;
            if (world.is_honest(named) && !contains(forgetful, named))
                findings.add("evidence never blames the honest",
                             name_of(who) + " holds evidence against " + name_of(named));
        }
        for (const auto& peer : status.peers) {
            if (peer.audits.keeps || !world.is_honest(peer.number) || contains(lost, peer.number))
                continue;
            findings.add("audits never blame the honest",
                         name_of(who) + " says that " + name_of(peer.number) +
                             " does not keep what it should, after " +
                             std::to_string(peer.audits.missed) + " misses");
        }
    }
    return equivocators_named;
}

}  // namespace tally::sim
