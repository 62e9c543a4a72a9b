// The messages of agreement (docs/protocol.md, section 2), and the one envelope in which every
// message between participants travels.
#pragma once

#include "model/block.hpp"
#include "model/votes.hpp"

namespace tally::model {

/// A ledger's highest certified height above what is carried.
struct CertifiedHeight {
    LedgerIndex ledger;
    Height height;
    bool operator==(const CertifiedHeight&) const = default;
    static constexpr auto fields() {
        return std::tuple{&CertifiedHeight::ledger, &CertifiedHeight::height};
    }
};

/// What one participant holds: per lane the highest certified tip, per ledger with an uncarried
/// certificate the highest certified height, and its clock.
struct Report {
    static constexpr Statement statement = Statement::report;
    Slot slot;
    View view;
    cbor::List<LaneHeight, limits::participants_max> lanes;      ///< one per lane
    cbor::List<CertifiedHeight, limits::ledgers_max> certified;  ///< ascending by ledger
    Micros time;
    bool operator==(const Report&) const = default;
    static constexpr auto fields() {
        return std::tuple{&Report::slot, &Report::view, &Report::lanes, &Report::certified,
                          &Report::time};
    }
};

/// One lane's tip in a cut. Height zero: no batch of that lane yet, both hashes zero.
struct CutEntry {
    LaneHeight height;
    Hash header;
    Hash certificate;  ///< digest of the very certificate whose time counts
    bool operator==(const CutEntry&) const = default;
    static constexpr auto fields() {
        return std::tuple{&CutEntry::height, &CutEntry::header, &CutEntry::certificate};
    }
};
using Cut = cbor::List<CutEntry, limits::participants_max>;

/// What consensus decides for one slot.
struct Block {
    Slot slot;
    Hash parent;                        ///< hash of the block before; for slot 1 the network id
    std::optional<CommitQC> parent_qc;  ///< of the slot before; none for slot 1
    Micros time;                        ///< τ_s
    Cut cut;                            ///< one entry per lane
    cbor::List<Signed<Report>, limits::participants_max> reports;  ///< R, ascending by signer
    cbor::List<Signed<Dispute>, limits::participants_max> control;
    cbor::List<BlockCertificate, limits::ledgers_max> carried;
    cbor::List<Height, limits::ledgers_max> highest_carried;  ///< one per ledger, after `carried`
    std::optional<VotedProposal> proposal;                    ///< control: of the next epoch
    cbor::List<Ready, limits::participants_max> ready;        ///< control, ascending by participant
    std::optional<NextEpoch> next;  ///< what is decided of the next epoch, after these
    bool operator==(const Block&) const = default;
    static constexpr auto fields() {
        return std::tuple{&Block::slot,     &Block::parent,  &Block::parent_qc,
                          &Block::time,     &Block::cut,     &Block::reports,
                          &Block::control,  &Block::carried, &Block::highest_carried,
                          &Block::proposal, &Block::ready,   &Block::next};
    }
    /// H(tag ‖ hash of each field), lists being RFC 9162 trees, so that one field can be shown
    /// alone.
    [[nodiscard]] Hash hash() const;
    /// The field hashes under hash(), in the order of fields().
    [[nodiscard]] std::array<Hash, block_fields> field_hashes() const;
    /// It is the last one of its epoch.
    [[nodiscard]] bool ends_epoch() const { return next && next->begins; }
};
[[nodiscard]] Hash block_hash_of(std::span<const Hash, block_fields> field_hashes);
/// Of a field that is no list.
template <class T>
[[nodiscard]] Hash block_field_hash(const T& value) {
    return tagged_hash(Tag::block_field, cbor::encode(value));
}
/// The tip of a lane, of which an earlier epoch may not have known: no batch of it yet.
[[nodiscard]] const CutEntry& tip_of(const Cut& cut, Participant lane);
/// With an entry for each of so many lanes.
[[nodiscard]] Cut padded(Cut cut, uint32_t lanes);

struct Timeout {
    static constexpr Statement statement = Statement::timeout;
    Slot slot;
    View view;
    std::optional<View> qc_view;  ///< of the highest PrepareQC known in this slot
    Hash qc_block;                ///< zero without one
    bool operator==(const Timeout&) const = default;
    static constexpr auto fields() {
        return std::tuple{&Timeout::slot, &Timeout::view, &Timeout::qc_view, &Timeout::qc_block};
    }
};
/// A Timeout travels with the QC that it reports.
struct TimeoutMessage {
    Signed<Timeout> timeout;
    std::optional<PrepareQC> qc;
    bool operator==(const TimeoutMessage&) const = default;
    static constexpr auto fields() {
        return std::tuple{&TimeoutMessage::timeout, &TimeoutMessage::qc};
    }
};

struct TimeoutPart {
    Participant signer;
    std::optional<View> qc_view;
    Hash qc_block;
    Signature signature{};
    bool operator==(const TimeoutPart&) const = default;
    static constexpr auto fields() {
        return std::tuple{&TimeoutPart::signer, &TimeoutPart::qc_view, &TimeoutPart::qc_block,
                          &TimeoutPart::signature};
    }
};
/// A quorum's Timeouts of one (slot, view), with one full PrepareQC that matches their maximum.
struct TimeoutCertificate {
    Slot slot;
    View view;
    cbor::List<TimeoutPart, limits::participants_max> parts;  ///< ascending by signer
    std::optional<PrepareQC> highest;
    bool operator==(const TimeoutCertificate&) const = default;
    static constexpr auto fields() {
        return std::tuple{&TimeoutCertificate::slot, &TimeoutCertificate::view,
                          &TimeoutCertificate::parts, &TimeoutCertificate::highest};
    }
};
[[nodiscard]] bool check_timeout_certificate(const Signatories& set, const Verifier& verifier,
                                             const TimeoutCertificate& certificate);

struct Proposal {
    static constexpr Statement statement = Statement::proposal;
    Slot slot;
    View view;
    Hash block;
    bool operator==(const Proposal&) const = default;
    static constexpr auto fields() {
        return std::tuple{&Proposal::slot, &Proposal::view, &Proposal::block};
    }
};
using LaneCertificates = cbor::List<LaneCertificate, limits::participants_max>;

/// A proposal with its body, the certificates that its cut names where they are new, and J. In view
/// 0, J is the CommitQC inside the body; afterwards the TC of the view before.
struct ProposalMessage {
    Signed<Proposal> proposal;
    std::optional<Block> block;  ///< may be left out when a TC fixes the hash
    std::optional<TimeoutCertificate> justification;
    LaneCertificates certificates;
    bool operator==(const ProposalMessage&) const = default;
    static constexpr auto fields() {
        return std::tuple{&ProposalMessage::proposal, &ProposalMessage::block,
                          &ProposalMessage::justification, &ProposalMessage::certificates};
    }
};

/// A decided block, all that is needed to follow it, and the proof that it was decided.
struct Decision {
    Block block;
    CommitQC qc;
    LaneCertificates certificates;  ///< those that the cut names anew
    bool operator==(const Decision&) const = default;
    static constexpr auto fields() {
        return std::tuple{&Decision::block, &Decision::qc, &Decision::certificates};
    }
};

/// The proof alone, for those who hold the block.
struct DecideMessage {
    CommitQC qc;
    bool operator==(const DecideMessage&) const = default;
    static constexpr auto fields() { return std::tuple{&DecideMessage::qc}; }
};

/// Said every so often, so that who is behind notices.
struct Heartbeat {
    Slot slot;  ///< being worked on
    View view;
    Hash decided;         ///< hash of the last decision
    Epoch epoch;          ///< in which the sender takes part: perhaps another than the receiver's
    bool signing = true;  ///< false: it signs nothing, for it cannot know what it has signed
    bool operator==(const Heartbeat&) const = default;
    static constexpr auto fields() {
        return std::tuple{&Heartbeat::slot, &Heartbeat::view, &Heartbeat::decided,
                          &Heartbeat::epoch, &Heartbeat::signing};
    }
};

/// A piece of work, relayed to all by whoever reports for `slot` because of it. Valid unless it was
/// cut or carried in slots before slot − 1.
struct Wake {
    using Work =
        std::variant<LaneCertificate, BlockCertificate, Signed<Dispute>, VotedProposal, Ready>;
    Slot slot;
    Work work;
    bool operator==(const Wake&) const = default;
    static constexpr auto fields() { return std::tuple{&Wake::slot, &Wake::work}; }
};

// --- fetching ---

struct FetchDecisions {
    Slot from;
    uint16_t count = 0;
    bool operator==(const FetchDecisions&) const = default;
    static constexpr auto fields() {
        return std::tuple{&FetchDecisions::from, &FetchDecisions::count};
    }
};
struct Decisions {
    cbor::List<Decision, 64> list;  ///< consecutive slots
    bool operator==(const Decisions&) const = default;
    static constexpr auto fields() { return std::tuple{&Decisions::list}; }
};
/// Asks for an undecided block by hash, to follow a TC or a CommitQC whose body is missing.
struct FetchBlock {
    Slot slot;
    Hash block;
    bool operator==(const FetchBlock&) const = default;
    static constexpr auto fields() { return std::tuple{&FetchBlock::slot, &FetchBlock::block}; }
};
struct BlockBody {
    Block block;
    LaneCertificates certificates;
    bool operator==(const BlockBody&) const = default;
    static constexpr auto fields() {
        return std::tuple{&BlockBody::block, &BlockBody::certificates};
    }
};
struct FetchLaneCertificate {
    Participant lane;
    LaneHeight height;
    bool operator==(const FetchLaneCertificate&) const = default;
    static constexpr auto fields() {
        return std::tuple{&FetchLaneCertificate::lane, &FetchLaneCertificate::height};
    }
};
struct FetchBatch {
    Participant lane;
    LaneHeight height;
    Hash header;
    bool operator==(const FetchBatch&) const = default;
    static constexpr auto fields() {
        return std::tuple{&FetchBatch::lane, &FetchBatch::height, &FetchBatch::header};
    }
};
/// A batch's bytes; of a void one the CellSets that show it.
struct BatchBody {
    BatchHeader header;
    cbor::Blob<limits::void_batch_bytes_max> bytes;
    bool operator==(const BatchBody&) const = default;
    static constexpr auto fields() { return std::tuple{&BatchBody::header, &BatchBody::bytes}; }
};
/// Asks for the receiver's own cells of a batch.
struct FetchCells {
    Participant lane;
    LaneHeight height;
    Hash header;
    bool operator==(const FetchCells&) const = default;
    static constexpr auto fields() {
        return std::tuple{&FetchCells::lane, &FetchCells::height, &FetchCells::header};
    }
};
struct BatchCells {
    BatchHeader header;
    CellSet cells;  ///< the sender's
    bool operator==(const BatchCells&) const = default;
    static constexpr auto fields() { return std::tuple{&BatchCells::header, &BatchCells::cells}; }
};
struct FetchBlockCertificate {
    LedgerIndex ledger;
    Height height;
    bool operator==(const FetchBlockCertificate&) const = default;
    static constexpr auto fields() {
        return std::tuple{&FetchBlockCertificate::ledger, &FetchBlockCertificate::height};
    }
};

/// Asks for the piece of a ledger's state at this height that begins at a key.
struct FetchState {
    LedgerIndex ledger;
    Height height;
    cbor::Blob<limits::key_bytes_max> from;  ///< empty: the state's beginning
    bool operator==(const FetchState&) const = default;
    static constexpr auto fields() {
        return std::tuple{&FetchState::ledger, &FetchState::height, &FetchState::from};
    }
};
/// One chunk of a state (ledger/snapshot.hpp), which proves itself under `header.state_after`; and
/// who asked knows the header's hash.
struct StateChunk {
    LedgerHeader header;
    cbor::Blob<limits::state_chunk_bytes_max> chunk;
    bool operator==(const StateChunk&) const = default;
    static constexpr auto fields() { return std::tuple{&StateChunk::header, &StateChunk::chunk}; }
};
/// Asks where every ledger stood after a decided slot.
struct FetchStands {
    Slot slot;
    bool operator==(const FetchStands&) const = default;
    static constexpr auto fields() { return std::tuple{&FetchStands::slot}; }
};
/// The block of a ledger that a slot's decision says is the highest carried, and in which slot the
/// next block was made, as the sender executed them.
struct LedgerStand {
    LedgerIndex ledger;
    Height height;
    Hash header;
    Slot next;  ///< zero: no later block was made up to the slot that is asked about
    bool operator==(const LedgerStand&) const = default;
    auto operator<=>(const LedgerStand&) const = default;
    static constexpr auto fields() {
        return std::tuple{&LedgerStand::ledger, &LedgerStand::height, &LedgerStand::header,
                          &LedgerStand::next};
    }
};
/// Of the ledgers that the sender executed past this slot; a function of what is decided, so all
/// honest participants say the same.
struct Stands {
    Slot slot;
    cbor::List<LedgerStand, limits::ledgers_max> ledgers;  ///< ascending by ledger
    bool operator==(const Stands&) const = default;
    static constexpr auto fields() { return std::tuple{&Stands::slot, &Stands::ledgers}; }
};

// --- a participant that starts asks what it has signed (section 5) ---

struct FetchOwnMessages {
    uint64_t start = 0;  ///< which start asks: an answer to an earlier one says too little
    Epoch epoch;         ///< what was signed in it; who takes part in another does not answer
    bool operator==(const FetchOwnMessages&) const = default;
    static constexpr auto fields() {
        return std::tuple{&FetchOwnMessages::start, &FetchOwnMessages::epoch};
    }
};
/// The latest of each kind that the receiver has signed, as the sender holds it; nothing of a kind
/// of which it holds none. Each proves itself.
struct OwnMessages {
    uint64_t start = 0;
    std::optional<Signed<BatchClaim>> batch;
    cbor::List<Signed<Acknowledgement>, limits::participants_max> acknowledgements;  ///< by lane
    std::optional<Signed<Report>> report;
    std::optional<Signed<Proposal>> proposal;
    std::optional<Signed<PrepareVote>> prepare_vote;
    std::optional<Signed<CommitVote>> commit_vote;
    std::optional<Signed<Timeout>> timeout;
    cbor::List<Signed<Attestation>, limits::ledgers_max> attestations;  ///< by ledger
    cbor::List<Signed<Dispute>, limits::ledgers_max> disputes;          ///< by ledger
    bool operator==(const OwnMessages&) const = default;
    static constexpr auto fields() {
        return std::tuple{
            &OwnMessages::start,       &OwnMessages::batch,    &OwnMessages::acknowledgements,
            &OwnMessages::report,      &OwnMessages::proposal, &OwnMessages::prepare_vote,
            &OwnMessages::commit_vote, &OwnMessages::timeout,  &OwnMessages::attestations,
            &OwnMessages::disputes};
    }
};

/// Says, every so often while it is so and once more when it is over, of which ledgers the sender's
/// own copy is damaged and not attested until it is healed.
struct Quarantined {
    cbor::List<LedgerIndex, limits::ledgers_max> ledgers;
    bool operator==(const Quarantined&) const = default;
    static constexpr auto fields() { return std::tuple{&Quarantined::ledgers}; }
};

// --- sealed transactions (section 3) ---

/// A holder says that its box in a sealed transaction is bad: that is, does not open, or holds
/// another share than the one it is named for, or one that is bound to another transaction.
struct BadBox {
    static constexpr Statement statement = Statement::bad_box;
    LedgerIndex ledger;
    Slot slot;
    uint32_t index = 0;  ///< in the block's list
    Hash commitment;     ///< C of the transaction
    bool operator==(const BadBox&) const = default;
    static constexpr auto fields() {
        return std::tuple{&BadBox::ledger, &BadBox::slot, &BadBox::index, &BadBox::commitment};
    }
};
/// The signature on it, with the key of this epoch: the transaction's, or the next.
struct BadBoxSaid {
    Epoch epoch;
    Signature signature{};
    bool operator==(const BadBoxSaid&) const = default;
    static constexpr auto fields() {
        return std::tuple{&BadBoxSaid::epoch, &BadBoxSaid::signature};
    }
};
/// One holder's share of one sealed transaction, which proves itself, or its word that there is
/// none.
struct SealedShare {
    uint32_t index = 0;  ///< in the block's list
    Participant holder;
    std::variant<std::array<uint8_t, 32>, BadBoxSaid> share;
    bool operator==(const SealedShare&) const = default;
    static constexpr auto fields() {
        return std::tuple{&SealedShare::index, &SealedShare::holder, &SealedShare::share};
    }
};
using SealedShareList = cbor::List<SealedShare, limits::sealed_shares_per_block_max>;

/// For what is sealed in a ledger's block of a decided slot.
struct SharesOfBlock {
    LedgerIndex ledger;
    Slot slot;
    SealedShareList shares;
    bool operator==(const SharesOfBlock&) const = default;
    static constexpr auto fields() {
        return std::tuple{&SharesOfBlock::ledger, &SharesOfBlock::slot, &SharesOfBlock::shares};
    }
};
struct FetchShares {
    LedgerIndex ledger;
    Slot slot;
    bool operator==(const FetchShares&) const = default;
    static constexpr auto fields() { return std::tuple{&FetchShares::ledger, &FetchShares::slot}; }
};
// --- audits (section 1) ---

/// Asks for a leaf of one of the receiver's own cells of a batch.
struct FetchCellLeaf {
    Participant lane;
    LaneHeight height;
    Hash header;
    uint16_t cell = 0;
    uint16_t leaf = 0;
    bool operator==(const FetchCellLeaf&) const = default;
    static constexpr auto fields() {
        return std::tuple{&FetchCellLeaf::lane, &FetchCellLeaf::height, &FetchCellLeaf::header,
                          &FetchCellLeaf::cell, &FetchCellLeaf::leaf};
    }
};
/// Such a leaf; who asked has the header under which it proves itself.
struct BatchCellLeaf {
    Participant lane;
    LaneHeight height;
    Hash header;
    CellLeaf leaf;
    bool operator==(const BatchCellLeaf&) const = default;
    static constexpr auto fields() {
        return std::tuple{&BatchCellLeaf::lane, &BatchCellLeaf::height, &BatchCellLeaf::header,
                          &BatchCellLeaf::leaf};
    }
};

/// Every message between participants. Positions are frozen: they are the tag on the wire.
using Message =
    std::variant<Fragment, Signed<Acknowledgement>, LaneCertificate, Signed<Report>,
                 ProposalMessage, Signed<PrepareVote>, Signed<CommitVote>, TimeoutMessage,
                 TimeoutCertificate, DecideMessage, PrepareQC, Heartbeat, Signed<Attestation>,
                 BlockCertificate, Signed<Dispute>, FetchDecisions, Decisions, FetchBlock,
                 BlockBody, FetchLaneCertificate, FetchBatch, BatchBody, FetchBlockCertificate,
                 Wake, FetchState, StateChunk, FetchStands, Stands, FetchOwnMessages, OwnMessages,
                 Quarantined, FetchCells, BatchCells, VotedProposal, Ready, SharesOfBlock,
                 FetchShares, FetchCellLeaf, BatchCellLeaf>;

[[nodiscard]] Bytes encode_message(const Message& message);
/// Bounded by limits::peer_message_bytes_max; nothing inside is believed yet.
[[nodiscard]] Result<Message> decode_message(ByteView bytes);

}  // namespace tally::model
