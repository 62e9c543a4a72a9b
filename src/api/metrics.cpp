#include "api/metrics.hpp"

#include "model/charter.hpp"

#include <prometheus/text_serializer.h>

#include <algorithm>

namespace tally::api {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

using Labels = std::vector<ClientMetric::Label>;

ClientMetric gauge(double value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.gauge.value = value;
    return metric;
}

ClientMetric counter(double value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.counter.value = value;
    return metric;
}

MetricFamily family(std::string name, std::string help, MetricType type) {
    return {std::move(name), std::move(help), type, {}};
}

void add_ledgers(std::vector<MetricFamily>& to, const node::Status& status) {
    auto executed =
        family("tally_ledger_executed_height", "Newest executed block", MetricType::Gauge);
    auto certified =
        family("tally_ledger_certified_height",
               "Newest block signed by more than half of the provers", MetricType::Gauge);
    auto final_height =
        family("tally_ledger_final_height",
               "Newest block whose certificate a decided block carries", MetricType::Gauge);
    auto diverged =
        family("tally_ledger_diverged",
               "1 while the own result contradicts a certificate: page someone", MetricType::Gauge);
    auto paused =
        family("tally_ledger_paused", "1 while the ledger takes no blocks", MetricType::Gauge);
    auto quarantined = family("tally_ledger_quarantined",
                              "1 while the ledger was altered on this disk and is not whole again: "
                              "look at this machine's disk, and at who has access to it",
                              MetricType::Gauge);
    auto altered = family("tally_ledger_altered_total",
                          "Values of the ledger found altered on this disk", MetricType::Counter);
    for (const auto& ledger : status.ledgers) {
        const Labels labels{{"ledger", ledger.name}};
        executed.metric.push_back(gauge(double(ledger.executed.value), labels));
        certified.metric.push_back(gauge(double(ledger.certified.value), labels));
        final_height.metric.push_back(gauge(double(ledger.carried.value), labels));
        diverged.metric.push_back(gauge(ledger.diverged ? 1 : 0, labels));
        paused.metric.push_back(gauge(ledger.paused ? 1 : 0, labels));
        quarantined.metric.push_back(gauge(ledger.quarantine.quarantined ? 1 : 0, labels));
        altered.metric.push_back(counter(double(ledger.quarantine.found), labels));
    }
    for (auto* one :
         {&executed, &certified, &final_height, &diverged, &paused, &quarantined, &altered})
        to.push_back(std::move(*one));
}

void add_peers(std::vector<MetricFamily>& to, const node::Status& status,
               const std::vector<ports::PeerState>& peers) {
    auto connected = family("tally_peer_connected", "1 while connected", MetricType::Gauge);
    auto sent =
        family("tally_peer_sent_bytes_total", "Bytes sent to the peer", MetricType::Counter);
    auto received = family("tally_peer_received_bytes_total", "Bytes received from the peer",
                           MetricType::Counter);
    auto dropped = family("tally_peer_dropped_messages_total",
                          "Messages dropped because the peer's queue was full or it was away",
                          MetricType::Counter);
    auto refused = family("tally_peer_received_dropped_messages_total",
                          "Messages that arrived faster than they could be read and did not fit",
                          MetricType::Counter);
    auto pauses = family("tally_peer_read_pauses_total",
                         "Times the peer was not read because too much of it was waiting",
                         MetricType::Counter);
    for (const auto& peer : peers) {
        const auto known = std::find_if(status.peers.begin(), status.peers.end(),
                                        [&](const auto& one) { return one.number == peer.peer; });
        if (known == status.peers.end()) continue;  // A guest.
        const Labels labels{{"peer", known->name}};
        connected.metric.push_back(gauge(peer.connected ? 1 : 0, labels));
        sent.metric.push_back(counter(double(peer.bytes_sent), labels));
        received.metric.push_back(counter(double(peer.bytes_received), labels));
        dropped.metric.push_back(counter(double(peer.messages_dropped), labels));
        refused.metric.push_back(counter(double(peer.received_dropped), labels));
        pauses.metric.push_back(counter(double(peer.read_pauses), labels));
    }
    auto silent = family("tally_peer_silent_seconds", "Since the last message from the peer",
                         MetricType::Gauge);
    auto ahead =
        family("tally_peer_clock_ahead_seconds",
               "How far the peer's clock is ahead of this machine's, about", MetricType::Gauge);
    auto signing = family("tally_peer_signing", "0 while the peer says that it signs nothing",
                          MetricType::Gauge);
    auto keeps =
        family("tally_peer_keeps",
               "0 while the peer fails audits: it does not keep its part of what was ordered",
               MetricType::Gauge);
    auto audits = family("tally_audits_total",
                         "Audits of the peer by their result: passed, missed, or unanswered",
                         MetricType::Counter);
    for (const auto& peer : status.peers) {
        if (peer.name == status.participant) continue;
        const Labels labels{{"peer", peer.name}};
        keeps.metric.push_back(gauge(peer.audits.keeps ? 1 : 0, labels));
        const auto count = [&](const char* result, uint64_t value) {
            audits.metric.push_back(
                counter(double(value), {{"peer", peer.name}, {"result", result}}));
        };
        count("passed", peer.audits.passed);
        count("missed", peer.audits.missed);
        count("unanswered", peer.audits.unanswered);
        signing.metric.push_back(gauge(peer.signing ? 1 : 0, labels));
        if (peer.heard) silent.metric.push_back(gauge(double(peer.silent_us) / 1e6, labels));
        if (peer.clock_ahead_us)
            ahead.metric.push_back(gauge(double(*peer.clock_ahead_us) / 1e6, labels));
    }
    for (auto* one : {&connected, &sent, &received, &dropped, &refused, &pauses, &silent, &ahead,
                      &signing, &keeps, &audits})
        to.push_back(std::move(*one));
}

/// A counter of the node's, by its name there; from the start, also when it is zero.
struct KnownCounter {
    std::string_view name, metric, help;
};
constexpr KnownCounter known_counters[] = {
    {"transactions_submitted", "tally_transactions_submitted_total",
     "Transactions that clients handed in here"},
    {"transactions_executed", "tally_transactions_executed_total",
     "Transactions executed, of all lanes"},
    {"blocks_executed", "tally_blocks_executed_total", "Blocks executed, of all ledgers"},
    {"slots_decided", "tally_slots_decided_total", "Slots followed"},
    {"batches_made", "tally_batches_made_total", "Batches of the own lane"},
    {"void_batches", "tally_void_batches_total",
     "Decided batches whose bytes are not what they "
     "were certified as: somebody lies"},
    {"ordering_view_changes", "tally_view_changes_total",
     "Views left without a decision: a leader was slow or away"},
    {"ordering_timeouts", "tally_timeouts_total", "Times this participant gave up on a view"},
    {"equivocations_seen", "tally_equivocations_seen_total",
     "Provers who signed two results of one block: page someone"},
    {"refused_undecodable", "tally_refused_undecodable_total",
     "Messages of peers that break the protocol or speak another version"},
    {"pipeline_failures", "tally_pipeline_failures_total",
     "Ledgers that are no longer executed here, for the own database is damaged: page someone"},
    {"sends_dropped", "tally_sends_dropped_total",
     "Messages not sent, for too many waited for a sync of the journal"},
};

/// What one machine inside the node refuses, by reason; everything else that it counts.
void add_counters(std::vector<MetricFamily>& to, std::map<std::string, uint64_t> counters) {
    for (const auto& known : known_counters) {
        const auto found = counters.extract(std::string(known.name));
        to.push_back(
            family(std::string(known.metric), std::string(known.help), MetricType::Counter));
        to.back().metric.push_back(counter(found.empty() ? 0 : double(found.mapped())));
    }
    auto refused = family("tally_messages_refused_total",
                          "Messages of peers that were of no use, by part and reason: late, "
                          "repeated, or false",
                          MetricType::Counter);
    auto events =
        family("tally_events_total", "Everything else that is counted", MetricType::Counter);
    for (const auto& [name, count] : counters) {
        constexpr std::string_view word = "_refused_";
        const size_t at = name.find(word);
        if (at == name.npos) {
            events.metric.push_back(counter(double(count), {{"event", name}}));
        } else {
            refused.metric.push_back(
                counter(double(count),
                        {{"part", name.substr(0, at)}, {"reason", name.substr(at + word.size())}}));
        }
    }
    to.push_back(std::move(refused));
    to.push_back(std::move(events));
}

void add_http(std::vector<MetricFamily>& to, const ports::HttpServerState& http,
              const QuotaUse& quotas) {
    auto connections =
        family("tally_http_connections", "HTTP connections open now", MetricType::Gauge);
    connections.metric.push_back(gauge(double(http.connections)));
    auto refused = family("tally_http_connections_refused_total",
                          "HTTP connections for which there was no room", MetricType::Counter);
    refused.metric.push_back(counter(double(http.connections_refused)));
    auto dropped = family("tally_http_connections_dropped_total",
                          "HTTP connections closed to make room for others", MetricType::Counter);
    dropped.metric.push_back(counter(double(http.connections_dropped)));
    auto unsent = family("tally_http_unsent_bytes",
                         "Bytes of answers that clients have not read yet", MetricType::Gauge);
    unsent.metric.push_back(gauge(double(http.unsent_bytes)));
    auto limited = family("tally_http_too_fast_total",
                          "Transactions refused because a client was too fast, by whose quota",
                          MetricType::Counter);
    limited.metric.push_back(counter(double(quotas.by_address), {{"quota", "address"}}));
    limited.metric.push_back(counter(double(quotas.by_signer), {{"quota", "signer"}}));
    limited.metric.push_back(counter(double(quotas.by_strangers), {{"quota", "strangers"}}));
    for (auto* one : {&connections, &refused, &dropped, &unsent, &limited})
        to.push_back(std::move(*one));
}

/// With the names that Prometheus' own clients use, so that ready-made dashboards know them.
void add_process(std::vector<MetricFamily>& to, const ProcessUse& process) {
    const auto add = [&](std::string name, std::string help, MetricType type, double value) {
        to.push_back(family(std::move(name), std::move(help), type));
        to.back().metric.push_back(type == MetricType::Counter ? counter(value) : gauge(value));
    };
    add("process_resident_memory_bytes", "Memory that this process holds", MetricType::Gauge,
        double(process.resident_bytes));
    add("process_cpu_seconds_total", "CPU time of this process", MetricType::Counter,
        double(process.cpu_us) / 1e6);
    add("process_open_fds", "File descriptors open", MetricType::Gauge,
        double(process.descriptors));
    add("process_max_fds", "File descriptors that may be open", MetricType::Gauge,
        double(process.descriptors_max));
    add("process_start_time_seconds", "When this process started, since the epoch of Unix",
        MetricType::Gauge, double(process.started_s));
    add("tally_disk_free_bytes", "Free on the disk of the data folder", MetricType::Gauge,
        double(process.disk_free_bytes));
    add("tally_journal_syncs_total", "Syncs of the journal", MetricType::Counter,
        double(process.syncs));
    add("tally_journal_sync_seconds_total", "How long they took together", MetricType::Counter,
        double(process.sync_us) / 1e6);
    add("tally_journal_sync_seconds_max", "The longest of the last minute", MetricType::Gauge,
        double(process.sync_us_max) / 1e6);
}

}  // namespace

