#include "ordering/testing/explored_copies.hpp"

#include <algorithm>

#include "ordering/test_network.hpp"

namespace tally::ordering::testing {
namespace {

constexpr Micros explored_genesis{1'700'000'000'000'000};

Quorum explored_quorum(const Canaries& canaries) {
    Quorum quorum = Quorum::of(explored_participants);
    if (canaries.quorum_one_short) --quorum.votes_min;
    return quorum;
}

template <class QC>
std::optional<Named> named_by(const std::optional<QC>& qc) {
    if (!qc) return std::nullopt;
    return Named{qc->body.view, qc->body.block};
}

void append_standing(Bytes& key, const Standing& standing) {
    const auto add = [&](const std::optional<Named>& named) {
        key.push_back(named ? uint8_t(named->view.value + 1) : 0);
        if (named) append(key, ByteView(named->block.bytes));
    };
    append_u64(key, standing.slot.value);
    append(key, ByteView(standing.parent.bytes));
    append_u64(key, standing.view.value);
    key.push_back(standing.timed_out ? uint8_t(standing.timed_out->value + 1) : 0);
    key.push_back(standing.has_reported ? 1 : 0);
    key.push_back(standing.has_proposed ? 1 : 0);
    for (const auto& named : {standing.reported, standing.prepared, standing.committed,
                              standing.highest, standing.justified})
        add(named);
    add(standing.proposal ? std::optional(Named{View{}, *standing.proposal}) : std::nullopt);
    for (const auto& [hash, body] : standing.bodies) append(key, ByteView(body.bytes));
}

}  // namespace

Copies::Copies(const Bounds& bounds)
    : bounds_(bounds),
      set_(test_signatories(explored_participants)),
      leaders_(set_),
      quorum_(explored_quorum(bounds.canaries)),
      verifier_(test_verifier()) {
    const Participant twin = leaders_.of({1}, {bounds.twin_leads});
    std::vector<Participant> order;
    for (uint32_t view = 0; view < explored_participants; ++view) {
        const Participant leader = leaders_.of({1}, {view});
        if (leader != twin) order.push_back(leader);
    }
    order.insert(order.end(), {twin, twin});
    for (const Participant participant : order) {
        signers_.push_back(test_signer(participant.value));
        Identity identity;
        identity.participant = participant;
        Config& config = identity.config;
        config.self = {participant, &set_, signers_.back().get(), verifier_.get()};
        config.network = set_.network;
        config.genesis_time = explored_genesis;
        config.provers = {{{0}, {1}, {2}, {3}}};
        config.canaries = bounds.canaries;
        if (participant == twin) config.canaries.propose_over_tc = bounds.twin_forks;
        // So that the copies of the Twin propose different blocks.
        if (identities_.size() + 1 == explored_copies) identity.wall_ahead_us = 1;
        identities_.push_back(std::move(identity));
    }
}

model::Now Copies::now_of(uint32_t copy, uint64_t clock_us) const {
    return {{explored_genesis.value + 1'000'000 + identities_[copy].wall_ahead_us}, clock_us};
}

Participant Copies::relay_of(uint32_t copy, Participant signer) const {
    const Participant self = participant_of(copy);
    if (signer != self) return signer;
    return {uint8_t((self.value + 1) % explored_participants)};
}

// --- what is kept ---

MessagePointer Copies::kept(model::Message message) {
    auto& slot = messages_[sha256(model::encode_message(message))];
    if (!slot) slot = std::make_shared<const model::Message>(std::move(message));
    return slot;
}

/// Statements alone: certificates are made of them.
const Said* Copies::said_in(uint32_t copy, const MessagePointer& sent) {
    const MessagePointer message = kept(*sent);
    auto& slot = said_[{copy, message.get()}];
    if (slot) return slot.get();
    Said said;
    said.copy = copy;
    said.kind = message->index();
    said.message = message;
    const auto fill = [&](const auto& statement) {
        said.signer = statement.signer;
        said.slot = statement.body.slot;
        said.view = statement.body.view;
        said.digest = sha256(cbor::encode(statement.body));
    };
    if (const auto* report = std::get_if<model::Signed<model::Report>>(message.get())) {
        fill(*report);
    } else if (const auto* proposed = std::get_if<model::ProposalMessage>(message.get())) {
        fill(proposed->proposal);
        said.block = proposed->proposal.body.block;
        if (proposed->justification) said.names = named_by(proposed->justification->highest);
        if (proposed->block) {
            names_.try_emplace(said.block, uint8_t(8 * said.view.value + copy + 1));
            auto& known = bodies_[said.block];
            const model::BlockBody body{*proposed->block, proposed->certificates};
            if (std::find(known.begin(), known.end(), body) == known.end()) known.push_back(body);
        }
    } else if (const auto* vote = std::get_if<model::Signed<model::PrepareVote>>(message.get())) {
        fill(*vote);
        said.block = vote->body.block;
    } else if (const auto* commit = std::get_if<model::Signed<model::CommitVote>>(message.get())) {
        fill(*commit);
        said.block = commit->body.block;
    } else if (const auto* timeout = std::get_if<model::TimeoutMessage>(message.get())) {
        fill(timeout->timeout);
        said.names = named_by(timeout->qc);
    }
    // Others' statements, and what is none, are nobody's news.
    if (said.slot.value == 0 || said.signer != participant_of(copy)) return nullptr;
    slot = std::make_unique<const Said>(std::move(said));
    return slot.get();
}

const Node* Copies::kept(Node node) {
    Bytes key{uint8_t(node.copy)};
    append_standing(key, node.standing);
    if (bounds_.crashes > 0) {
        Effects effects;
        node.again = restarted(node.copy, node.clock_us, node.journal, effects).standing();
        append_standing(key, *node.again);
    }
    auto& slot = nodes_[sha256(key)];
    if (!slot) slot = std::make_unique<const Node>(std::move(node));
    return slot.get();
}

Outcome Copies::outcome_of(Node node, Effects effects) {
    Outcome outcome;
    for (const auto& effect : effects.list) {
        if (const auto* send = std::get_if<model::Send>(&effect)) {
            if (const Said* said = said_in(node.copy, send->message)) outcome.said.push_back(said);
        } else if (const auto* save = std::get_if<model::Save>(&effect);
                   save != nullptr && bounds_.crashes > 0) {
            node.journal.push_back(save->record);
        }
    }
    node.standing = node.machine.standing();
    outcome.after = kept(std::move(node));
    if (bounds_.crashes > 0) outcome.effects = std::move(effects);
    return outcome;
}

// --- inputs ---

/// Of the lane's next height, so that there is one slot's work.
void Copies::give_work(Machine& machine, uint32_t copy, uint64_t clock_us, Slot slot,
                       Effects& effects) const {
    Bytes name{0};
    append_u64(name, slot.value);
    model::LaneCertificate made{{0}, {slot.value}, sha256(name), {}, {}};
    const model::BatchClaim claim{made.lane, made.height, made.header};
    const auto author = test_signer(0);
    made.author = model::sign(set_, {0}, *author, claim).signature;
    for (uint8_t i = 0; i < set_.quorum().votes_min; ++i) {
        const model::Acknowledgement ack{made.lane, made.height, made.header, explored_genesis};
        const auto by = test_signer(i);
        made.parts.push_back({{i}, ack.time, model::sign(set_, {i}, *by, ack).signature});
    }
    machine.on_lane_certificate(made, now_of(copy, clock_us), effects);
}

Machine Copies::restarted(uint32_t copy, uint64_t clock_us,
                          const std::vector<std::shared_ptr<const model::Record>>& journal,
                          Effects& effects) const {
    Machine machine(identities_[copy].config);
    for (const auto& record : journal) machine.recover(*record);
    machine.start(now_of(copy, clock_us), effects);
    give_work(machine, copy, clock_us, machine.slot(), effects);
    return machine;
}

const Outcome& Copies::begin(uint32_t copy) {
    Effects effects;
    constexpr uint64_t clock_us = 1'000'000;
    Machine machine = restarted(copy, clock_us, {}, effects);
    Outcome& outcome = outcomes_[{nullptr, {&identities_[copy]}}];
    outcome = outcome_of({copy, std::move(machine), {}, {}, {}, clock_us}, std::move(effects));
    return outcome;
}

const Outcome& Copies::hear(const Node& node, const std::vector<Hearing>& hearings) {
    Input input;
    for (const Hearing& hearing : hearings) input.push_back(hearing.message);
    const auto [at, is_new] = outcomes_.try_emplace({&node, std::move(input)});
    if (!is_new) return at->second;
    Node after = node;
    Effects effects;
    for (const auto& [from, message] : hearings)
        after.machine.on_message(from, *message, now_of(node.copy, node.clock_us), effects);
    return at->second = outcome_of(std::move(after), std::move(effects));
}

const Outcome& Copies::time_out(const Node& node) {
    const auto [at, is_new] = outcomes_.try_emplace({&node, Input{nullptr}});
    if (!is_new) return at->second;
    Node after = node;
    Effects effects;
    after.clock_us += identities_[node.copy].config.parameters.view_timer_us << 12;
    after.machine.on_tick(now_of(node.copy, after.clock_us), effects);
    return at->second = outcome_of(std::move(after), std::move(effects));
}

const Outcome& Copies::crash(const Node& node, const Outcome* within, size_t applied, Slot slot) {
    const auto [at, is_new] = crashes_.try_emplace({&node, within, applied});
    if (!is_new) return at->second;
    Node after = node;
    std::vector<const Said*> left;
    for (size_t i = 0; i < applied; ++i) {
        const auto& effect = within->effects.list[i];
        if (const auto* save = std::get_if<model::Save>(&effect)) {
            after.journal.push_back(save->record);
        } else if (const auto* send = std::get_if<model::Send>(&effect)) {
            if (const Said* said = said_in(node.copy, send->message)) left.push_back(said);
        }
    }
    Effects effects;
    after.machine = restarted(node.copy, node.clock_us, after.journal, effects);
    ENSURE(after.machine.slot() == slot);
    at->second = outcome_of(std::move(after), std::move(effects));
    at->second.said.insert(at->second.said.begin(), left.begin(), left.end());
    return at->second;
}

const Outcome& Copies::give_work(const Node& node, Slot slot) {
    const auto [at, is_new] = outcomes_.try_emplace({&node, Input{&nodes_}});
    if (!is_new) return at->second;
    Node after = node;
    Effects effects;
    give_work(after.machine, node.copy, node.clock_us, slot, effects);
    return at->second = outcome_of(std::move(after), std::move(effects));
}

std::shared_ptr<const model::Decision> Copies::decide(const Node& node,
                                                      const model::CommitQC& qc) const {
    Machine machine(node.machine);
    Effects effects;
    const model::Now now = now_of(node.copy, node.clock_us);
    for (const auto& [signer, signature] : qc.endorsements) {
        const model::Signed<model::CommitVote> vote{qc.body, signer, signature};
        machine.on_message(relay_of(node.copy, signer), vote, now, effects);
    }
    const Participant relay = relay_of(node.copy, participant_of(node.copy));
    machine.on_message(relay, model::DecideMessage{qc}, now, effects);
    for (const auto& body : bodies_.at(qc.body.block))
        machine.on_message(relay, body, now, effects);
    for (const auto& effect : effects.list) {
        if (const auto* output = std::get_if<Decided>(&effect)) return output->decision;
    }
    return nullptr;
}

}  // namespace tally::ordering::testing
