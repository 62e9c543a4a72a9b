#include "node/stored_decision.hpp"

#include "base/quorum.hpp"
#include "proving/pauses.hpp"

namespace tally::node {

Result<StoredDecision> derive_stored(const model::CharterBody& charter,
                                     const StoredDecision* before,
                                     const model::Decision& decision) {
    const auto participants = uint32_t(charter.participants.size());
    StoredDecision stored{decision, {}, {}, {}};
    proving::Pauses pauses(charter);
    if (before != nullptr) {
        CHECK(pauses.decode(before->pauses));
        stored.tip_times = before->tip_times;
    }
    stored.tip_times.resize(participants);
    for (const auto& certificate : decision.certificates) {
        if (certificate.lane.value < participants)
            stored.tip_times[certificate.lane.value] =
                model::time_of(certificate, Quorum::of(participants).liars_max);
    }
    pauses.on_slot(decision.block);
    stored.pauses = pauses.encode();
    for (size_t i = 0; i < charter.ledgers.size(); ++i) {
        const LedgerIndex ledger{uint16_t(i)};
        if (pauses.disputed(ledger)) stored.disputed.push_back(ledger);
    }
    return stored;
}

bool is_as_decided(const model::CharterBody& charter, const Hash& network,
                   const StoredDecision* before, const StoredDecision& stored) {
    const auto& block = stored.decision.block;
    const bool is_first = block.slot == Slot{1};
    if (is_first != (before == nullptr)) return false;
    const Hash parent = is_first ? network : before->decision.block.hash();
    if (block.parent != parent || stored.decision.qc.body.block != block.hash()) return false;
    const auto derived = derive_stored(charter, before, stored.decision);
    return derived.ok() && derived->tip_times == stored.tip_times &&
           derived->disputed == stored.disputed && derived->pauses == stored.pauses;
}

}  // namespace tally::node
