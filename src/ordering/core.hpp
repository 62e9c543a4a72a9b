// Machine::Core: the state of the ordering machine, and its rules by theme.
//
//   core.cpp           inputs, the loop that applies rules until nothing changes
//   core_views.cpp     Reports, timers, Timeouts, TCs, saying it again
//   core_proposals.cpp proposing, checking a proposal, PrepareVote
//   core_decide.cpp    vote counting, CommitVote, deciding, catching up, answers to laggards
//   core_recover.cpp   from journal records to where it stood
//   core_work.cpp      what there is to do, and why
//
// Handlers only note what is true (a vote, a certificate); the rules in `settle` draw conclusions.
// So nothing recurses, and what arrives early is simply noticed later.
#pragma once

#include <deque>

#include "base/allowance.hpp"
#include "ordering/fresh_block.hpp"
#include "ordering/leaders.hpp"
#include "ordering/tally.hpp"

namespace tally::ordering {

/// Decisions kept in memory to answer those a little behind.
inline constexpr size_t recent_decisions_max = 8;
/// Undecided bodies kept in memory.
inline constexpr size_t bodies_max = 32;
/// Views whose timer still doubles.
inline constexpr uint32_t doubling_views_max = 10;
/// Beyond every view that timers can reach: only a liar names more.
inline constexpr View view_max{1u << 30};
/// How much later the last repetitions follow each other than the first.
inline constexpr uint64_t again_growth_max = 128;

enum class VoteError { bad_justification, not_that_block, no_body, stale_clock };
ErrorText describe(VoteError error);

struct Machine::Core {
    explicit Core(Config given);

    // --- settled by the charter ---
    Config config;
    uint32_t count;  ///< of places: see Signatories::places()
    Quorum quorum;
    Leaders leaders;

    // --- history ---
    struct Recent {
        std::shared_ptr<const model::Decision> decision;
        Hash hash;
        std::optional<uint64_t> told_at;  ///< when its CommitQC went to all
    };
    Chain chain;
    std::deque<Recent> recent;
    Holdings holdings;
    std::optional<Slot> decided_elsewhere;

    // --- this slot ---
    struct SlotState {
        explicit SlotState(uint32_t participants)
            : reports(participants),
              prepare_votes(participants),
              commit_votes(participants),
              timeouts(participants) {}
        View view;
        // What was said here, as it was said.
        std::optional<model::Signed<model::Report>> report;  ///< of the highest view reported
        std::optional<model::ProposalMessage> own_proposal;
        std::optional<model::Signed<model::PrepareVote>> prepare_vote;
        std::optional<model::Signed<model::CommitVote>> commit_vote;
        std::optional<model::TimeoutMessage> timeout;  ///< of the highest view timed out
        std::optional<model::Wake::Work> wake;         ///< why, in view 0
        // What is known here.
        bool woken = false;
        std::optional<model::PrepareQC> highest;
        std::optional<model::TimeoutCertificate> tc;     ///< of the view before, if view > 0
        std::optional<model::CommitQC> commit_qc;        ///< decided; the body may be missing
        std::optional<model::ProposalMessage> proposal;  ///< of this view's leader
        bool proposal_judged = false;
        std::map<Hash, model::BlockBody> bodies;
        std::deque<Hash> bodies_by_age;
        std::vector<std::optional<model::Signed<model::Report>>> reports;  ///< by signer
        VoteTally<model::PrepareVote> prepare_votes;
        VoteTally<model::CommitVote> commit_votes;
        TimeoutTally timeouts;
        std::vector<View> touched;  ///< views with a new Timeout
        // Timers, monotonic.
        std::optional<uint64_t> view_ends_at;
        std::optional<uint64_t> again_at;
        uint64_t again_us = 0;
        std::optional<uint64_t> body_fetch_at;
        std::optional<uint64_t> certificate_fetch_at;
        uint32_t fetch_round = 0;
    };
    SlotState slot;
    std::optional<model::Signed<model::Report>> early_report;  ///< of the next slot, view 0
    std::optional<model::Wake::Work> early_wake;
    std::optional<Micros> wanted_at;
    uint64_t heartbeat_at = 0;

