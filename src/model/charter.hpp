// The charter: the genesis document that every founding participant signs. Its hash is the network
// id (docs/protocol.md, section 9).
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
                          &Parameters::whole_slots};
    }
};

struct ParticipantEntry {
    Name name;
    Ed25519Public identity_key{};  ///< charter, TLS, own transactions
    Ed25519Public
        signing_key{};  ///< epoch 0: reports, votes, batches, acknowledgements, attestations
    X25519Public opening_key{};     ///< epoch 0: sealed transactions
    cbor::List<Name, 4> addresses;  ///< host:port for peers
    uint64_t vote_weight = 1;       ///< in votes on proposals
    bool operator==(const ParticipantEntry&) const = default;
    static constexpr auto fields() {
        return std::tuple{&ParticipantEntry::name,        &ParticipantEntry::identity_key,
                          &ParticipantEntry::signing_key, &ParticipantEntry::opening_key,
                          &ParticipantEntry::addresses,   &ParticipantEntry::vote_weight};
    }
};

enum class ExecutionMode : uint8_t { replicated = 0 };
constexpr ExecutionMode last_of(ExecutionMode) {
    return ExecutionMode::replicated;
}
/// How batch bodies travel: coded cells of which a third and one are enough, or the whole batch to
/// everyone.
enum class Forwarding : uint8_t { coded = 0, replicated = 1 };
constexpr Forwarding last_of(Forwarding) {
    return Forwarding::replicated;
}
constexpr std::string_view name_of(Forwarding forwarding) {
    switch (forwarding) {
    case Forwarding::coded: return "coded";
    case Forwarding::replicated: return "replicated";
    }
    std::abort();
}

/// JSON text of one subject map, as in a transaction's `tx`.
using GenesisChange = cbor::Text<limits::envelope_bytes_max>;

struct LedgerEntry {
    cbor::Text<limits::ledger_name_bytes_max> name;
    cbor::List<Participant, limits::participants_max> provers;  ///< ascending
    ExecutionMode execution = ExecutionMode::replicated;
    Forwarding forwarding = Forwarding::coded;
    cbor::List<GenesisChange, 4'096> genesis;  ///< executed in order at height 0, without votes
    bool operator==(const LedgerEntry&) const = default;
    static constexpr auto fields() {
        return std::tuple{&LedgerEntry::name, &LedgerEntry::provers, &LedgerEntry::execution,
                          &LedgerEntry::forwarding, &LedgerEntry::genesis};
    }
};

/// The ledger of the network itself: proved by all participants, and never paused.
inline constexpr std::string_view network_ledger_name = "_network";
inline constexpr std::string_view consensus_name = "cut/1";
inline constexpr uint32_t execution_version = 1;

struct CharterBody {
    Name name;
    Micros genesis_time;  ///< τ_0
    Name consensus = std::string(consensus_name);
    uint32_t execution = execution_version;
    Parameters parameters;
    cbor::List<ParticipantEntry, limits::participants_max> participants;
    cbor::List<LedgerEntry, limits::ledgers_max> ledgers;
    bool operator==(const CharterBody&) const = default;
    static constexpr auto fields() {
        return std::tuple{&CharterBody::name,       &CharterBody::genesis_time,
                          &CharterBody::consensus,  &CharterBody::execution,
                          &CharterBody::parameters, &CharterBody::participants,
                          &CharterBody::ledgers};
    }
};

/// The body and, outside of it, the founders' signatures by identity key, ascending, and the
/// recovery charters, by which later epochs began.
struct Charter {
    CharterBody body;
    IdentitySignatures signatures;
    cbor::List<Recovery, recoveries_max> recoveries;
    bool operator==(const Charter&) const = default;
    static constexpr auto fields() {
        return std::tuple{&Charter::body, &Charter::signatures, &Charter::recoveries};
    }

    /// With which this participant takes part in the newest epoch.
    [[nodiscard]] EpochKeys keys_of(Participant participant) const;
    [[nodiscard]] uint32_t participant_count() const { return uint32_t(body.participants.size()); }
    /// The ledger of this name; nothing if there is none.
    [[nodiscard]] std::optional<LedgerIndex> ledger(std::string_view name) const;
};

enum class CharterError {
    not_a_charter,
    unknown_consensus,
    unknown_execution,
    bad_participants,
    bad_ledgers,
    bad_parameters,
    unsigned_by_founder,
    bad_signature,
    bad_recovery,
    bad_recovery_signature,
    older_epoch,
};
ErrorText describe(CharterError error);

/// The epochs that a charter names, and whose signatures count in each (docs/protocol.md, section
/// 5).
class Epochs {
public:
    /// Requires a checked charter.
    explicit Epochs(const Charter& charter);
    /// Of the newest epoch.
    [[nodiscard]] const Signatories& current() const { return sets_.back(); }
    /// Of the epoch in which this slot is decided.
    [[nodiscard]] const Signatories& at(Slot slot) const;
    /// Oldest first.
    [[nodiscard]] const std::vector<Signatories>& all() const { return sets_; }
    /// The last decision of the epoch before the newest; none in epoch 0, or if that decided
    /// nothing.
    [[nodiscard]] const std::optional<CommitQC>& handover() const { return handover_; }
    /// Its slot, or zero.
    [[nodiscard]] Slot handover_slot() const { return ends_.empty() ? Slot{} : ends_.back(); }

private:
    std::vector<Signatories> sets_;
    std::vector<Slot> ends_;  ///< the last slot of each epoch but the newest
    std::optional<CommitQC> handover_;
};

/// H(tag ‖ CBOR of the body).
[[nodiscard]] Hash network_id_of(const CharterBody& body);
/// What a founder signs.
[[nodiscard]] Bytes founder_statement(const Hash& network);
/// Whose signatures stand there and do not hold, by name: of another statement, of nobody whom the
/// charter names, or out of order. Who has not signed is not among them.
[[nodiscard]] std::vector<std::string> invalid_signatures(const CharterBody& body,
                                                          const IdentitySignatures& signatures,
                                                          ByteView statement);
/// Structure, sizes, distinct keys and names, ascending provers, all of them for `_network`, known
/// consensus and execution version.
[[nodiscard]] Result<void> check_charter_body(const CharterBody& body);
/// That this recovery charter may follow those that the charter has, a quorum's signatures apart:
/// of the next epoch, with keys for all, and a true CommitQC of the epoch before.
[[nodiscard]] Result<void> check_recovery_body(const Charter& charter, const RecoveryBody& body);
/// The body, and true signatures of a quorum's identity keys.
[[nodiscard]] Result<void> check_recovery(const Charter& charter, const Recovery& recovery);
/// Each recovery charter after those before it. Requires a checked body.
[[nodiscard]] Result<void> check_recoveries(const Charter& charter);
/// The body, a valid signature of every founder (the error names the first that is missing), and
/// each recovery charter after those before it.
[[nodiscard]] Result<void> check_charter(const Charter& charter);
/// Decodes and checks.
[[nodiscard]] Result<Charter> decode_charter(ByteView bytes);
/// The same, but for the founders' signatures: of a charter that is still passed round.
[[nodiscard]] Result<Charter> decode_unsigned_charter(ByteView bytes);

}  // namespace tally::model
