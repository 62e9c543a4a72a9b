// Attestation as a pure machine, for all ledgers of a node: signs the headers that this participant
// computed, gathers those of others into block certificates, and notices when its own result is
// another than the certified one (docs/protocol.md, section 4).
//
// A Send leaves only after every Save before it is durable. No input from another participant can
// make it abort, and all that it keeps is bounded. Ledgers do not touch each other: one that
// diverged is silent alone. Pauses (pauses.hpp) stop blocks, never attestations: those are the way
// out.
//
// Life: construct, resume_from() if the database knows a decided block, recover() each journal
// record in order, start(), then inputs.
#pragma once

#include "proving/ledger_proof.hpp"
#include "proving/refusal.hpp"

namespace tally::proving {

/// A certificate is held: checked, or carried by a decided block. Once for each (ledger, height)
/// that is heard of in time, and in start() for those recovered and not carried. It vouches for
/// every ancestor of its header, too.
struct BlockCertified {
    model::BlockCertificate certificate;
};
/// A checked Dispute, the own or another prover's: a control entry to be decided. The own is said
/// again until it is.
struct Disputed {
    model::Signed<model::Dispute> dispute;
};
/// The own result at this height contradicts a certificate: execute the ledger again from the
/// charter, giving every block to on_executed() again. Once, until the ledger agrees again.
struct Diverged {
    LedgerIndex ledger;
    Height height;
};
using Effects = model::EffectList<BlockCertified, Disputed, Diverged>;

struct Config {
    model::Self self;
    const model::CharterBody* charter = nullptr;  ///< borrowed
};

class Machine {
public:
    explicit Machine(Config config);

    /// The newest decided block in the database.
    void resume_from(const model::Block& last);
    /// A journal record, in the journal's order; kinds of no concern are ignored. A Decision counts
    /// as on_decided().
    void recover(const model::Record& record);
    /// What the database holds of a ledger: how far it is executed, and the own header at the
    /// highest height that has a certificate, with that. To be told once, after start() and before
    /// any on_executed(): a divergence that a restart interrupted is taken up again.
    void on_stored(LedgerIndex ledger, Height executed, const std::optional<Hash>& own,
                   const std::optional<model::BlockCertificate>& certificate, Effects& effects);
    void start(model::Now now, Effects& effects);
    /// Signs with this from now on. Null: it signs nothing more, says nothing again that it signed,
    /// and goes on to compare, certify and serve. At any time, before start() too. What was
    /// executed meanwhile is attested when on_executed() is told of it again.
    void set_signer(const Signer* signer, model::Now now, Effects& effects);

    /// The own result. Heights ascend one by one, except that they begin again at one when a
    /// diverged ledger is executed again, or after a restart where the database ends.
    void on_executed(LedgerIndex ledger, const model::LedgerHeader& header,
                     const Hash& execution_digest, model::Now now, Effects& effects);
    /// Signed<Attestation>, BlockCertificate and Signed<Dispute> (alone or in a Wake); others are
    /// ignored.
    void on_message(Participant from, const model::Message& message, model::Now now,
                    Effects& effects);
    void on_decided(const model::Block& block, model::Now now, Effects& effects);
    void on_tick(model::Now now, Effects& effects);
    [[nodiscard]] uint64_t next_wakeup_us() const;

    /// Those not carried yet, and some that are.
    [[nodiscard]] const model::BlockCertificate* certificate(LedgerIndex ledger,
                                                             Height height) const;
    /// True iff the own result contradicts a certificate and has not come to agree with one since.
    [[nodiscard]] bool diverged(LedgerIndex ledger) const {
        return diverged_at(ledger).has_value();
    }
    [[nodiscard]] std::optional<Height> diverged_at(LedgerIndex ledger) const;
    /// The highest executed block whose own header is the certified one, and so are those of all
    /// blocks below it; zero if none is known.
    [[nodiscard]] Height agreed_height(LedgerIndex ledger) const;
    [[nodiscard]] Height certified_height(LedgerIndex ledger) const;  ///< zero: none known
    [[nodiscard]] Height carried_height(LedgerIndex ledger) const;
    /// Provers whose attestation of this height is not held. Meant for uncarried heights.
    [[nodiscard]] std::vector<Participant> missing(LedgerIndex ledger, Height height) const;
    /// The first of each prover and ledger.
    [[nodiscard]] std::vector<Equivocation> equivocations() const;
    /// How often what was refused, by reason and sender.
    [[nodiscard]] const std::map<std::pair<Refusal, Participant>, uint64_t>& refusals() const {
        return refusals_;
    }

private:
    void on_attestation(Participant from, const model::Signed<model::Attestation>& attestation,
                        Effects& effects);
    void on_certificate(Participant from, const model::BlockCertificate& certificate,
                        Effects& effects);
    void on_dispute(Participant from, const model::Signed<model::Dispute>& dispute,
                    Effects& effects);
    void attest(LedgerIndex ledger, Height height, const Hash& header, const Hash& execution_digest,
                model::Now now, Effects& effects);
    void dispute(LedgerIndex ledger, Height height, const Hash& own, Effects& effects);
    void certify(LedgerIndex ledger, Height height, Effects& effects);
    void hold(const model::BlockCertificate& certificate, Effects& effects);
    void compare(LedgerIndex ledger, Height height, const Hash& own, Effects& effects);
    void take_block(const model::Block& block, Effects& effects);
    void keep_saying(model::Now now);
    void say_again(LedgerIndex ledger, Effects& effects);
    [[nodiscard]] bool in_window(const LedgerProof& proof, Height height) const;
    [[nodiscard]] const cbor::List<Participant, limits::participants_max>& provers_of(
        LedgerIndex ledger) const;
    [[nodiscard]] bool is_prover(LedgerIndex ledger, Participant participant) const;
    void refuse(Refusal refusal, Participant from) { ++refusals_[{refusal, from}]; }

    Config config_;
    std::vector<LedgerProof> ledgers_;
    std::map<std::pair<Refusal, Participant>, uint64_t> refusals_;
};

}  // namespace tally::proving
