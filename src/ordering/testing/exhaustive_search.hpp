// The search behind explore_all(): states, the choices from each, and what tells them apart.
//
//   exhaustive.cpp         choices, and from state to state
//   exhaustive_phases.cpp  from phase to phase: proposals, certificates, decisions
#pragma once

#include <unordered_set>

#include "ordering/testing/explored_copies.hpp"

namespace tally::ordering::testing {

enum class Phase : uint8_t { enter, vote, learn, time_out, join, late, decide };

// Kinds of message, by Message::index().
constexpr size_t report_kind = 3, proposal_kind = 4, prepare_kind = 5, commit_kind = 6,
                 timeout_kind = 7, kinds = 5;
constexpr uint32_t views_explored_max = 7;

/// A certificate that what was said yields.
struct Certified {
    std::optional<Named> names;
    MessagePointer message;
    std::vector<MessagePointer> votes;  ///< those in it, of a QC
};

/// A choice that was taken; the last of a run leads to all before it.
struct Taken {
    std::shared_ptr<const Taken> before;
    std::string what;
};

struct State {
    std::array<const Node*, explored_copies> copies{};
    std::vector<const Said*> said;  ///< of this view and later ones
    std::vector<const Certified*> qcs, commit_qcs;
    std::vector<const Certified*> tcs;  ///< of the last view that was left
    /// By honest participant, kind and view: what must stay the only one there.
    std::array<const Said*, honest_copies * kinds*(views_explored_max + 2)> places{};
    Slot slot{1};
    View level;
    Phase phase = Phase::enter;
    uint32_t next = 0;  ///< whose turn it is
    uint32_t crashes_left = 0;
    uint32_t depth = 0;
    std::shared_ptr<const Taken> way;
};

/// What a copy may do when it is its turn; doing nothing is always one more.
struct Choice {
    std::vector<Hearing> hears;  ///< nothing: its timer runs out
    std::string_view what;
    std::optional<Named> about;
};

using Key = std::array<uint64_t, 2>;
struct KeyHash {
    size_t operator()(const Key& key) const { return key[0]; }
};

class Explorer {
public:
    explicit Explorer(const Bounds& bounds) : bounds_(bounds), copies_(bounds) {}
    Explored run(const std::function<bool()>& may_go_on);

private:
    [[nodiscard]] bool takes_part(const State& state, uint32_t copy) const {
        return state.copies[copy]->standing.slot == state.slot;
    }
    [[nodiscard]] bool is_last(const State& state) const {
        return state.level.value + 1 == bounds_.views;
    }
    [[nodiscard]] bool may_crash(const State& state) const {
        return state.crashes_left > 0 && state.next < honest_copies &&
               takes_part(state, state.next);
    }
    void put(State& state, const Outcome& outcome);
    void absorb(State& state, const Said& said);

    // --- choices ---
    [[nodiscard]] std::vector<Choice> choices_of(const State& state) const;
    void choose_entry(const State& state, std::vector<Choice>& choices) const;
    void choose_vote(const State& state, std::vector<Choice>& choices) const;
    void choose_qc(const State& state, std::vector<Choice>& choices) const;
    void choose_join(const State& state, std::vector<Choice>& choices) const;
    void choose_decision(const State& state, std::vector<Choice>& choices) const;
    void expand(const State& state);
    void take(const State& state, const Choice& choice);
    void crash(const State& state, const Outcome* within, size_t applied);
    void go_on(State state, const Outcome& outcome, std::string what);
    void visit(State state);

    // --- from phase to phase ---
    [[nodiscard]] bool end_phase(State& state);
    void propose(State& state);
    void certify_votes(State& state);
    void certify_timeouts(State& state);
    void certify_commits(State& state);
    template <class QC>
    std::vector<const Certified*> quorums_of(const State& state, size_t kind);
    const Certified* certified(std::optional<Named> names, model::Message message,
                               std::vector<MessagePointer> votes);
    void check_decisions(const State& state);
    [[nodiscard]] bool begin_slot(State& state);

    // --- telling states apart ---
    void write(Bytes& key, const std::optional<Named>& named) const;
    void write_standing(Bytes& key, const State& state, uint32_t copy,
                        const Standing& standing) const;
    void write_copy(Bytes& key, const State& state, uint32_t copy) const;
    [[nodiscard]] Key key_of(const State& state) const;
    [[nodiscard]] std::string text_of(const std::optional<Named>& named) const;
    [[nodiscard]] std::string who(uint32_t copy) const;
    void fail(const State& state, std::string what);

    Bounds bounds_;
    Copies copies_;
    std::map<const model::Message*, std::unique_ptr<const Certified>> certificates_;
    std::vector<State> open_;
    std::unordered_set<Key, KeyHash> seen_;
    Explored explored_;
};

}  // namespace tally::ordering::testing
