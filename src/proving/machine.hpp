// Attestation as a pure machine, for all ledgers of a node: signs the headers that this participant
// computed, gathers those of others into block certificates, and notices when its own result is
// another than the certified one (docs/protocol.md, section 4).
//
// A Send leaves only after every Save before it is durable. No input from another participant can
// make it abort, and all that it keeps is bounded. Ledgers do not touch each other: one that
// diverged is silent alone. Pauses stop blocks, never attestations: those are the way out.
//
// Life: construct, recover() each journal record in order, start(), then inputs.
#pragma once

#include <map>

#include "model/effects.hpp"
#include "proving/ledger_proof.hpp"

namespace tally::proving {

/// A checked certificate, now held. Once for each (ledger, height) above the highest carried; it
/// vouches for every ancestor of its header, too.
struct BlockCertified {
    model::BlockCertificate certificate;
};
/// The own Dispute, saved and sent: a control entry to be decided. Said again until it is.
struct Disputed {
    model::Signed<model::Dispute> dispute;
};
/// The own result at this height contradicts a certificate: execute the ledger again from the
/// charter, giving every block to on_executed() again. Once for each such height.
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

    /// A journal record, in the journal's order; kinds of no concern are ignored. A Decision counts
    /// as on_decided().
    void recover(const model::Record& record);
    void start(model::Now now, Effects& effects);

    /// The own result. Heights ascend one by one, except that they begin again at one when a
    /// diverged ledger is executed again, or after a restart where the database ends.
    void on_executed(LedgerIndex ledger, const model::LedgerHeader& header,
                     const Hash& execution_digest, model::Now now, Effects& effects);
    /// Signed<Attestation>, BlockCertificate, FetchBlockCertificate; others are ignored.
    void on_message(Participant from, const model::Message& message, model::Now now,
                    Effects& effects);
    void on_decided(const model::Block& block, model::Now now, Effects& effects);
    void on_tick(model::Now now, Effects& effects);
    [[nodiscard]] uint64_t next_wakeup_us() const;

    /// Those not carried yet, and some that are.
    [[nodiscard]] const model::BlockCertificate* certificate(LedgerIndex ledger,
                                                             Height height) const;
    /// True iff the own result contradicts a certificate and has not come to agree with a later
    /// one.
    [[nodiscard]] bool diverged(LedgerIndex ledger) const;
    /// Zero: none known.
    [[nodiscard]] Height certified_height(LedgerIndex ledger) const;
    [[nodiscard]] Height carried_height(LedgerIndex ledger) const;
    /// Provers whose attestation of this (uncarried) height is not held.
    [[nodiscard]] std::vector<Participant> missing(LedgerIndex ledger, Height height) const;
    /// Two different attestations by one prover at one place: a fault proves itself. The first of
    /// each prover and ledger is kept.
    [[nodiscard]] std::vector<Equivocation> equivocations() const;
    /// How often what was refused, by reason and sender.
    [[nodiscard]] const std::map<std::pair<Refusal, Participant>, uint64_t>& refusals() const {
        return refusals_;
    }

private:
    void on_attestation(Participant from, const model::Signed<model::Attestation>& attestation,
                        model::Now now, Effects& effects);
    void on_certificate(Participant from, const model::BlockCertificate& certificate,
                        model::Now now, Effects& effects);
    [[nodiscard]] bool is_prover(LedgerIndex ledger, Participant participant) const;

    Config config_;
    std::vector<LedgerProof> ledgers_;
    std::map<std::pair<Refusal, Participant>, uint64_t> refusals_;
};

}  // namespace tally::proving
