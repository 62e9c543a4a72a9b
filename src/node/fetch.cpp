// Catching up with decisions that others made, and answering those who catch up.
#include "node/batch_reads.hpp"
#include "node/decisions_answer.hpp"
#include "node/parts.hpp"

namespace tally::node {
namespace {

constexpr uint16_t decisions_per_request = 32;
/// Decided slots that may wait for execution before more are fetched.
constexpr uint64_t slots_ahead_max = 256;

}  // namespace

/// What a peer asks for costs it a few bytes, and us a search and an answer.
bool Node::Parts::may_ask(Participant from) {
    if (peers[from.value].answers.take_answer(now.monotonic_us)) return true;
    ++counters["asks_too_often"];
    return false;
}

void Node::Parts::answer(Participant to, const model::Message& message) {
    auto bytes = std::make_shared<const Bytes>(model::encode_message(message));
    peers[to.value].answers.take_bytes(bytes->size());
    outbox.put(Effect{SendPeer{to, std::move(bytes)}});
}

void Node::Parts::on_fetch(Participant from, const model::FetchDecisions& request) {
    if (!may_ask(from)) return;
    const ChainReader stored(key_value);
    DecisionsAnswer decisions;
    for (Slot slot = request.from;
         decisions.count() < request.count && slot <= followed && slot.value > 0;
         slot = slot.next()) {
        auto decision = stored.decision(slot);
        if (!decision.ok() || !*decision || !decisions.add(std::move((*decision)->decision))) break;
    }
    if (!decisions.empty()) answer(from, decisions.take());
}

void Node::Parts::on_fetch(Participant from, const model::FetchBatch& request) {
    if (request.lane.value >= signatories.places() || !may_ask(from)) return;
    auto body = ChainReader(key_value).body({request.lane, request.height});
    if (body.ok() && *body && (*body)->header.hash() == request.header)
        return answer(from, std::move(**body));
    // It was read all the same. How large it is that does not decode is not known.
    if (body.ok() && *body) peers[from.value].answers.take_bytes((*body)->bytes.size());
    if (!body.ok()) peers[from.value].answers.take_bytes(limits::batch_bytes_aim);
}

/// Never what was altered: whoever asks would take this participant for a liar.
void Node::Parts::on_fetch(Participant from, const model::FetchCells& request) {
    if (request.lane.value >= signatories.places() || !may_ask(from)) return;
    size_t bytes_read = 0;
    auto cells = own_cells(ChainReader(key_value), *coder, self.index,
                           {request.lane, request.height}, request.header, bytes_read);
    const bool is_right = cells.ok() && *cells &&
                          coder->cells_verify((*cells)->header.da, self.index, (*cells)->cells);
    if (is_right) return answer(from, std::move(**cells));
    if (cells.ok() && !*cells && answer_void(from, {request.lane, request.height}, request.header))
        return;
    // It was read all the same. How large it is that does not decode is not known.
    peers[from.value].answers.take_bytes(cells.ok() ? bytes_read : limits::batch_bytes_aim);
    if (!cells.ok() || *cells) scrub_now();
}

/// Of a void batch there may be no own cells: then what shows that it is void.
bool Node::Parts::answer_void(Participant from, BatchPlace place, const Hash& header) {
    auto body = ChainReader(key_value).body(place);
    const bool is_void = body.ok() && *body && (*body)->bytes.size() != (*body)->header.da.length;
    if (!is_void || (*body)->header.hash() != header) return false;
    answer(from, std::move(**body));
    return true;
}

/// Never what was altered, either. All cells are read for one leaf, and count as if all were sent.
void Node::Parts::on_fetch(Participant from, const model::FetchCellLeaf& request) {
    if (request.lane.value >= signatories.places() || !may_ask(from)) return;
    const BatchPlace place{request.lane, request.height};
    size_t bytes_read = 0;
    const auto cells =
        own_cells(ChainReader(key_value), *coder, self.index, place, request.header, bytes_read);
    peers[from.value].answers.take_bytes(cells.ok() ? bytes_read : limits::batch_bytes_aim);
    if (cells.ok() && !*cells) {
        answer_void(from, place, request.header);
        return;
    }
    if (!cells.ok()) return scrub_now();
    const auto& da = (*cells)->header.da;
    if (!coder->parameters_follow({da.epoch, place.lane, place.height}, da)) return scrub_now();
    auto leaf = availability::leaf_of(da, (*cells)->cells, request.cell, request.leaf);
    const bool is_there =
        request.leaf < availability::leaves_of_cell(da) && request.cell < da.cells &&
        availability::holder_of(da, request.cell) == coder->holder_of(da.epoch, self.index);
    if (!is_there) return;  // None of this participant's.
    if (!leaf || !availability::leaf_verifies(da, *leaf)) return scrub_now();
    answer(from, model::BatchCellLeaf{place.lane, place.height, request.header, std::move(*leaf)});
}

/// The one asked for, or the next that is stored. Of what is not carried yet the ordering machine
/// may have said in a Report that it holds another, of a greater height: that it gives itself.
bool Node::Parts::on_fetch(Participant from, const model::FetchBlockCertificate& request) {
    if (const auto* held = proving->certificate(request.ledger, request.height)) {
        answer(from, *held);
        return true;
    }
    if (request.height > proving->carried_height(request.ledger)) return false;
    auto certificate = ChainReader(key_value).certificate_from(request.ledger, request.height);
    if (!certificate.ok() || !*certificate) return false;
    answer(from, std::move(**certificate));
    return true;
}

/// Only what brings this participant forward lets it ask anew before its time: else whoever sends
/// would say how often.
void Node::Parts::on_decisions(const model::Decisions& decisions) {
    const Slot before = ordering->slot();
    for (const auto& decision : decisions.list) {
        if (heal_decision(decision)) continue;
        if (decision.block.slot != ordering->slot()) continue;
        ordering::Effects out;
        ordering->on_decision(decision, now, out);
        take(out);
    }
    if (ordering->slot() > before) {
        fetch_at_us = now.monotonic_us;
        newer_since_us = UINT64_MAX;
    }
    fetch_if_behind();
}

void Node::Parts::fetch_if_behind() {
    sync_if_far_behind();
    const auto elsewhere = ordering->decided_elsewhere();
    const bool is_behind =
        (elsewhere && *elsewhere >= ordering->slot()) || newer_slot > ordering->slot();
    if (!is_behind || others.empty() || now.monotonic_us < fetch_at_us) return;
    fetch_at_us = now.monotonic_us + ask_again_us;
    const bool executing = !following_only;
    if (executing && followed.value > pipeline.next_slot().value + slots_ahead_max) return;
    // Of those who go on in a later epoch some may be guests here, and only they know it all.
    const bool ask_newer = newer_slot > ordering->slot() && fetch_turn % 2 == 1;
    const Participant in_turn = other_in_turn(fetch_turn);
    send(ask_newer ? newer_from : in_turn,
         model::FetchDecisions{ordering->slot(), decisions_per_request});
}

void Node::Parts::hear_of_newer(Participant from, Slot slot) {
    if (slot <= ordering->slot()) return;
    newer_slot = slot;
    newer_from = from;
}

void Node::Parts::hear(Participant from, const model::Message& message) {
    auto& peer = peers[from.value];
    // What it says after a silence it may have said long ago.
    if (peer.heard && now.monotonic_us - peer.heard_us > silence_us_max) peer.clock = {};
    peer.heard = true;
    peer.heard_us = now.monotonic_us;
    latest_signed.hear(from, message);
    if (!std::holds_alternative<model::OwnMessages>(message)) ask_who_is_heard(from);
    if (const auto* heartbeat = std::get_if<model::Heartbeat>(&message)) {
        peer.slot = heartbeat->slot;
        peer.epoch = heartbeat->epoch;
        peer.signing = heartbeat->signing;
        // What a quorum decided there cannot be checked before it is known who takes part in it.
        if (heartbeat->epoch > signatories.epoch || signing == Signing::guest)
            hear_of_newer(from, heartbeat->slot);
        notice_newer_epoch();
    }
    if (const auto* report = std::get_if<model::Signed<model::Report>>(&message);
        report != nullptr && report->signer == from) {
        peer.clock.on_report(report->body.slot, report->body.view, report->body.time, now.wall);
        lanes_left.on_report(from, {report->body.slot, report->body.view}, report->body.lanes,
                             now.monotonic_us);
    }
    if (const auto* said = std::get_if<model::Quarantined>(&message)) {
        peer.quarantined.clear();
        peer.quarantined_at_us = now.monotonic_us;
        for (const LedgerIndex ledger : said->ledgers) {
            const bool is_next = peer.quarantined.empty() || peer.quarantined.back() < ledger;
            if (is_next && ledger.value < charter->body.ledgers.size())
                peer.quarantined.push_back(ledger);
        }
    }
}

}  // namespace tally::node
