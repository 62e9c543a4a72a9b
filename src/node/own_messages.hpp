// What participants have signed, so that a lost journal is noticed (docs/protocol.md, section 5).
//
// Each participant remembers of every other the latest that it signed of each kind. Who starts asks
// the others for what they hold of it, and compares it with what its own journal holds.
#pragma once

#include <map>

#include "model/records.hpp"

namespace tally::node {

/// Of each participant, the latest of each kind that was seen. Later means a higher place: (slot,
/// view), a lane's or a ledger's height. Bounded by the numbers of participants and ledgers.
class LatestSigned {
public:
    LatestSigned(uint32_t participants, uint32_t ledgers)
        : ledgers_(ledgers), latest_(participants) {}

    /// In an epoch after the first: what was signed in an earlier one, under other keys, is not
    /// kept, neither of slots up to the last of them nor what is heard still. Once, at the
    /// beginning; borrows both.
    void begin_after(Slot last, const model::Signatories& set, const Verifier& verifier) {
        earlier_ = last;
        set_ = &set;
        verifier_ = &verifier;
    }
    /// A message from the participant itself. In the first epoch it is not checked: what is false
    /// about one's own signature harms its sender alone, and whoever is given it checks it.
    void hear(Participant from, const model::Message& message);
    /// What a record proves that others have signed, and the own statement that it holds. Records
    /// hold only what is checked.
    void see(const model::Record& record);
    [[nodiscard]] model::OwnMessages of(Participant signer, uint64_t start) const;

private:
    struct Latest {
        std::optional<model::Signed<model::BatchClaim>> batch;
        std::map<Participant, model::Signed<model::Acknowledgement>> acknowledgements;
        std::optional<model::Signed<model::Report>> report;
        std::optional<model::Signed<model::Proposal>> proposal;
        std::optional<model::Signed<model::PrepareVote>> prepare_vote;
        std::optional<model::Signed<model::CommitVote>> commit_vote;
        std::optional<model::Signed<model::Timeout>> timeout;
        std::map<LedgerIndex, model::Signed<model::Attestation>> attestations;
        std::map<LedgerIndex, model::Signed<model::Dispute>> disputes;
    };

    [[nodiscard]] Latest* latest_of(Participant signer) {
        return signer.value < latest_.size() ? &latest_[signer.value] : nullptr;
    }
    void keep(const model::Signed<model::BatchClaim>& claim);
    void keep(const model::Signed<model::Acknowledgement>& acknowledgement);
    void keep(const model::Signed<model::Report>& report);
    void keep(const model::Signed<model::Proposal>& proposal);
    void keep(const model::Signed<model::PrepareVote>& vote);
    void keep(const model::Signed<model::CommitVote>& vote);
    void keep(const model::Signed<model::Timeout>& timeout);
    void keep(const model::Signed<model::Attestation>& attestation);
    void keep(const model::Signed<model::Dispute>& dispute);
    void keep(const model::LaneCertificate& certificate);
    void keep(const model::BlockCertificate& certificate);
    void keep(const model::TimeoutCertificate& certificate);
    void keep(const model::Block& block);
    void keep(const model::LaneCertificates& certificates);
    template <class Vote>
    void keep(const model::QuorumOf<Vote>& quorum);

    template <class Body>
    [[nodiscard]] bool is_news(const model::Signed<Body>& statement) const;
    template <class Body>
    [[nodiscard]] bool is_earlier(const Body& body) const {
        return body.slot <= earlier_ && earlier_.value > 0;
    }

    uint32_t ledgers_;
    Slot earlier_;
    const model::Signatories* set_ = nullptr;
    const Verifier* verifier_ = nullptr;
    std::vector<Latest> latest_;
};

/// What the own journal says that this participant has signed: the newest places of each kind, and
/// what stands there.
class SignedPlaces {
public:
    explicit SignedPlaces(Participant self) : self_(self) {}

    /// A record of the own journal, in its order, when recovered and when appended.
    void note(const model::Record& record);
    /// The journal does not reach back to its beginning: what is older than its oldest place of a
    /// kind is not missed.
    void set_pruned() { pruned_ = true; }
    /// The first of these statements that the journal lacks, in words; nothing if it has them all.
    [[nodiscard]] std::optional<std::string> lacks(const model::OwnMessages& messages) const;

private:
    static constexpr size_t places_kept = 64;
    using Series = std::pair<model::Statement, uint16_t>;  ///< the second: a lane, a ledger, or 0
    using Place = std::pair<uint64_t, uint32_t>;           ///< (slot or height, view or attempt)

    template <class Body>
    void note_own(const model::Signed<Body>& statement);
    void note_at(const Series& series, const Place& place, const Hash& body);
    template <class Body>
    [[nodiscard]] bool has(const model::Signed<Body>& statement) const;

    Participant self_;
    bool pruned_ = false;
    struct Kept {
        std::map<Place, Hash> newest;
        bool has_older = false;
    };
    std::map<Series, Kept> kept_;
};

/// True iff all that stands there was signed by `self`, and truly. What a peer sends is one or the
/// other, so that a lie shows.
[[nodiscard]] bool check_own_messages(const model::Signatories& set, const Verifier& verifier,
                                      Participant self, const model::OwnMessages& messages);

}  // namespace tally::node
