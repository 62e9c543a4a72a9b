// SimKeys: the keys of simulated participants: one identity each, and signing keys of which some
// have another in each epoch.
#pragma once

#include <map>

#include "model/charter.hpp"
#include "model/sealed.hpp"
#include "sim/registry.hpp"
#include "sim/scenario.hpp"

namespace tally::sim {

class SimKeys {
public:
    /// Both borrowed.
    SimKeys(const Scenario& scenario, const Registry& registry)
        : scenario_(scenario), registry_(registry) {}

    [[nodiscard]] const Signer& identity(Participant who) const {
        return signer("identity", who, 0);
    }
    /// With which it takes part in the charter's newest epoch.
    [[nodiscard]] const Signer& signing(Participant who, const model::Charter& charter) const;
    [[nodiscard]] const Signer& founding(Participant who) const { return signer("key", who, 0); }
    /// That it would have in this epoch, if it says in time that it is ready.
    [[nodiscard]] const Signer& signing_in(Participant who, Epoch epoch) const;
    [[nodiscard]] model::HeldKeys held_in(Participant who, Epoch epoch) const;
    [[nodiscard]] X25519Secret opening(Participant who, Epoch epoch) const;
    /// Those of the charter's epochs from `oldest` on, and the one of the newest first.
    [[nodiscard]] std::vector<X25519Secret> openings(Participant who, const model::Charter& charter,
                                                     Epoch oldest) const;
    /// What comes of a sealed transaction, by all who can open their boxes.
    [[nodiscard]] model::Opened open(const Hash& network, const model::Transaction& transaction,
                                     const model::SealingKeys& keys) const;

private:
    [[nodiscard]] const Signer& signer(std::string_view purpose, Participant who,
                                       uint32_t epoch) const;

    const Scenario& scenario_;
    const Registry& registry_;
    mutable std::map<std::tuple<std::string, Participant, uint32_t>, std::unique_ptr<Signer>> made_;
};

}  // namespace tally::sim
