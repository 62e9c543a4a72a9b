// Checkers: each states one invariant, sees only what honest participants do, and is smaller than
// what it checks.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "model/records.hpp"
#include "sim/observer.hpp"
#include "sim/scenario.hpp"

namespace tally::sim {

struct Violation {
    std::string invariant;  ///< a short name, the same for the same rule
    std::string what;
};

/// Where checkers say what they found. The first finding ends the run.
class Findings {
public:
    void add(std::string invariant, std::string what) {
        if (!first_) first_ = Violation{std::move(invariant), std::move(what)};
    }
    [[nodiscard]] const std::optional<Violation>& first() const { return first_; }

private:
    std::optional<Violation> first_;
};

[[nodiscard]] std::string name_of(Participant participant);
[[nodiscard]] std::string short_hex(const Hash& hash);

/// One statement as its signer meant it.
struct Said {
    model::Statement kind = model::Statement::batch;
    Participant signer;
    Epoch epoch;
    Bytes place;  ///< where only one such statement may stand: (s, v), (lane, h), …
    Hash body;
    // Of votes and Timeouts.
    Slot slot;
    View view;
    std::optional<View> qc_view;
};
[[nodiscard]] std::optional<Said> read_said(ByteView statement);

/// No honest key signs two conflicting statements, whatever crashes between them; none forgets a QC
/// that it committed to; what leaves is saved before.
class SignaturesChecker : public Observer {
public:
    /// `forgetful`: those whose journal is lost once. Nobody can keep one from contradicting itself
    /// where too few heard it; but where f+1 honest ones did, it must notice. `is_lost`: whether it
    /// says so.
    SignaturesChecker(Findings& findings, uint32_t participants, ParticipantSet forgetful,
                      std::function<bool(Participant)> is_lost)
        : findings_(findings),
          hearers_min_((participants - 1) / 3 + 1),
          forgetful_(forgetful),
          is_lost_(std::move(is_lost)) {}
    void on_heard(Participant by, ByteView message) override;
    void on_crashed(Participant who) override;
    void on_signed(Participant, ByteView statement, const Signature&) override;
    void on_sent(Participant from, Participant to, ByteView message,
                 const SavedSignatures& saved) override;

private:
    void on_left(const Said& said, const Signature& signature);
    void check_promises(const Said& said);
    [[nodiscard]] bool must_be_known(const Said& said, const Signature& signature) const;

    Findings& findings_;
    const uint32_t hearers_min_;
    const ParticipantSet forgetful_;
    const std::function<bool(Participant)> is_lost_;
    std::map<Signature, ParticipantSet> heard_by_;  ///< of the forgetful: who holds it still
    std::map<Signature, Said> said_;
    std::set<Signature> left_;
    using Place = std::tuple<Participant, Epoch, model::Statement, Bytes>;
    std::map<Place, std::pair<Hash, Signature>> bodies_;
    struct Promises {
        std::optional<View> committed;    // the highest view of a CommitVote that left
        std::optional<View> timed_out;    // the highest view of a Timeout that left
        std::optional<View> reported_qc;  // in that Timeout
    };
    std::map<std::tuple<Participant, Epoch, Slot>, Promises> promises_;
};

/// An honest participant votes for a block in a later view only as the TC it was shown allows, and
/// sends no certificate that does not hold.
class CertificatesChecker : public Observer {
public:
    CertificatesChecker(Findings& findings, const model::Epochs& epochs, const Verifier& verifier)
        : findings_(findings), epochs_(epochs), verifier_(verifier) {}
    void on_heard(Participant by, ByteView message) override;
    void on_sent(Participant from, Participant to, ByteView message,
                 const SavedSignatures& saved) override;

private:
    using Shown = std::tuple<Participant, Slot, View, Hash>;
    void check_vote(const model::Signed<model::PrepareVote>& vote);
    void add_finding(Participant voter, Slot slot, View view);

    Findings& findings_;
    const model::Epochs& epochs_;
    const Verifier& verifier_;
    /// What was shown to whom for (slot, view, block): true if some TC allowed it.
    std::map<Shown, bool> allowed_;
    std::set<Shown> unshown_;  ///< what leaders voted for, of which nobody has seen a proposal yet
    std::set<Hash> checked_;   ///< messages that were found to hold
};

/// No two honest participants decide differently; decided logs grow without gaps; every decision
/// carries a quorum of valid votes.
class DecisionsChecker : public Observer {
public:
    DecisionsChecker(Findings& findings, uint32_t participants, const model::Epochs& epochs,
                     const Verifier& verifier)
        : findings_(findings), epochs_(epochs), verifier_(verifier), highest_(participants) {}
    void on_stored(Participant, const ports::WriteBatch&) override;
    /// A recovery gives up what was decided after this slot.
    void give_up_after(Slot last);

    /// The agreed log, from slot 1.
    [[nodiscard]] const std::vector<model::Decision>& log() const { return log_; }
    [[nodiscard]] Slot highest(Participant participant) const {
        return highest_[participant.value];
    }

private:
    void on_decision(Participant, const model::Decision& decision);
    [[nodiscard]] bool is_voted(const model::CommitQC& qc) const;

    Findings& findings_;
    const model::Epochs& epochs_;
    const Verifier& verifier_;
    std::vector<model::Decision> log_;
    std::vector<Hash> hashes_;
    std::vector<Slot> highest_;  // by participant; a crash may take the newest back
};

}  // namespace tally::sim