    // --- peers ---
    struct Peer {
        std::map<size_t, std::shared_ptr<const model::Message>> next_slot;  ///< by kind
        std::optional<uint64_t> answered_at;
        Slot answered_slot;
        std::optional<uint64_t> view_answered_at;
        Allowance answers{answers_to_a_peer};
    };
    std::vector<Peer> peers;
    std::deque<std::pair<Participant, std::shared_ptr<const model::Message>>> inbox;

    std::vector<model::Record> recovered;  ///< own undecided records, until start()
    std::map<std::string, uint64_t> counters;

    // --- one input ---
    model::Now now;
    Effects* effects = nullptr;
    bool started = false;

    // core.cpp
    template <class Input>
    void run(model::Now at, Effects& out, const Input& input);
    void settle();
    void dispatch(Participant from, const model::Message& message);
    /// True iff the message is of this slot; else it is buffered, answered or dropped.
    bool of_this_slot(Participant from, Slot message_slot, const model::Message& message);
    void refuse(std::string_view reason) { ++counters[std::string(reason)]; }
    [[nodiscard]] Slot current() const { return chain.next_slot(); }
    [[nodiscard]] Participant self() const { return config.self.index; }
    /// The last decided block was the last of this epoch.
    [[nodiscard]] bool ended() const {
        return chain.last.ends_epoch() &&
               config.self.set_at(chain.last.slot).epoch == config.self.set->epoch;
    }
    [[nodiscard]] bool may_sign() const { return config.self.signer != nullptr; }
    void set_signer(const Signer* signer);
    [[nodiscard]] Participant leader(View view) const { return leaders.of(current(), view); }
    [[nodiscard]] Rules rules() const;
    [[nodiscard]] Hash digest_of(const model::Block& block) const;
    [[nodiscard]] uint64_t again_first_us() const { return config.parameters.view_timer_us / 8; }
    [[nodiscard]] uint64_t next_wakeup_us() const;
    template <class Body>
    [[nodiscard]] bool check(const model::Signed<Body>& statement);
    template <class Vote>
    [[nodiscard]] bool check(const model::QuorumOf<Vote>& quorum) const;
    [[nodiscard]] bool check(const model::TimeoutCertificate& certificate) const;
    template <class Body>
    [[nodiscard]] model::Signed<Body> sign(Body body) const;
    template <class Record, class Message>
    void save_then_send(Record record, Message message);

    // core_views.cpp
    void on(Participant from, const model::Signed<model::Report>& report);
    void on(Participant from, const model::TimeoutMessage& message);
    void on(Participant from, const model::TimeoutCertificate& certificate);
    void on(Participant from, const model::Heartbeat& heartbeat);
    void on(Participant from, const model::Wake& wake);
    void on(Participant from, const model::VotedProposal& voted);
    void on(Participant from, const model::Ready& ready);
    Result<void> take_proposal(const model::VotedProposal& voted);
    bool take_ready(const model::Ready& ready);
    [[nodiscard]] bool is_work(const model::LaneCertificate& piece);
    [[nodiscard]] bool is_work(const model::BlockCertificate& piece);
    [[nodiscard]] bool is_work(const model::Signed<model::Dispute>& piece);
    [[nodiscard]] bool is_work(const model::VotedProposal& piece);
    [[nodiscard]] bool is_work(const model::Ready& piece);
    [[nodiscard]] std::optional<model::Wake::Work> work() const;
    [[nodiscard]] bool due() const;
    void answer_view(Participant to);
    bool report_if_due();
    [[nodiscard]] bool others_at_it() const;
    [[nodiscard]] bool others_ahead() const;
    void report_early(const model::BlockBody& committed);
    bool time_out_if_due();
    bool certify_timeouts();
    void time_out(View view);
    [[nodiscard]] bool timed_out(View view) const;
    void enter_view(const model::TimeoutCertificate& certificate);
    void start_view_timer();
    [[nodiscard]] uint64_t view_timer_us(View view) const;
    bool say_again_if_due();
    void say_again();
    [[nodiscard]] bool active() const;
    bool beat_if_due();

