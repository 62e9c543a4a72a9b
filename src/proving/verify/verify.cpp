#include "proving/verify/verify.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "crypto/merkle.hpp"
#include "ledger/execution.hpp"
#include "ledger/keys.hpp"
#include "ledger/result_code.hpp"
#include "ledger/schema.hpp"

namespace tally::proving {
namespace {

using ledger::Collection;
using ledger::Predicate;

/// The first header, through those that follow it, to the certificate.
Result<void> check_headers(const model::Charter& charter, const ProofFile& file) {
    const model::LedgerHeader* newest = &file.header;
    if (newest->ledger.value >= charter.body.ledgers.size())
        return fail(ProofError::bad_header, "the charter has no such ledger");
    for (const auto& next : file.descendants) {
        if (next.ledger != newest->ledger || next.height != newest->height.next() ||
            next.parent != newest->hash())
            return fail(ProofError::bad_header, "one does not follow the other");
        newest = &next;
    }
    const auto& certificate = file.certificate;
    if (certificate.ledger != newest->ledger || certificate.height != newest->height ||
        certificate.header != newest->hash())
        return fail(ProofError::bad_certificate, "it is of another block");
    return success();
}

Result<void> check_carried(const model::Epochs& epochs, const Verifier& verifier,
                           const model::BlockCertificate& certificate, const CarriedProof& proof) {
    constexpr size_t slot_field = 0, carried_field = 7;
    std::array<Hash, model::block_fields> hashes;
    if (proof.field_hashes.size() != hashes.size())
        return fail(ProofError::bad_finality, "a block has twelve fields");
    std::copy(proof.field_hashes.begin(), proof.field_hashes.end(), hashes.begin());
    const Hash list =
        Hasher(Tag::block_field).add_u32(proof.count).add(proof.carried_root).finish();
    const Hash slot = tagged_hash(Tag::block_field, cbor::encode(proof.qc.body.slot));
    if (hashes[carried_field] != list || hashes[slot_field] != slot ||
        !merkle_verify(proof.carried_root, proof.count, proof.index,
                       merkle_leaf(cbor::encode(certificate)), proof.path))
        return fail(ProofError::bad_finality, "that block does not carry the certificate");
    if (model::block_hash_of(hashes) != proof.qc.body.block)
        return fail(ProofError::bad_finality, "another block was decided");
    if (!model::check_quorum(epochs.at(proof.qc.body.slot), verifier, proof.qc))
        return fail(ProofError::bad_finality, "no quorum decided that block");
    return success();
}

Result<ProvedTransaction> check_transaction(const model::LedgerHeader& header,
                                            const TransactionProof& proof) {
    const auto result = ledger::decode_result_leaf(proof.result);
    if (!result.ok()) return fail(ProofError::bad_result, result.error().message());
    if (!merkle_verify(header.results_root, header.results_count, result->index,
                       merkle_leaf(proof.result), proof.path))
        return fail(ProofError::bad_result, "it is not among the block's results");
    ProvedTransaction proved;
    proved.id = result->id;
    proved.index = result->index;
    proved.code = result->code;
    proved.subjects = result->subjects;
    if (!proved.applied())
        proved.explanation = ledger::explain(result->code, result->arguments, nullptr);
    return proved;
}

/// What a tree proof shows of a value whose bytes are at hand.
bool shows(const Hash& root, ByteView key, const tree::Proof& proof, ByteView value) {
    const auto presence = tree::check(root, key, proof);
    return presence.ok() && *presence && (*presence)->length == value.size() &&
           (*presence)->hash == sha256(value);
}

Result<Collection> check_sheet(const Hash& root, const SubjectProof& proof) {
    if (proof.collection.value > ledger::collection_max ||
        !shows(root, ledger::sheet_key(proof.collection), proof.sheet.proof, proof.sheet.bytes))
        return fail(ProofError::bad_sheet, "it is not in the state");
    auto sheet = ledger::decode_sheet(proof.collection, proof.sheet.bytes);
    if (!sheet.ok()) return fail(ProofError::bad_sheet, sheet.error().message());
    return sheet;
}

/// True: the value looked up is `subject`'s. False: it is nobody's.
Result<bool> check_lookup(const Hash& root, const Collection& sheet, ledger::SubjectId subject,
                          const LookupProof& proof, std::string& text) {
    const Predicate* predicate = sheet.find(proof.predicate);
    if (predicate == nullptr || !predicate->unique)
        return fail(ProofError::bad_lookup, "the collection has no such unique predicate");
    cbor::Reader reader(proof.value);
    auto value = ledger::read_value(reader, predicate->type);
    if (!value.ok() || !reader.finish().ok())
        return fail(ProofError::bad_lookup, "the value is not of the predicate's type");
    text =
        sheet.name + "/" + predicate->name + "=" + boost::json::serialize(ledger::to_json(*value));
    const Bytes key = ledger::unique_key(proof.predicate, *value);
    const auto presence = tree::check(root, key, proof.proof);
    if (!presence.ok()) return fail(ProofError::bad_lookup, presence.error().message());
    if (!*presence) return false;
    if (!shows(root, key, proof.proof, ledger::number_value(subject.value)))
        return fail(ProofError::bad_lookup, "it is another subject's value");
    return true;
}

Result<ProvedField> prove_shown(const Collection& sheet, const ledger::Field& field) {
    ProvedField proved{"#" + std::to_string(field.predicate.value), field.predicate, nullptr};
    const Predicate* predicate = sheet.find(field.predicate);
    if (predicate == nullptr) {
        proved.value = boost::json::string(to_hex(field.value));
        return proved;
    }
    proved.name = predicate->name;
    if (predicate->multi) {
        TRY(values, field.values(predicate->type));
        boost::json::array list;
        for (const auto& value : values) list.push_back(ledger::to_json(value));
        proved.value = std::move(list);
    } else {
        TRY(value, field.single(predicate->type));
        proved.value = ledger::to_json(value);
    }
    return proved;
}

Result<void> check_row(const Hash& root, const Collection& sheet, ledger::SubjectId subject,
                       const RowProof& proof, ProvedSubject& proved) {
    const auto presence = tree::check(root, ledger::row_key(subject), proof.proof);
    if (!presence.ok()) return fail(ProofError::bad_row, presence.error().message());
    proved.present = presence->has_value();
    if (!proved.present) {
        if (!proof.entries.empty())
            return fail(ProofError::bad_row, "an absent subject has no fields");
        return success();
    }
    std::vector<Hash> leaves;
    ledger::Row row;
    for (const auto& entry : proof.entries) {
        if (const auto* hidden = std::get_if<Hash>(&entry)) {
            leaves.push_back(*hidden);
            continue;
        }
        const auto& shown = std::get<ShownField>(entry);
        if (!row.fields.empty() && shown.predicate <= row.fields.back().predicate)
            return fail(ProofError::bad_row, "fields do not ascend");
        row.fields.push_back({shown.predicate, shown.salt, shown.value});
        leaves.push_back(ledger::field_leaf(row.fields.back()));
        auto field = prove_shown(sheet, row.fields.back());
        if (!field.ok()) return fail(ProofError::bad_row, field.error().message());
        proved.fields.push_back(*std::move(field));
    }
    const Hash commitment = leaves.empty() ? ledger::row_commitment(row) : merkle_root(leaves);
    if (commitment != (*presence)->hash)
        return fail(ProofError::bad_row, "these are not the subject's fields");
    proved.whole = row.fields.size() == leaves.size();
    if (proved.whole && ledger::encode_row(row).size() != (*presence)->length)
        return fail(ProofError::bad_row, "the row has another length");
    return success();
}

Result<ProvedSubject> check_subject(const model::LedgerHeader& header, const SubjectProof& proof) {
    const Hash& root = header.state_after;
    TRY(sheet, check_sheet(root, proof));
    ProvedSubject proved;
    proved.collection = sheet.name;
    if (proof.lookup) {
        TRY(found, check_lookup(root, sheet, proof.subject, *proof.lookup, proved.lookup));
        if (!found) {
            if (proof.row || proof.subject.value != 0)
                return fail(ProofError::bad_lookup, "nobody has the value, yet a row is shown");
            proved.whole = true;
            return proved;
        }
    }
    if (!proof.row) return fail(ProofError::bad_row, "there is none");
    if (proof.subject.value > ledger::subject_max ||
        ledger::collection_of(proof.subject) != proof.collection)
        return fail(ProofError::bad_row, "the subject is of another collection");
    proved.subject = proof.subject;
    CHECK(check_row(root, sheet, proof.subject, *proof.row, proved));
    return proved;
}

std::string name_of_participant(const model::CharterBody& charter, Participant participant) {
    return charter.participants[participant.value].name;
}

}  // namespace

ErrorText describe(ProofError error) {
    switch (error) {
    case ProofError::not_a_proof:
        return {"not_a_proof", "this is not a proof file", "Give a file that `tally proof` wrote"};
    case ProofError::unknown_version:
        return {"proof_unknown_version", "the proof file has a version this verifier does not know",
                "Use a newer verifier"};
    case ProofError::wrong_network:
        return {"proof_wrong_network", "the proof is of another network than the charter",
                "Give the charter of the network that the proof comes from"};
    case ProofError::bad_header:
        return {"proof_bad_header", "the block headers in the proof do not hold",
                "Do not believe it; ask another participant for the proof"};
    case ProofError::bad_certificate:
        return {"proof_bad_certificate",
                "the block is not signed by more than half of the ledger's provers",
                "Do not believe it; or, if the network has begun another epoch since, check with "
                "the charter that names it"};
    case ProofError::bad_finality:
        return {"proof_bad_finality", "the proof says final, but does not show it",
                "Do not believe it; ask another participant for the proof"};
    case ProofError::bad_result:
        return {"proof_bad_result", "the transaction's result is not proved",
                "Do not believe it; ask another participant for the proof"};
    case ProofError::bad_sheet:
        return {"proof_bad_sheet", "the collection's definition is not proved",
                "Do not believe it; ask another participant for the proof"};
    case ProofError::bad_lookup:
        return {"proof_bad_lookup", "which subject has the value is not proved",
                "Do not believe it; ask another participant for the proof"};
    case ProofError::bad_row:
        return {"proof_bad_row", "the subject's fields are not proved",
                "Do not believe it; ask another participant for the proof"};
    }
    std::abort();
}

std::string_view name_of(Finality finality) {
    switch (finality) {
    case Finality::certified: return "certified";
    case Finality::final_: return "final";
    }
    std::abort();
}

Result<Verdict> verify(const model::Charter& charter, ByteView bytes) {
    if (bytes.size() > proof_file_bytes_max)
        return fail(ProofError::not_a_proof, "it is larger than 2 MiB");
    if (const auto item = cbor::check_item(bytes); !item.ok())
        return fail(ProofError::not_a_proof, item.error().message());
    const auto decoded = cbor::decode<ProofFile>(bytes);
    if (!decoded.ok()) return fail(ProofError::not_a_proof, decoded.error().message());
    const ProofFile& file = *decoded;
    if (file.version != ProofFile::version_known)
        return fail(ProofError::unknown_version, std::to_string(file.version));
    const Hash network = model::network_id_of(charter.body);
    if (file.network != network) return fail(ProofError::wrong_network, file.network.hex());
    CHECK(check_headers(charter, file));

    const model::Epochs epochs(charter);
    const auto verifier = ed25519_verifier(0);  // Each signature is checked once.
    const auto& certified = file.descendants.empty() ? file.header : file.descendants.back();
    const auto epoch =
        model::epoch_of_certificate(epochs, certified.slot, *verifier, file.certificate);
    if (!epoch) return fail(ProofError::bad_certificate);
    const model::CharterBody& then = epochs.body_of(*epoch);
    const auto& ledger = then.ledgers[file.header.ledger.value];
    if (file.carried) CHECK(check_carried(epochs, *verifier, file.certificate, *file.carried));

    Verdict verdict;
    verdict.finality = file.carried ? Finality::final_ : Finality::certified;
    verdict.network_name = charter.body.name;
    verdict.network = network;
    verdict.ledger = ledger.name;
    verdict.header = file.header;
    verdict.header_hash = file.header.hash();
    verdict.certified_height = file.certificate.height;
    for (const auto& part : file.certificate.parts)
        verdict.provers.push_back(name_of_participant(then, part.signer));
    verdict.prover_count = uint32_t(ledger.provers.size());
    if (file.carried) {
        verdict.decided_slot = file.carried->qc.body.slot;
        for (const auto& endorsement : file.carried->qc.endorsements)
            verdict.deciders.push_back(
                name_of_participant(epochs.body_at(verdict.decided_slot), endorsement.signer));
        verdict.participant_count = epochs.at(verdict.decided_slot).count();
    }
    if (const auto* transaction = std::get_if<TransactionProof>(&file.statement)) {
        TRY(proved, check_transaction(file.header, *transaction));
        verdict.statement = std::move(proved);
    } else {
        TRY(proved, check_subject(file.header, std::get<SubjectProof>(file.statement)));
        verdict.statement = std::move(proved);
    }
    return verdict;
}

}  // namespace tally::proving
