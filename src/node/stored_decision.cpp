#include "node/stored_decision.hpp"

#include "base/quorum.hpp"
#include "node/checked_state.hpp"
#include "proving/pauses.hpp"

namespace tally::node {
namespace {

/// The first slot after which a block of at least this height is carried.
Result<Slot> slot_that_carries(const ChainReader& stored, LedgerIndex ledger, Height height,
                               Slot decided) {
    uint64_t low = 1, high = decided.value;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        TRY(decision, stored.decision({middle}));
        if (!decision || ledger.value >= decision->decision.block.highest_carried.size())
            return fail(ports::KeyValueError::damaged, "a decided slot is missing");
        if (decision->decision.block.highest_carried[ledger.value] < height) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return Slot{low};
}

}  // namespace

Result<StoredDecision> derive_stored(const model::Epochs& epochs, const StoredDecision* before,
                                     const model::Decision& decision) {
    const size_t lanes = decision.block.cut.size();
    const uint32_t liars_max = epochs.at(decision.block.slot).quorum().liars_max;
    StoredDecision stored{decision, {}, {}, {}};
    proving::Pauses pauses(epochs);
    if (before != nullptr) {
        if (before->tip_times.size() != before->decision.block.cut.size())
            return fail(ports::KeyValueError::damaged, "the times of tips");
        CHECK(pauses.decode(before->pauses));
        stored.tip_times = before->tip_times;
    }
    if (stored.tip_times.size() > lanes) return fail(ports::KeyValueError::damaged, "the lanes");
    stored.tip_times.resize(lanes);
    for (const auto& certificate : decision.certificates) {
        if (certificate.lane.value < lanes && certificate.parts.size() > liars_max)
            stored.tip_times[certificate.lane.value] = model::time_of(certificate, liars_max);
    }
    pauses.on_slot(decision.block);
    stored.pauses = pauses.encode();
    for (size_t i = 0; i < epochs.now().ledgers.size(); ++i) {
        const LedgerIndex ledger{uint16_t(i)};
        if (pauses.disputed(ledger)) stored.disputed.push_back(ledger);
    }
    return stored;
}

bool is_as_decided(const model::Epochs& epochs, const StoredDecision* before,
                   const StoredDecision& stored) {
    const auto& block = stored.decision.block;
    const bool is_first = block.slot == Slot{1};
    if (is_first != (before == nullptr)) return false;
    const Hash parent = is_first ? epochs.current().network : before->decision.block.hash();
    if (block.parent != parent || stored.decision.qc.body.block != block.hash()) return false;
    if (block.cut.size() != epochs.at(block.slot).places() ||
        block.highest_carried.size() != epochs.now().ledgers.size())
        return false;
    const auto derived = derive_stored(epochs, before, stored.decision);
    return derived.ok() && derived->tip_times == stored.tip_times &&
           derived->disputed == stored.disputed && derived->pauses == stored.pauses;
}

bool is_intact(const model::Decision& decision) {
    return decision.qc.body.block == decision.block.hash();
}

Result<std::optional<model::BlockCertificate>> carried_certificate(ports::KeyValue& key_value,
                                                                   LedgerIndex ledger,
                                                                   Height height, Slot decided) {
    const auto is_meant = [&](const model::BlockCertificate& certificate) {
        return certificate.ledger == ledger && certificate.height == height;
    };
    const ChainReader stored(key_value);
    auto held = stored.certificate(ledger, height);
    if (!held.ok() && !is_own_damage(held.error())) return held;
    if (held.ok() && *held && is_meant(**held)) return held;
    TRY(slot, slot_that_carries(stored, ledger, height, decided));
    TRY(decision, stored.decision(slot));
    if (!decision) return fail(ports::KeyValueError::damaged, "a decided slot is missing");
    if (!is_intact(decision->decision))
        return fail(ports::KeyValueError::damaged, "a decided slot is altered");
    for (const auto& certificate : decision->decision.block.carried) {
        if (!is_meant(certificate)) continue;
        ports::WriteBatch writes;
        put_certificate(writes, certificate);
        put_carried(writes, ledger, height, slot);
        CHECK(key_value.write(writes));
        return std::optional(certificate);
    }
    return std::optional<model::BlockCertificate>();
}

}  // namespace tally::node
