#include "ordering/decision.hpp"

namespace tally::ordering {

ErrorText describe(DecisionError error) {
    switch (error) {
    case DecisionError::wrong_slot:
        return {"ordering.wrong_slot", "this decision is not of the next slot",
                "ask for decisions from the next slot on"};
    case DecisionError::wrong_parent:
        return {"ordering.wrong_parent", "this decision does not follow the block before it",
                "ask another participant"};
    case DecisionError::wrong_shape:
        return {"ordering.wrong_shape", "this block does not fit the network's lanes and ledgers",
                "ask another participant"};
    case DecisionError::wrong_quorum:
        return {"ordering.wrong_quorum", "no quorum signed this decision",
                "ask another participant"};
    case DecisionError::wrong_certificates:
        return {"ordering.wrong_certificates",
                "the certificates are not those that the block's cut names",
                "ask another participant"};
    }
    std::abort();
}

model::Block genesis_block(Micros genesis_time, uint32_t participants, uint32_t ledgers) {
    model::Block block;
    block.time = genesis_time;
    block.cut.resize(participants);
    block.highest_carried.resize(ledgers);
    return block;
}

Hash parent_of_next(const model::Block& block, const Hash& network) {
    return block.slot.value == 0 ? network : block.hash();
}

bool names_exactly(const model::Cut& previous, const model::Cut& cut,
                   const model::LaneCertificates& certificates) {
    if (cut.size() < previous.size()) return false;
    auto next = certificates.begin();
    for (size_t lane = 0; lane < cut.size(); ++lane) {
        const auto& before = model::tip_of(previous, {uint8_t(lane)});
        if (cut[lane].height < before.height) return false;
        if (cut[lane].height == before.height) {
            if (cut[lane] != before) return false;
            continue;
        }
        if (next == certificates.end() || next->lane.value != lane ||
            next->height != cut[lane].height || next->header != cut[lane].header ||
            next->digest() != cut[lane].certificate)
            return false;
        ++next;
    }
    return next == certificates.end();
}

Result<void> check_decision(const model::Signatories& set, const Verifier& verifier,
                            const model::Block& previous, const model::Decision& decision) {
    const model::Block& block = decision.block;
    if (block.slot != previous.slot.next() || decision.qc.body.slot != block.slot)
        return DecisionError::wrong_slot;
    if (block.parent != parent_of_next(previous, set.network)) return DecisionError::wrong_parent;
    if (block.cut.size() != set.places() ||
        block.highest_carried.size() != previous.highest_carried.size())
        return DecisionError::wrong_shape;
    if (!names_exactly(previous.cut, block.cut, decision.certificates))
        return DecisionError::wrong_certificates;
    if (decision.qc.body.block != block.hash() || !check_quorum(set, verifier, decision.qc))
        return DecisionError::wrong_quorum;
    return success();
}

}  // namespace tally::ordering
