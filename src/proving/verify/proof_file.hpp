// ProofFile: what a participant hands out so that anyone can check, offline and from the charter
// alone, what a ledger says (docs/protocol.md, sections 4 and 9).
//
// A file shows one block header of a ledger, who vouches for it, and one statement under it: the
// result of a transaction, or the fields of a subject or its absence. One file has one encoding,
// and every byte of it is bound by hashes and signatures, but for whose absence is asked: a file
// with any byte changed verifies as nothing, or as another true absence. Compare the verdict's
// statement with what was asked.
#pragma once

#include <functional>

#include "ledger/row.hpp"
#include "model/messages.hpp"
#include "tree/proof.hpp"

namespace tally::proving {

constexpr size_t proof_file_bytes_max = 2 * 1024 * 1024;

/// A transaction's result: a leaf under the header's results_root, at the index it names.
struct TransactionProof {
    cbor::Blob<limits::value_bytes_max> result;
    cbor::List<Hash, 32> path;
    bool operator==(const TransactionProof&) const = default;
    static constexpr auto fields() {
        return std::tuple{&TransactionProof::result, &TransactionProof::path};
    }
};

/// A collection's sheet (ledger/schema.hpp) under state_after: the names and types of its fields.
struct SheetProof {
    cbor::Blob<limits::value_bytes_max> bytes;
    tree::Proof proof;
    bool operator==(const SheetProof&) const = default;
    static constexpr auto fields() { return std::tuple{&SheetProof::bytes, &SheetProof::proof}; }
};

/// Which subject has this value of a unique predicate, or that none has.
struct LookupProof {
    ledger::PredicateId predicate;
    cbor::Blob<limits::value_bytes_max> value;  ///< CBOR of one value of the predicate's type
    tree::Proof proof;
    bool operator==(const LookupProof&) const = default;
    static constexpr auto fields() {
        return std::tuple{&LookupProof::predicate, &LookupProof::value, &LookupProof::proof};
    }
};

struct ShownField {
    ledger::PredicateId predicate;
    ledger::Salt salt{};
    cbor::Blob<limits::value_bytes_max> value;  ///< CBOR, as the row has it
    bool operator==(const ShownField&) const = default;
    static constexpr auto fields() {
        return std::tuple{&ShownField::predicate, &ShownField::salt, &ShownField::value};
    }
};
/// One field of a row: shown, or left out and only its leaf's hash given.
using RowEntry = std::variant<Hash, ShownField>;

/// A subject's row under state_after, or its absence: then there are no entries.
struct RowProof {
    tree::Proof proof;
    cbor::List<RowEntry, limits::schema_predicates_max> entries;
    bool operator==(const RowProof&) const = default;
    static constexpr auto fields() { return std::tuple{&RowProof::proof, &RowProof::entries}; }
};

/// With a lookup that finds nobody there is no row, and `subject` is zero.
struct SubjectProof {
    ledger::CollectionId collection;
    ledger::SubjectId subject;
    SheetProof sheet;
    std::optional<LookupProof> lookup;
    std::optional<RowProof> row;
    bool operator==(const SubjectProof&) const = default;
    static constexpr auto fields() {
        return std::tuple{&SubjectProof::collection, &SubjectProof::subject, &SubjectProof::sheet,
                          &SubjectProof::lookup, &SubjectProof::row};
    }
};

/// That a decided block carries the certificate: the block's field hashes, the way of the
/// certificate under the one of `carried`, and the quorum that decided the block.
struct CarriedProof {
    cbor::List<Hash, model::block_fields> field_hashes;  ///< all twelve
    Hash carried_root;  ///< RFC 9162, over the carried certificates
    uint32_t index = 0;
    uint32_t count = 0;
    cbor::List<Hash, 16> path;
    model::CommitQC qc;
    bool operator==(const CarriedProof&) const = default;
    static constexpr auto fields() {
        return std::tuple{&CarriedProof::field_hashes, &CarriedProof::carried_root,
                          &CarriedProof::index,        &CarriedProof::count,
                          &CarriedProof::path,         &CarriedProof::qc};
    }
};

struct ProofFile {
    static constexpr uint8_t version_known = 1;

    uint8_t version = version_known;
    Hash network;
    std::variant<TransactionProof, SubjectProof> statement;
    model::LedgerHeader header;
    /// The headers after it, up to the one that is certified; none if that is itself.
    cbor::List<model::LedgerHeader, 64> descendants;
    model::BlockCertificate certificate;
    std::optional<CarriedProof> carried;  ///< then the header is final, else certified
    bool operator==(const ProofFile&) const = default;
    static constexpr auto fields() {
        return std::tuple{&ProofFile::version, &ProofFile::network,     &ProofFile::statement,
                          &ProofFile::header,  &ProofFile::descendants, &ProofFile::certificate,
                          &ProofFile::carried};
    }
};

// --- making them ---

/// How `block`, decided by `qc`, carries its certificate number `index`.
[[nodiscard]] CarriedProof prove_carried(const model::Block& block, size_t index,
                                         const model::CommitQC& qc);
/// A row's entries, those of `shown` in full. `shown` gives true for what the reader may see.
[[nodiscard]] cbor::List<RowEntry, limits::schema_predicates_max> row_entries(
    const ledger::Row& row, const std::function<bool(ledger::PredicateId)>& shown);
[[nodiscard]] Bytes encode_proof_file(const ProofFile& file);

}  // namespace tally::proving
