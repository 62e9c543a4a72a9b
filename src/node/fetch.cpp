// Catching up with decisions that others made, and answering those who catch up.
#include "node/parts.hpp"

namespace tally::node {
namespace {

constexpr uint16_t decisions_per_request = 32;
constexpr size_t decisions_bytes_max = 2 * 1024 * 1024;
constexpr uint64_t ask_again_us = 300'000;
/// Decided slots that may wait for execution before more are fetched.
constexpr uint64_t slots_ahead_max = 256;

}  // namespace

void Node::Parts::on_fetch(Participant from, const model::FetchDecisions& request) {
    const ChainReader stored(key_value);
    model::Decisions answer;
    size_t bytes = 0;
    Slot slot = request.from;
    while (answer.list.size() < std::min<size_t>(request.count, 64) &&
           bytes < decisions_bytes_max && slot <= followed && slot.value > 0) {
        auto decision = stored.decision(slot);
        if (!decision.ok() || !*decision) break;
        bytes += cbor::encode((*decision)->decision).size();
        answer.list.push_back(std::move((*decision)->decision));
        slot = slot.next();
    }
    if (!answer.list.empty()) send(from, std::move(answer));
}

void Node::Parts::on_fetch(Participant from, const model::FetchBatch& request) {
    if (request.lane.value >= signatories.count()) return;
    auto body = ChainReader(key_value).body({request.lane, request.height});
    if (!body.ok() || !*body || (*body)->header.hash() != request.header) return;
    send(from, std::move(**body));
}

void Node::Parts::on_fetch(Participant from, const model::FetchBlockCertificate& request) {
    if (proving->certificate(request.ledger, request.height) != nullptr)
        return;  // It has answered.
    auto certificate = ChainReader(key_value).certificate_from(request.ledger, request.height);
    if (certificate.ok() && *certificate) send(from, std::move(**certificate));
}

void Node::Parts::on_decisions(const model::Decisions& decisions) {
    for (const auto& decision : decisions.list) {
        if (decision.block.slot != ordering->slot()) continue;
        ordering::Effects out;
        ordering->on_decision(decision, now, out);
        take(out);
    }
    fetch_at_us = now.monotonic_us;
    fetch_if_behind();
}

void Node::Parts::fetch_if_behind() {
    const auto elsewhere = ordering->decided_elsewhere();
    if (!elsewhere || *elsewhere < ordering->slot()) return;
    if (now.monotonic_us < fetch_at_us) return;
    fetch_at_us = now.monotonic_us + ask_again_us;
    if (followed.value > pipeline.next_slot().value + slots_ahead_max) return;
    for (uint32_t tries = 0; tries < signatories.count(); ++tries) {
        const Participant to{uint8_t(fetch_turn++ % signatories.count())};
        if (to == self.index) continue;
        send(to, model::FetchDecisions{ordering->slot(), decisions_per_request});
        return;
    }
}

void Node::Parts::hear(Participant from, const model::Message& message) {
    auto& peer = peers[from.value];
    peer.heard = true;
    peer.heard_us = now.monotonic_us;
    if (const auto* heartbeat = std::get_if<model::Heartbeat>(&message))
        peer.slot = heartbeat->slot;
}

}  // namespace tally::node
