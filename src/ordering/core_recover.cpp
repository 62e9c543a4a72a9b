#include <algorithm>

#include "ordering/core.hpp"

namespace tally::ordering {
namespace {

/// The slot of an own record of agreement; none for other kinds.
std::optional<Slot> slot_of(const model::Record& record) {
    return std::visit(
        [](const auto& held) -> std::optional<Slot> {
            using R = std::decay_t<decltype(held)>;
            if constexpr (std::is_same_v<R, model::Signed<model::Report>>) {
                return held.body.slot;
            } else if constexpr (std::is_same_v<R, model::ProposalMessage>) {
                return held.proposal.body.slot;
            } else if constexpr (std::is_same_v<R, model::PrepareVoteRecord> ||
                                 std::is_same_v<R, model::CommitVoteRecord>) {
                return held.vote.body.slot;
            } else if constexpr (std::is_same_v<R, model::TimeoutMessage>) {
                return held.timeout.body.slot;
            } else if constexpr (std::is_same_v<R, model::TimeoutCertificate>) {
                return held.slot;
            } else {
                return std::nullopt;
            }
        },
        record);
}

}  // namespace

/// The journal may be read before the last decision is known, so own records wait for restore().
void Machine::Core::recover(const model::Record& record) {
    if (const auto* decision = std::get_if<model::Decision>(&record)) {
        const auto& set = config.self.set_at(decision->block.slot);
        if (decision->block.slot >= current() && decision->block.cut.size() == set.places() &&
            decision->block.highest_carried.size() == config.provers.size())
            advance(std::make_shared<const model::Decision>(*decision), decision->qc.body.block);
    } else if (const auto* lane = std::get_if<model::LaneCertificate>(&record)) {
        holdings.add(*lane);
    } else if (const auto* ledger = std::get_if<model::BlockCertificate>(&record)) {
        holdings.add(*ledger);
    } else if (const auto* dispute = std::get_if<model::Signed<model::Dispute>>(&record)) {
        holdings.add(*dispute);
    } else if (const auto of = slot_of(record); of && *of >= current()) {
        recovered.push_back(record);
    }
}

void Machine::Core::resume_from(const model::Decision& last, const DecidedDisputes& disputes) {
    recover(model::Record{last});
    for (const auto& [key, height] : disputes) {
        Height& decided = chain.disputes[key];
        decided = std::max(decided, height);
    }
}

/// The slot of `decision` is decided: the next one begins, with nothing said in it.
void Machine::Core::advance(std::shared_ptr<const model::Decision> decision, const Hash& hash) {
    chain.append(*decision, hash);
    recent.push_back({std::move(decision), hash, std::nullopt});
    if (recent.size() > recent_decisions_max) recent.pop_front();
    holdings.prune(chain);
    holdings.drop_epoch_entries(rules(), chain, chain.last.time.next());
    slot = SlotState(count);
    if (decided_elsewhere && *decided_elsewhere < current()) decided_elsewhere.reset();
    if (wanted_at && *wanted_at <= chain.last.time) wanted_at.reset();
    if (early_report && early_report->body.slot < current()) {
        early_report.reset();
        early_wake.reset();
    }
    std::erase_if(recovered, [&](const auto& record) { return *slot_of(record) < current(); });
}

/// What was said in this slot before the crash, and the highest QC that any record holds.
void Machine::Core::restore() {
    const auto mine = [&](const auto& statement) {
        return statement.signer == self() && statement.body.slot == current();
    };
    const auto in_view = [&](View view) { slot.view = std::max(slot.view, view); };
    const auto raise_saved = [&](const model::PrepareQC& qc) {
        if (!config.canaries.forget_qc_on_restart) raise(qc);
    };
    std::optional<model::TimeoutCertificate> tc;
    const auto justified_by = [&](const std::optional<model::TimeoutCertificate>& justification) {
        if (!justification) return;
        if (justification->highest) raise_saved(*justification->highest);
        if (!tc || tc->view < justification->view) tc = justification;
    };
    std::optional<model::ProposalMessage> proposal;
    holdings.prune(chain);
    for (const model::Record& record : std::exchange(recovered, {})) {
        if (const auto* report = std::get_if<model::Signed<model::Report>>(&record)) {
            if (report->signer == self() && report->body.slot == current().next()) {
                early_report = *report;
            } else if (mine(*report)) {
                slot.report = *report;
                slot.reports[self().value] = *report;
                in_view(report->body.view);
            }
        } else if (const auto* own = std::get_if<model::ProposalMessage>(&record)) {
            if (!mine(own->proposal)) continue;
            proposal = *own;
            in_view(own->proposal.body.view);
            justified_by(own->justification);
            if (own->block) remember(own->proposal.body.block, {*own->block, own->certificates});
        } else if (const auto* prepared = std::get_if<model::PrepareVoteRecord>(&record)) {
            if (!mine(prepared->vote)) continue;
            slot.prepare_vote = prepared->vote;
            in_view(prepared->vote.body.view);
            justified_by(prepared->justification);
            if (prepared->body) remember(prepared->vote.body.block, *prepared->body);
            count_vote(prepared->vote);
        } else if (const auto* committed = std::get_if<model::CommitVoteRecord>(&record)) {
            if (!mine(committed->vote)) continue;
            slot.commit_vote = committed->vote;
            in_view(committed->vote.body.view);
            raise_saved(committed->qc);
            count_vote(committed->vote);
        } else if (const auto* timeout = std::get_if<model::TimeoutMessage>(&record)) {
            if (!mine(timeout->timeout)) continue;
            slot.timeout = *timeout;
            slot.timeouts.add(*timeout);
            slot.touched.push_back(timeout->timeout.body.view);
            if (timeout->qc) raise_saved(*timeout->qc);
        } else if (const auto* entered = std::get_if<model::TimeoutCertificate>(&record)) {
            in_view(entered->view.next());
            justified_by(*entered);
        }
    }
    if (tc && tc->view.next() == slot.view) slot.tc = tc;
    if (proposal && proposal->proposal.body.view == slot.view) {
        slot.own_proposal = proposal;
        slot.proposal = proposal;
    }
    if (slot.report || slot.view.value > 0 || slot.prepare_vote) start_view_timer();
}

void Machine::Core::start() {
    started = true;
    restore();
    if (active()) say_again();
    heartbeat_at = now.monotonic_us;  // At once: whoever is ahead then answers.
}

}  // namespace tally::ordering
