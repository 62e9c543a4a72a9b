// A lane of batches that nobody signed, for what does not look at signatures. All that is in them
// is of a ledger that no charter has.
#pragma once

#include "availability/dispersal.hpp"
#include "model/messages.hpp"

namespace tally::node {

inline model::LaneCertificate unsigned_certificate(const model::BatchHeader& header) {
    model::LaneCertificate certificate;
    certificate.lane = header.lane;
    certificate.height = header.height;
    certificate.header = header.hash();
    for (uint8_t i = 0; i < 3; ++i) {
        model::AcknowledgementPart part;
        part.signer = {i};
        part.time = {1'800'000'000'000'000};
        certificate.parts.push_back(part);
    }
    return certificate;
}

/// The next batch of a lane among four, in epoch 0. `before`: null for the first.
inline model::BatchBody next_batch(Participant lane, const model::BatchHeader* before) {
    model::BatchBody body;
    body.header.lane = lane;
    body.header.height = before == nullptr ? LaneHeight{1} : before->height.next();
    if (before != nullptr) {
        body.header.parent = before->hash();
        body.header.previous = unsigned_certificate(*before);
    }
    body.bytes = cbor::encode(model::Batch{{{{limits::ledgers_max}, Bytes(200, 7)}}});
    body.header.da =
        availability::Coder(4, {})
            .disperse({Epoch{0}, lane, body.header.height}, model::Forwarding::coded, body.bytes)
            .da;
    return body;
}

/// Slot 1, whose cut names this tip of a lane and no other.
inline model::Decision first_decision_of(const Hash& network, Micros time,
                                         const model::BatchHeader& tip, size_t ledgers) {
    model::Decision decision;
    auto& block = decision.block;
    block.slot = {1};
    block.parent = network;
    block.time = time;
    block.cut.resize(4);
    block.highest_carried.resize(ledgers);
    decision.certificates.push_back(unsigned_certificate(tip));
    block.cut[tip.lane.value] = {tip.height, tip.hash(), decision.certificates[0].digest()};
    decision.qc.body.slot = block.slot;
    decision.qc.body.block = block.hash();
    return decision;
}

}  // namespace tally::node
