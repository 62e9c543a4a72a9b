#include <algorithm>
#include <bit>

#include "ordering/tally.hpp"
#include "ordering/testing/exhaustive_search.hpp"

namespace tally::ordering::testing {
namespace {

void forget_view(State& state, View view, size_t kind) {
    std::erase_if(state.said,
                  [&](const Said* said) { return said->view == view && said->kind == kind; });
}

}  // namespace

/// False once the run is over.
bool Explorer::end_phase(State& state) {
    state.next = 0;
    switch (state.phase) {
    case Phase::enter:
        propose(state);
        state.phase = Phase::vote;
        return true;
    case Phase::vote:
        certify_votes(state);
        state.phase = Phase::learn;
        return true;
    case Phase::learn:
        // The last view's Timeouts lead nowhere, but for who votes after them.
        state.phase =
            is_last(state) && !bounds_.canaries.vote_after_timeout ? Phase::late : Phase::time_out;
        return true;
    case Phase::time_out: state.phase = is_last(state) ? Phase::late : Phase::join; return true;
    case Phase::join:
        certify_timeouts(state);
        state.phase = Phase::late;
        return true;
    case Phase::late:
        certify_commits(state);
        if (is_last(state)) {
            state.phase = Phase::decide;
            return !state.commit_qcs.empty();
        }
        state.level = state.level.next();
        state.phase = Phase::enter;
        return true;
    case Phase::decide: return begin_slot(state);
    }
    std::abort();
}

/// Whoever leads this view and waits for Reports has them.
void Explorer::propose(State& state) {
    for (uint32_t copy = 0; copy < explored_copies; ++copy) {
        const Standing& standing = state.copies[copy]->standing;
        if (!takes_part(state, copy) || standing.view != state.level || standing.has_proposed ||
            copies_.leaders().of(state.slot, state.level) != copies_.participant_of(copy))
            continue;
        std::map<Participant, const model::Message*> reports;
        for (const Said* said : state.said) {
            if (said->kind == report_kind && said->view == state.level &&
                said->signer != copies_.participant_of(copy))
                reports.try_emplace(said->signer, said->message.get());
        }
        std::vector<Hearing> hearings;
        for (const auto& [signer, report] : reports) hearings.push_back({signer, report});
        if (!hearings.empty()) put(state, copies_.hear(*state.copies[copy], hearings));
    }
    forget_view(state, state.level, report_kind);
    state.tcs.clear();
}

const Certified* Explorer::certified(std::optional<Named> names, model::Message message,
                                     std::vector<MessagePointer> votes) {
    const MessagePointer kept = copies_.kept(std::move(message));
    auto& slot = certificates_[kept.get()];
    if (!slot) slot = std::make_unique<const Certified>(Certified{names, kept, std::move(votes)});
    return slot.get();
}

/// A certificate of each block that a quorum voted for; who else did is forgotten.
template <class QC>
std::vector<const Certified*> Explorer::quorums_of(const State& state, size_t kind) {
    std::map<Hash, std::map<Participant, const Said*>> votes;
    for (const Said* said : state.said) {
        if (said->kind == kind && said->view == state.level)
            votes[said->block].try_emplace(said->signer, said);
    }
    std::vector<const Certified*> quorums;
    for (const auto& [block, by_signer] : votes) {
        if (by_signer.size() < copies_.quorum().votes_min) continue;
        QC qc{{state.slot, state.level, block}, {}};
        std::vector<MessagePointer> messages;
        for (const auto& [signer, said] : by_signer) {
            if (qc.endorsements.size() == copies_.quorum().votes_min) break;
            std::visit(
                [&](const auto& vote) {
                    if constexpr (requires { qc.endorsements.push_back({signer, vote.signature}); })
                        qc.endorsements.push_back({signer, vote.signature});
                },
                *said->message);
            messages.push_back(said->message);
        }
        const Named names{state.level, block};
        if constexpr (std::is_same_v<QC, model::CommitQC>) {
            messages.clear();
            for (const auto& body : copies_.bodies_of(block))
                messages.push_back(copies_.kept(model::Message{body}));
            quorums.push_back(
                certified(names, model::Message{model::DecideMessage{qc}}, std::move(messages)));
        } else {
            quorums.push_back(certified(names, model::Message{qc}, std::move(messages)));
        }
    }
    return quorums;
}

void Explorer::certify_votes(State& state) {
    for (const Certified* qc : quorums_of<model::PrepareQC>(state, prepare_kind))
        state.qcs.push_back(qc);
    forget_view(state, state.level, prepare_kind);
    forget_view(state, state.level, proposal_kind);
}

/// Of every quorum of Timeouts; of those that name the same QC, one.
void Explorer::certify_timeouts(State& state) {
    std::vector<const Said*> timeouts;
    for (const Said* said : state.said) {
        if (said->kind == timeout_kind && said->view == state.level) timeouts.push_back(said);
    }
    std::set<std::optional<Named>> known;
    const uint32_t votes_min = copies_.quorum().votes_min;
    for (uint32_t chosen = 0; chosen < 1u << timeouts.size(); ++chosen) {
        if (uint32_t(std::popcount(chosen)) != votes_min) continue;
        TimeoutTally tally(explored_participants);
        for (size_t i = 0; i < timeouts.size(); ++i) {
            if ((chosen >> i & 1) != 0)
                tally.add(std::get<model::TimeoutMessage>(*timeouts[i]->message));
        }
        const auto tc =
            tally.certificate(state.slot, state.level, votes_min, bounds_.canaries.first_qc_in_tc);
        if (!tc) continue;  // Two of them are the Twin's.
        std::optional<Named> names;
        if (tc->highest) names = Named{tc->highest->body.view, tc->highest->body.block};
        if (known.insert(names).second)
            state.tcs.push_back(certified(names, model::Message{*tc}, {}));
    }
    forget_view(state, state.level, timeout_kind);
}

void Explorer::certify_commits(State& state) {
    const auto quorums = quorums_of<model::CommitQC>(state, commit_kind);
    std::erase_if(state.said, [&](const Said* said) { return said->view == state.level; });
    if (quorums.empty()) return;
    ++explored_.decidable;
    for (const Certified* qc : quorums) state.commit_qcs.push_back(qc);
    check_decisions(state);
}

/// Each honest participant is shown one of the CommitQCs that exist, turn by turn: all decide, and
/// decide alike.
void Explorer::check_decisions(const State& state) {
    std::shared_ptr<const model::Decision> first;
    for (uint32_t copy = 0; copy < honest_copies; ++copy) {
        if (!takes_part(state, copy)) continue;
        const auto& shown = *state.commit_qcs[copy % state.commit_qcs.size()]->message;
        const auto& qc = std::get<model::DecideMessage>(shown).qc;
        const auto decision = copies_.decide(*state.copies[copy], qc);
        if (!decision) return fail(state, "a CommitQC was shown, and nothing decided");
        if (!first) first = decision;
        if (!(decision->block == first->block))
            return fail(state, "two blocks decided in one slot");
        if (!copies_.is_quorum(decision->qc)) return fail(state, "a decision without a quorum");
    }
}

/// Those who have decided go on, with work for one slot more.
bool Explorer::begin_slot(State& state) {
    if (state.slot.value >= bounds_.slots) return false;
    state.slot = state.slot.next();
    state.level = {};
    state.phase = Phase::enter;
    state.said.clear();
    state.qcs.clear();
    state.commit_qcs.clear();
    state.tcs.clear();
    state.places = {};
    std::set<Participant> present;
    for (uint32_t copy = 0; copy < explored_copies; ++copy) {
        if (!takes_part(state, copy)) continue;
        present.insert(copies_.participant_of(copy));
        put(state, copies_.give_work(*state.copies[copy], state.slot));
    }
    return present.size() >= copies_.quorum().votes_min;
}

}  // namespace tally::ordering::testing
