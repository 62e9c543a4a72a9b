#include "api/metrics.hpp"

#include <prometheus/text_serializer.h>

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
    for (const auto& ledger : status.ledgers) {
        const Labels labels{{"ledger", ledger.name}};
        executed.metric.push_back(gauge(double(ledger.executed.value), labels));
        certified.metric.push_back(gauge(double(ledger.certified.value), labels));
        final_height.metric.push_back(gauge(double(ledger.carried.value), labels));
        diverged.metric.push_back(gauge(ledger.diverged ? 1 : 0, labels));
        paused.metric.push_back(gauge(ledger.paused ? 1 : 0, labels));
    }
    for (auto* one : {&executed, &certified, &final_height, &diverged, &paused})
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
        if (peer.peer.value >= status.peers.size()) continue;
        const Labels labels{{"peer", status.peers[peer.peer.value].name}};
        connected.metric.push_back(gauge(peer.connected ? 1 : 0, labels));
        sent.metric.push_back(counter(double(peer.bytes_sent), labels));
        received.metric.push_back(counter(double(peer.bytes_received), labels));
        dropped.metric.push_back(counter(double(peer.messages_dropped), labels));
        refused.metric.push_back(counter(double(peer.received_dropped), labels));
        pauses.metric.push_back(counter(double(peer.read_pauses), labels));
    }
    for (auto* one : {&connected, &sent, &received, &dropped, &refused, &pauses})
        to.push_back(std::move(*one));
}

}  // namespace

std::string metrics_text(const node::Status& status, const std::vector<ports::PeerState>& peers) {
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
    single("tally_losses_survived", "Participants that may fail without loss",
           status.losses_survived);
    add_ledgers(families, status);
    add_peers(families, status, peers);
    for (const auto& [name, count] : status.counters) {
        families.push_back(family("tally_" + name + "_total", "Events of this kind since the start",
                                  MetricType::Counter));
        families.back().metric.push_back(counter(double(count)));
    }
    return prometheus::TextSerializer().Serialize(families);
}

}  // namespace tally::api
