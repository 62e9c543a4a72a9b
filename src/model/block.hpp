// A ledger's blocks: what a prover attests, and the certificates of more than half
// (docs/protocol.md, section 4).
#pragma once

#include "model/batch.hpp"

namespace tally::model {

/// How one batch of the cut enters a block.
struct ManifestEntry {
    Participant lane;
    LaneHeight height;
    Hash certificate;  ///< digest of the certificate that fixes the time
    Micros time;       ///< T̂
    bool late = false;
    bool is_void = false;
    bool operator==(const ManifestEntry&) const = default;
    static constexpr auto fields() {
        return std::tuple{&ManifestEntry::lane, &ManifestEntry::height, &ManifestEntry::certificate,
                          &ManifestEntry::time, &ManifestEntry::late,   &ManifestEntry::is_void};
    }
};
using Manifest = cbor::List<ManifestEntry, 65'536>;

/// One transaction's place: the sort key (late, T̂, lane, height, position) and its id.
struct ListEntry {
    bool late = false;
    Micros time;
    Participant lane;
    LaneHeight height;
    uint32_t position = 0;
    Hash transaction;
    auto operator<=>(const ListEntry&) const = default;
    static constexpr auto fields() {
        return std::tuple{&ListEntry::late,   &ListEntry::time,     &ListEntry::lane,
                          &ListEntry::height, &ListEntry::position, &ListEntry::transaction};
    }
};

struct LedgerHeader {
    LedgerIndex ledger;
    Height height;
    Hash parent;  ///< hash of the header before; zero at genesis
    Slot slot;
    Micros time;         ///< τ of the slot
    Hash manifest_root;  ///< RFC 9162 over ManifestEntry
    Hash list_root;      ///< RFC 9162 over ListEntry
    uint32_t list_count = 0;
    Hash results_root;  ///< RFC 9162 over the result leaves
    uint32_t results_count = 0;
    Hash openings_root;  ///< RFC 9162 over Opening (model/sealed.hpp)
    Hash state_before;
    Hash state_after;
    Hash trace_root;  ///< RFC 9162 over the trace leaves
    uint32_t segments = 0;
    Hash execution_commitment;  ///< H(tag ‖ D)
    uint32_t execution = execution_version;
    bool operator==(const LedgerHeader&) const = default;
    static constexpr auto fields() {
        return std::tuple{&LedgerHeader::ledger,        &LedgerHeader::height,
                          &LedgerHeader::parent,        &LedgerHeader::slot,
                          &LedgerHeader::time,          &LedgerHeader::manifest_root,
                          &LedgerHeader::list_root,     &LedgerHeader::list_count,
                          &LedgerHeader::results_root,  &LedgerHeader::results_count,
                          &LedgerHeader::openings_root, &LedgerHeader::state_before,
                          &LedgerHeader::state_after,   &LedgerHeader::trace_root,
                          &LedgerHeader::segments,      &LedgerHeader::execution_commitment,
                          &LedgerHeader::execution};
    }
    [[nodiscard]] Hash hash() const;
};

struct Attestation {
    static constexpr Statement statement = Statement::attestation;
    LedgerIndex ledger;
    Height height;
    uint32_t attempt = 0;
    Hash header;
    Hash tag;  ///< H(ledger ‖ height ‖ participant ‖ D)
    bool operator==(const Attestation&) const = default;
    static constexpr auto fields() {
        return std::tuple{&Attestation::ledger, &Attestation::height, &Attestation::attempt,
                          &Attestation::header, &Attestation::tag};
    }
};
[[nodiscard]] Hash attestation_tag(LedgerIndex ledger, Height height, Participant prover,
                                   const Hash& execution_digest);

struct AttestationPart {
    Participant signer;
    Hash tag;
    Signature signature{};
    bool operator==(const AttestationPart&) const = default;
    static constexpr auto fields() {
        return std::tuple{&AttestationPart::signer, &AttestationPart::tag,
                          &AttestationPart::signature};
    }
};

/// Attestations of one header by more than half of the ledger's provers.
struct BlockCertificate {
    LedgerIndex ledger;
    Height height;
    uint32_t attempt = 0;
    Hash header;
    cbor::List<AttestationPart, limits::participants_max> parts;  ///< ascending by signer
    bool operator==(const BlockCertificate&) const = default;
    static constexpr auto fields() {
        return std::tuple{&BlockCertificate::ledger, &BlockCertificate::height,
                          &BlockCertificate::attempt, &BlockCertificate::header,
                          &BlockCertificate::parts};
    }
};
/// `provers`: the ledger's, ascending. Signers outside of it make the certificate invalid.
[[nodiscard]] bool check_block_certificate(const Signatories& set, const Verifier& verifier,
                                           std::span<const Participant> provers,
                                           const BlockCertificate& certificate);

/// By provers of one epoch: that in which `slot` was decided, the block's, or a later one, in which
/// they attest again what was not carried. Nothing: it does not hold.
[[nodiscard]] std::optional<Epoch> epoch_of_certificate(const Epochs& epochs, Slot slot,
                                                        const Verifier& verifier,
                                                        const BlockCertificate& certificate);

/// A prover's statement that its own result is another than a certified one.
struct Dispute {
    static constexpr Statement statement = Statement::dispute;
    LedgerIndex ledger;
    Height height;
    Hash header;  ///< its own
    bool operator==(const Dispute&) const = default;
    static constexpr auto fields() {
        return std::tuple{&Dispute::ledger, &Dispute::height, &Dispute::header};
    }
};

}  // namespace tally::model
