#include "sim/weather.hpp"

#include "sim/random.hpp"

namespace tally::sim {

std::vector<uint64_t> Weather::deliveries(Participant from, Participant to, ByteView message,
                                          uint64_t now_us) {
    const uint64_t link = uint64_t{from.value} * scenario_.participants + to.value;
    const uint64_t ordinal = sent_[link]++;
    const auto draw = [&](uint64_t stream) { return hash(scenario_.seed, stream, ordinal); };

    const auto struck = [&](FaultKind kind) { ++coverage_.strikes_of(kind); };

    uint64_t delay_us = 100 + draw(stream_of("latency", link)) % scenario_.latency_us_max;
    bool again = false;
    for (const Fault& fault : scenario_.faults) {
        if (!fault.is_on(now_us) || !contains(fault.at, from) || !contains(fault.to, to)) continue;
        const uint64_t chance = draw(stream_of("strikes", fault.number, link));
        const uint64_t per_mille = chance % 1'000;
        switch (fault.kind) {
        case FaultKind::cut: struck(fault.kind); return {};
        case FaultKind::mute:
            if (kind_of_message(message) != fault.amount) break;
            struck(fault.kind);
            return {};
        case FaultKind::lose:
            if (per_mille >= uint64_t(fault.amount)) break;
            struck(fault.kind);
            return {};
        case FaultKind::duplicate:
            if (per_mille >= uint64_t(fault.amount)) break;
            struck(fault.kind);
            again = true;
            break;
        case FaultKind::delay:
            // A tail: most messages are hardly late, few very much.
            if (per_mille >= 400) break;
            struck(fault.kind);
            delay_us += mix(chance) % uint64_t(fault.amount) >> mix(chance + 1) % 6;
            break;
        case FaultKind::crash:
        case FaultKind::strike:
        case FaultKind::relapse:
        case FaultKind::jump:
        case FaultKind::drift:
        case FaultKind::pause:
        case FaultKind::slow_disk:
        case FaultKind::fail_sync:
        case FaultKind::full_disk:
        case FaultKind::fail_write:
        case FaultKind::amnesia:
        case FaultKind::diverge:
        case FaultKind::rot:
        case FaultKind::wipe:
        case FaultKind::restore:
        case FaultKind::change:
        case FaultKind::recover: break;
        }
    }
    if (!again) return {delay_us};
    return {delay_us, delay_us + draw(stream_of("duplicate", link)) % 200'000};
}

Micros Weather::wall(Participant participant, uint64_t now_us) const {
    // No two clocks agree, even on a good day.
    int64_t off_us = int64_t(hash(scenario_.seed, stream_of("clock"), participant.value) % 20'000);
    for (const Fault& fault : scenario_.faults) {
        if (!fault.is_on(now_us) || !contains(fault.at, participant)) continue;
        if (fault.kind == FaultKind::jump) off_us += fault.amount;
        if (fault.kind == FaultKind::drift)
            off_us += fault.amount * int64_t(now_us - fault.from_us) / 1'000'000;
    }
    return {uint64_t(int64_t(genesis_us + now_us) + off_us)};
}

uint64_t Weather::sync_us(Participant participant, uint64_t now_us, uint64_t ordinal) {
    uint64_t takes_us =
        100 + hash(scenario_.seed, stream_of("sync", participant.value), ordinal) % 1'500;
    for (const Fault& fault : scenario_.faults) {
        if (fault.kind != FaultKind::slow_disk || !fault.is_on(now_us) ||
            !contains(fault.at, participant))
            continue;
        ++coverage_.strikes_of(fault.kind);
        takes_us += uint64_t(fault.amount);
    }
    return takes_us;
}

}  // namespace tally::sim
