// Signed statements of participants, and quorums of them.
//
// A signature covers (network id, epoch, message kind, signer, every field): the same bytes can be
// replayed neither on another network or epoch nor as another kind (docs/protocol.md, section 0).
#pragma once

#include "base/quorum.hpp"
#include "crypto/keys.hpp"
#include "model/cbor.hpp"

namespace tally::model {

/// What kinds of statement a signing key signs. Numbers are frozen.
enum class Statement : uint8_t {
    batch = 1,
    acknowledgement = 2,
    report = 3,
    proposal = 4,
    prepare_vote = 5,
    commit_vote = 6,
    timeout = 7,
    attestation = 8,
    dispute = 9,
    sync_answer = 10,
    bad_box = 11,
};

/// Where signatures are valid, and whose: the epoch's signing keys.
struct Signatories {
    Hash network;
    Epoch epoch;
    std::vector<Ed25519Public> keys;  ///< by participant; zero: nobody has this number

    /// How many numbers there are, vacant ones too: of lanes, and of all lists by participant.
    [[nodiscard]] uint32_t places() const { return uint32_t(keys.size()); }
    [[nodiscard]] bool has(Participant participant) const {
        return participant.value < keys.size() && keys[participant.value] != Ed25519Public{};
    }
    /// n: how many take part.
    [[nodiscard]] uint32_t count() const {
        uint32_t count = 0;
        for (const auto& key : keys) count += key != Ed25519Public{};
        return count;
    }
    [[nodiscard]] Quorum quorum() const { return Quorum::of(count()); }
};

template <class Body>
[[nodiscard]] Bytes signed_bytes(const Signatories& set, Participant signer, const Body& body) {
    cbor::Writer writer;
    writer.array(5);
    cbor::write(writer, set.network);
    cbor::write(writer, set.epoch);
    writer.uint(uint64_t(Body::statement));
    cbor::write(writer, signer);
    cbor::write(writer, body);
    Bytes bytes{uint8_t(Tag::signed_message)};
    append(bytes, writer.out());
    return bytes;
}

/// A statement with its signer and signature. Nothing is believed of it before check_signed().
template <class Body>
struct Signed {
    Body body;
    Participant signer;
    Signature signature{};
    bool operator==(const Signed&) const = default;
    static constexpr auto fields() {
        return std::tuple{&Signed::body, &Signed::signer, &Signed::signature};
    }
};

template <class Body>
[[nodiscard]] Signed<Body> sign(const Signatories& set, Participant self, const Signer& signer,
                                Body body) {
    const Bytes bytes = signed_bytes(set, self, body);
    return {std::move(body), self, signer.sign(bytes)};
}

template <class Body>
[[nodiscard]] bool check_signature(const Signatories& set, const Verifier& verifier,
                                   const Body& body, Participant signer,
                                   const Signature& signature) {
    return set.has(signer) &&
           verifier.verify(set.keys[signer.value], signed_bytes(set, signer, body), signature);
}

template <class Body>
[[nodiscard]] bool check_signed(const Signatories& set, const Verifier& verifier,
                                const Signed<Body>& statement) {
    return check_signature(set, verifier, statement.body, statement.signer, statement.signature);
}

/// One signer's part of a quorum.
struct Endorsement {
    Participant signer;
    Signature signature{};
    bool operator==(const Endorsement&) const = default;
    static constexpr auto fields() {
        return std::tuple{&Endorsement::signer, &Endorsement::signature};
    }
};
using Endorsements = cbor::List<Endorsement, limits::participants_max>;

/// True iff signers strictly ascend: no one is counted twice, and one set has one spelling.
template <class Entries>
[[nodiscard]] bool signers_ascend(const Entries& entries) {
    for (size_t i = 1; i < entries.size(); ++i) {
        if (entries[i].signer <= entries[i - 1].signer) return false;
    }
    return true;
}

/// One statement signed by a quorum of the epoch's participants.
template <class Body>
struct QuorumOf {
    Body body;
    Endorsements endorsements;  ///< ascending by signer
    bool operator==(const QuorumOf&) const = default;
    static constexpr auto fields() { return std::tuple{&QuorumOf::body, &QuorumOf::endorsements}; }
};

template <class Body>
[[nodiscard]] bool check_quorum(const Signatories& set, const Verifier& verifier,
                                const QuorumOf<Body>& quorum) {
    if (quorum.endorsements.size() < set.quorum().votes_min) return false;
    if (!signers_ascend(quorum.endorsements)) return false;
    for (const auto& endorsement : quorum.endorsements) {
        if (!check_signature(set, verifier, quorum.body, endorsement.signer, endorsement.signature))
            return false;
    }
    return true;
}

}  // namespace tally::model
