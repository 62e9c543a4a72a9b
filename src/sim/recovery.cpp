#include "sim/recovery.hpp"

#include "node/chain_store.hpp"

namespace tally::sim {

model::RecoveryBody recovery_stated_by(const std::vector<Participant>& signers, const World& world,
                                       const model::Epochs& epochs,
                                       const std::vector<model::EpochKeys>& keys) {
    const model::Signatories& before = epochs.current();
    model::RecoveryBody body{before.network, before.epoch.next(), epochs.handover(), {}};
    for (const Participant who : signers) {
        const node::ChainReader stored(world.key_value(who));
        for (Slot slot = body.last_slot().next();; slot = slot.next()) {
            const auto decision = stored.decision(slot);
            if (!decision.ok() || !*decision) break;
            body.last = (*decision)->decision.qc;
        }
    }
    body.keys.assign(keys.begin(), keys.end());
    return body;
}

}  // namespace tally::sim
