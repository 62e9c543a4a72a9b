#include "ordering/test_liar.hpp"

#include "ordering/tally.hpp"

namespace tally::ordering::testing {

TestLiar::TestLiar(Network& network, Participant self, uint64_t seed)
    : network_(network),
      self_(self),
      dice_(seed),
      leaders_(network.set()),
      config_(network.config(self)),
      chain_(Chain::genesis(config_)) {
    network.replace(self, [this](Participant, const model::Message& message) { on(message); });
}

/// Stays with those who have not decided, as long as they are left behind.
void TestLiar::follow() {
    const auto& decisions = network_.decisions();
    while (decisions.contains(chain_.next_slot()) && network_.all_decided(chain_.next_slot())) {
        const auto& decision = decisions.at(chain_.next_slot());
        chain_.append(decision, decision.qc.body.block);
        places_.clear();
        qcs_.clear();
    }
}

void TestLiar::on(const model::Message& message) {
    follow();
    std::visit(
        [&](const auto& held) {
            using M = std::decay_t<decltype(held)>;
            const auto here = [&](Slot slot) { return slot == chain_.next_slot(); };
            if constexpr (requires { see(held); }) {
                if constexpr (requires { held.body.slot; }) {
                    if (here(held.body.slot)) see(held);
                } else if constexpr (std::is_same_v<M, model::ProposalMessage>) {
                    if (here(held.proposal.body.slot)) see(held);
                } else if constexpr (std::is_same_v<M, model::TimeoutMessage>) {
                    if (here(held.timeout.body.slot)) see(held);
                } else if constexpr (std::is_same_v<M, model::TimeoutCertificate>) {
                    if (here(held.slot)) see(held);
                } else {
                    see(held);
                }
            }
        },
        message);
}

void TestLiar::say_to_some(const model::Message& message) {
    for (uint32_t i = 0; i < network_.set().count(); ++i) {
        if (dice_.chance(60)) network_.say(self_, {uint8_t(i)}, message);
    }
}

void TestLiar::see(const model::Signed<model::Report>& report_seen) {
    const View view = report_seen.body.view;
    Place& place = places_[view];
    place.reports.insert_or_assign(report_seen.signer, report_seen);
    if (!place.reports.contains(self_) || dice_.chance(5)) report(view);
    if (leaders_.of(chain_.next_slot(), view) == self_ && place.proposed < 3) propose(view);
}

void TestLiar::see(const model::ProposalMessage& message) {
    vote_for(message.proposal.body.view, message.proposal.body.block);
}

void TestLiar::see(const model::Signed<model::PrepareVote>& vote) {
    const auto& [slot, view, block] = vote.body;
    auto& votes = places_[view].prepared[block];
    votes.insert_or_assign(vote.signer, vote);
    votes.insert_or_assign(self_, sign(vote.body));
    vote_for(view, block);
    if (votes.size() < network_.set().quorum().votes_min) return;
    model::PrepareQC qc{vote.body, {}};
    for (const auto& [signer, one] : votes) qc.endorsements.push_back({signer, one.signature});
    qcs_.insert_or_assign(view, qc);
    if (dice_.chance(30)) say_to_some(qc);
}

void TestLiar::see(const model::Signed<model::CommitVote>& vote) {
    vote_for(vote.body.view, vote.body.block);
    auto& votes = places_[vote.body.view].committed[vote.body.block];
    votes.insert_or_assign(vote.signer, vote);
    votes.insert_or_assign(self_, sign(vote.body));
    if (votes.size() < network_.set().quorum().votes_min || !dice_.chance(30)) return;
    model::CommitQC qc{vote.body, {}};
    for (const auto& [signer, one] : votes) qc.endorsements.push_back({signer, one.signature});
    // To one alone, so that the others go on without it.
    network_.say(self_, {uint8_t(dice_.below(network_.set().count()))}, model::DecideMessage{qc});
}

void TestLiar::see(const model::TimeoutMessage& message) {
    const View view = message.timeout.body.view;
    if (message.qc) see(*message.qc);
    places_[view].timeouts.insert_or_assign(message.timeout.signer, message);
    if (!places_[view].timeouts.contains(self_) || dice_.chance(10)) time_out(view);
    choose_certificate(view);
}

void TestLiar::vote_for(View view, const Hash& block) {
    if (!places_[view].voted.insert(block).second && !dice_.chance(5)) return;
    const Slot slot = chain_.next_slot();
    say_to_some(sign(model::PrepareVote{slot, view, block}));
    if (dice_.chance(70)) say_to_some(sign(model::CommitVote{slot, view, block}));
}

void TestLiar::report(View view) {
    model::Report own{chain_.next_slot(), view, {}, {}, network_.now().wall};
    own.time.value += dice_.below(1'000);
    for (const auto& entry : chain_.last.cut)
        own.lanes.push_back({entry.height.value + dice_.below(3)});
    const auto report_signed = sign(own);
    if (dice_.chance(50)) say_to_some(report_signed);
    places_[view].reports.insert_or_assign(self_, report_signed);
}

void TestLiar::time_out(View view) {
    model::TimeoutMessage message{sign(model::Timeout{chain_.next_slot(), view, {}, {}}), {}};
    if (!qcs_.empty() && dice_.chance(40)) {
        auto at = qcs_.begin();
        std::advance(at, ptrdiff_t(dice_.below(qcs_.size())));
        message.qc = at->second;
        message.timeout = sign(
            model::Timeout{chain_.next_slot(), view, at->second.body.view, at->second.body.block});
    }
    say_to_some(message);
    places_[view].timeouts.insert_or_assign(self_, message);
}

/// A TC of whichever quorum suits: more often one whose highest QC is low.
void TestLiar::choose_certificate(View view) {
    Place& place = places_[view];
    const uint32_t votes_min = network_.set().quorum().votes_min;
    if (place.timeouts.size() < votes_min || (place.certified && !dice_.chance(20))) return;
    place.certified = true;
    std::vector<model::TimeoutMessage> chosen;
    for (const auto& [signer, message] : place.timeouts) chosen.push_back(message);
    while (chosen.size() > votes_min) {
        size_t worst = dice_.below(chosen.size());
        if (dice_.chance(70)) {
            for (size_t i = 0; i < chosen.size(); ++i) {
                if (chosen[i].timeout.body.qc_view > chosen[worst].timeout.body.qc_view) worst = i;
            }
        }
        chosen.erase(chosen.begin() + ptrdiff_t(worst));
    }
    TimeoutTally tally(network_.set().count());
    for (const auto& message : chosen) tally.add(message);
    const auto certificate =
        tally.certificate(chain_.next_slot(), view, votes_min, config_.canaries.first_qc_in_tc);
    if (!certificate) return;
    say_to_some(*certificate);
    places_[view.next()].justification = certificate;
    if (leaders_.of(chain_.next_slot(), view.next()) == self_ && dice_.chance(30))
        propose(view.next());
}

void TestLiar::see(const model::TimeoutCertificate& certificate) {
    auto& justification = places_[certificate.view.next()].justification;
    if (!justification) justification = certificate;
}

/// A block that voters may accept: the same honest reports with another own one give another time.
std::optional<model::BlockBody> TestLiar::some_block(View view) {
    report(view);
    std::vector<model::Signed<model::Report>> reports;
    const uint32_t votes_min = config_.canaries.quorum_two_f_plus_one
                                   ? 2 * network_.set().quorum().liars_max + 1
                                   : network_.set().quorum().votes_min;
    std::vector<Participant> others;
    for (const auto& [signer, one] : places_[view].reports) {
        if (signer != self_) others.push_back(signer);
    }
    while (others.size() + 1 > votes_min)
        others.erase(others.begin() + ptrdiff_t(dice_.below(others.size())));
    for (const auto& [signer, one] : places_[view].reports) {
        if (signer == self_ || std::find(others.begin(), others.end(), signer) != others.end())
            reports.push_back(one);
    }
    if (reports.size() != votes_min) return std::nullopt;
    Holdings holdings(network_.set().count(), config_.provers.size(), 64);
    for (const auto& certificate : network_.certificates()) holdings.add(certificate);
    const Rules rules{&network_.set(),      &network_.set(),
                      &network_.verifier(), Quorum{network_.set().quorum().liars_max, votes_min},
                      &config_.parameters,  config_.provers,
                      config_.body};
    Missing missing;
    return build_fresh(rules, chain_, holdings, std::move(reports), missing);
}

void TestLiar::propose(View view) {
    const auto justification = places_[view].justification;
    if (view.value > 0 && !justification) return;
    // One block for all, or two at once.
    const bool two = dice_.chance(50);
    for (int copy = 0; copy <= int(two); ++copy) {
        model::ProposalMessage message;
        message.justification = justification;
        if (auto body = some_block(view)) {
            model::Block bound = body->block;
            if (config_.canaries.digest_without_block) {
                bound = {};
                bound.slot = body->block.slot;
                bound.parent = body->block.parent;
            }
            message.proposal = sign(model::Proposal{chain_.next_slot(), view, bound.hash()});
            message.block = std::move(body->block);
            message.certificates = std::move(body->certificates);
        } else if (justification && justification->highest && dice_.chance(10)) {
            message.proposal =
                sign(model::Proposal{chain_.next_slot(), view, justification->highest->body.block});
        } else {
            return;
        }
        ++places_[view].proposed;
        if (two) {
            say_to_some(message);
        } else {
            for (uint32_t i = 0; i < network_.set().count(); ++i)
                network_.say(self_, {uint8_t(i)}, message);
        }
        vote_for(view, message.proposal.body.block);
    }
}

}  // namespace tally::ordering::testing
