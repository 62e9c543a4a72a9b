// What `tally doctor` learns over sockets: whether ports are free or held by the participant
// itself, and, while that does not run, whether the peers are there and take it for who it is.
#pragma once

#include "cli/charter_draft.hpp"
#include "cli/doctor_checks.hpp"
#include "cli/participant.hpp"

namespace tally::cli {

/// `held`: the participant runs, and should have the port.
[[nodiscard]] Finding examine_port(const std::string& check, const std::string& address, bool held);

/// Dials every peer for a few seconds as this participant, which must not run meanwhile.
[[nodiscard]] Findings dial_peers(const model::Charter& charter, Participant self,
                                  const Ed25519Secret& identity);

}  // namespace tally::cli
