// Machine: agreement on a cut of all lanes, one slot after the other (docs/protocol.md, sections 0
// and 2).
//
// A pure machine: a message, a tick or a piece of work goes in; things to save, messages and
// decisions come out. It never waits for its own saves: whatever is signed is emitted as Save, then
// Send, and the one contract of model/effects.hpp does the rest. Decided obeys the same contract as
// Send: what a decision changes inside may happen at once, but nobody outside may be told before
// every Save emitted before it is durable (at n = 1 the own vote alone decides).
//
// Not for use from two threads. Everything borrowed in Config::self must outlive the machine.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "model/charter.hpp"
#include "model/effects.hpp"
#include "ordering/canaries.hpp"

namespace tally::ordering {

/// A slot's outcome: exactly once per slot, in order, with the certificates its cut names anew.
struct Decided {
    std::shared_ptr<const model::Decision> decision;
};
using Effects = model::EffectList<Decided>;

struct Standing;  ///< standing.hpp

struct Config {
    model::Self self;
    Hash network;
    Micros genesis_time;  ///< τ of slot 0
    model::Parameters parameters;
    std::vector<std::vector<Participant>> provers;  ///< by ledger, each ascending
    uint64_t heartbeat_us = 1'000'000;
    Canaries canaries = {};
    /// The charter's body as this epoch has it; borrowed. Null: no other epoch can be decided.
    const model::CharterBody* body = nullptr;
};

/// The height of the newest decided Dispute of each (ledger, prover): a function of decided blocks.
using DecidedDisputes = std::map<std::pair<LedgerIndex, Participant>, Height>;

class Machine {
public:
    explicit Machine(Config config);
    ~Machine();
    Machine(Machine&&) noexcept;
    Machine& operator=(Machine&&) noexcept;
    /// Goes on by itself from where `other` stands; for tests, which explore what may happen next.
    Machine(const Machine& other);

    // --- before start() ---

    /// Every journal record, in order; ignores kinds that are not its own.
    void recover(const model::Record& record);
    /// The last decision known from the database, where the journal does not reach back. Call it
    /// before or after any recover(); an older decision than the machine's own changes nothing.
    void resume_from(const model::Decision& last, const DecidedDisputes& disputes = {});

    void start(model::Now now, Effects& effects);

    /// Signs with this from now on. Null: it signs nothing more, says nothing again that it signed,
    /// and goes on to follow, relay and serve. At any time, before start() too.
    void set_signer(const Signer* signer, model::Now now, Effects& effects);

    // --- inputs ---

    /// Any message; ignores those of other machines. `from` says whom to answer, nothing else.
    /// Its own: Report, ProposalMessage, PrepareVote, CommitVote, TimeoutMessage,
    /// TimeoutCertificate, DecideMessage, PrepareQC, Heartbeat, Wake, FetchBlock, BlockBody, and
    /// FetchLaneCertificate and FetchBlockCertificate for what it holds undecided.
    void on_message(Participant from, const model::Message& message, model::Now now,
                    Effects& effects);
    void on_tick(model::Now now, Effects& effects);
    /// A checked certificate that this participant now holds (and can serve).
    void on_lane_certificate(const model::LaneCertificate& certificate, model::Now now,
                             Effects& effects);
    void on_block_certificate(const model::BlockCertificate& certificate, model::Now now,
                              Effects& effects);
    /// A checked Dispute, to be carried in control until it is decided.
    void on_dispute(const model::Signed<model::Dispute>& dispute, model::Now now, Effects& effects);
    /// A proposal of the next epoch, to be carried in control until it is decided; unchecked. The
    /// error says why it may not be.
    [[nodiscard]] Result<void> on_proposal(const model::VotedProposal& voted, model::Now now,
                                           Effects& effects);
    /// That someone is ready for the epoch that was proposed; unchecked. False: it may not stand in
    /// control.
    bool on_ready(const model::Ready& ready, model::Now now, Effects& effects);
    /// Work without a piece to show, known to all from decided data (a held batch, an open window):
    /// a slot is wanted once the clock reaches `time`, unless one of that time is decided before.
    /// The latest call counts.
    void want_slot_at(Micros time, model::Now now, Effects& effects);
    /// Catch-up: unchecked, from a peer. Taken iff it is the next slot and true in full.
    void on_decision(const model::Decision& decision, model::Now now, Effects& effects);

    // --- what it knows ---

    /// Monotonic time at which on_tick is due.
    [[nodiscard]] uint64_t next_wakeup_us() const;
    /// The slot being worked on: one after the last decided.
    [[nodiscard]] Slot slot() const;
    [[nodiscard]] View view() const;
    /// The last decided block; null before slot 1.
    [[nodiscard]] const model::Block* last_block() const;
    [[nodiscard]] const DecidedDisputes& decided_disputes() const;
    /// What is decided of the epoch after this one, as long as this one lasts; null: nothing.
    [[nodiscard]] const model::NextEpoch* next_epoch() const;
    /// The proposal that it is of; still there when this epoch ended with it.
    [[nodiscard]] const model::EpochProposal* proposal() const;
    /// The last decided block was the last of this epoch: nothing more happens here.
    [[nodiscard]] bool ended() const;
    /// The highest slot ≥ slot() that a quorum has provably decided: decisions are to be fetched.
    [[nodiscard]] std::optional<Slot> decided_elsewhere() const;
    /// Refused messages by reason, and a few events (timeouts, view changes). Monotone.
    [[nodiscard]] const std::map<std::string, uint64_t>& counters() const;
    [[nodiscard]] Standing standing() const;

private:
    struct Core;
    std::unique_ptr<Core> core_;
};

}  // namespace tally::ordering
