// Sealed transactions of the workload, well made and badly; who opens all of them, to know what
// should come of them; and what must never happen to them.
#pragma once

#include <set>

#include "model/sealed.hpp"
#include "sim/checker.hpp"
#include "sim/state_checker.hpp"
#include "sim/workload.hpp"

namespace tally::sim {

/// Seals the order's changes as its `sealing` says; of `copied` also what another signer makes of
/// it. Requires a payload with the changes.
void seal_order(const model::Payload& payload, const model::SecretKey& signer,
                const model::SecretKey& copier, const model::SealingKeys& keys, uint64_t seed,
                Order& order);

/// Holds what orders expect, and looks at every share that an honest participant tells.
class SharesChecker : public Observer {
public:
    /// All borrowed. `gives_up`: decided slots may be given up, and shares in them were told.
    SharesChecker(Findings& findings, const DecisionsChecker& decisions,
                  const BlocksChecker& blocks, bool gives_up)
        : findings_(findings), decisions_(decisions), blocks_(blocks), gives_up_(gives_up) {}

    void expect(const Order& order);
    void on_sent(Participant from, Participant to, ByteView message,
                 const SavedSignatures&) override;
    void at_end();
    /// Sealed transactions that were executed, and of them those that are void.
    [[nodiscard]] uint64_t opened() const { return opened_; }
    [[nodiscard]] uint64_t voided() const { return voided_; }

private:
    void check_told(LedgerIndex ledger, Slot slot, const std::set<uint32_t>& indices);

    Findings& findings_;
    const DecisionsChecker& decisions_;
    const BlocksChecker& blocks_;
    const bool gives_up_;
    std::vector<Order> orders_;
    std::set<Hash> copies_;
    std::map<std::pair<LedgerIndex, Slot>, std::set<uint32_t>> told_;
    uint64_t opened_ = 0, voided_ = 0;
};

}  // namespace tally::sim
