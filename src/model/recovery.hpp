// Recovery charters: how a network goes on that lost more journals than it survives
// (docs/protocol.md, section 5).
//
// A quorum's identity keys sign which decision was the last of the old epoch, and with which keys
// the next one begins. Like a founder's, their signatures stand outside of what they sign.
#pragma once

#include "model/votes.hpp"

namespace tally::model {

/// By identity key.
struct IdentitySignature {
    Participant participant;
    Signature signature{};
    bool operator==(const IdentitySignature&) const = default;
    static constexpr auto fields() {
        return std::tuple{&IdentitySignature::participant, &IdentitySignature::signature};
    }
};
using IdentitySignatures = cbor::List<IdentitySignature, limits::participants_max>;

/// With which keys a participant takes part in an epoch.
struct EpochKeys {
    Ed25519Public signing_key{};
    X25519Public opening_key{};
    bool operator==(const EpochKeys&) const = default;
    static constexpr auto fields() {
        return std::tuple{&EpochKeys::signing_key, &EpochKeys::opening_key};
    }
};

/// What one participant says before a recovery charter is written: how far it knows the old epoch,
/// and its keys for the next one.
struct RecoveryStatement {
    Hash network;
    Epoch epoch;  ///< the next one
    Participant participant;
    std::optional<CommitQC> last;  ///< the highest that it knows; none: nothing was decided
    EpochKeys keys;
    bool operator==(const RecoveryStatement&) const = default;
    static constexpr auto fields() {
        return std::tuple{&RecoveryStatement::network, &RecoveryStatement::epoch,
                          &RecoveryStatement::participant, &RecoveryStatement::last,
                          &RecoveryStatement::keys};
    }
    /// What the identity key signs.
    [[nodiscard]] Bytes signed_bytes() const;
};
struct SignedRecoveryStatement {
    RecoveryStatement statement;
    Signature signature{};  ///< by identity key
    static constexpr auto fields() {
        return std::tuple{&SignedRecoveryStatement::statement, &SignedRecoveryStatement::signature};
    }
};

struct RecoveryBody {
    Hash network;
    Epoch epoch;                   ///< that begins
    std::optional<CommitQC> last;  ///< of the epoch before; none: it decided nothing
    cbor::List<EpochKeys, limits::participants_max> keys;  ///< by participant
    bool operator==(const RecoveryBody&) const = default;
    static constexpr auto fields() {
        return std::tuple{&RecoveryBody::network, &RecoveryBody::epoch, &RecoveryBody::last,
                          &RecoveryBody::keys};
    }
    /// The last slot of the epoch before; zero if it decided nothing.
    [[nodiscard]] Slot last_slot() const { return last ? last->body.slot : Slot{}; }
    [[nodiscard]] Hash hash() const;
};
/// What an identity key signs, once for each epoch.
[[nodiscard]] Bytes recovery_statement(const Hash& recovery);

struct Recovery {
    RecoveryBody body;
    IdentitySignatures signatures;  ///< ascending
    bool operator==(const Recovery&) const = default;
    static constexpr auto fields() { return std::tuple{&Recovery::body, &Recovery::signatures}; }
};

}  // namespace tally::model