    // core_proposals.cpp
    void on(Participant from, const model::ProposalMessage& message);
    bool propose_if_due();
    bool lead(Missing& missing);
    void propose(const Hash& hash, std::optional<model::BlockBody> body);
    bool vote_if_due();
    [[nodiscard]] Result<void> judge(const model::ProposalMessage& message);
    void remember(const Hash& hash, model::BlockBody body);
    [[nodiscard]] const model::BlockBody* body_of(const Hash& hash) const;
    void ask_for(const Missing& missing);

    // core_decide.cpp
    void on(Participant from, const model::Signed<model::PrepareVote>& vote);
    void on(Participant from, const model::Signed<model::CommitVote>& vote);
    void on(Participant from, const model::PrepareQC& qc);
    void on(Participant from, const model::DecideMessage& message);
    void on(Participant from, const model::FetchBlock& fetch);
    void on(Participant from, const model::BlockBody& body);
    void on(Participant from, const model::FetchLaneCertificate& fetch);
    void on(Participant from, const model::FetchBlockCertificate& fetch);
    void count_vote(const model::Signed<model::PrepareVote>& vote);
    void count_vote(const model::Signed<model::CommitVote>& vote);
    void raise(const model::PrepareQC& qc);
    void note(const model::CommitQC& qc);
    bool commit_if_due();
    void catch_up(const model::Decision& decision);
    bool decide_if_due();
    void decide(std::shared_ptr<const model::Decision> decision, const Hash& hash, bool tell);
    [[nodiscard]] std::optional<Hash> wanted_body() const;
    bool fetch_if_due();
    void answer_decided(Participant to, Slot about);
    template <class Answer>
    void serve(Participant to, const Answer& answer);

    // core_recover.cpp
    void recover(const model::Record& record);
    void resume_from(const model::Decision& last, const DecidedDisputes& disputes);
    void advance(std::shared_ptr<const model::Decision> decision, const Hash& hash);
    void restore();
    void start();
};

template <class Input>
void Machine::Core::run(model::Now at, Effects& out, const Input& input) {
    now = at;
    effects = &out;
    input();
    if (started) settle();
    effects = nullptr;
}

template <class Body>
bool Machine::Core::check(const model::Signed<Body>& statement) {
    if (check_signed(*config.self.set, *config.self.verifier, statement)) return true;
    refuse("bad_signature");
    return false;
}

template <class Body>
model::Signed<Body> Machine::Core::sign(Body body) const {
    return model::sign(*config.self.set, self(), *config.self.signer, std::move(body));
}

template <class Record, class Message>
void Machine::Core::save_then_send(Record record, Message message) {
    if (config.canaries.send_before_save) {
        effects->send_all(std::move(message));
        effects->save(std::move(record));
        return;
    }
    effects->save(std::move(record));
    effects->send_all(std::move(message));
}

/// As model::check_quorum, with the canaries' smaller quorums. Slots of earlier epochs, which are
/// only caught up with, have quorums of those who took part then.
template <class Vote>
bool Machine::Core::check(const model::QuorumOf<Vote>& quorum_of) const {
    const model::Signatories& set = config.self.set_at(quorum_of.body.slot);
    const uint32_t votes_min =
        set.epoch == config.self.set->epoch ? quorum.votes_min : set.quorum().votes_min;
    if (quorum_of.endorsements.size() < votes_min || !signers_ascend(quorum_of.endorsements))
        return false;
    for (const auto& [signer, signature] : quorum_of.endorsements) {
        if (!check_signature(set, *config.self.verifier, quorum_of.body, signer, signature))
            return false;
    }
    return true;
}

}  // namespace tally::ordering
