// Weather: what a scenario's faults do to messages and clocks. A function of the scenario, the time
// and a message's ordinal on its link.
#pragma once

#include "model/effects.hpp"
#include "sim/coverage.hpp"

namespace tally::sim {

class Weather {
public:
    /// Both borrowed.
    Weather(const Scenario& scenario, Coverage& coverage)
        : scenario_(scenario),
          coverage_(coverage),
          sent_(size_t{scenario.participants} * scenario.participants) {}

    /// When the copies of the next message of this link arrive, from now on; none: it is lost.
    [[nodiscard]] std::vector<uint64_t> deliveries(Participant from, Participant to,
                                                   ByteView message, uint64_t now_us);

    /// What a participant's wall clock shows.
    [[nodiscard]] Micros wall(Participant participant, uint64_t now_us) const;
    /// How long a sync takes that is asked for now. `ordinal` counts the participant's syncs.
    [[nodiscard]] uint64_t sync_us(Participant participant, uint64_t now_us, uint64_t ordinal);

    static constexpr uint64_t genesis_us = 1'700'000'000'000'000;

private:
    const Scenario& scenario_;
    Coverage& coverage_;
    std::vector<uint64_t> sent_;  // by from and to
};

}  // namespace tally::sim
