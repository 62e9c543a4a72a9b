// Metrics in the Prometheus text format.
#pragma once

#include "node/client.hpp"
#include "ports/net.hpp"

namespace tally::api {

[[nodiscard]] std::string metrics_text(const node::Status& status,
                                       const std::vector<ports::PeerState>& peers);

}  // namespace tally::api
