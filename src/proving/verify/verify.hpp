// The stand-alone verifier: a proof file and the charter in, what is proved out. It trusts nobody,
// reads nothing else and never asks a participant.
#pragma once

#include <boost/json/object.hpp>

#include "proving/verify/proof_file.hpp"

namespace tally::proving {

enum class ProofError {
    not_a_proof,
    unknown_version,
    wrong_network,
    bad_header,       ///< the headers are not of one ledger of the charter, or do not follow
    bad_certificate,  ///< not signed by more than half of the ledger's provers
    bad_finality,     ///< no quorum decided a block that carries the certificate
    bad_result,
    bad_sheet,
    bad_lookup,
    bad_row,
};
ErrorText describe(ProofError error);

enum class Finality : uint8_t { certified, final_ };
[[nodiscard]] std::string_view name_of(Finality finality);  ///< "certified", "final"

struct ProvedTransaction {
    Hash id;
    uint32_t index = 0;  ///< in the block
    uint16_t code = 0;   ///< 0: applied
    std::vector<ledger::SubjectId> subjects;
    std::string explanation;  ///< of a rejection
    [[nodiscard]] bool applied() const { return code == 0; }
};
struct ProvedField {
    std::string name;  ///< "version"; "#123" for one that the sheet does not know
    ledger::PredicateId predicate;
    boost::json::value value;
};
struct ProvedSubject {
    std::string collection;
    std::optional<ledger::SubjectId> subject;  ///< nothing: nobody has the value looked up
    std::string lookup;                        ///< "package/name=\"zlib1g\"", or empty
    bool present = false;
    std::vector<ProvedField> fields;
    /// Every field of the row is among `fields`; otherwise some are left out, unseen.
    bool whole = false;
};

struct Verdict {
    Finality finality = Finality::certified;
    Hash network;
    std::string network_name, ledger;
    model::LedgerHeader header;
    Hash header_hash;
    Height certified_height;            ///< of the header itself or of a descendant
    std::vector<std::string> provers;   ///< who attested
    uint32_t prover_count = 0;          ///< of the ledger
    Slot decided_slot;                  ///< final only: of the block that carries the certificate
    std::vector<std::string> deciders;  ///< final only: who signed that it is decided
    uint32_t participant_count = 0;
    std::variant<ProvedTransaction, ProvedSubject> statement;

    /// For people: what is proved, one sentence a line.
    [[nodiscard]] std::string text() const;
    [[nodiscard]] boost::json::object json() const;
};

/// Requires a checked charter. Pure.
[[nodiscard]] Result<Verdict> verify(const model::Charter& charter, ByteView file);

}  // namespace tally::proving