std::string metrics_text(const MetricsSources& sources) {
    const node::Status& status = sources.status;
    std::vector<MetricFamily> families;
    const auto single = [&](std::string name, std::string help, double value) {
        families.push_back(family(std::move(name), std::move(help), MetricType::Gauge));
        families.back().metric.push_back(gauge(value));
    };
    single("tally_slot", "Last decided slot", double(status.decided.value));
    single("tally_view", "View of the slot under way; above 0 leaders are failing",
           double(status.view.value));
    single("tally_signing", "0 when this participant has stopped signing: page someone",
           status.signing ? 1 : 0);
    single("tally_journal_lost", "1 when it signs nothing in this epoch: its journal is lost",
           status.journal_lost ? 1 : 0);
    single("tally_losses_survived", "Participants that may fail without loss",
           status.losses_survived);
    single("tally_epoch", "Its epoch: how often recovery charters began another",
           status.epoch.value);
    single("tally_epoch_over", "1 when the others take part in a later epoch than this one",
           status.newer_epoch ? 1 : 0);
    single("tally_participants_heard", "Participants heard of late, this one among them",
           status.heard);
    single("tally_participants_needed", "Participants needed for a decision", status.needed);
    single("tally_ordering", "1 while enough participants that sign are heard: 0, page someone",
           status.ordering() ? 1 : 0);
    families.push_back(
        family("tally_build_info", "1, with the program's version", MetricType::Gauge));
    families.back().metric.push_back(
        gauge(1, {{"version", std::string(sources.version)},
                  {"execution_version", std::to_string(model::execution_version)}}));
    single("tally_scrub_last_seconds", "How long the last pass over everything on the disk took",
           double(status.scrub.last_us) / 1e6);
    single("tally_scrub_last_end_time_seconds",
           "When it ended, in seconds since 1970; 0: none has yet",
           double(status.scrub.last_time.value) / 1e6);
    single("tally_scrub_last_found", "Altered things that the last pass found: look at the disk",
           double(status.scrub.last_found));
    single("tally_journal_damaged",
           "1: the journal was altered on the disk: page someone, and do not restart",
           status.scrub.journal_damage.empty() ? 0 : 1);
    single("tally_restoring_slots",
           "Slots whose batches it still gets its part of back; 0: nothing is missing",
           double(status.storage.slots_to_go));
    single("tally_cells_since_slot", "Its part of batches is kept from this slot on",
           double(status.storage.cells_since.value));
    add_ledgers(families, status);
    add_peers(families, status, sources.peers);
    add_http(families, sources.http, sources.quotas);
    add_process(families, sources.process);
    add_counters(families, status.counters);
    return prometheus::TextSerializer().Serialize(families);
}

}  // namespace tally::api
