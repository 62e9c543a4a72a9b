// Machine: one simulated computer, with the disk, the database and the clocks that survive the
// process it runs.
#pragma once

#include "sim/liar.hpp"
#include "sim/process.hpp"
#include "sim/sim_key_value.hpp"
#include "sim/watch.hpp"

namespace tally::sim {

struct Machine {
    Machine(uint32_t place, Participant owner, const Signer& key, Observer* observer)
        : index(place),
          participant(owner),
          signer(key, owner, observer),
          watched_disk(disk),
          watched_key_value(key_value, owner, observer) {}

    uint32_t index;
    Participant participant;
    bool honest = true;
    model::Charter charter;                       ///< as it knows it
    std::vector<model::ParticipantEntry> guests;  ///< whom it lets in besides
    std::vector<model::BatchItem> undecided;      ///< when its last epoch ended
    Epoch openings_from;                          ///< opening keys of earlier epochs are erased
    bool has_left = false;         ///< it takes part no more, and is not started again
    std::unique_ptr<Mouth> mouth;  ///< of a liar: what it sends in place of what it should

    SimDisk disk;
    SimKeyValue key_value;
    WatchedSigner signer;
    WatchedDisk watched_disk;
    WatchedKeyValue watched_key_value;

    std::unique_ptr<Process> process;  ///< none while it is down
    uint32_t incarnation = 0;          ///< what was meant for an earlier one is dropped
    uint64_t started_us = 0;           ///< when this incarnation began,
    uint64_t monotonic_base_us = 0;    ///< and what its monotonic clock showed then
    uint64_t wakeup_us = 0;            ///< what the process last asked for, in its own time
    uint64_t tick_us = UINT64_MAX;     ///< when the tick comes that counts

    uint64_t down_until_us = 0;
    uint64_t paused_until_us = 0;
    std::deque<node::Input> waiting;       ///< came while it stood still
    std::optional<FaultKind> ended_by;     ///< the fault that is to end this process
    std::optional<int64_t> crash_after;    ///< effects of the next step that has any
    std::optional<uint8_t> crash_on_kind;  ///< of message, when it is sent
    uint64_t relapses = 0;                 ///< crashes in recovery that are still to come
    bool next_sync_fails = false;
    uint64_t failed_syncs = 0;        ///< since it started
    uint64_t refused_before = 0;      ///< by the database, when it started
    bool halting = false;             ///< it said so in this step
    bool loses_database = false;      ///< in the next crash
    bool enters_epoch = false;        ///< its database may hold what the recovery gives up
    std::optional<SimDisk> old_disk;  ///< what a restore brings back,
    std::optional<ports::WriteBatch> old_database;  ///< and this, if not kept
    uint64_t heard_until_us = 0;  ///< when the last of its messages under way arrives
    uint64_t syncs = 0, works = 0, crashes = 0;
    uint64_t last_sync_us = 0;  ///< when the last sync under way completes
};

}  // namespace tally::sim
