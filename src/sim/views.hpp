// How many views pass before what was given to an honest sequencer is ordered: the bound on
// censorship (docs/protocol.md, section 2, "Liveness").
#pragma once

#include <map>
#include <set>

#include "node/chain_store.hpp"
#include "sim/checker.hpp"

namespace tally::sim {

class ViewsChecker : public Observer {
public:
    ViewsChecker(Findings& findings, const Scenario& scenario);

    void on_sent(Participant from, Participant to, ByteView message,
                 const SavedSignatures& saved) override;

    /// From now on views are counted.
    void begin();
    /// The transaction was taken since by `who` alone, and executed in this block: within 3(f + 1)
    /// of the views that anyone entered since its sequencer said that the batch is certified, if a
    /// view lasts long enough for a leader to be heard.
    void check(Participant who, const Hash& transaction, const node::StoredBlock& block);

private:
    using Place = std::pair<Slot, View>;

    Findings& findings_;
    uint64_t views_max_;
    bool is_bound_;
    bool begun_ = false;
    Place newest_;  ///< that anyone reported in
    std::set<Place> entered_;
    /// Where the first stood when an author first said that its batch is certified.
    std::map<std::pair<Participant, LaneHeight>, Place> certified_;
};

}  // namespace tally::sim
