// Replay: every decided block executed again from the charter, the obvious way.
//
// One map per ledger instead of versions, a whole tree in memory instead of pages, one slot after
// the other. What the participants stored must be the same to the last byte of every header.
#pragma once

#include "node/chain_store.hpp"
#include "sim/checker.hpp"

namespace tally::sim {

/// The batch at a place that has this header, from whoever holds it.
using FindBody = std::function<std::optional<model::BatchBody>(Participant lane, LaneHeight,
                                                               const Hash& header)>;
/// What the participants agree was executed, by height.
using Chain = std::map<Height, node::StoredBlock>;

/// What comes of a sealed transaction.
using OpenSealed = std::function<model::Opened(const model::Transaction& transaction,
                                               const model::SealingKeys& keys)>;

struct Replayed {
    std::set<Hash> dropped;  ///< transactions that met a pause
    struct Pauses {
        uint64_t by_lag = 0, by_disputes = 0;  ///< slots with transactions of a paused ledger
    } pauses;
    uint64_t late = 0;  ///< batches that were cut so late that they stand behind all others
    uint64_t held = 0;  ///< batches that were executed in a later slot than they were decided in
};

/// Adds a finding for the first difference. `log` is the agreed one, from slot 1; `chains` by
/// ledger.
Replayed replay(const model::Charter& charter, const std::vector<model::Decision>& log,
                const std::vector<const Chain*>& chains, const FindBody& find_body,
                const OpenSealed& open, Findings& findings);

}  // namespace tally::sim
