#include "proving/verify/proof_file.hpp"

#include "crypto/merkle.hpp"

namespace tally::proving {

CarriedProof prove_carried(const model::Block& block, size_t index, const model::CommitQC& qc) {
    ENSURE(index < block.carried.size());
    CarriedProof proof;
    for (const Hash& hash : block.field_hashes()) proof.field_hashes.push_back(hash);
    std::vector<Hash> leaves;
    for (const auto& certificate : block.carried)
        leaves.push_back(merkle_leaf(cbor::encode(certificate)));
    proof.carried_root = merkle_root(leaves);
    proof.index = uint32_t(index);
    proof.count = uint32_t(leaves.size());
    for (const Hash& hash : merkle_path(leaves, index)) proof.path.push_back(hash);
    proof.qc = qc;
    return proof;
}

cbor::List<RowEntry, limits::schema_predicates_max> row_entries(
    const ledger::Row& row, const std::function<bool(ledger::PredicateId)>& shown) {
    cbor::List<RowEntry, limits::schema_predicates_max> entries;
    for (const auto& field : row.fields) {
        if (shown(field.predicate)) {
            entries.push_back(ShownField{field.predicate, field.salt, field.value});
        } else {
            entries.push_back(ledger::field_leaf(field));
        }
    }
    return entries;
}

Bytes encode_proof_file(const ProofFile& file) {
    return cbor::encode(file);
}

}  // namespace tally::proving
