#include "sim/world.hpp"

namespace tally::sim {
namespace {

template <class... Handlers>
struct Overloaded : Handlers... {
    using Handlers::operator()...;
};
template <class... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

}  // namespace

World::World(const Scenario& scenario, const model::Signatories& set,
             const std::vector<const Signer*>& signers, const Launch& launch, Observer& observer)
    : scenario_(scenario), launch_(launch), observer_(observer), weather_(scenario, coverage_) {
    for (uint8_t i = 0; i < scenario.participants; ++i) {
        const Participant owner{i};
        const Liar* liar = scenario.liar(owner);
        const uint32_t copies = liar && liar->kind == LiarKind::twin ? 2 : 1;
        for (uint32_t copy = 0; copy < copies; ++copy) {
            const auto place = uint32_t(machines_.size());
            auto machine =
                std::make_unique<Machine>(place, owner, *signers[i], liar ? nullptr : &observer);
            machine->honest = liar == nullptr;
            if (liar)
                machine->mouth = make_mouth({scenario, owner, set, *signers[i]}, liar->kind, copy);
            machines_.push_back(std::move(machine));
        }
    }
}

World::~World() = default;

void World::at(uint64_t time_us, std::function<void()> happens) {
    queue_.push({std::max(time_us, now_us_), numbered_++, std::move(happens)});
}

void World::start() {
    for (const Fault& fault : scenario_.faults) lay_out(fault);
    for (uint32_t i = 0; i < scenario_.founder_count(); ++i) begun_.insert({uint8_t(i)});
    for (const auto& machine : machines_) {
        Machine* starts = machine.get();
        if (machine->participant.value >= scenario_.founder_count()) continue;
        at(hash(scenario_.seed, stream_of("start"), machine->index) % 50'000,
           [this, starts] { start_machine(*starts); });
        if (machine->mouth) plan_speech(*machine);
    }
}

void World::plan_speech(Machine& machine) {
    const uint64_t after_us = machine.mouth->speaks_after_us();
    if (after_us == Mouth::never_us) return;
    Machine* liar = &machine;
    at(now_us_ + after_us, [this, liar] {
        if (liar->process && now_us_ >= liar->paused_until_us) {
            for (const auto& said : liar->mouth->speak()) {
                if (said.to != liar->participant) deliver(*liar, said.to, said.message);
            }
        }
        plan_speech(*liar);
    });
}

void World::run_until(uint64_t time_us, uint64_t events_max) {
    const uint64_t last = events_ + std::min(events_max, UINT64_MAX - events_);
    while (!queue_.empty() && queue_.top().at_us <= time_us && events_ < last &&
           !observer_.wants_end()) {
        const Event event = queue_.top();
        queue_.pop();
        now_us_ = event.at_us;
        ++events_;
        event.happens();
    }
    if (queue_.empty() || queue_.top().at_us > time_us) now_us_ = std::max(now_us_, time_us);
}

std::vector<Machine*> World::machines_of(Participant participant) {
    std::vector<Machine*> found;
    for (const auto& machine : machines_) {
        if (machine->participant == participant) found.push_back(machine.get());
    }
    return found;
}

const Process* World::process(Participant participant) const {
    for (const auto& machine : machines_) {
        if (machine->honest && machine->participant == participant) return machine->process.get();
    }
    return nullptr;
}

Coverage World::coverage() const {
    Coverage coverage = coverage_;
    for (const auto& machine : machines_) {
        const Liar* liar = scenario_.liar(machine->participant);
        if (liar) coverage.acts_of(liar->kind) += machine->mouth->acts();
    }
    for (const auto& machine : machines_) {
        const Process* running = process(machine->participant);
        if (running == nullptr) continue;
        node::Status status = running->status();
        for (const auto& lane : status.lanes) {
            for (const auto& name : lane.left_behind_by) {
                for (const Liar& liar : scenario_.liars)
                    coverage.censors_named += liar.kind == LiarKind::censor &&
                                              status.peers[liar.participant.value].name == name;
            }
        }
        for (const auto& peer : status.peers) {
            const Liar* liar = scenario_.liar(peer.number);
            coverage.audits_passed += peer.audits.passed;
            coverage.audits_missed += peer.audits.missed;
            coverage.discarders_named +=
                liar && liar->kind == LiarKind::discarder && !peer.audits.keeps ? 1 : 0;
        }
        auto& counters = status.counters;
        coverage.batches_dropped += counters["batches_dropped"];
        coverage.batches_restored += counters["batches_restored"];
    }
    return coverage;
}

const ports::Reader* World::dropped(Participant participant) const {
    for (const auto& machine : machines_) {
        if (machine->participant == participant) return machine->key_value.dropped();
    }
    return nullptr;
}

const ports::KeyValue& World::key_value(Participant participant) const {
    for (const auto& machine : machines_) {
        if (machine->participant == participant) return machine->key_value;
    }
    ENSURE(false);
}

// --- life ---

model::Now World::now_of(const Machine& machine) const {
    return {weather_.wall(machine.participant, now_us_),
            machine.monotonic_base_us + (now_us_ - machine.started_us)};
}

Seat World::seat_of(Machine& machine) const {
    return {machine.participant,       machine.charter, machine.signer,    machine.watched_disk,
            machine.watched_key_value, now_of(machine), machine.undecided, machine.openings_from};
}

void World::restart_when_allowed(Machine& machine) {
    if (now_us_ < machine.down_until_us) return;
    // What was to end it did not come, for it did nothing: it ends now.
    if (machine.process &&
        (machine.crash_after || machine.crash_on_kind || machine.next_sync_fails))
        crash_machine(machine);
    // Nor does it strike one that was down already.
    machine.crash_after.reset();
    machine.crash_on_kind.reset();
    machine.next_sync_fails = false;
    if (!machine.process) start_machine(machine);
}

void World::start_machine(Machine& machine) {
    if (machine.process || machine.has_left || now_us_ < machine.down_until_us) return;
    if (machine.charter.beginnings.empty() && !begun_.contains(machine.participant)) return;
    for (;;) {
        ++machine.incarnation;
        machine.started_us = now_us_;
        machine.monotonic_base_us =
            hash(scenario_.seed, stream_of("uptime", machine.index), machine.incarnation) %
            1'000'000'000;
        machine.last_sync_us = now_us_;
        machine.failed_syncs = 0;
        machine.refused_before = machine.key_value.refused();
        auto process = launch_(seat_of(machine));
        if (!process.ok() && std::exchange(machine.enters_epoch, false) &&
            process.error().is(ports::KeyValueError::damaged)) {
            machine.key_value.wipe();  // Put aside, and made again from the others.
            continue;
        }
        if (!process.ok()) {
            if (medium_failed(machine)) return start_again_later(machine);
            if (machine.honest)
                observer_.on_halted(machine.participant,
                                    "cannot start: " + process.error().message());
            return;
        }
        machine.process = std::move(*process);
        machine.undecided.clear();
        if (machine.honest) observer_.on_started(machine.participant);
        if (machine.relapses == 0) break;
        --machine.relapses;
        crash_machine(machine);
    }
    node::Effects effects;
    machine.process->start(now_of(machine), effects);
    after_step(machine, effects);
}

// --- steps ---

void World::give(Machine& machine, node::Input input) {
    if (!machine.process) return;
    if (now_us_ < machine.paused_until_us) {
        constexpr size_t waiting_max = 20'000;
        note_strike(FaultKind::pause);
        if (machine.waiting.size() < waiting_max) machine.waiting.push_back(std::move(input));
        return;
    }
    step(machine, std::move(input));
}

void World::step(Machine& machine, node::Input input) {
    if (!machine.process) return;
    if (std::holds_alternative<node::SyncFailed>(input)) ++machine.failed_syncs;
    node::Effects effects;
    machine.process->step(now_of(machine), std::move(input), effects);
    after_step(machine, effects);
}

void World::after_step(Machine& machine, node::Effects& effects) {
    perform(machine, effects);
    if (!machine.process) return;
    if (end_on_failed_medium(machine)) return;
    start_syncs(machine);
    plan_tick(machine);
}

/// A process that a disk failed says so in the same step, and its driver ends it. What it let out
/// before is out.
bool World::end_on_failed_medium(Machine& machine) {
    const bool failed = medium_failed(machine);
    if (!failed && !machine.halting) return false;
    if (!machine.halting && machine.honest) observer_.on_went_on(machine.participant);
    crash_machine(machine);
    if (failed) start_again_later(machine);
    return true;
}

void World::perform(Machine& machine, node::Effects& effects) {
    for (node::Effect& effect : effects) {
        if (machine.crash_after && (*machine.crash_after)-- <= 0) {
            crash_machine(machine);
            return;
        }
        if (const auto* out = std::get_if<node::SendPeer>(&effect);
            out && machine.crash_on_kind && kind_of_message(*out->bytes) == machine.crash_on_kind) {
            // Some of those it goes to still get it.
            machine.crash_on_kind.reset();
            machine.crash_after =
                int64_t(hash(scenario_.seed, stream_of("strike", machine.index), machine.crashes) %
                        (2 * uint64_t{scenario_.participants}));
        }
        perform_one(machine, effect);
        if (!machine.process) return;
    }
}

void World::perform_one(Machine& machine, node::Effect& effect) {
    std::visit(Overloaded{
                   [&](node::SendPeer& out) { send(machine, out.to, out.bytes); },
                   [&](node::StartWork& start) {
                       const uint64_t takes_us =
                           50 +
                           hash(scenario_.seed, stream_of("work", machine.index), machine.works++) %
                               500;
                       Machine* owner = &machine;
                       at(now_us_ + takes_us, [this, owner, incarnation = machine.incarnation,
                                               id = start.id, work = std::move(start.work)] {
                           if (owner->incarnation != incarnation) return;
                           work->run();
                           give(*owner, node::WorkDone{id, work});
                       });
                   },
                   [&](node::Reply& reply) {
                       if (machine.honest)
                           observer_.on_reply(machine.participant, reply.id, reply.response);
                   },
                   [&](node::Log&) {},
                   [&](node::CountStart&) {},
                   [&](node::EpochOver& over) { end_epoch(machine, over); },
                   [&](node::OpeningKeysOver&) { machine.openings_from = machine.charter.epoch(); },
                   [&](node::Guests& guests) { machine.guests = std::move(guests.list); },
                   [&](node::Halt& halt) {
                       machine.halting = true;
                       if (machine.honest && !medium_failed(machine))
                           observer_.on_halted(machine.participant, halt.why);
                   },
               },
               effect);
}

void World::start_syncs(Machine& machine) {
    for (const uint64_t ticket : machine.watched_disk.take_tickets()) {
        // Tickets complete in order.
        machine.last_sync_us =
            std::max(machine.last_sync_us,
                     now_us_ + weather_.sync_us(machine.participant, now_us_, machine.syncs++));
        Machine* owner = &machine;
        at(machine.last_sync_us, [this, owner, incarnation = machine.incarnation, ticket] {
            if (owner->incarnation != incarnation) return;
            if (owner->next_sync_fails || owner->disk.fails(ticket)) {
                give(*owner, node::SyncFailed{"the simulated disk failed"});
                return;
            }
            owner->watched_disk.complete(ticket);
            give(*owner, node::Synced{ticket});
        });
    }
}

void World::plan_tick(Machine& machine) {
    const uint64_t wakeup_us = machine.process->next_wakeup_us();
    if (machine.tick_us != UINT64_MAX && wakeup_us == machine.wakeup_us) return;
    machine.wakeup_us = wakeup_us;
    uint64_t due_us = UINT64_MAX;
    if (wakeup_us != UINT64_MAX) {
        const uint64_t base_us = machine.monotonic_base_us;
        due_us = machine.started_us + (wakeup_us > base_us ? wakeup_us - base_us : 0);
        // A real timer is never early, and often a little late.
        due_us = std::max(due_us, now_us_ + 1) + mix(due_us) % 300;
    }
    machine.tick_us = due_us;
    if (due_us == UINT64_MAX) return;
    Machine* owner = &machine;
    at(due_us, [this, owner, incarnation = machine.incarnation, due_us] {
        if (owner->incarnation != incarnation || owner->tick_us != due_us) return;
        owner->tick_us = UINT64_MAX;
        give(*owner, node::Tick{});
    });
}

// --- messages ---

void World::send(Machine& machine, Participant to, const std::shared_ptr<const Bytes>& bytes) {
    const auto who = who_is(to, machine);
    if (!who || *who == machine.participant) return;
    if (machine.honest) {
        observer_.on_sent(machine.participant, *who, *bytes, machine.watched_disk.saved());
        deliver(machine, *who, bytes);
        return;
    }
    for (const auto& said : machine.mouth->say(*who, bytes, now_us_)) deliver(machine, *who, said);
}

/// A participant has one number in all epochs here. Only who takes part is let in, and guests.
std::optional<Participant> World::number_of(Participant who, const Machine& to) const {
    const auto& members = to.charter.now().participants;
    if (members.empty()) return who;  // In tests of the world.
    if (who.value < members.size() && !members[who.value].is_vacant()) return who;
    for (size_t i = 0; i < to.guests.size(); ++i) {
        if (to.guests[i].name == "participant-" + std::to_string(who.value))
            return node::guest_number(i);
    }
    return {};
}

std::optional<Participant> World::who_is(Participant number, const Machine& to) const {
    for (uint8_t i = 0; i < scenario_.participants; ++i) {
        if (number_of({i}, to) == number) return Participant{i};
    }
    return {};
}

void World::deliver(Machine& from, Participant to, const std::shared_ptr<const Bytes>& bytes) {
    for (const uint64_t delay_us : weather_.deliveries(from.participant, to, *bytes, now_us_)) {
        from.heard_until_us = std::max(from.heard_until_us, now_us_ + delay_us);
        at(now_us_ + delay_us, [this, sender = from.participant, to, bytes] {
            for (Machine* machine : machines_of(to)) {
                if (machine->mouth && !machine->mouth->hears(sender, now_us_)) continue;
                if (machine->mouth) machine->mouth->hear(sender, bytes);
                const auto number = number_of(sender, *machine);
                if (!number) continue;
                if (machine->honest && machine->process)
                    observer_.on_heard(machine->participant, *bytes);
                give(*machine, node::PeerMessage{*number, bytes});
            }
        });
    }
}

void World::request(Participant participant, uint64_t id, node::Request request) {
    at(now_us_ + 200, [this, participant, id, asked = std::move(request)] {
        for (Machine* machine : machines_of(participant)) {
            give(*machine, node::ClientRequest{id, asked});
        }
    });
}

void World::notice(Participant participant, node::Damage damage) {
    at(now_us_, [this, participant, seen = std::move(damage)] {
        for (Machine* machine : machines_of(participant)) give(*machine, node::DamageSeen{seen});
    });
}

}  // namespace tally::sim
