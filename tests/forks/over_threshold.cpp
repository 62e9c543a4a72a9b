#include "over_threshold.hpp"

#include <algorithm>

#include "ordering/test_liar.hpp"

namespace tally::forks {
namespace {

using ordering::testing::Dice;
using ordering::testing::Network;
using ordering::testing::Options;
using ordering::testing::TestLiar;

constexpr uint64_t view_timer_us = 1'000'000;
constexpr int steps_max = 3'000;

Options options_of(const Setup& setup) {
    Options options{.participants = setup.participants, .seed = setup.seed, .by_hand = true};
    if (setup.kind != Kind::amnesiacs) return options;
    for (uint32_t i = 0; i < setup.liars; ++i) {
        options.liars[{uint8_t(i)}] = {.forget_qc_on_restart = true,
                                       .skip_justification_check = true,
                                       .vote_after_timeout = true,
                                       .propose_over_tc = true};
    }
    return options;
}

/// The first participants lie; who leads follows from a hash of the network and not from that.
class World {
public:
    explicit World(const Setup& setup)
        : setup_(setup),
          dice_(setup.seed * 7'919),
          network_(options_of(setup)),
          culprits_(network_.set(), network_.verifier()) {
        network_.heard = [this](Participant, const model::Message& message) {
            culprits_.hear(message);
        };
        for (uint32_t i = setup.liars; i < setup.participants; ++i) honest_.push_back({uint8_t(i)});
        for (size_t i = honest_.size(); i > 1; --i)
            std::swap(honest_[i - 1], honest_[dice_.below(i)]);
        // As many as the liars need to be a quorum with are enough for the first side.
        one_side_.insert(honest_.begin(), honest_.begin() + ptrdiff_t(honest_.size() / 2));
        for (uint32_t i = 0; i < setup.liars; ++i) {
            const Participant liar{uint8_t(i)};
            if (setup.kind == Kind::twins) {
                network_.twin(liar, one_side_);
            } else if (setup.kind == Kind::equivocators) {
                liars_.push_back(std::make_unique<TestLiar>(network_, liar, setup.seed + i));
            }
        }
    }

    Fork run() {
        network_.batch(someone());
        for (int taken = 0; taken < steps_max && network_.violation().empty(); ++taken) step();
        Fork fork;
        fork.forked = network_.violation() == "two blocks decided in one slot";
        if (!fork.forked) fork.other_violation = network_.violation();
        for (const Participant participant : honest_) {
            for (const auto& record : network_.journal(participant)) culprits_.see(record);
        }
        for (const auto& [participant, evidence] : culprits_.named()) {
            ++(participant.value < setup_.liars ? fork.liars_named : fork.honest_named);
            if (std::holds_alternative<proving::Amnesia>(evidence)) ++fork.amnesia;
            fork.evidence_holds =
                fork.evidence_holds && proving::culprit_of(evidence) == participant &&
                proving::check_evidence(network_.set(), network_.verifier(), evidence);
            fork.evidence.push_back(proving::describe(evidence));
        }
        return fork;
    }

private:
    Participant someone() { return {uint8_t(dice_.below(setup_.participants))}; }
    [[nodiscard]] bool is_on_one_side(Participant participant) const {
        return one_side_.contains(participant);
    }
    [[nodiscard]] Slot decided_by(bool one_side) const {
        Slot highest;
        for (const Participant participant : honest_) {
            if (is_on_one_side(participant) == one_side)
                highest = std::max(highest, network_.decided(participant));
        }
        return highest;
    }

    /// One side is to decide first; then it is silent, and the other is not to hear of it.
    [[nodiscard]] bool may_pass(const Network::Sent& sent) const {
        const Participant from{
            uint8_t(sent.from < setup_.participants ? sent.from : setup_.participants)};
        const bool is_from_honest = from.value >= setup_.liars && from.value < setup_.participants;
        const bool is_to_honest = sent.to.value >= setup_.liars;
        const bool apart =
            is_from_honest && is_to_honest && is_on_one_side(from) != is_on_one_side(sent.to);
        const size_t kind = sent.message->index();
        const bool tells_of_decision = kind == 9 || kind == 10;  // Decide, PrepareQC
        if (setup_.kind != Kind::amnesiacs) return !apart;
        // All work on one block, until one side alone has its votes and decides.
        const bool has_decided = decided_by(true) > decided_by(false);
        if (!has_decided)
            return !((kind == 5 || kind == 6 || tells_of_decision) && is_to_honest &&
                     !is_on_one_side(sent.to));
        if (apart || (is_from_honest && is_on_one_side(from)) ||
            (is_to_honest && is_on_one_side(sent.to)))
            return false;
        const auto* vote = std::get_if<model::Signed<model::CommitVote>>(sent.message.get());
        const auto known = network_.decisions().find(decided_by(true));
        return !(vote != nullptr && known != network_.decisions().end() &&
                 vote->body.block == known->second.qc.body.block) &&
               !(kind == 9);
    }

    void step() {
        const bool moved =
            network_.deliver_some([this](const Network::Sent& sent) { return may_pass(sent); });
        network_.run_for(50);
        if (dice_.chance(moved ? 2 : 30)) network_.jump(someone(), view_timer_us << 10);
        if (setup_.kind == Kind::amnesiacs) {
            const Participant liar{uint8_t(dice_.below(setup_.liars))};
            const bool is_time = decided_by(true) > decided_by(false);
            if (dice_.chance(is_time ? 5 : 1)) network_.crash(liar);
            if (dice_.chance(30)) network_.restart(liar);
        }
    }

    Setup setup_;
    Dice dice_;
    Network network_;
    proving::Culprits culprits_;
    std::vector<std::unique_ptr<TestLiar>> liars_;
    std::vector<Participant> honest_;
    std::set<Participant> one_side_;
};

}  // namespace

std::string_view name_of(Kind kind) {
    switch (kind) {
    case Kind::twins: return "twins";
    case Kind::equivocators: return "equivocators";
    case Kind::amnesiacs: return "amnesiacs";
    }
    std::abort();
}

Fork run(const Setup& setup) {
    return World(setup).run();
}

bool is_right(const Setup& setup, const Fork& fork) {
    const uint32_t liars_max = Quorum::of(setup.participants).liars_max;
    return fork.other_violation.empty() && fork.honest_named == 0 && fork.evidence_holds &&
           (!fork.forked || fork.liars_named > liars_max);
}

}  // namespace tally::forks
