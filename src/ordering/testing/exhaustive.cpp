#include "ordering/testing/exhaustive.hpp"

#include <algorithm>

#include "ordering/testing/exhaustive_search.hpp"

namespace tally::ordering::testing {

void Explorer::put(State& state, const Outcome& outcome) {
    state.copies[outcome.after->copy] = outcome.after;
    for (const Said* said : outcome.said) absorb(state, *said);
}

void Explorer::absorb(State& state, const Said& said) {
    if (said.slot != state.slot) return;
    if (said.copy < honest_copies && said.view.value <= views_explored_max) {
        const size_t place =
            (said.view.value * kinds + said.kind - report_kind) * honest_copies + said.copy;
        const Said*& first = state.places[place];
        if (first == nullptr) first = &said;
        if (first->digest != said.digest)
            fail(state, "an honest participant signed two statements in one place");
    }
    if (said.view < state.level || said.view.value >= bounds_.views) return;
    if (std::find(state.said.begin(), state.said.end(), &said) == state.said.end())
        state.said.push_back(&said);
}

// --- choices ---

std::vector<Choice> Explorer::choices_of(const State& state) const {
    std::vector<Choice> choices;
    if (!takes_part(state, state.next)) return choices;
    const Standing& standing = state.copies[state.next]->standing;
    const bool has_left = standing.timed_out && *standing.timed_out >= state.level;
    const bool is_here = standing.view == state.level;
    switch (state.phase) {
    case Phase::enter:
        if (standing.view < state.level && !has_left) choose_entry(state, choices);
        break;
    case Phase::vote:
        if (is_here && !has_left && !standing.proposal) choose_vote(state, choices);
        break;
    case Phase::learn: choose_qc(state, choices); break;
    case Phase::time_out:
        if (is_here && !has_left) choices.push_back({{}, "times out, with", standing.highest});
        break;
    case Phase::join:
        if (standing.view < state.level && !has_left) choose_join(state, choices);
        break;
    case Phase::late:
        if (is_here && has_left) choose_qc(state, choices);
        break;
    case Phase::decide: choose_decision(state, choices); break;
    }
    return choices;
}

void Explorer::choose_entry(const State& state, std::vector<Choice>& choices) const {
    const Participant relay = copies_.relay_of(state.next, copies_.participant_of(state.next));
    for (const Certified* tc : state.tcs)
        choices.push_back({{{relay, tc->message.get()}}, "enters by a TC with", tc->names});
}

void Explorer::choose_vote(const State& state, std::vector<Choice>& choices) const {
    for (const Said* said : state.said) {
        if (said->kind != proposal_kind || said->view != state.level) continue;
        const Participant from = copies_.relay_of(state.next, said->signer);
        choices.push_back({{{from, said->message.get()}},
                           "hears the proposal of",
                           Named{said->view, said->block}});
    }
}

/// As votes, and then as the certificate, for who no more counts such votes.
void Explorer::choose_qc(const State& state, std::vector<Choice>& choices) const {
    const Standing& standing = state.copies[state.next]->standing;
    for (const Certified* qc : state.qcs) {
        const View view = qc->names->view;
        if (standing.highest && standing.highest->view >= view) continue;
        // What it would say in a view that lies behind was said there, or never is.
        if (standing.view < state.level && standing.view == view) continue;
        // Of use in Timeouts alone.
        if (is_last(state) && view != state.level) continue;
        Choice choice{{}, "learns the QC of", qc->names};
        for (const MessagePointer& vote : qc->votes) {
            const auto& signer = std::get<model::Signed<model::PrepareVote>>(*vote).signer;
            if (signer != copies_.participant_of(state.next))
                choice.hears.push_back({signer, vote.get()});
        }
        choice.hears.push_back({choice.hears.front().from, qc->message.get()});
        choices.push_back(std::move(choice));
    }
}

/// Two Timeouts of others above its view: of each that differ in what they make it know, one pair.
void Explorer::choose_join(const State& state, std::vector<Choice>& choices) const {
    const Participant self = copies_.participant_of(state.next);
    std::set<std::optional<Named>> known;
    for (const Said* one : state.said) {
        for (const Said* other : state.said) {
            if (one->kind != timeout_kind || other->kind != timeout_kind ||
                one->signer >= other->signer || one->signer == self || other->signer == self ||
                one->view != state.level || other->view != state.level)
                continue;
            const auto highest = std::max(one->names, other->names);
            if (!known.insert(highest).second) continue;
            choices.push_back(
                {{{one->signer, one->message.get()}, {other->signer, other->message.get()}},
                 "joins two Timeouts with",
                 highest});
        }
    }
}

void Explorer::choose_decision(const State& state, std::vector<Choice>& choices) const {
    if (state.commit_qcs.empty() || state.slot.value >= bounds_.slots) return;
    const Certified& qc = *state.commit_qcs.front();
    const Participant relay = copies_.relay_of(state.next, copies_.participant_of(state.next));
    Choice choice{{{relay, qc.message.get()}}, "decides", qc.names};
    for (const MessagePointer& body : qc.votes) choice.hears.push_back({relay, body.get()});
    choices.push_back(std::move(choice));
}

std::string Explorer::who(uint32_t copy) const {
    if (copy >= honest_copies) return "the Twin's copy " + std::to_string(copy - honest_copies);
    return "participant " + std::to_string(copies_.participant_of(copy).value);
}

void Explorer::take(const State& state, const Choice& choice) {
    const Node& node = *state.copies[state.next];
    const Outcome& outcome =
        choice.hears.empty() ? copies_.time_out(node) : copies_.hear(node, choice.hears);
    if (may_crash(state)) {
        for (size_t applied = 1; applied <= outcome.effects.list.size(); ++applied)
            crash(state, &outcome, applied);
    }
    State after = state;
    ++after.next;
    go_on(std::move(after), outcome, std::string(choice.what) + " " + text_of(choice.about));
}

/// It may do something else after that, still in this phase.
void Explorer::crash(const State& state, const Outcome* within, size_t applied) {
    State after = state;
    --after.crashes_left;
    const Node& node = *state.copies[state.next];
    std::string what = "crashes and starts again";
    if (within != nullptr)
        what += ", after " + std::to_string(applied) + " effects of what it did next";
    go_on(std::move(after), copies_.crash(node, within, applied, state.slot), std::move(what));
}

void Explorer::go_on(State state, const Outcome& outcome, std::string what) {
    ++explored_.choices;
    explored_.depth = std::max(explored_.depth, ++state.depth);
    state.way = std::make_shared<const Taken>(
        Taken{state.way, "slot " + std::to_string(state.slot.value) + ", view " +
                             std::to_string(state.level.value) + ": " + who(outcome.after->copy) +
                             " " + std::move(what)});
    put(state, outcome);
    visit(std::move(state));
}

void Explorer::expand(const State& state) {
    for (const Choice& choice : choices_of(state)) take(state, choice);
    if (may_crash(state)) crash(state, nullptr, 0);
    State idle = state;
    ++idle.next;
    visit(std::move(idle));
}

/// On to where there is a choice; what was there before leads to nothing new.
void Explorer::visit(State state) {
    while (explored_.violation.empty()) {
        if (state.next == explored_copies) {
            if (!end_phase(state)) return;
        } else if (!may_crash(state) && choices_of(state).empty()) {
            ++state.next;
        } else {
            if (seen_.insert(key_of(state)).second) open_.push_back(std::move(state));
            return;
        }
    }
}

Explored Explorer::run(const std::function<bool()>& may_go_on) {
    ENSURE(bounds_.views >= 1 && bounds_.views <= views_explored_max);
    ENSURE(bounds_.slots == 1 || bounds_.crashes == 0);
    State first;
    first.crashes_left = bounds_.crashes;
    for (uint32_t copy = 0; copy < explored_copies; ++copy) put(first, copies_.begin(copy));
    visit(std::move(first));
    while (!open_.empty() && explored_.violation.empty()) {
        if (seen_.size() >= bounds_.states_max || !may_go_on()) break;
        const State state = std::move(open_.back());
        open_.pop_back();
        expand(state);
    }
    explored_.states = seen_.size();
    explored_.machines = copies_.nodes();
    explored_.exhausted = open_.empty() && explored_.violation.empty();
    return explored_;
}

void Explorer::fail(const State& state, std::string what) {
    if (!explored_.violation.empty()) return;
    explored_.violation = std::move(what);
    for (auto at = state.way; at; at = at->before) explored_.way.push_back(at->what);
    std::reverse(explored_.way.begin(), explored_.way.end());
}

// --- telling states apart ---

std::string Explorer::text_of(const std::optional<Named>& named) const {
    if (!named) return "no QC";
    const uint32_t name = copies_.name_of(named->block) - 1u;
    return "view " + std::to_string(named->view.value) + "'s block, first proposed in view " +
           std::to_string(name / 8) + " by " + who(name % 8);
}

void Explorer::write(Bytes& key, const std::optional<Named>& named) const {
    key.push_back(named ? uint8_t(named->view.value + 1) : 0);
    key.push_back(named ? copies_.name_of(named->block) : 0);
}

/// What this standing lets its copy do from here on.
void Explorer::write_standing(Bytes& key, const State& state, uint32_t copy,
                              const Standing& standing) const {
    key.push_back(uint8_t(standing.view.value));
    // Which views it has left behind is of use from this one on.
    const bool has_left = standing.timed_out && *standing.timed_out >= state.level;
    key.push_back(has_left ? uint8_t(standing.timed_out->value + 1) : 0);
    write(key, standing.highest);
    const bool leads =
        copies_.leaders().of(state.slot, standing.view) == copies_.participant_of(copy);
    const bool is_ahead = standing.view > state.level;
    const bool is_here = standing.view == state.level;
    if (leads && (is_ahead || (is_here && state.phase == Phase::enter))) {
        key.push_back(standing.has_proposed ? 1 : 0);
        write(key, standing.justified);
    }
    if (is_ahead || (is_here && state.phase <= Phase::vote)) {
        key.push_back(standing.proposal ? 1 : 0);
        key.push_back(standing.prepared && standing.prepared->view >= state.level ? 1 : 0);
    }
    if (bounds_.canaries.digest_without_block) {
        for (const auto& [hash, body] : standing.bodies) append(key, ByteView(body.bytes));
    }
}

void Explorer::write_copy(Bytes& key, const State& state, uint32_t copy) const {
    const Node& node = *state.copies[copy];
    key.push_back(takes_part(state, copy) ? 1 : 0);
    if (!takes_part(state, copy)) return;
    write_standing(key, state, copy, node.standing);
    if (copy < honest_copies && state.crashes_left > 0)
        write_standing(key, state, copy, *node.again);
}

Key Explorer::key_of(const State& state) const {
    Bytes key{uint8_t(state.slot.value), uint8_t(state.level.value), uint8_t(state.phase),
              uint8_t(state.next), uint8_t(state.crashes_left)};
    for (uint32_t copy = 0; copy < explored_copies; ++copy) write_copy(key, state, copy);
    const auto write_sorted = [&](auto& parts) {
        std::sort(parts.begin(), parts.end());
        key.push_back(uint8_t(parts.size()));
        for (const auto& part : parts) key.insert(key.end(), part.begin(), part.end());
    };
    std::vector<std::array<uint8_t, 6>> said;
    for (const Said* one : state.said) {
        said.push_back({uint8_t(one->kind), uint8_t(one->view.value), one->signer.value,
                        one->block.is_zero() ? uint8_t(0) : copies_.name_of(one->block),
                        one->names ? uint8_t(one->names->view.value + 1) : uint8_t(0),
                        one->names ? copies_.name_of(one->names->block) : uint8_t(0)});
    }
    write_sorted(said);
    for (const auto* certificates : {&state.qcs, &state.commit_qcs, &state.tcs}) {
        std::vector<Bytes> parts;
        for (const Certified* one : *certificates) write(parts.emplace_back(), one->names);
        write_sorted(parts);
    }
    const Hash hash = sha256(key);
    Key halves{};
    for (size_t i = 0; i < 16; ++i) halves[i / 8] = halves[i / 8] << 8 | hash.bytes[i];
    return halves;
}

Explored explore_all(const Bounds& bounds, const std::function<bool()>& may_go_on) {
    return Explorer(bounds).run(may_go_on);
}

}  // namespace tally::ordering::testing
