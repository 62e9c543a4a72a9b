// How the world's faults strike its machines, and what machines lose by it.
#include "sim/rot.hpp"
#include "sim/world.hpp"

namespace tally::sim {

void World::lay_out(const Fault& fault) {
    if (fault.kind == FaultKind::recover) return lay_out_recovery(fault);
    if (fault.kind == FaultKind::change)
        return at(fault.from_us, [this, fault] {
            if (propose_) propose_(fault);
        });
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
                // Rot needs no room.
                const bool was_full = machine->key_value.full();
                machine->key_value.set_full(false);
                rot(machine->key_value, Random(scenario_.seed, stream_of("rot of", fault.number)),
                    uint64_t(fault.amount));
                machine->key_value.set_full(was_full);
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
        case FaultKind::recover:
        case FaultKind::change: break;  // Everybody's.
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

void World::begin_to_follow(ParticipantSet who) {
    for (const auto& machine : machines_) {
        if (!contains(who, machine->participant) || begun_.contains(machine->participant)) continue;
        Machine* begins = machine.get();
        at(now_us_, [this, begins] {
            begun_.insert(begins->participant);
            start_machine(*begins);
        });
    }
}

/// What the process does then: the database is flushed, the journal put aside. Who takes part no
/// more ends.
void World::end_epoch(Machine& machine, node::EpochOver& over) {
    if (machine.honest) observer_.on_epoch(machine.participant, over.handover);
    note_strike(FaultKind::change);
    const auto takes_part = [&] {
        const auto& members = machine.charter.now().participants;
        return machine.participant.value < members.size() &&
               !members[machine.participant.value].is_vacant();
    };
    const bool took_part = takes_part();
    machine.undecided = std::move(over.undecided);
    machine.charter.begin(over.handover);
    machine.guests.clear();
    (void)machine.key_value.flush();
    crash_machine(machine);
    machine.disk.wipe();
    if (takes_part()) machine.signer.change_key(key_of_(machine.participant, machine.charter));
    machine.has_left = took_part && !takes_part();
    Machine* next = &machine;
    at(now_us_ + 1'000, [this, next] { start_machine(*next); });
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
    const auto process = launch_(seat_of(machine));
    if (!process.ok() && machine.honest)
        observer_.on_halted(machine.participant,
                            "cannot say what it knows: " + process.error().message());
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

}  // namespace tally::sim
