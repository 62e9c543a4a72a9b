// SeedRun: one scenario, from the charter to the verdict.
//
// While it is unquiet, faults strike and clients submit. Then everything heals but the liars, every
// honest participant is given one more transaction, and all of these must be executed and certified
// everywhere by a deadline. At last every checker is asked.
#pragma once

#include "node/node.hpp"
#include "sim/checker.hpp"
#include "sim/coverage.hpp"
#include "sim/state_checker.hpp"

namespace tally::sim {

struct SeedReport {
    Scenario scenario;
    Hash hash;  ///< of all events: equal for equal runs
    std::optional<Violation> violation;
    std::vector<std::string> story;  ///< the last events, if there was a violation or it was wanted

    uint64_t cpu_us = 0;  ///< the only field that is not alike in equal runs
    uint64_t events = 0, messages = 0;
    uint64_t virtual_us = 0;
    uint64_t healed_after_us = 0;  ///< from the healing until all was certified everywhere
    uint64_t slots = 0, blocks = 0, transactions = 0, acknowledged = 0;
    uint64_t equivocators_named = 0;  ///< by how many honest participants
    uint64_t late_batches = 0;
    std::vector<Arrival> arrivals;  ///< of what was executed; empty if it ran apart
    Coverage coverage;
    uint64_t paused_by_lag = 0, paused_by_disputes = 0;  ///< slots whose transactions met a pause
};

struct RunLimits {
    uint64_t events_max = 2'000'000;
    size_t story_lines = 60;
};

/// A scenario always runs alike. Failed ENSUREs abort, as they do in a participant.
[[nodiscard]] SeedReport run_scenario(const Scenario& scenario, const node::Canaries& canaries = {},
                                      const RunLimits& limits = {});

}  // namespace tally::sim
