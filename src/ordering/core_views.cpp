#include <algorithm>

#include "ordering/core.hpp"

namespace tally::ordering {

// --- Reports ---

/// A liar alone wakes nobody: f+1 who are at it include an honest one with a reason.
bool Machine::Core::others_at_it() const {
    const auto reporters = std::count_if(slot.reports.begin(), slot.reports.end(),
                                         [](const auto& report) { return report.has_value(); });
    return size_t(reporters) > quorum.liars_max ||
           slot.timeouts.ranked_view(quorum.liars_max).has_value();
}

/// The same by Reports for the next slot, which wait unread.
bool Machine::Core::others_ahead() const {
    const auto is_report = [](const auto& waiting) {
        return std::holds_alternative<model::Signed<model::Report>>(*waiting.second);
    };
    const auto reporters = std::count_if(peers.begin(), peers.end(), [&](const Peer& peer) {
        return std::any_of(peer.next_slot.begin(), peer.next_slot.end(), is_report);
    });
    return size_t(reporters) > quorum.liars_max;
}

bool Machine::Core::report_if_due() {
    if (!may_sign()) return false;
    if (slot.report && slot.report->body.view >= slot.view) return false;
    if (timed_out(slot.view)) return false;
    // Whoever is not the first needs to wake nobody: f+1 Reports wake all.
    const bool is_awake = others_at_it();
    if (slot.view.value == 0) {
        if (!slot.wake) slot.wake = work();
        if (!slot.wake && !slot.woken && !due() && !is_awake) return false;
    }
    slot.report = sign(holdings.report(current(), slot.view, now.wall, chain));
    slot.reports[self().value] = slot.report;
    save_then_send(*slot.report, *slot.report);
    if (slot.view.value > 0) return true;
    if (slot.wake && !is_awake) effects->send_all(model::Wake{current(), *slot.wake});
    start_view_timer();
    return true;
}

/// The next slot's Report leaves with the CommitVote, if that block would leave work over: a
/// message delay saved under load, and no slot begun for what is being decided.
void Machine::Core::report_early(const model::BlockBody& committed) {
    if (early_report) return;
    if (committed.block.ends_epoch()) return;
    early_wake = holdings.work_above(rules(), chain, now.wall, &committed.block);
    if (!early_wake) return;
    early_report = sign(holdings.report(current().next(), View{0}, now.wall, chain));
    save_then_send(*early_report, *early_report);
}

void Machine::Core::on(Participant from, const model::Signed<model::Report>& report) {
    const View view = report.body.view;
    if (view < slot.view) return answer_view(from);
    if (report.signer.value >= count) return refuse("unknown_signer");
    auto& held = slot.reports[report.signer.value];
    if (held && held->body.view >= view) return;
    // Only a view's leader needs its Reports, and whoever still sleeps.
    const bool sleeping = !slot.report && slot.view.value == 0;
    if (leader(view) != self() && !sleeping) return;
    if (view > view_max || !well_formed(rules(), report.body)) return refuse("bad_report");
    if (check(report)) held = report;
}

// --- views ---

uint64_t Machine::Core::view_timer_us(View view) const {
    return config.parameters.view_timer_us << std::min(view.value, doubling_views_max);
}

void Machine::Core::start_view_timer() {
    if (!slot.view_ends_at) slot.view_ends_at = now.monotonic_us + view_timer_us(slot.view);
}

bool Machine::Core::timed_out(View view) const {
    return slot.timeout && slot.timeout->timeout.body.view >= view;
}

bool Machine::Core::time_out_if_due() {
    if (!may_sign()) return false;
    if (slot.view_ends_at && now.monotonic_us >= *slot.view_ends_at && !timed_out(slot.view)) {
        time_out(slot.view);
        return true;
    }
    // f+1 beyond this view include an honest one: join them, without entering what they left.
    const auto others = slot.timeouts.ranked_view(quorum.liars_max);
    if (!others || *others <= slot.view || timed_out(*others)) return false;
    time_out(*others);
    return true;
}

void Machine::Core::time_out(View view) {
    ++counters["timeouts"];
    model::Timeout timeout{current(), view, {}, {}};
    if (slot.highest) {
        timeout.qc_view = slot.highest->body.view;
        timeout.qc_block = slot.highest->body.block;
    }
    slot.timeout = model::TimeoutMessage{sign(timeout), slot.highest};
    slot.timeouts.add(*slot.timeout);
    slot.touched.push_back(view);
    save_then_send(*slot.timeout, *slot.timeout);
}

void Machine::Core::on(Participant from, const model::TimeoutMessage& message) {
    const auto& [timeout, qc] = message;
    const View view = timeout.body.view;
    if (view < slot.view) return answer_view(from);
    if (!slot.timeouts.wants(timeout.signer, view)) return;
    // The QC is checked before the Timeout counts: what a TC claims, somebody can show.
    const bool qc_fits =
        qc ? qc->body == model::PrepareVote{current(), timeout.body.qc_view.value_or(View{}),
                                            timeout.body.qc_block} &&
                 timeout.body.qc_view.has_value()
           : !timeout.body.qc_view && timeout.body.qc_block.is_zero();
    if (view > view_max || !qc_fits) return refuse("bad_timeout");
    if (qc && qc != slot.highest && !check(*qc)) return refuse("bad_prepare_qc");
    if (!check(timeout)) return;
    if (qc) raise(*qc);
    slot.timeouts.add(message);
    slot.touched.push_back(view);
}

bool Machine::Core::certify_timeouts() {
    for (const View view : std::exchange(slot.touched, {})) {
        if (view < slot.view) continue;
        const auto certificate = slot.timeouts.certificate(current(), view, quorum.votes_min,
                                                           config.canaries.first_qc_in_tc);
        if (!certificate) continue;
        enter_view(*certificate);
        return true;
    }
    return false;
}

void Machine::Core::on(Participant, const model::TimeoutCertificate& certificate) {
    if (certificate.view < slot.view) return;
    if (certificate.view > view_max || !check(certificate)) return refuse("bad_tc");
    enter_view(certificate);
}

void Machine::Core::enter_view(const model::TimeoutCertificate& certificate) {
    ++counters["view_changes"];
    slot.view = certificate.view.next();
    slot.tc = certificate;
    if (certificate.highest) raise(*certificate.highest);
    slot.proposal.reset();
    slot.proposal_judged = false;
    slot.own_proposal.reset();
    slot.view_ends_at.reset();
    slot.again_at.reset();
    slot.body_fetch_at.reset();
    slot.certificate_fetch_at.reset();
    start_view_timer();
    // It justifies what is signed in this view: who restarts here must know it, to lead and to say
    // it again.
    save_then_send(certificate, certificate);
}

/// To one who is in an earlier view of this slot.
void Machine::Core::answer_view(Participant to) {
    auto& answered = peers[to.value].view_answered_at;
    if (!slot.tc || (answered && now.monotonic_us - *answered < again_first_us())) return;
    answered = now.monotonic_us;
    effects->send(to, *slot.tc);
}

// --- saying it again ---

bool Machine::Core::active() const {
    return slot.view.value > 0 || slot.report || slot.timeout || slot.prepare_vote ||
           slot.commit_qc;
}

bool Machine::Core::say_again_if_due() {
    if (!active()) return false;
    if (!slot.again_at) {
        slot.again_us = again_first_us();
        slot.again_at = now.monotonic_us + slot.again_us;
        return false;
    }
    if (now.monotonic_us < *slot.again_at) return false;
    slot.again_us = std::min(2 * slot.again_us, again_growth_max * again_first_us());
    slot.again_at = now.monotonic_us + slot.again_us;
    say_again();
    return true;
}

/// Byte for byte what was said in this (slot, view), and what brought it here.
void Machine::Core::say_again() {
    if (may_sign() && slot.view.value == 0 && !slot.wake) slot.wake = work();
    if (may_sign() && slot.view.value == 0 && slot.wake)
        effects->send_all(model::Wake{current(), *slot.wake});
    if (chain.qc) effects->send_all(model::DecideMessage{*chain.qc});
    if (slot.tc) effects->send_all(*slot.tc);
    if (slot.highest) effects->send_all(*slot.highest);
    if (slot.commit_qc) effects->send_all(model::DecideMessage{*slot.commit_qc});
    if (!may_sign()) return;
    if (slot.report && slot.report->body.view == slot.view) effects->send_all(*slot.report);
    if (slot.own_proposal) {
        const auto& proposed = slot.own_proposal->proposal.body;
        const model::PrepareVote vote{proposed.slot, proposed.view, proposed.block};
        for (uint32_t i = 0; i < count; ++i) {
            const Participant peer{uint8_t(i)};
            if (peer != self() && config.self.set->has(peer) && !slot.prepare_votes.has(peer, vote))
                effects->send(peer, *slot.own_proposal);
        }
    }
    if (slot.prepare_vote && slot.prepare_vote->body.view == slot.view)
        effects->send_all(*slot.prepare_vote);
    if (slot.commit_vote && slot.commit_vote->body.view == slot.view)
        effects->send_all(*slot.commit_vote);
    if (slot.timeout) effects->send_all(*slot.timeout);
}

bool Machine::Core::beat_if_due() {
    if (now.monotonic_us < heartbeat_at) return false;
    heartbeat_at = now.monotonic_us + std::max<uint64_t>(config.heartbeat_us, 1);
    effects->send_all(model::Heartbeat{current(), slot.view, chain.parent, config.self.set->epoch,
                                       config.self.signer != nullptr});
    return true;
}

void Machine::Core::on(Participant from, const model::Heartbeat& heartbeat) {
    if (heartbeat.slot < current()) return answer_decided(from, heartbeat.slot);
    if (heartbeat.slot > current()) return;
    if (heartbeat.epoch != config.self.set->epoch) return;  // Views are of one epoch.
    if (heartbeat.decided != chain.parent) return refuse("other_history");
    if (heartbeat.view < slot.view) answer_view(from);
}

}  // namespace tally::ordering
