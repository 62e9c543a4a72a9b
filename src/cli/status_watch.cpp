#include "cli/status_watch.hpp"

namespace tally::cli {
namespace {

/// Whoever is there says something every second.
constexpr uint64_t silent_us_max = 5'000'000;
constexpr int64_t clock_apart_us_max = 300'000;

/// Puts the name in or takes it out; true if that changes anything.
bool set_in(std::set<std::string>& names, const std::string& name, bool in) {
    return in ? names.insert(name).second : names.erase(name) > 0;
}

}  // namespace

std::vector<LogLine> StatusWatch::changes(const node::Status& status) {
    std::vector<LogLine> lines;
    watch_agreement(status, lines);
    watch_peers(status, lines);
    watch_ledgers(status, lines);
    known_ = true;
    return lines;
}

void StatusWatch::watch_agreement(const node::Status& status, std::vector<LogLine>& lines) {
    if (known_ && status.ordering() == ordering_) return;
    const node::LogFields fields{{"heard", std::to_string(status.heard)},
                                 {"needed", std::to_string(status.needed)},
                                 {"slot", std::to_string(status.decided.value)}};
    std::string counts = std::to_string(status.heard) + " of " +
                         std::to_string(status.participants) + " heard, " +
                         std::to_string(status.needed) + " needed";
    if (status.not_signing > 0)
        counts += ", of whom " + std::to_string(status.not_signing) + " sign nothing";
    // At the start nobody was heard yet: that is no loss.
    if (status.ordering()) {
        lines.push_back({LogLevel::info, "network", "agreement_up", fields, counts});
    } else if (known_) {
        lines.push_back({LogLevel::error, "network", "agreement_lost", fields,
                         counts + ": nothing is ordered until more are back"});
    }
    ordering_ = status.ordering();
}

void StatusWatch::watch_peers(const node::Status& status, std::vector<LogLine>& lines) {
    for (const auto& peer : status.peers) {
        if (peer.name == status.participant) continue;
        const bool silent = peer.heard && peer.silent_us > silent_us_max;
        if (set_in(silent_, peer.name, silent))
            lines.push_back(
                {silent ? LogLevel::warning : LogLevel::info,
                 "network",
                 silent ? "peer_silent" : "peer_heard",
                 {{"peer", peer.name}, {"silent_ms", std::to_string(peer.silent_us / 1000)}},
                 peer.name + (silent ? " has fallen silent" : " is heard again")});
        if (set_in(not_signing_, peer.name, !peer.signing))
            lines.push_back(
                {peer.signing ? LogLevel::info : LogLevel::warning,
                 "network",
                 peer.signing ? "peer_signs" : "peer_signs_nothing",
                 {{"peer", peer.name}},
                 peer.name + (peer.signing ? " signs again" : " says that it signs nothing")});
        const int64_t ahead_us = peer.clock_ahead_us.value_or(0);
        const bool apart = ahead_us > clock_apart_us_max || ahead_us < -clock_apart_us_max;
        if (set_in(apart_, peer.name, apart))
            lines.push_back(
                {apart ? LogLevel::warning : LogLevel::info,
                 "network",
                 apart ? "clock_apart" : "clock_together",
                 {{"peer", peer.name}, {"clock_ahead_ms", std::to_string(ahead_us / 1000)}},
                 peer.name + "'s clock " +
                     (apart ? "differs from this machine's: one of them is wrong"
                            : "agrees with this machine's again")});
    }
}

void StatusWatch::watch_ledgers(const node::Status& status, std::vector<LogLine>& lines) {
    for (const auto& ledger : status.ledgers) {
        if (!set_in(paused_, ledger.name, ledger.paused)) continue;
        std::string missing;
        for (const auto& name : ledger.missing) missing += (missing.empty() ? "" : ",") + name;
        lines.push_back({ledger.paused ? LogLevel::warning : LogLevel::info,
                         "network",
                         ledger.paused ? "ledger_paused" : "ledger_resumed",
                         {{"ledger", ledger.name},
                          {"height", std::to_string(ledger.executed.value)},
                          {"not_signed_by", missing}},
                         "ledger " + ledger.name +
                             (ledger.paused ? " takes no blocks until more provers sign"
                                            : " takes blocks again")});
    }
}

}  // namespace tally::cli
