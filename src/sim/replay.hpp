// Replay: every decided block executed again from the charter, the obvious way.
//
// One map per ledger instead of versions, a whole tree in memory instead of pages, one slot after
// the other. What the participants stored must be the same to the last byte of every header.
#pragma once

#include "node/chain_store.hpp"
#include "sim/checker.hpp"

namespace tally::sim {

/// The body of a batch, from whoever has it.
using FindBody = std::function<std::optional<model::BatchBody>(Participant lane, LaneHeight)>;
/// What the participants agree was executed, by height.
using Chain = std::map<Height, node::StoredBlock>;

/// Adds a finding for the first difference. `log` is the agreed one, from slot 1; `chains` by
/// ledger.
/// Returns the transactions that a pause dropped.
std::set<Hash> replay(const model::Charter& charter, const std::vector<model::Decision>& log,
                      const std::vector<const Chain*>& chains, const FindBody& find_body,
                      Findings& findings);

}  // namespace tally::sim
