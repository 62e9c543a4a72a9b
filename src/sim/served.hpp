// What is served of states: to peers in chunks, to clients that read. Nothing of it differs from
// what the blocks' roots say, whatever lies on the disks.
#pragma once

#include "node/checked_state.hpp"
#include "sim/state_checker.hpp"
#include "sim/world.hpp"

namespace tally::sim {

/// Looks at every chunk of a state that an honest participant sends.
class ChunksChecker : public Observer {
public:
    explicit ChunksChecker(Findings& findings) : findings_(findings) {}
    void on_sent(Participant from, Participant to, ByteView message,
                 const SavedSignatures&) override;

private:
    Findings& findings_;
};

/// Clients that read whole states and single values at honest participants, and tell them of what
/// they were refused.
class Readers {
public:
    /// All borrowed.
    Readers(World& world, const Scenario& scenario, const BlocksChecker& blocks, Findings& findings)
        : world_(world), scenario_(scenario), blocks_(blocks), findings_(findings) {}
    /// Lays out when who reads.
    void plan();

private:
    using State = std::map<Bytes, Bytes, BytesLess>;

    void read(Participant who, Random random);
    void read_whole(const node::CheckedState& state, const std::string& where,
                    const model::LedgerHeader& header);
    void read_values(const node::CheckedState& state, const std::string& where, const State& truth,
                     Random& random);

    World& world_;
    const Scenario& scenario_;
    const BlocksChecker& blocks_;
    Findings& findings_;
    std::map<std::pair<LedgerIndex, Height>, State> truths_;  ///< what was read and has its root
};

}  // namespace tally::sim
