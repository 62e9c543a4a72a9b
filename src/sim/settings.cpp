#include "sim/settings.hpp"

#include "sim/random.hpp"

namespace tally::sim {

void draw_settings(const Scenario& scenario, uint64_t start, node::Config& config) {
    // Few slots pass in a scenario: some participants load states when only a little behind.
    static constexpr uint64_t choices[] = {0, 1, 3, 5'000};
    const uint64_t who = config.self.value;
    config.snapshot_after_slots =
        choices[hash(scenario.seed, stream_of("snapshot after"), who) % std::size(choices)];
    // In most too few slots pass for a round of audits; faults last ten seconds at most.
    if (hash(scenario.seed, stream_of("audits"), 0) % 4 == 0 || scenario.has(LiarKind::discarder))
        config.audits = {2, 200'000, scenario.faults.empty() ? 5'000'000u : 15'000'000u};
    if (!scenario.mixed) return;
    Random random(scenario.seed, stream_of("settings", who, start));
    config.batch_delay_us = random.between(0, 150'000);
    config.heartbeat_us = random.between(200'000, 2'000'000);
    config.tree_nodes_in_memory_max = random.between(16, 1'000);
    config.checked_bytes_max = random.between(1, 100'000);
}

}  // namespace tally::sim
