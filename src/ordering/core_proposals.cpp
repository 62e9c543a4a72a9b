#include <algorithm>

#include "ordering/core.hpp"

namespace tally::ordering {
namespace {

/// A liar's choice among more Reports than it needs; those that it takes ascend again.
void prefer_ignorant(std::vector<model::Signed<model::Report>>& reports, Participant lane,
                     size_t taken) {
    std::stable_sort(reports.begin(), reports.end(), [&](const auto& a, const auto& b) {
        return a.body.lanes[lane.value] < b.body.lanes[lane.value];
    });
    std::sort(reports.begin(), reports.begin() + ptrdiff_t(taken),
              [](const auto& a, const auto& b) { return a.signer < b.signer; });
}

/// For which nobody votes.
void leave_out(model::BlockBody& body, const model::Cut& before, Participant lane) {
    body.block.cut[lane.value] = model::tip_of(before, lane);
    std::erase_if(body.certificates, [&](const auto& one) { return one.lane == lane; });
}

}  // namespace

// --- the leader ---

bool Machine::Core::propose_if_due() {
    if (!may_sign()) return false;
    Missing missing;
    if (lead(missing)) return true;
    if (missing.none()) {
        slot.certificate_fetch_at.reset();
    } else {
        ask_for(missing);
    }
    return false;
}

/// True once it has proposed; what keeps it from that and can be fetched is `missing`.
bool Machine::Core::lead(Missing& missing) {
    if (leader(slot.view) != self() || timed_out(slot.view) || slot.own_proposal) return false;
    if (slot.view.value > 0) {
        if (!slot.tc) return false;
        if (slot.tc->highest && !config.canaries.propose_over_tc) {
            const Hash hash = slot.tc->highest->body.block;
            const auto* body = body_of(hash);
            propose(hash, body ? std::optional(*body) : std::nullopt);
            return true;
        }
    }
    std::vector<model::Signed<model::Report>> reports;
    for (const auto& report : slot.reports) {
        if (report && report->body.view == slot.view) reports.push_back(*report);
    }
    if (reports.size() < quorum.votes_min) return false;
    // It may have no lane in this epoch.
    auto censored = config.canaries.censored;
    if (censored && censored->value >= count) censored.reset();
    if (censored) prefer_ignorant(reports, *censored, quorum.votes_min);
    reports.erase(reports.begin() + quorum.votes_min, reports.end());
    auto body = build_fresh(rules(), chain, holdings, std::move(reports), missing);
    if (!body) return false;
    if (censored && body->block.slot.value % 2 == 1) leave_out(*body, chain.last.cut, *censored);
    const Hash hash = digest_of(body->block);
    propose(hash, std::move(body));
    return true;
}

void Machine::Core::propose(const Hash& hash, std::optional<model::BlockBody> body) {
    model::ProposalMessage message;
    message.proposal = sign(model::Proposal{current(), slot.view, hash});
    if (slot.view.value > 0) message.justification = slot.tc;
    if (body) {
        message.block = body->block;
        message.certificates = body->certificates;
        remember(hash, *std::move(body));
    }
    slot.certificate_fetch_at.reset();
    slot.own_proposal = message;
    slot.proposal = message;
    slot.proposal_judged = false;
    save_then_send(message, message);
}

/// Two peers at a time, first those that reported it: at least one honest participant can serve
/// each.
void Machine::Core::ask_for(const Missing& missing) {
    if (slot.certificate_fetch_at && now.monotonic_us < *slot.certificate_fetch_at) return;
    slot.certificate_fetch_at = now.monotonic_us + again_first_us();
    const auto ask = [&](const auto& fetch, const auto& reported) {
        std::vector<Participant> order;
        for (uint32_t i = 0; i < count; ++i) {
            const Participant peer{uint8_t(i)};
            if (peer != self() && config.self.set->has(peer)) order.push_back(peer);
        }
        std::stable_partition(order.begin(), order.end(), [&](Participant peer) {
            const auto& report = slot.reports[peer.value];
            return report && reported(report->body);
        });
        for (size_t i = 0; i < std::min<size_t>(2, order.size()); ++i)
            effects->send(order[(2 * slot.fetch_round + i) % order.size()], fetch);
    };
    for (const auto& [lane, height] : missing.lanes) {
        ask(model::FetchLaneCertificate{lane, height},
            [lane = lane, height = height](const model::Report& report) {
                return report.lanes[lane.value] >= height;
            });
    }
    for (const Carry& carry : missing.ledgers) {
        ask(model::FetchBlockCertificate{carry.ledger, carry.at_least},
            [&carry](const model::Report& report) {
                return std::any_of(report.certified.begin(), report.certified.end(),
                                   [&](const model::CertifiedHeight& certified) {
                                       return certified.ledger == carry.ledger &&
                                              certified.height >= carry.at_least;
                                   });
            });
    }
    ++slot.fetch_round;
}

// --- the voter ---

void Machine::Core::on(Participant from, const model::ProposalMessage& message) {
    const auto& [slot_number, view, hash] = message.proposal.body;
    if (view < slot.view) return answer_view(from);
    if (view > view_max || message.proposal.signer != leader(view)) return refuse("wrong_leader");
    if (view == slot.view && slot.proposal) return;
    const auto& tc = message.justification;
    // In view 0, J is inside the body; what else comes along is checked by nobody, and not kept.
    if (tc.has_value() != (view.value > 0) ||
        (tc && (tc->slot != current() || tc->view.next() != view)))
        return refuse("unjustified_proposal");
    if (message.block && (message.block->slot != current() || digest_of(*message.block) != hash))
        return refuse("other_body");
    if (!check(message.proposal)) return;
    if (view > slot.view) {
        // The justification of a later view's proposal is what moves its reader there.
        if (!check(*tc)) return refuse("bad_tc");
        enter_view(*tc);
    }
    slot.proposal = message;
    slot.proposal_judged = false;
    if (message.block && message.block->parent == chain.parent &&
        names_exactly(chain.last.cut, message.block->cut, message.certificates))
        remember(hash, {*message.block, message.certificates});
}

bool Machine::Core::vote_if_due() {
    if (!may_sign()) return false;
    if (!slot.proposal || slot.proposal_judged || timed_out(slot.view)) return false;
    if (slot.prepare_vote && slot.prepare_vote->body.view >= slot.view) return false;
    slot.proposal_judged = true;
    const model::ProposalMessage& message = *slot.proposal;
    if (const auto verdict = judge(message); !verdict.ok()) {
        refuse(verdict.error().code);
        return true;
    }
    const Hash& hash = message.proposal.body.block;
    slot.prepare_vote = sign(model::PrepareVote{current(), slot.view, hash});
    model::PrepareVoteRecord record{*slot.prepare_vote, message.justification, {}};
    const bool fresh = slot.view.value == 0 || !message.justification->highest;
    // The own proposal's record already holds the body.
    if (fresh && !slot.own_proposal)
        record.body = model::BlockBody{*message.block, message.certificates};
    save_then_send(std::move(record), *slot.prepare_vote);
    count_vote(*slot.prepare_vote);
    start_view_timer();
    return true;
}

Result<void> Machine::Core::judge(const model::ProposalMessage& message) {
    const Hash& hash = message.proposal.body.block;
    if (slot.view.value > 0) {
        ENSURE(message.justification);
        if (message.justification != slot.tc && !check(*message.justification))
            return VoteError::bad_justification;
        // What a quorum may have decided must stay: exactly that block. By hash, for a quorum has
        // checked its body.
        if (const auto& highest = message.justification->highest; highest) {
            raise(*highest);
            if (!config.canaries.skip_justification_check || !message.block) {
                return highest->body.block == hash ? success()
                                                   : Result<void>(VoteError::not_that_block);
            }
            if (highest->body.block == hash) return success();
        }
    }
    if (!message.block) return VoteError::no_body;
    const model::Block& block = *message.block;
    const uint64_t behind = now.wall > block.time ? now.wall.value - block.time.value : 0;
    if (slot.view.value == 0 && behind > config.parameters.clock_behind_us_max)
        return VoteError::stale_clock;
    if (config.canaries.votes_depend_on_execution) {
        for (const auto& certificate : block.carried) {
            if (holdings.contradicts(self(), certificate)) return VoteError::stale_clock;
        }
    }
    return check_fresh(rules(), chain, holdings, slot.view, block, message.certificates);
}

ErrorText describe(VoteError error) {
    const auto text = [](std::string_view code, std::string_view cause) {
        return ErrorText{code, cause, "the view will time out and the next leader takes over"};
    };
    switch (error) {
    case VoteError::bad_justification:
        return text("ordering.vote.justification", "the proposal's TC is not a quorum's");
    case VoteError::not_that_block:
        return text("ordering.vote.not_that_block", "the TC names another block");
    case VoteError::no_body: return text("ordering.vote.no_body", "a fresh block needs its body");
    case VoteError::stale_clock:
        return text("ordering.vote.stale_clock", "the block's time is far behind this clock");
    }
    std::abort();
}

// --- bodies ---

const model::BlockBody* Machine::Core::body_of(const Hash& hash) const {
    const auto at = slot.bodies.find(hash);
    return at == slot.bodies.end() ? nullptr : &at->second;
}

/// The oldest goes first, but never the one that the highest QC or the CommitQC names.
void Machine::Core::remember(const Hash& hash, model::BlockBody body) {
    if (!slot.bodies.try_emplace(hash, std::move(body)).second) return;
    slot.bodies_by_age.push_back(hash);
    if (slot.bodies.size() <= bodies_max) return;
    const auto needed = [&](const Hash& old) {
        return old == hash || (slot.highest && slot.highest->body.block == old) ||
               (slot.commit_qc && slot.commit_qc->body.block == old);
    };
    const auto oldest =
        std::find_if_not(slot.bodies_by_age.begin(), slot.bodies_by_age.end(), needed);
    ENSURE(oldest != slot.bodies_by_age.end());
    slot.bodies.erase(*oldest);
    slot.bodies_by_age.erase(oldest);
}

}  // namespace tally::ordering
