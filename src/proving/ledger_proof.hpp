// What is known of one ledger's blocks: own results, attestations, certificates. Bookkeeping only:
// signatures are checked, and effects made, by the machine.
#pragma once

#include <map>
#include <optional>

#include "model/effects.hpp"
#include "proving/refusal.hpp"

namespace tally::proving {

/// Two different attestations that one prover signed at one (ledger, height, attempt).
struct Equivocation {
    model::Signed<model::Attestation> first, second;
    bool operator==(const Equivocation&) const = default;
    static constexpr auto fields() {
        return std::tuple{&Equivocation::first, &Equivocation::second};
    }
};

/// One height of one ledger, from the first that is heard of it until it is carried.
struct HeightProof {
    std::optional<Hash> own;  ///< the own header
    /// The first of each prover.
    std::map<Participant, model::Signed<model::Attestation>> attestations;
};

struct LedgerProof {
    Height executed;
    Height carried;                                          ///< highest, in a decided block
    std::map<Height, HeightProof> heights;                   ///< above `carried`
    std::map<Height, model::BlockCertificate> certificates;  ///< uncarried, and recent ones
    std::optional<Height> diverged_at;
    std::map<Height, model::Signed<model::Dispute>> disputes;  ///< own, not decided yet
    std::map<Participant, Equivocation> equivocations;
    uint64_t say_at_us = 0, say_after_us = 0;
};

}  // namespace tally::proving
