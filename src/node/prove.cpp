// Making proof files from what is stored: a statement under a header, the way from that header to
// one that is certified, and, where a decided block carries the certificate, the way to that block.
#include "ledger/keys.hpp"
#include "ledger/subject.hpp"
#include "node/reader_view.hpp"
#include "proving/verify/proof_file.hpp"

namespace tally::node {
namespace {

using proving::ProofFile;

/// A block is proved by its own certificate or by that of a descendant not farther than this.
constexpr uint64_t descendants_max = 64;

Result<StoredBlock> block_at(const ChainReader& stored, LedgerIndex ledger, Height height) {
    TRY(block, stored.block(ledger, height));
    if (!block) return fail(ReadError::unknown_block, std::to_string(height.value));
    return std::move(*block);
}

/// The certificate inside the decided block of `slot`, and how that block carries it.
Result<void> add_carried(const ChainReader& stored, LedgerIndex ledger, Slot slot,
                         ProofFile& file) {
    TRY(decision, stored.decision(slot));
    if (!decision) return fail(ports::KeyValueError::damaged, "a decided slot is missing");
    const auto& block = decision->decision.block;
    for (size_t i = 0; i < block.carried.size(); ++i) {
        if (block.carried[i].ledger != ledger) continue;
        file.certificate = block.carried[i];
        file.carried = proving::prove_carried(block, i, decision->decision.qc);
        return success();
    }
    return fail(ports::KeyValueError::damaged, "a carried certificate is missing");
}

/// Who vouches for the block: the first carried certificate at or above it, else the first known
/// one.
Result<void> add_evidence(const ChainReader& stored, LedgerIndex ledger, ProofFile& file) {
    const Height height = file.header.height;
    TRY(carried, stored.carried_from(ledger, height));
    if (carried && carried->first.value - height.value <= descendants_max) {
        CHECK(add_carried(stored, ledger, carried->second, file));
    } else {
        TRY(certificate, stored.certificate_from(ledger, height));
        if (!certificate || certificate->height.value - height.value > descendants_max)
            return fail(ReadError::not_certified, "block " + std::to_string(height.value));
        file.certificate = std::move(*certificate);
    }
    for (Height next = height.next(); next <= file.certificate.height; next = next.next()) {
        TRY(block, block_at(stored, ledger, next));
        file.descendants.push_back(std::move(block.header));
    }
    const auto& last = file.descendants.empty() ? file.header : file.descendants.back();
    if (last.hash() != file.certificate.header)
        return fail(ReadError::not_certified, "this participant's own result is another");
    return success();
}

/// The statement about a subject under the tree of one block.
class SubjectProver {
public:
    explicit SubjectProver(const ReaderView& view) : view_(view) {}

    Result<proving::SubjectProof> prove(std::string_view text) {
        TRY(target, find_subject(view_, text));
        proof_.collection = target.collection;
        if (!view_.permissions.may_read_any(collection_name())) return ReadError::unknown_subject;
        CHECK(add_sheet());
        if (target.lookup) CHECK(add_lookup(*target.lookup));
        if (target.subject) CHECK(add_row(*target.subject));
        return std::move(proof_);
    }

private:
    std::string_view collection_name() const {
        const auto* collection = view_.schema->collection(proof_.collection);
        return collection == nullptr ? std::string_view{} : std::string_view(collection->name);
    }

    Result<void> add_sheet() {
        const Bytes key = ledger::sheet_key(proof_.collection);
        TRY(bytes, view_.state->get(key));
        if (!bytes) return ReadError::unknown_subject;
        TRY(proof, view_.state->prove(key));
        proof_.sheet = {std::move(*bytes), std::move(proof)};
        return success();
    }

    Result<void> add_lookup(const SubjectName::Lookup& lookup) {
        const Bytes key = ledger::unique_key(lookup.predicate, lookup.value);
        TRY(proof, view_.state->prove(key));
        proof_.lookup = proving::LookupProof{lookup.predicate, ledger::encode_single(lookup.value),
                                             std::move(proof)};
        return success();
    }

    Result<void> add_row(ledger::SubjectId subject) {
        proof_.subject = subject;
        TRY(proof, view_.state->prove(ledger::row_key(subject)));
        TRY(row, ledger::get_row(*view_.state, subject));
        const auto* collection = view_.schema->collection(proof_.collection);
        const auto may_read = [&](ledger::PredicateId id) {
            const auto* predicate = collection == nullptr ? nullptr : collection->find(id);
            return predicate != nullptr &&
                   view_.permissions.may_read(collection->name, predicate->name);
        };
        proof_.row = proving::RowProof{std::move(proof), {}};
        if (row) proof_.row->entries = proving::row_entries(*row, may_read);
        return success();
    }

    const ReaderView& view_;
    proving::SubjectProof proof_;
};

}  // namespace

Result<Bytes> Reads::prove_transaction(std::string_view ledger, const Hash& id) const {
    const auto index = charter_->ledger(ledger);
    if (!index) return fail(ReadError::unknown_ledger, std::string(ledger));
    const auto snapshot = key_value_.snapshot();
    const ChainReader stored(*snapshot);
    TRY(place, stored.transaction(*index, id));
    if (!place) return fail(ReadError::unknown_transaction, id.hex());
    TRY(found, block_of(*snapshot, *index, place->height));
    if (!found || place->index >= found->results.size() ||
        found->results[place->index].transaction != id)
        return fail(StateViewError::altered, "where the transaction is");
    StoredBlock block = std::move(*found);

    std::vector<Hash> leaves;
    leaves.reserve(block.results.size());
    for (const auto& result : block.results) leaves.push_back(merkle_leaf(result.leaf));
    const auto path = merkle_path(leaves, place->index);
    proving::TransactionProof statement;
    statement.result = Bytes(block.results[place->index].leaf);
    statement.path.assign(path.begin(), path.end());

    ProofFile file;
    file.network = network_;
    file.header = std::move(block.header);
    file.statement = std::move(statement);
    CHECK(add_evidence(stored, *index, file));
    return proving::encode_proof_file(file);
}

Result<Bytes> Reads::prove_subject(std::string_view ledger, std::string_view subject,
                                   std::optional<Height> at, std::string_view reader) const {
    const auto index = charter_->ledger(ledger);
    if (!index) return fail(ReadError::unknown_ledger, std::string(ledger));
    if (!at) {
        // The newest block may still wait for its certificate: the newest that has one is meant.
        const auto snapshot = key_value_.snapshot();
        TRY(mark, ChainReader(*snapshot).mark(*index));
        if (!mark) return fail(ReadError::unknown_block, "the ledger is being set up");
        TRY(height, ChainReader(*snapshot).last_certified(*index, mark->height));
        if (!height) return fail(ReadError::not_certified, "no block has a certificate yet");
        at = *height;
    }
    TRY(view, open(ledger, at, reader));
    const ChainReader stored(*view.snapshot);
    TRY(statement, SubjectProver(view).prove(subject));
    TRY(block, block_at(stored, view.ledger, view.height));

    ProofFile file;
    file.network = network_;
    file.header = std::move(block.header);
    file.statement = std::move(statement);
    CHECK(add_evidence(stored, view.ledger, file));
    return proving::encode_proof_file(file);
}

}  // namespace tally::node
