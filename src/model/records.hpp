// Journal records: what must be durable before what depends on it is sent (docs/protocol.md,
// section 0).
#pragma once

#include "model/messages.hpp"

namespace tally::model {

/// A PrepareVote with its J; on a fresh block also the body and every certificate that it names.
struct PrepareVoteRecord {
    Signed<PrepareVote> vote;
    std::optional<TimeoutCertificate> justification;
    std::optional<BlockBody> body;
    static constexpr auto fields() {
        return std::tuple{&PrepareVoteRecord::vote, &PrepareVoteRecord::justification,
                          &PrepareVoteRecord::body};
    }
};
/// A CommitVote with the PrepareQC that it follows. Saving the vote but not the QC forks after one
/// restart.
struct CommitVoteRecord {
    Signed<CommitVote> vote;
    PrepareQC qc;
    static constexpr auto fields() {
        return std::tuple{&CommitVoteRecord::vote, &CommitVoteRecord::qc};
    }
};
/// A batch of the own lane, before its first fragment leaves.
struct OwnBatchRecord {
    BatchHeader header;
    Signature author{};
    cbor::Blob<limits::batch_bytes_max> bytes;
    static constexpr auto fields() {
        return std::tuple{&OwnBatchRecord::header, &OwnBatchRecord::author, &OwnBatchRecord::bytes};
    }
};
/// The own cells of a batch with the acknowledgement that they justify.
struct CellsRecord {
    Fragment fragment;
    Signed<Acknowledgement> acknowledgement;
    static constexpr auto fields() {
        return std::tuple{&CellsRecord::fragment, &CellsRecord::acknowledgement};
    }
};

/// This journal does not hold all that its participant has signed: from here on it signs nothing in
/// this epoch (docs/protocol.md, section 5).
struct LostJournal {
    cbor::Text<1'024> why;  ///< how it was noticed, for the operator
    static constexpr auto fields() { return std::tuple{&LostJournal::why}; }
};
/// The participant started for the `count`-th time.
struct Started {
    uint64_t count = 0;
    static constexpr auto fields() { return std::tuple{&Started::count}; }
};

/// Positions are frozen: they are the record's kind on disk.
using Record = std::variant<Signed<Report>, ProposalMessage, PrepareVoteRecord, CommitVoteRecord,
                            TimeoutMessage, Decision, OwnBatchRecord, CellsRecord, LaneCertificate,
                            Signed<Attestation>, BlockCertificate, Signed<Dispute>,
                            TimeoutCertificate, LostJournal, Started>;

}  // namespace tally::model
