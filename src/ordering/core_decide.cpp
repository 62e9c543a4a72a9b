#include <algorithm>

#include "ordering/core.hpp"

namespace tally::ordering {

// --- counting ---

void Machine::Core::on(Participant from, const model::Signed<model::PrepareVote>& vote) {
    const View view = vote.body.view;
    if (view < slot.view) return answer_view(from);
    if (slot.highest && slot.highest->body.view >= view) return;  // One QC a view is enough.
    if (view > view_max || !slot.prepare_votes.wants(vote.signer, view)) return;
    if (check(vote)) count_vote(vote);
}

void Machine::Core::on(Participant, const model::Signed<model::CommitVote>& vote) {
    if (slot.commit_qc || vote.body.view > view_max ||
        !slot.commit_votes.wants(vote.signer, vote.body.view))
        return;
    if (check(vote)) count_vote(vote);
}

void Machine::Core::count_vote(const model::Signed<model::PrepareVote>& vote) {
    slot.prepare_votes.add(vote);
    if (const auto qc = slot.prepare_votes.quorum(vote.body, quorum.votes_min)) raise(*qc);
}

void Machine::Core::count_vote(const model::Signed<model::CommitVote>& vote) {
    slot.commit_votes.add(vote);
    if (slot.commit_qc) return;
    slot.commit_qc = slot.commit_votes.quorum(vote.body, quorum.votes_min);
}

void Machine::Core::on(Participant, const model::PrepareQC& qc) {
    if (slot.highest && slot.highest->body.view >= qc.body.view) return;
    if (qc.body.view > view_max || !check(qc)) return refuse("bad_prepare_qc");
    raise(qc);
}

/// Requires a checked QC of this slot.
void Machine::Core::raise(const model::PrepareQC& qc) {
    if (!slot.highest || slot.highest->body.view < qc.body.view) slot.highest = qc;
}

bool Machine::Core::commit_if_due() {
    if (!may_sign()) return false;
    if (!slot.highest || slot.highest->body.view != slot.view) return false;
    if (timed_out(slot.view) && !config.canaries.vote_after_timeout) return false;
    if (slot.commit_vote && slot.commit_vote->body.view >= slot.view) return false;
    const Hash hash = slot.highest->body.block;
    slot.commit_vote = sign(model::CommitVote{current(), slot.view, hash});
    save_then_send(model::CommitVoteRecord{*slot.commit_vote, *slot.highest}, *slot.commit_vote);
    count_vote(*slot.commit_vote);
    if (const auto* body = body_of(hash)) report_early(*body);
    return true;
}

// --- deciding ---

void Machine::Core::on(Participant from, const model::DecideMessage& message) {
    const Slot of = message.qc.body.slot;
    if (of >= current()) return ended() ? void() : note(message.qc);
    // Never the same or an earlier one in answer: who says this one works on the next.
    if (of.next() < current()) answer_decided(from, of.next());
}

void Machine::Core::note(const model::CommitQC& qc) {
    const Slot of = qc.body.slot;
    const bool known = of < current() || (of == current() && slot.commit_qc) ||
                       (of > current() && decided_elsewhere && *decided_elsewhere >= of);
    if (known) return;
    if (!check(qc)) return refuse("bad_commit_qc");
    if (of == current()) {
        slot.commit_qc = qc;
    } else {
        decided_elsewhere = of;
    }
}

bool Machine::Core::decide_if_due() {
    if (!slot.commit_qc) return false;
    const Hash hash = slot.commit_qc->body.block;
    const auto* body = body_of(hash);
    if (!body) return false;
    decide(std::make_shared<const model::Decision>(
               model::Decision{body->block, *slot.commit_qc, body->certificates}),
           hash, true);
    return true;
}

void Machine::Core::decide(std::shared_ptr<const model::Decision> decision, const Hash& hash,
                           bool tell) {
    // A CommitQC speaks for itself: it may leave before this participant has saved it.
    if (tell) effects->send_all(model::DecideMessage{decision->qc});
    effects->save(*decision);
    effects->output(Decided{decision});
    ++counters["decided"];
    advance(std::move(decision), hash);
    if (tell) recent.back().told_at = now.monotonic_us;
    if (early_report && early_report->body.slot == current()) {
        if (early_wake && !others_ahead()) effects->send_all(model::Wake{current(), *early_wake});
        slot.report = std::exchange(early_report, std::nullopt);
        slot.wake = std::exchange(early_wake, std::nullopt);
        slot.reports[self().value] = slot.report;
        start_view_timer();
    }
    for (uint32_t i = 0; i < count; ++i) {
        for (auto& [kind, message] : std::exchange(peers[i].next_slot, {}))
            inbox.emplace_back(Participant{uint8_t(i)}, std::move(message));
    }
}

void Machine::Core::catch_up(const model::Decision& decision) {
    if (ended() || decision.block.slot != current()) return;
    if (const auto checked = check_decision(config.self.set_at(current()), *config.self.verifier,
                                            chain.last, decision);
        !checked.ok())
        return refuse(checked.error().code);
    decide(std::make_shared<const model::Decision>(decision), decision.qc.body.block, false);
}

// --- fetching and serving ---

/// The body that a CommitQC, or the QC behind a view change, names and that is not here.
std::optional<Hash> Machine::Core::wanted_body() const {
    if (slot.commit_qc) {
        const Hash& hash = slot.commit_qc->body.block;
        return body_of(hash) ? std::nullopt : std::optional(hash);
    }
    if (slot.highest && slot.highest->body.view < slot.view && !body_of(slot.highest->body.block))
        return slot.highest->body.block;
    return std::nullopt;
}

bool Machine::Core::fetch_if_due() {
    const auto wanted = wanted_body();
    if (!wanted) {
        slot.body_fetch_at.reset();
        return false;
    }
    if (slot.body_fetch_at && now.monotonic_us < *slot.body_fetch_at) return false;
    slot.body_fetch_at = now.monotonic_us + again_first_us();
    const auto& signers =
        slot.commit_qc ? slot.commit_qc->endorsements : slot.highest->endorsements;
    std::vector<Participant> order;
    for (const auto& endorsement : signers) order.push_back(endorsement.signer);
    // Some of the signers may have voted for the hash alone, so the others are asked too.
    for (uint32_t i = 0; i < count; ++i) {
        const Participant peer{uint8_t(i)};
        if (config.self.set->has(peer) &&
            std::find(order.begin(), order.end(), peer) == order.end())
            order.push_back(peer);
    }
    std::erase(order, self());
    for (size_t i = 0; i < std::min<size_t>(2, order.size()); ++i)
        effects->send(order[(2 * slot.fetch_round + i) % order.size()],
                      model::FetchBlock{current(), *wanted});
    ++slot.fetch_round;
    return true;
}

void Machine::Core::on(Participant, const model::BlockBody& body) {
    if (body.block.slot != current()) return;
    const auto wanted = wanted_body();
    if (!wanted) return;
    if (digest_of(body.block) != *wanted || body.block.parent != chain.parent ||
        !names_exactly(chain.last.cut, body.block.cut, body.certificates))
        return refuse("other_body");
    remember(*wanted, body);
}

template <class Answer>
void Machine::Core::serve(Participant to, const Answer& answer) {
    Allowance& answers = peers[to.value].answers;
    if (!answers.take_answer(now.monotonic_us)) return refuse("asks_too_often");
    answers.take_bytes(cbor::encode(answer).size());
    effects->send(to, answer);
}

void Machine::Core::on(Participant from, const model::FetchBlock& fetch) {
    if (fetch.slot == current()) {
        if (const auto* body = body_of(fetch.block)) serve(from, *body);
        return;
    }
    for (const Recent& decided : recent) {
        if (decided.decision->block.slot == fetch.slot && decided.hash == fetch.block)
            serve(from, model::BlockBody{decided.decision->block, decided.decision->certificates});
    }
}

void Machine::Core::on(Participant from, const model::FetchLaneCertificate& fetch) {
    const auto* held = holdings.lane_certificate(fetch.lane, fetch.height);
    if (held) serve(from, *held);
}

void Machine::Core::on(Participant from, const model::FetchBlockCertificate& fetch) {
    const auto* held = holdings.block_certificate(fetch.ledger);
    if (held && held->height >= fetch.height) serve(from, *held);
}

/// A message about a decided slot is answered with that slot's CommitQC, or with the last one if
/// that slot is long ago: then its reader asks for the decisions between.
void Machine::Core::answer_decided(Participant to, Slot about) {
    if (recent.empty()) return;
    const Recent* answer = &recent.back();
    for (const Recent& decided : recent) {
        if (decided.decision->block.slot == about) answer = &decided;
    }
    const Slot of = answer->decision->block.slot;
    Peer& peer = peers[to.value];
    const auto lately = [&](const std::optional<uint64_t>& at) {
        return at && now.monotonic_us - *at < again_first_us();
    };
    if (lately(answer->told_at) || (lately(peer.answered_at) && peer.answered_slot >= of)) return;
    peer.answered_at = now.monotonic_us;
    peer.answered_slot = of;
    effects->send(to, model::DecideMessage{answer->decision->qc});
}

}  // namespace tally::ordering
