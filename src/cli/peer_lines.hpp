// What the network layer says of peers, as lines of the operator's log.
#pragma once

#include "cli/operator_log.hpp"
#include "io/peer_net.hpp"
#include "model/charter.hpp"

namespace tally::cli {

[[nodiscard]] LogLine log_line_of(const io::PeerLine& line, const model::CharterBody& charter);

}  // namespace tally::cli
