// What is known of one ledger's blocks: own results, attestations, certificates. Bookkeeping only:
// signatures are checked, and effects made, by the machine.
#pragma once

#include <map>
#include <optional>

#include "model/effects.hpp"

namespace tally::proving {

/// Two different attestations that one prover signed at one (ledger, height, attempt): a fault that
/// proves itself.
struct Equivocation {
    model::Signed<model::Attestation> first, second;
    bool operator==(const Equivocation&) const = default;
    static constexpr auto fields() {
        return std::tuple{&Equivocation::first, &Equivocation::second};
    }
};

/// One height of one ledger, from the first that is heard of it until it is carried.
struct HeightProof {
    std::optional<Hash> own;  ///< the own header's hash
    /// The first of each prover.
    std::map<Participant, model::Signed<model::Attestation>> attestations;
};

/// Where the own result contradicts a certificate.
struct Divergence {
    Height height;
    std::optional<Hash> own;  ///< to be disputed, once this participant may sign; none: it was
};

struct LedgerProof {
    Height executed;
    Height agreed;     ///< highest own result that equals a certificate, of those that count still
    Height carried;    ///< highest, in a decided block
    Height forgotten;  ///< above `carried`, and let go: nothing is signed up to here any more
    std::map<Height, HeightProof> heights;                   ///< above `carried`
    std::map<Height, model::BlockCertificate> certificates;  ///< uncarried, and a few below
    std::optional<Divergence> diverged;
    std::optional<model::Signed<model::Dispute>> dispute;  ///< the own newest, until decided
    Height disputed;                                       ///< of the own newest, decided or not
    std::map<Participant, Height> disputed_by;             ///< newest heard of each other prover
    std::map<Participant, Equivocation> equivocations;     ///< the first of each
    uint64_t say_at_us = UINT64_MAX;
    uint64_t say_after_us = 0;
};

}  // namespace tally::proving
