#include "sim/sim_network.hpp"

#include <algorithm>

namespace tally::sim {

SimNetwork::SimNetwork(const Scenario& scenario, const Users& users, const SimKeys& keys)
    : scenario_(scenario),
      keys_(keys),
      charter_(make_charter(scenario, users, entries())),
      epochs_(charter_),
      set_(epochs_.current()) {}

std::vector<model::ParticipantEntry> SimNetwork::entries() const {
    std::vector<model::ParticipantEntry> entries;
    for (uint8_t i = 0; i < scenario_.participants; ++i)
        entries.push_back(make_entry({i}, keys_.identity({i}).public_key(),
                                     keys_.founding({i}).public_key(),
                                     x25519_public(keys_.opening({i}, Epoch{}))));
    return entries;
}

void SimNetwork::begin(model::Beginning beginning) {
    charter_.begin(std::move(beginning));
    epochs_ = model::Epochs(charter_);
    set_ = epochs_.current();
}

model::VotedProposal SimNetwork::propose(const Fault& fault) {
    const auto& now = charter_.now();
    model::VotedProposal voted;
    auto& proposal = voted.proposal;
    proposal.network = set_.network;
    proposal.epoch = set_.epoch.next();
    proposal.attempt = ++attempts_[set_.epoch];
    proposal.parameters = now.parameters;
    auto& parameters = proposal.parameters;
    parameters.late_after_us += uint64_t(fault.amount);
    if (parameters.hold_us > 0) {
        parameters.hold_us = std::max(parameters.hold_us, parameters.late_after_us);
        parameters.retention_us = std::max(parameters.retention_us, parameters.hold_us);
    }
    proposal.provers.resize(ledger_count);
    const auto all = entries();
    for (uint8_t i = 0; i < scenario_.participants; ++i) {
        const bool is_here = set_.has({i});
        const bool takes_part = contains(fault.at, {i});
        // A place that is new is not vacant, and none goes away.
        if (!takes_part && i >= now.participants.size()) break;
        proposal.participants.push_back(!takes_part ? model::ParticipantEntry{}
                                        : is_here   ? now.participants[i]
                                                    : all[i]);
        if (!takes_part) continue;
        for (auto& provers : proposal.provers) provers.push_back({i});
    }
    // Another change may have come to nothing before, and with it those that were to come. Honest
    // participants vote for no network that does not survive its liars.
    uint32_t liars = 0;
    for (size_t i = 0; i < proposal.participants.size(); ++i) {
        const bool lies = scenario_.liar({uint8_t(i)}) != nullptr;
        liars += !proposal.participants[i].is_vacant() && lies ? 1 : 0;
    }
    if (liars > Quorum::of(proposal.count()).liars_max) return voted;
    const Bytes statement = model::proposal_statement(proposal.hash());
    for (uint32_t i = 0; i < now.participants.size(); ++i) {
        const Participant voter{uint8_t(i)};
        if (set_.has(voter)) voted.votes.push_back({voter, keys_.identity(voter).sign(statement)});
    }
    return voted;
}

void SimNetwork::on_epoch(Participant who, const model::Handover& handover,
                          const Verifier& verifier, Findings& findings) {
    const Epoch epoch = handover.proposal.epoch;
    if (epoch == charter_.epoch().next()) {
        if (!model::check_quorum(set_, verifier, handover.last) ||
            handover.next.proposal != handover.proposal.hash())
            findings.add("an epoch is handed over by the one before", name_of(who));
        return begin(handover);
    }
    const auto* known = epoch.value > 0 && epoch <= charter_.epoch()
                            ? std::get_if<model::Handover>(&charter_.beginnings[epoch.value - 1])
                            : nullptr;
    if (known == nullptr || known->next != handover.next)
        findings.add("all begin the same epoch", name_of(who));
}

}  // namespace tally::sim
