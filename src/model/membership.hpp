// Who takes part in an epoch, under which numbers and parameters, and how the next one is decided
// (docs/protocol.md, section 5).
//
// A participant's number is kept from epoch to epoch. Who leaves leaves its place vacant: an entry
// without a name, which a newcomer may take.
#pragma once

#include "model/recovery.hpp"

namespace tally::model {

using Name = cbor::Text<limits::name_bytes_max>;

/// What all participants agree on in numbers. Times in microseconds unless the name says otherwise.
struct Parameters {
    uint64_t window_batches = 64;                 ///< W: heights a lane may be ahead of its cut
    uint64_t window_bytes = 32ull * 1024 * 1024;  ///< W_bytes
    uint64_t late_after_us = 300'000;             ///< L
    uint64_t pause_after_blocks = 16;          ///< B: a ledger's uncarried blocks before it pauses
    uint64_t view_timer_us = 1'000'000;        ///< τ0
    uint64_t clock_behind_us_max = 2'000'000;  ///< x: how far τ may be behind a voter's clock
    uint64_t hold_us = 0;                      ///< H
    uint64_t carried_certificates_max = 64;    ///< M
    uint64_t expire_ahead_ms = 600'000;        ///< how far ahead a transaction may expire
    uint64_t dispute_window_us = 10'000'000;   ///< a pause by disputes: at least this of block time
    uint64_t dispute_window_slots = 16;        ///< and at least this many slots
    uint64_t coded_bytes_min = 32'768;  ///< a smaller batch travels whole, whatever its ledgers
    /// The cells of a decided batch are kept at least so long, in block time and in slots,
    uint64_t retention_us = 2'592'000'000'000;
    uint64_t retention_slots = 10'000;
    /// and the whole of a coded one besides them.
    uint64_t whole_us = 600'000'000;
    uint64_t whole_slots = 1'000;
    /// A decided proposal of the next epoch lapses when that has not begun after at least this of
    /// block time and at least this many slots.
    uint64_t change_us = 86'400'000'000;
    uint64_t change_slots = 1'000;
    bool operator==(const Parameters&) const = default;
    static constexpr auto fields() {
        return std::tuple{&Parameters::window_batches,
                          &Parameters::window_bytes,
                          &Parameters::late_after_us,
                          &Parameters::pause_after_blocks,
                          &Parameters::view_timer_us,
                          &Parameters::clock_behind_us_max,
                          &Parameters::hold_us,
                          &Parameters::carried_certificates_max,
                          &Parameters::expire_ahead_ms,
                          &Parameters::dispute_window_us,
                          &Parameters::dispute_window_slots,
                          &Parameters::coded_bytes_min,
                          &Parameters::retention_us,
                          &Parameters::retention_slots,
                          &Parameters::whole_us,
                          &Parameters::whole_slots,
                          &Parameters::change_us,
                          &Parameters::change_slots};
    }
};

inline constexpr uint64_t vote_weight_max = 1'000'000'000;

struct ParticipantEntry {
    Name name;
    Ed25519Public identity_key{};  ///< charter, TLS, own transactions
    /// Reports, votes, batches, acknowledgements, attestations: of the epoch that this entry begins
    Ed25519Public signing_key{};
    X25519Public opening_key{};     ///< sealed transactions, likewise
    cbor::List<Name, 4> addresses;  ///< host:port for peers
    uint64_t vote_weight = 1;       ///< in votes on proposals
    bool operator==(const ParticipantEntry&) const = default;
    static constexpr auto fields() {
        return std::tuple{&ParticipantEntry::name,        &ParticipantEntry::identity_key,
                          &ParticipantEntry::signing_key, &ParticipantEntry::opening_key,
                          &ParticipantEntry::addresses,   &ParticipantEntry::vote_weight};
    }
    /// Nobody has this number.
    [[nodiscard]] bool is_vacant() const { return name.empty(); }
};
using ParticipantEntries = cbor::List<ParticipantEntry, limits::participants_max>;
/// Ascending.
using Provers = cbor::List<Participant, limits::participants_max>;

/// The next epoch as it is proposed: whole, not as a difference.
struct EpochProposal {
    Hash network;
    Epoch epoch;           ///< that it begins
    uint32_t attempt = 1;  ///< above that of each proposal decided before it in the same epoch
    Parameters parameters;
    ParticipantEntries participants;                   ///< by number
    cbor::List<Provers, limits::ledgers_max> provers;  ///< by ledger
    bool operator==(const EpochProposal&) const = default;
    static constexpr auto fields() {
        return std::tuple{&EpochProposal::network,      &EpochProposal::epoch,
                          &EpochProposal::attempt,      &EpochProposal::parameters,
                          &EpochProposal::participants, &EpochProposal::provers};
    }
    [[nodiscard]] Hash hash() const;
    /// How many take part.
    [[nodiscard]] uint32_t count() const;
};
/// What an identity key signs that votes for it.
[[nodiscard]] Bytes proposal_statement(const Hash& proposal);

/// With the votes of those who take part now. A control entry.
struct VotedProposal {
    EpochProposal proposal;
    IdentitySignatures votes;  ///< ascending
    bool operator==(const VotedProposal&) const = default;
    static constexpr auto fields() {
        return std::tuple{&VotedProposal::proposal, &VotedProposal::votes};
    }
};

/// Keys of an epoch, and the signature by which their owner shows that it has the signing key.
struct HeldKeys {
    EpochKeys keys;
    Signature possession{};
};
/// What the signing key signs for it: else anyone could name another's, whom it would be lost to.
[[nodiscard]] Bytes possession_statement(const Ed25519Public& identity, const EpochKeys& keys);

/// A participant of the proposed epoch says that it is ready for it, and with which keys. A control
/// entry.
struct Ready {
    Hash proposal;
    Participant participant;
    EpochKeys keys;
    Signature possession{};  ///< by the signing key in `keys`
    Signature signature{};   ///< by the identity key that the proposal names
    bool operator==(const Ready&) const = default;
    static constexpr auto fields() {
        return std::tuple{&Ready::proposal, &Ready::participant, &Ready::keys, &Ready::possession,
                          &Ready::signature};
    }
    [[nodiscard]] Bytes signed_bytes() const;
};

/// Who of the proposed epoch is ready, with which keys.
struct ReadyKeys {
    Participant participant;
    EpochKeys keys;
    bool operator==(const ReadyKeys&) const = default;
    static constexpr auto fields() { return std::tuple{&ReadyKeys::participant, &ReadyKeys::keys}; }
};
/// What is decided of the next epoch, up to and including a block: the newest proposal, and who is
/// ready for it.
struct NextEpoch {
    Hash proposal;
    uint32_t attempt = 0;
    Slot slot;                                              ///< that decided the proposal,
    Micros time;                                            ///< and its time
    cbor::List<ReadyKeys, limits::participants_max> ready;  ///< ascending by participant
    /// A quorum of its participants is ready: this block is the last of the epoch before.
    bool begins = false;
    bool operator==(const NextEpoch&) const = default;
    static constexpr auto fields() {
        return std::tuple{&NextEpoch::proposal, &NextEpoch::attempt, &NextEpoch::slot,
                          &NextEpoch::time,     &NextEpoch::ready,   &NextEpoch::begins};
    }
};
/// Who takes part in the epoch that begins so, and with which keys: those who were not ready in
/// time with the proposal's.
[[nodiscard]] ParticipantEntries entries_of(const EpochProposal& proposal, const NextEpoch& next);

/// How many fields a decided block has.
inline constexpr size_t block_fields = 12;

/// An epoch that was decided. It proves itself to whoever knows the epoch before.
struct Handover {
    EpochProposal proposal;
    NextEpoch next;                               ///< as the epoch's last block says
    cbor::List<Hash, block_fields> field_hashes;  ///< of that block
    CommitQC last;                                ///< the hand-over certificate
    bool operator==(const Handover&) const = default;
    static constexpr auto fields() {
        return std::tuple{&Handover::proposal, &Handover::next, &Handover::field_hashes,
                          &Handover::last};
    }
};

/// How an epoch after the first began.
using Beginning = std::variant<Recovery, Handover>;
/// Epochs after the first that a charter may name.
inline constexpr uint32_t beginnings_max = 1'024;

/// The last decision of the epoch before; none: it decided nothing.
[[nodiscard]] const CommitQC* last_of(const Beginning& beginning);
[[nodiscard]] Slot last_slot_of(const Beginning& beginning);
[[nodiscard]] Epoch epoch_of(const Beginning& beginning);

}  // namespace tally::model
