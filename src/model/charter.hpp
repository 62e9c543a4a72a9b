// The charter: the genesis document that every founding participant signs. Its hash is the network
// id (docs/protocol.md, section 9).
#pragma once

#include <algorithm>
#include <memory>

#include "model/membership.hpp"

namespace tally::model {

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
    Provers provers;
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
    ParticipantEntries participants;
    cbor::List<LedgerEntry, limits::ledgers_max> ledgers;
    bool operator==(const CharterBody&) const = default;
    static constexpr auto fields() {
        return std::tuple{&CharterBody::name,       &CharterBody::genesis_time,
                          &CharterBody::consensus,  &CharterBody::execution,
                          &CharterBody::parameters, &CharterBody::participants,
                          &CharterBody::ledgers};
    }
};

/// The body and, outside of it, the founders' signatures by identity key, ascending, and how later
/// epochs began.
struct Charter {
    CharterBody body;
    IdentitySignatures signatures;
    cbor::List<Beginning, beginnings_max> beginnings;
    std::shared_ptr<const CharterBody> newest = nullptr;  ///< see now()
    bool operator==(const Charter& other) const {
        return body == other.body && signatures == other.signatures &&
               beginnings == other.beginnings;
    }
    static constexpr auto fields() {
        return std::tuple{&Charter::body, &Charter::signatures, &Charter::beginnings};
    }

    /// Adds how the next epoch began. Requires that it was checked.
    void begin(Beginning beginning);
    /// The body as the newest epoch has it: its participants with its keys, its parameters and
    /// provers. Without the ledgers' beginnings, if it is not the first.
    [[nodiscard]] const CharterBody& now() const;
    [[nodiscard]] Epoch epoch() const { return {uint32_t(beginnings.size())}; }
    /// With which this participant takes part in the newest epoch.
    [[nodiscard]] EpochKeys keys_of(Participant participant) const;
    /// n, in the newest epoch.
    [[nodiscard]] uint32_t participant_count() const;
    /// How many numbers participants have or had.
    [[nodiscard]] uint32_t places() const { return uint32_t(now().participants.size()); }
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
    bad_proposal,
    too_few_votes,
    bad_handover,
};
ErrorText describe(CharterError error);

/// The epochs that a charter names, who takes part in each, and by which rules (docs/protocol.md,
/// section 5).
class Epochs {
public:
    /// Requires a checked charter.
    explicit Epochs(const Charter& charter);
    /// Of the newest epoch.
    [[nodiscard]] const Signatories& current() const { return sets_.back(); }
    /// Of the epoch in which this slot is decided.
    [[nodiscard]] const Signatories& at(Slot slot) const { return sets_[index_of(slot)]; }
    /// Oldest first.
    [[nodiscard]] const std::vector<Signatories>& all() const { return sets_; }
    /// The charter's body as an epoch has it; see Charter::now().
    [[nodiscard]] const CharterBody& now() const { return *bodies_.back(); }
    [[nodiscard]] const CharterBody& body_at(Slot slot) const { return *bodies_[index_of(slot)]; }
    /// Of an epoch that there is, else the newest.
    [[nodiscard]] const CharterBody& body_of(Epoch epoch) const {
        return *bodies_[std::min<size_t>(epoch.value, bodies_.size() - 1)];
    }
    /// The last decision of the epoch before the newest; none in epoch 0, or if that decided
    /// nothing.
    [[nodiscard]] const std::optional<CommitQC>& handover() const { return handover_; }
    /// Its slot, or zero.
    [[nodiscard]] Slot handover_slot() const { return ends_.empty() ? Slot{} : ends_.back(); }
    /// The last slot of each epoch but the newest.
    [[nodiscard]] const std::vector<Slot>& ends() const { return ends_; }

private:
    [[nodiscard]] size_t index_of(Slot slot) const;

    std::vector<Signatories> sets_;
    std::vector<std::shared_ptr<const CharterBody>> bodies_;
    std::vector<Slot> ends_;
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
/// That this epoch may be decided next, votes apart: of all that it must say about whom and what
/// `now` has, the charter's body as the newest epoch of `network` has it.
[[nodiscard]] Result<void> check_proposal(const Hash& network, Epoch epoch, const CharterBody& now,
                                          const EpochProposal& proposal);
/// That participants of more than two thirds of the votes' weight in `now` have signed for it.
[[nodiscard]] Result<void> check_votes(const CharterBody& now, const Verifier& verifier,
                                       const VotedProposal& voted);
/// That the epoch after those that the charter has was decided so, by its newest.
[[nodiscard]] Result<void> check_handover(const Charter& charter, const Handover& handover);
/// Each epoch after those before it. Requires a checked body.
[[nodiscard]] Result<void> check_beginnings(const Charter& charter);
/// The body, a valid signature of every founder (the error names the first that is missing), and
/// each epoch after those before it.
[[nodiscard]] Result<void> check_charter(const Charter& charter);
/// Decodes and checks.
[[nodiscard]] Result<Charter> decode_charter(ByteView bytes);
/// The same, but for the founders' signatures: of a charter that is still passed round.
[[nodiscard]] Result<Charter> decode_unsigned_charter(ByteView bytes);

}  // namespace tally::model
