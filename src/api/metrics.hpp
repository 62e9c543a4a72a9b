// Metrics in the Prometheus text format.
#pragma once

#include "node/client.hpp"
#include "ports/http_server.hpp"
#include "ports/net.hpp"

namespace tally::api {

/// What the process takes of its machine.
struct ProcessUse {
    uint64_t resident_bytes = 0;
    uint64_t cpu_us = 0;
    uint64_t descriptors = 0, descriptors_max = 0;
    uint64_t started_s = 0;  ///< since the epoch of Unix
    uint64_t disk_free_bytes = 0;
    uint64_t syncs = 0, sync_us = 0;  ///< of the journal: how many, and how long together
    uint64_t sync_us_max = 0;         ///< the longest of the last minute
};
/// What was refused because clients were too fast.
struct QuotaUse {
    uint64_t by_address = 0, by_signer = 0, by_strangers = 0;
};

struct MetricsSources {
    const node::Status& status;
    const std::vector<ports::PeerState>& peers;
    const ports::HttpServerState& http;
    const ProcessUse& process;
    const QuotaUse& quotas;
    std::string_view version;
};
[[nodiscard]] std::string metrics_text(const MetricsSources& sources);

}  // namespace tally::api
