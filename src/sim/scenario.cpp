#include "sim/scenario.hpp"

#include <algorithm>

#include "base/quorum.hpp"
#include "model/messages.hpp"
#include "sim/random.hpp"

namespace tally::sim {
namespace {

constexpr uint64_t second_us = 1'000'000;
/// Faults that are drawn apart from the others have numbers of their own, each kind its hundreds.
constexpr uint32_t divergence_number = 1'000, wrong_clock_number = 1'500, scramble_number = 2'000,
                   rot_number = 3'000, lost_journal_number = 3'500, recovery_number = 4'000,
                   change_number = 4'500;

/// The place of M in model::Message.
template <class M, size_t At = 0>
constexpr int64_t kind_of() {
    if constexpr (std::is_same_v<M, std::variant_alternative_t<At, model::Message>>) {
        return int64_t(At);
    } else {
        return kind_of<M, At + 1>();
    }
}
constexpr int64_t report_kind = kind_of<model::Signed<model::Report>>();
constexpr int64_t prepare_vote_kind = kind_of<model::Signed<model::PrepareVote>>();
constexpr int64_t commit_vote_kind = kind_of<model::Signed<model::CommitVote>>();
constexpr int64_t timeout_kind = kind_of<model::TimeoutMessage>();
constexpr int64_t timeout_certificate_kind = kind_of<model::TimeoutCertificate>();
constexpr int64_t decide_kind = kind_of<model::DecideMessage>();
constexpr int64_t prepare_qc_kind = kind_of<model::PrepareQC>();

bool strikes_links(FaultKind kind) {
    return kind == FaultKind::lose || kind == FaultKind::delay || kind == FaultKind::duplicate ||
           kind == FaultKind::cut || kind == FaultKind::mute;
}

ParticipantSet some_of(Random& random, uint32_t participants) {
    const ParticipantSet all = (ParticipantSet{1} << participants) - 1;
    if (random.chance(0.3)) return all;
    if (random.chance(0.5)) return ParticipantSet{1} << random.below(participants);
    return ParticipantSet(random.between(1, all));
}

/// Report to PrepareQC, of which agreement is made, and now and then any other.
int64_t draw_deciding_kind(Random& random) {
    if (random.chance(0.8)) return int64_t(random.between(report_kind, prepare_qc_kind));
    return int64_t(random.below(std::variant_size_v<model::Message>));
}

int64_t draw_amount(Random& random, FaultKind kind) {
    const auto within = [&](int64_t low, int64_t high) {
        return low + int64_t(random.below(uint64_t(high - low) + 1));
    };
    switch (kind) {
    case FaultKind::lose: return within(50, 900);
    case FaultKind::delay: return within(20'000, 2'000'000);
    case FaultKind::duplicate: return within(50, 500);
    case FaultKind::mute: return draw_deciding_kind(random);
    case FaultKind::crash: return within(0, 6);
    case FaultKind::strike: return draw_deciding_kind(random);
    case FaultKind::relapse: return within(1, 3);
    case FaultKind::jump: return within(-150'000, 150'000);
    case FaultKind::drift: return within(-20'000, 20'000);
    case FaultKind::slow_disk: return within(10'000, random.chance(0.3) ? 4'000'000 : 600'000);
    case FaultKind::full_disk: return random.chance(0.3) ? 0 : within(1, 60'000);
    case FaultKind::cut:
    case FaultKind::pause:
    case FaultKind::fail_sync:
    case FaultKind::fail_write: return 0;
    case FaultKind::amnesia: return within(0, 6);
    case FaultKind::diverge: return within(1, 6);
    case FaultKind::wipe:
    case FaultKind::restore:
    case FaultKind::change:
    case FaultKind::recover: return 0;
    case FaultKind::rot: return within(1, 8);
    }
    std::abort();
}

/// What a fault is often enough to matter: crashes and cuts find the most.
FaultKind draw_kind(Random& random) {
    static constexpr FaultKind often[] = {FaultKind::crash, FaultKind::crash, FaultKind::cut,
                                          FaultKind::cut,   FaultKind::lose,  FaultKind::delay};
    static constexpr FaultKind media[] = {FaultKind::slow_disk, FaultKind::fail_sync,
                                          FaultKind::full_disk, FaultKind::fail_write};
    if (random.chance(0.55)) return often[random.below(std::size(often))];
    if (random.chance(0.3)) return media[random.below(std::size(media))];
    // One who diverges is drawn apart, for there must be enough others.
    return FaultKind(random.below(uint64_t(FaultKind::diverge)));
}

Fault draw_fault(uint64_t seed, uint32_t number, uint32_t participants, uint64_t unquiet_us) {
    Random random(seed, stream_of("fault", number));
    Fault fault;
    fault.number = number;
    fault.kind = draw_kind(random);
    fault.from_us = random.below(unquiet_us);
    const uint64_t longest = random.chance(0.2) ? unquiet_us : 2 * second_us;
    fault.until_us = std::min(unquiet_us, fault.from_us + random.between(20'000, longest));
    if (strikes_links(fault.kind)) {
        fault.at = some_of(random, participants);
        fault.to = some_of(random, participants);
    } else if ((fault.kind == FaultKind::crash && random.chance(0.2)) ||
               (fault.kind == FaultKind::strike && random.chance(0.7))) {
        // Many at once, and soon back, in the middle of the same slot.
        fault.at = some_of(random, participants);
        if (random.chance(0.7))
            fault.until_us =
                std::min(fault.until_us, fault.from_us + random.between(20'000, 400'000));
    } else {
        fault.at = ParticipantSet{1} << random.below(participants);
    }
    fault.amount = draw_amount(random, fault.kind);
    return fault;
}

uint32_t draw_participants(Random& random) {
    // Ten cost six times as much as four.
    if (random.chance(0.7)) return 4;
    return random.chance(0.7) ? uint32_t(random.between(1, 7)) : uint32_t(random.between(8, 10));
}

/// Those who forge agreement itself find the most.
LiarKind draw_liar_kind(Random& random) {
    static constexpr LiarKind often[] = {LiarKind::twin, LiarKind::mutator, LiarKind::usurper};
    if (random.chance(0.4)) return often[random.below(std::size(often))];
    // Those who would have another order are drawn apart.
    return LiarKind(random.below(uint64_t(LiarKind::backdater)));
}

/// Some of the liars would have another order instead, and some save the disk.
void draw_other_liars(Scenario& scenario) {
    constexpr auto first = uint64_t(LiarKind::backdater),
                   last = uint64_t(LiarKind::certificate_withholder);
    for (Liar& liar : scenario.liars) {
        Random random(scenario.seed, stream_of("order liar", liar.participant.value));
        if (hash(scenario.seed, stream_of("false opener"), liar.participant.value) % 12 == 0)
            liar.kind = LiarKind::false_opener;
        if (random.chance(0.25))
            liar.kind = LiarKind(random.between(first, last));
        else if (random.chance(0.12))
            liar.kind = LiarKind::discarder;
    }
}

void draw_liars(Scenario& scenario, Random& random) {
    const uint32_t liars_max = Quorum::of(scenario.participants).liars_max;
    const uint64_t count = random.chance(0.6) ? liars_max : random.below(liars_max + 1);
    for (uint64_t i = 0; i < count; ++i) {
        const Participant who{uint8_t(random.below(scenario.participants))};
        const LiarKind kind = draw_liar_kind(random);
        if (!scenario.liar(who)) scenario.liars.push_back({who, kind});
    }
}

/// One honest participant computes wrongly once, where enough others are left to certify.
void draw_divergence(Scenario& scenario, Random& random) {
    if (!random.chance(0.2)) return;
    const Participant who{uint8_t(random.below(scenario.participants))};
    const uint64_t others = scenario.participants - 1 - scenario.liars.size();
    if (scenario.liar(who) || others < majority_of(scenario.participants)) return;
    Fault fault;
    fault.number = divergence_number;
    fault.kind = FaultKind::diverge;
    fault.until_us = scenario.unquiet_us;
    fault.at = ParticipantSet{1} << who.value;
    fault.amount = draw_amount(random, fault.kind);
    scenario.faults.push_back(fault);
}

/// The disks of honest participants lie, of one at a time: the others have what it lost.
void draw_rot(Scenario& scenario) {
    Random random(scenario.seed, stream_of("rot"));
    if (scenario.participants == 1 || !random.chance(0.25)) return;
    const Participant who{uint8_t(random.below(scenario.participants))};
    if (scenario.liar(who)) return;
    for (uint32_t i = 0; i < 1 + random.below(4); ++i) {
        Fault fault;
        fault.number = rot_number + i;
        fault.kind = FaultKind::rot;
        fault.from_us = random.below(scenario.unquiet_us);
        fault.until_us = scenario.unquiet_us;
        fault.at = ParticipantSet{1} << who.value;
        fault.amount = draw_amount(random, fault.kind);
        scenario.faults.push_back(fault);
    }
}

/// One window after the other, in each of which a few come to know what the others do not: votes
/// reach only them, and little of what they say leaves. So QCs of several views meet.
void draw_scramble(Scenario& scenario) {
    const ParticipantSet all = (ParticipantSet{1} << scenario.participants) - 1;
    uint32_t number = scramble_number;
    uint64_t from_us = 0;
    for (uint32_t window = 0; from_us < scenario.unquiet_us; ++window) {
        Random random(scenario.seed, stream_of("scramble", window));
        const uint64_t until_us = from_us + scenario.view_timer_us * random.between(1, 6) / 2;
        const auto few = ParticipantSet(random.between(1, all));
        const auto mute = [&](double chance, int64_t kind, ParticipantSet at, ParticipantSet to) {
            const uint32_t own_number = number++;
            if (!random.chance(chance) || at == 0 || to == 0) return;
            scenario.faults.push_back({own_number, FaultKind::mute, from_us,
                                       std::min(until_us, scenario.unquiet_us), at, to, kind});
        };
        mute(0.6, prepare_vote_kind, all, all & ~few);
        mute(0.6, commit_vote_kind, all, all);
        mute(0.5, timeout_kind, few, all & ~few);
        mute(0.2, timeout_certificate_kind, all, few);
        mute(0.5, decide_kind, few, all & ~few);
        mute(0.7, prepare_qc_kind, few, all & ~few);
        from_us = until_us;
    }
}

/// One clock that is far off all the time counts as a liar: it is one among f.
void draw_wrong_clock(Scenario& scenario, Random& random) {
    const uint32_t liars_max = Quorum::of(scenario.participants).liars_max;
    if (scenario.liars.size() >= liars_max || !random.chance(0.3)) return;
    const Participant who{uint8_t(random.below(scenario.participants))};
    const int64_t off_us = int64_t(random.between(5, 3'600)) * 1'000'000;
    scenario.faults.push_back({wrong_clock_number, FaultKind::jump, 0, scenario.unquiet_us,
                               ParticipantSet{1} << who.value, 0,
                               random.chance(0.5) ? off_us : -off_us});
}

/// Whoever loses its journal counts as a liar, too; and one who diverges needs the others.
void draw_lost_journal(Scenario& scenario) {
    Random random(scenario.seed, stream_of("lost journal"));
    size_t doubtful = scenario.liars.size();
    for (const Fault& fault : scenario.faults) {
        if (fault.kind == FaultKind::diverge) return;
        if (fault.number == wrong_clock_number) ++doubtful;
    }
    if (doubtful >= Quorum::of(scenario.participants).liars_max || !random.chance(0.7)) return;
    Participant who{uint8_t(random.below(scenario.participants))};
    while (scenario.liar(who)) who.value = uint8_t((who.value + 1) % scenario.participants);
    Fault fault;
    fault.number = lost_journal_number;
    fault.kind = random.chance(0.5) ? FaultKind::wipe : FaultKind::restore;
    fault.from_us = random.between(scenario.unquiet_us / 4, scenario.unquiet_us - 100'000);
    fault.until_us =
        std::min(scenario.unquiet_us, fault.from_us + random.between(20'000, second_us));
    fault.at = ParticipantSet{1} << who.value;
    if (fault.kind == FaultKind::restore) {
        fault.amount = int64_t(random.below(fault.from_us));
        fault.to = random.chance(0.5) ? fault.at : 0;
    }
    scenario.faults.push_back(fault);
}

ParticipantSet some_honest(const Scenario& scenario, uint64_t count, Random& random) {
    ParticipantSet set = 0;
    while (uint64_t(std::popcount(set)) < count) {
        const Participant who{uint8_t(random.below(scenario.participants))};
        if (!scenario.liar(who)) set |= ParticipantSet{1} << who.value;
    }
    return set;
}

/// More lose their journals than the network survives, and a quorum of the honest lets it go on;
/// now and then once more after that.
void draw_recoveries(Scenario& scenario) {
    Random random(scenario.seed, stream_of("recovery"));
    if (!random.chance(0.08)) return;
    const auto [liars_max, quorum] = Quorum::of(scenario.participants);
    const uint64_t honest = scenario.participants - scenario.liars.size();
    uint64_t from_us = random.between(scenario.unquiet_us / 4, scenario.unquiet_us / 2);
    for (uint32_t i = 0; i < 2; ++i) {
        Fault fault;
        fault.number = recovery_number + i;
        fault.kind = FaultKind::recover;
        fault.from_us = from_us;
        fault.until_us = from_us + random.between(200'000, scenario.unquiet_us / 3);
        if (fault.until_us >= scenario.unquiet_us) return;
        for (const Fault& other : scenario.faults) {
            if (other.kind == FaultKind::diverge) return;
            // Who is alone has the batches of earlier epochs nowhere else.
            if (other.kind == FaultKind::amnesia && scenario.participants == 1) return;
            // A journal that a restore brings back is of the epoch that was then.
            if (other.kind == FaultKind::restore && other.from_us >= fault.from_us) return;
        }
        fault.amount =
            int64_t(some_honest(scenario, random.between(liars_max + 1, honest), random));
        fault.at = some_honest(scenario, quorum, random);
        scenario.faults.push_back(fault);
        from_us = fault.until_us + random.between(100'000, scenario.unquiet_us / 4);
        if (!random.chance(0.4)) return;
    }
}

/// As many of them lie as a network of these survives.
bool survives(const Scenario& scenario, ParticipantSet members) {
    const auto count = uint32_t(std::popcount(members));
    const auto liars =
        std::count_if(scenario.liars.begin(), scenario.liars.end(),
                      [&](const Liar& liar) { return contains(members, liar.participant); });
    return count > 0 && uint32_t(liars) <= Quorum::of(count).liars_max;
}

/// Participants come and go, or only parameters and keys change, one epoch after the other. Lost
/// journals, and who counts among the liars for a while, are left to other seeds.
void draw_changes(Scenario& scenario) {
    Random random(scenario.seed, stream_of("changes"));
    if (!random.chance(0.2)) return;
    for (const Fault& fault : scenario.faults) {
        if (fault.kind == FaultKind::wipe || fault.kind == FaultKind::restore ||
            fault.kind == FaultKind::recover || fault.kind == FaultKind::diverge ||
            fault.kind == FaultKind::amnesia || fault.kind == FaultKind::rot ||
            fault.number == wrong_clock_number)
            return;
    }
    const ParticipantSet all = (ParticipantSet{1} << scenario.participants) - 1;
    ParticipantSet members = all;
    if (scenario.participants > 1 && random.chance(0.7)) {
        const auto founders = uint32_t(random.between(1, scenario.participants - 1));
        const ParticipantSet first = (ParticipantSet{1} << founders) - 1;
        if (survives(scenario, first)) {
            scenario.founders = founders;
            members = first;
        }
    }
    const uint64_t count = random.between(1, 3);
    for (uint32_t i = 0; i < count; ++i) {
        ParticipantSet next = members;
        // Who has left does not come back here.
        const ParticipantSet come = all & ~((ParticipantSet{1} << scenario.founder_count()) - 1);
        if (i == 0 && scenario.founders > 0) {
            next |= random.chance(0.6) ? come : come & ParticipantSet(random.next());
        } else if (random.chance(0.5)) {
            next &= ~(ParticipantSet{1} << random.below(scenario.participants));
        }
        if (!survives(scenario, next)) continue;
        Fault fault;
        fault.number = change_number + i;
        fault.kind = FaultKind::change;
        const uint64_t part_us = scenario.unquiet_us / (count + 2);
        fault.from_us = (i + 1) * part_us + random.below(part_us);
        fault.until_us = fault.from_us + 1;
        fault.at = next;
        fault.to = members;
        fault.amount = int64_t(random.below(3)) * 1'000;
        scenario.faults.push_back(fault);
        members = next;
    }
}

}  // namespace

ErrorText describe(SimError error) {
    switch (error) {
    case SimError::bad_scenario:
        return {"bad_scenario", "this is not a scenario of the simulator",
                "See tests/scenarios/README.md"};
    case SimError::bad_option:
        return {"bad_option", "the simulator does not know this option",
                "`tally sim --help` lists the options"};
    }
    std::abort();
}

std::string_view name_of(FaultKind kind) {
    switch (kind) {
    case FaultKind::lose: return "lose";
    case FaultKind::delay: return "delay";
    case FaultKind::duplicate: return "duplicate";
    case FaultKind::cut: return "cut";
    case FaultKind::mute: return "mute";
    case FaultKind::crash: return "crash";
    case FaultKind::strike: return "strike";
    case FaultKind::relapse: return "relapse";
    case FaultKind::jump: return "jump";
    case FaultKind::drift: return "drift";
    case FaultKind::pause: return "pause";
    case FaultKind::slow_disk: return "slow_disk";
    case FaultKind::fail_sync: return "fail_sync";
    case FaultKind::full_disk: return "full_disk";
    case FaultKind::fail_write: return "fail_write";
    case FaultKind::amnesia: return "amnesia";
    case FaultKind::diverge: return "diverge";
    case FaultKind::wipe: return "wipe";
    case FaultKind::restore: return "restore";
    case FaultKind::rot: return "rot";
    case FaultKind::change: return "change";
    case FaultKind::recover: return "recover";
    }
    std::abort();
}

std::string_view name_of(LiarKind kind) {
    switch (kind) {
    case LiarKind::silent: return "silent";
    case LiarKind::twin: return "twin";
    case LiarKind::mutator: return "mutator";
    case LiarKind::wrong_root: return "wrong_root";
    case LiarKind::usurper: return "usurper";
    case LiarKind::miscoder: return "miscoder";
    case LiarKind::censor: return "censor";
    case LiarKind::selective: return "selective";
    case LiarKind::spammer: return "spammer";
    case LiarKind::stale_certificate: return "stale_certificate";
    case LiarKind::withholder: return "withholder";
    case LiarKind::backdater: return "backdater";
    case LiarKind::cherry_picker: return "cherry_picker";
    case LiarKind::certificate_withholder: return "certificate_withholder";
    case LiarKind::false_opener: return "false_opener";
    case LiarKind::discarder: return "discarder";
    }
    std::abort();
}

std::optional<uint8_t> kind_of_message(ByteView message) {
    // An array of two, the first a number: see model/cbor.hpp on variants.
    if (message.size() < 3 || message[0] != 0x82) return {};
    if (message[1] < 24) return message[1];
    return message[1] == 0x18 ? std::optional(message[2]) : std::nullopt;
}

const Liar* Scenario::liar(Participant participant) const {
    for (const Liar& liar : liars) {
        if (liar.participant == participant) return &liar;
    }
    return nullptr;
}

uint64_t Scenario::diverges_at(Participant participant) const {
    for (const Fault& fault : faults) {
        if (fault.kind == FaultKind::diverge && contains(fault.at, participant))
            return uint64_t(fault.amount);
    }
    return 0;
}

const Fault* Scenario::recovery(Epoch epoch) const {
    uint64_t before = 0;
    for (const Fault& fault : faults) {
        if (fault.kind == FaultKind::recover && before++ == epoch.value) return &fault;
    }
    return nullptr;
}

ParticipantSet Scenario::forgetful() const {
    ParticipantSet set = 0;
    for (const Fault& fault : faults) {
        if (fault.kind == FaultKind::wipe || fault.kind == FaultKind::restore) set |= fault.at;
    }
    return set;
}

bool Scenario::changes() const {
    return std::any_of(faults.begin(), faults.end(),
                       [](const Fault& fault) { return fault.kind == FaultKind::change; });
}

bool Scenario::rots() const {
    return std::any_of(faults.begin(), faults.end(),
                       [](const Fault& fault) { return fault.kind == FaultKind::rot; });
}

Scenario draw_scenario(uint64_t seed, uint32_t participants) {
    Random random(seed, stream_of("scenario"));
    Scenario scenario;
    scenario.seed = seed;
    scenario.participants = draw_participants(random);
    if (participants != 0) scenario.participants = participants;
    scenario.real_keys = random.chance(0.04);
    static constexpr uint64_t timers_us[] = {150'000, 300'000, 300'000, 1'000'000};
    scenario.view_timer_us = timers_us[random.below(std::size(timers_us))];
    scenario.latency_us_max = random.between(1'000, 12'000);
    // Some are in such a hurry that views end in the middle of everything.
    if (random.chance(0.25))
        scenario.latency_us_max = scenario.view_timer_us / random.between(2, 6);
    scenario.unquiet_us = random.between(2, 10) * second_us;
    scenario.requests = uint32_t(random.between(10, 60));
    draw_liars(scenario, random);
    draw_other_liars(scenario);
    scenario.mixed = random.chance(0.4);
    // A quarter of the seeds is calm weather, some have a few faults, some a storm.
    uint64_t faults = 0;
    if (random.chance(0.75))
        faults = random.chance(0.7) ? random.between(1, 6) : random.between(7, 24);
    for (uint32_t number = 0; number < faults; ++number) {
        scenario.faults.push_back(
            draw_fault(seed, number, scenario.participants, scenario.unquiet_us));
    }
    if (random.chance(0.25)) draw_scramble(scenario);
    draw_divergence(scenario, random);
    draw_wrong_clock(scenario, random);
    draw_lost_journal(scenario);
    draw_rot(scenario);
    draw_recoveries(scenario);
    draw_changes(scenario);
    return scenario;
}

}  // namespace tally::sim
