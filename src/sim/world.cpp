#include "sim/world.hpp"

#include "sim/rot.hpp"

namespace tally::sim {
namespace {

template <class... Handlers>
struct Overloaded : Handlers... {
    using Handlers::operator()...;
};
template <class... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

model::Now now_of(const Machine& machine, const Weather& weather, uint64_t now_us) {
    return {weather.wall(machine.participant, now_us),
            machine.monotonic_base_us + (now_us - machine.started_us)};
}

}  // namespace

World::World(const Scenario& scenario, const model::Signatories& set,
             const std::vector<std::unique_ptr<Signer>>& signers, const Launch& launch,
             Observer& observer)
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
    for (const auto& machine : machines_) {
        Machine* starts = machine.get();
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
    return coverage;
}

const ports::KeyValue& World::key_value(Participant participant) const {
    for (const auto& machine : machines_) {
        if (machine->participant == participant) return machine->key_value;
    }
    ENSURE(false);
}

// --- faults ---

void World::lay_out(const Fault& fault) {
    if (fault.kind == FaultKind::recover) return lay_out_recovery(fault);
    for (const auto& owned : machines_) {
        Machine* machine = owned.get();
        if (!contains(fault.at, machine->participant)) continue;
        switch (fault.kind) {
        case FaultKind::crash:
        case FaultKind::strike:
        case FaultKind::relapse:
        case FaultKind::fail_sync:
        case FaultKind::amnesia:
            at(fault.from_us, [this, machine, fault] {
                machine->down_until_us = std::max(machine->down_until_us, fault.until_us);
                machine->ended_by = fault.kind;
                if (fault.kind == FaultKind::fail_sync) {
                    machine->next_sync_fails = true;
                } else if (fault.kind == FaultKind::relapse) {
                    machine->relapses = uint64_t(fault.amount);
                    crash_machine(*machine);
                } else if (fault.kind == FaultKind::strike) {
                    machine->crash_on_kind = uint8_t(fault.amount);
                } else {
                    machine->crash_after = fault.amount;
                    machine->loses_database = fault.kind == FaultKind::amnesia;
                }
            });
            at(fault.until_us, [this, machine] { restart_when_allowed(*machine); });
            break;
        case FaultKind::full_disk:
        case FaultKind::fail_write: lay_out_failing_medium(*machine, fault); break;
        case FaultKind::rot:
            at(fault.from_us, [this, machine, fault] {
                note_strike(FaultKind::rot);
                rot(machine->key_value, Random(scenario_.seed, stream_of("rot of", fault.number)),
                    uint64_t(fault.amount));
            });
            break;
        case FaultKind::pause:
            at(fault.from_us, [machine, fault] {
                machine->paused_until_us = std::max(machine->paused_until_us, fault.until_us);
            });
            at(fault.until_us, [this, machine] {
                while (!machine->waiting.empty() && now_us_ >= machine->paused_until_us) {
                    node::Input input = std::move(machine->waiting.front());
                    machine->waiting.pop_front();
                    step(*machine, std::move(input));
                }
            });
            break;
        case FaultKind::jump:
        case FaultKind::drift:
            at(fault.from_us, [this, machine, fault] {
                if (machine->process) note_strike(fault.kind);
            });
            break;
        case FaultKind::lose:
        case FaultKind::delay:
        case FaultKind::duplicate:
        case FaultKind::cut:
        case FaultKind::mute:
        case FaultKind::slow_disk: break;  // The weather's.
        case FaultKind::diverge: break;    // The process's.
        case FaultKind::recover: break;    // Everybody's.
        case FaultKind::restore:
            at(uint64_t(fault.amount), [this, machine, fault] { copy_media(*machine, fault); });
            [[fallthrough]];
        case FaultKind::wipe:
            at(fault.from_us, [this, machine, fault] { lose_journal(*machine, fault); });
            break;
        }
    }
}

/// First journals are lost. Then the operators find out that nothing goes on, stop everybody, and
/// begin the next epoch with new journals.
void World::lay_out_recovery(const Fault& fault) {
    const uint64_t stop_us = fault.from_us + (fault.until_us - fault.from_us) / 2;
    for (const auto& owned : machines_) {
        Machine* machine = owned.get();
        if (machine->honest && contains(ParticipantSet(fault.amount), machine->participant))
            at(fault.from_us, [this, machine] { lose_only_journal(*machine); });
        at(stop_us, [this, machine, fault] {
            machine->down_until_us = std::max(machine->down_until_us, fault.until_us);
            crash_machine(*machine);
        });
    }
    at(fault.until_us, [this, fault] {
        for (const auto& machine : machines_) settle_old_epoch(*machine);
        if (begin_epoch_) begin_epoch_(fault);
        for (const auto& machine : machines_) {
            machine->disk.wipe();
            machine->enters_epoch = true;
            restart_when_allowed(*machine);
        }
        note_strike(fault.kind);
    });
}

/// The database is on another disk, and all that was written to it is.
void World::lose_only_journal(Machine& machine) {
    const bool was_running = machine.process != nullptr;
    machine.ended_by = FaultKind::recover;
    (void)machine.key_value.flush();
    crash_machine(machine);
    machine.disk.wipe();
    if (was_running) start_machine(machine);
}

/// Reads the journal into the database, as whoever states how far it knows the old epoch does.
void World::settle_old_epoch(Machine& machine) {
    machine.disk.set_room(std::nullopt);
    machine.key_value.set_full(false);
    const auto process = launch_(Seat{machine.participant, machine.signer, machine.watched_disk,
                                      machine.watched_key_value,
                                      now_of(machine, weather_, now_us_)});
    if (!process.ok() && machine.honest)
        observer_.on_halted(machine.participant, "cannot say what it knows: " +
                                                     process.error().message());
    (void)machine.key_value.flush();
}

/// The machine's process ends as soon as it wants to save something, and its supervisor starts it
/// again and again, until there is room.
void World::lay_out_failing_medium(Machine& machine, const Fault& fault) {
    Machine* struck = &machine;
    const bool journal = fault.kind == FaultKind::full_disk;
    const bool database = fault.kind == FaultKind::fail_write || fault.amount == 0;
    at(fault.from_us, [struck, fault, journal, database] {
        if (journal) struck->disk.set_room(uint64_t(fault.amount));
        if (database) struck->key_value.set_full(true);
        struck->ended_by = fault.kind;
    });
    at(fault.until_us, [this, struck, journal, database] {
        if (journal) struck->disk.set_room(std::nullopt);
        if (database) struck->key_value.set_full(false);
        start_machine(*struck);
    });
}

/// Whether a medium failed under this process: then it must end, and may fail to start.
bool World::medium_failed(const Machine& machine) {
    return machine.failed_syncs > 0 || machine.key_value.refused() > machine.refused_before;
}

void World::start_again_later(Machine& machine) {
    constexpr uint64_t supervisor_us = 400'000;
    Machine* ended = &machine;
    at(now_us_ + supervisor_us, [this, ended] { start_machine(*ended); });
}

void World::crash_machine(Machine& machine) {
    Random random(scenario_.seed, stream_of("crash", machine.index, machine.crashes++));
    if (machine.process && machine.honest) observer_.on_crashed(machine.participant);
    if (machine.process && machine.ended_by) note_strike(*machine.ended_by);
    machine.process.reset();
    ++machine.incarnation;
    machine.crash_after.reset();
    machine.crash_on_kind.reset();
    machine.next_sync_fails = false;
    machine.halting = false;
    machine.waiting.clear();
    machine.tick_us = UINT64_MAX;
    machine.watched_disk.crash(random);
    machine.key_value.crash(random);
    if (std::exchange(machine.loses_database, false)) machine.key_value.wipe();
}

/// What is durable at this moment.
void World::copy_media(Machine& machine, const Fault& fault) {
    Random random(scenario_.seed, stream_of("copy", machine.index, fault.number));
    machine.old_disk = machine.disk;
    machine.old_disk->crash(random);
    if (fault.to == 0) return;
    ports::WriteBatch all;
    for (uint8_t map = 0; map < ports::map_count; ++map) {
        const auto copied =
            machine.key_value.scan(ports::Map(map), {}, {}, [&](ByteView key, ByteView value) {
                all.put(ports::Map(map), copy_of(key), copy_of(value));
                return true;
            });
        ENSURE(copied.ok());
    }
    machine.old_database = std::move(all);
}

/// It comes back when the last that it said before has arrived or is lost: a new disk takes longer
/// than a message.
void World::lose_journal(Machine& machine, const Fault& fault) {
    machine.ended_by = fault.kind;
    crash_machine(machine);
    machine.disk.wipe();
    machine.key_value.set_full(false);
    if (fault.kind == FaultKind::wipe || machine.old_database) machine.key_value.wipe();
    if (machine.old_disk) machine.disk = *std::exchange(machine.old_disk, std::nullopt);
    machine.disk.set_room(std::nullopt);
    if (machine.old_database) {
        const auto written =
            machine.key_value.write(*std::exchange(machine.old_database, std::nullopt));
        ENSURE(written.ok() && machine.key_value.flush().ok());
    }
    machine.down_until_us =
        std::max({machine.down_until_us, fault.until_us, machine.heard_until_us + 1});
    Machine* back = &machine;
    at(machine.down_until_us, [this, back] { restart_when_allowed(*back); });
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
    if (machine.process || now_us_ < machine.down_until_us) return;
    for (;;) {
        ++machine.incarnation;
        machine.started_us = now_us_;
        machine.monotonic_base_us =
            hash(scenario_.seed, stream_of("uptime", machine.index), machine.incarnation) %
            1'000'000'000;
        machine.last_sync_us = now_us_;
        machine.failed_syncs = 0;
        machine.refused_before = machine.key_value.refused();
        auto process = launch_(Seat{machine.participant, machine.signer, machine.watched_disk,
                                    machine.watched_key_value, now_of(machine, weather_, now_us_)});
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
        if (machine.honest) observer_.on_started(machine.participant);
        if (machine.relapses == 0) break;
        --machine.relapses;
        crash_machine(machine);
    }
    node::Effects effects;
    machine.process->start(now_of(machine, weather_, now_us_), effects);
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
    machine.process->step(now_of(machine, weather_, now_us_), std::move(input), effects);
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
    if (to.value >= scenario_.participants || to == machine.participant) return;
    if (machine.honest) {
        observer_.on_sent(machine.participant, to, *bytes, machine.watched_disk.saved());
        deliver(machine, to, bytes);
        return;
    }
    for (const auto& said : machine.mouth->say(to, bytes, now_us_)) deliver(machine, to, said);
}

void World::deliver(Machine& from, Participant to, const std::shared_ptr<const Bytes>& bytes) {
    for (const uint64_t delay_us : weather_.deliveries(from.participant, to, *bytes, now_us_)) {
        from.heard_until_us = std::max(from.heard_until_us, now_us_ + delay_us);
        at(now_us_ + delay_us, [this, sender = from.participant, to, bytes] {
            for (Machine* machine : machines_of(to)) {
                if (machine->mouth && !machine->mouth->hears(sender, now_us_)) continue;
                if (machine->mouth) machine->mouth->hear(sender, bytes);
                if (machine->honest && machine->process)
                    observer_.on_heard(machine->participant, *bytes);
                give(*machine, node::PeerMessage{sender, bytes});
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
