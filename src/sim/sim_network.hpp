// SimNetwork: who takes part in a simulated run, epoch by epoch, as the first participant to know
// it does.
#pragma once

#include "sim/checker.hpp"
#include "sim/sim_keys.hpp"
#include "sim/workload.hpp"

namespace tally::sim {

class SimNetwork {
public:
    /// All borrowed.
    SimNetwork(const Scenario& scenario, const Users& users, const SimKeys& keys);

    [[nodiscard]] const model::Charter& charter() const { return charter_; }
    [[nodiscard]] const model::Epochs& epochs() const { return epochs_; }
    /// Of the newest epoch.
    [[nodiscard]] const model::Signatories& set() const { return set_; }
    [[nodiscard]] bool has_changed_hands() const { return charter_.epoch().value > 0; }

    void begin(model::Beginning beginning);
    /// What a `change` proposes for the next epoch, with the votes of all who take part now; with
    /// no votes where that would have more liars than it survives.
    [[nodiscard]] model::VotedProposal propose(const Fault& fault);
    /// All begin the same epoch, as a quorum of the one before decided it.
    void on_epoch(Participant who, const model::Handover& handover, const Verifier& verifier,
                  Findings& findings);

private:
    [[nodiscard]] std::vector<model::ParticipantEntry> entries() const;

    const Scenario& scenario_;
    const SimKeys& keys_;
    model::Charter charter_;
    model::Epochs epochs_;
    model::Signatories set_;
    std::map<Epoch, uint32_t> attempts_;
};

/// Tells it of each epoch that a participant enters.
class EpochWatch : public Observer {
public:
    EpochWatch(SimNetwork& network, const Verifier& verifier, Findings& findings)
        : network_(network), verifier_(verifier), findings_(findings) {}
    void on_epoch(Participant who, const model::Handover& handover) override {
        network_.on_epoch(who, handover, verifier_, findings_);
    }

private:
    SimNetwork& network_;
    const Verifier& verifier_;
    Findings& findings_;
};

}  // namespace tally::sim
