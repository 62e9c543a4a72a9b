// For tests: a network of four, whose ledger really executes, and true proofs of what it says.
#pragma once

#include "ledger/keys.hpp"
#include "ledger/ledger_testing.hpp"
#include "ledger/schema.hpp"
#include "proving/verify/verify.hpp"

namespace tally::proving::testing {

inline Ed25519Secret identity_of(uint8_t participant) {
    return Ed25519Secret::from_seed({uint8_t(participant + 50)});
}
inline Ed25519Secret signing_of(uint8_t participant) {
    return Ed25519Secret::from_seed({uint8_t(participant + 60)});
}

inline model::Charter make_charter() {
    model::Charter charter;
    charter.body.name = std::string("example");
    charter.body.genesis_time = Micros{1'700'000'000'000'000};
    for (const char* name : {"alpha", "beta", "gamma", "delta"}) {
        const auto index = uint8_t(charter.body.participants.size());
        model::ParticipantEntry entry;
        entry.name = std::string(name);
        entry.identity_key = identity_of(index).public_key();
        entry.signing_key = signing_of(index).public_key();
        entry.addresses.push_back(std::string("127.0.0.1:7001"));
        charter.body.participants.push_back(entry);
    }
    for (const char* name : {"packages", "audit"}) {
        model::LedgerEntry ledger;
        ledger.name = std::string(name);
        for (uint8_t i = 0; i < 4; ++i) ledger.provers.push_back(Participant{i});
        charter.body.ledgers.push_back(ledger);
    }
    charter.body.ledgers[1].provers.erase(charter.body.ledgers[1].provers.begin());
    const Bytes statement = model::founder_statement(model::network_id_of(charter.body));
    for (uint8_t i = 0; i < 4; ++i)
        charter.signatures.push_back({Participant{i}, identity_of(i).sign(statement)});
    return charter;
}

class ProofMaker {
public:
    using Signers = std::initializer_list<uint8_t>;

    ProofMaker() { crypto_start(); }

    /// Executes a block of these changes, each one transaction by the owner.
    model::LedgerHeader run(const std::vector<std::string>& changes) {
        std::vector<std::string> envelopes;
        for (const auto& change : changes)
            envelopes.push_back(ledger.envelope_of({.changes = change}));
        last = ledger.run(envelopes);
        model::LedgerHeader header;
        header.ledger = LedgerIndex{0};
        header.height = ledger.height;
        header.parent = parent;
        header.slot = Slot{ledger.height.value + 2};
        header.time = Micros{ledger.now_ms * 1'000};
        header.results_root = last.results_root();
        header.results_count = uint32_t(last.results.size());
        header.state_before = last.state_before;
        header.state_after = last.state_after;
        parent = header.hash();
        return header;
    }

    [[nodiscard]] model::BlockCertificate certify(const model::LedgerHeader& header,
                                                  Signers signers = {0, 1, 3}) const {
        model::BlockCertificate made{header.ledger, header.height, 0, header.hash(), {}};
        for (const uint8_t i : signers) {
            const Hash tag =
                model::attestation_tag(header.ledger, header.height, Participant{i}, {});
            const model::Attestation body{header.ledger, header.height, 0, made.header, tag};
            made.parts.push_back({Participant{i}, tag, sign(i, body)});
        }
        return made;
    }
    /// Decided in a block of slot 9 that carries two certificates, this one second.
    [[nodiscard]] model::Block block_with(const model::BlockCertificate& certificate) const {
        model::Block block;
        block.slot = Slot{9};
        auto other = certificate;
        other.ledger = LedgerIndex{7};
        block.carried = {other, certificate};
        block.highest_carried = {certificate.height, Height{0}};
        return block;
    }
    [[nodiscard]] model::CommitQC decide(const model::Block& block,
                                         Signers signers = {1, 2, 3}) const {
        model::CommitQC qc{{block.slot, View{0}, block.hash()}, {}};
        for (const uint8_t i : signers)
            qc.endorsements.push_back({Participant{i}, sign(i, qc.body)});
        return qc;
    }

    [[nodiscard]] ProofFile file(const model::LedgerHeader& header,
                                 std::variant<TransactionProof, SubjectProof> statement,
                                 bool is_final = false) const {
        ProofFile made;
        made.network = set.network;
        made.header = header;
        made.statement = std::move(statement);
        made.certificate = certify(header);
        if (is_final) {
            const auto block = block_with(made.certificate);
            made.carried = prove_carried(block, 1, decide(block));
        }
        return made;
    }
    /// Of the last block.
    [[nodiscard]] TransactionProof transaction(uint32_t index) const {
        std::vector<Hash> leaves;
        for (const auto& result : last.results) leaves.push_back(merkle_leaf(result.leaf()));
        TransactionProof made;
        made.result = last.results[index].leaf();
        for (const Hash& hash : merkle_path(leaves, index)) made.path.push_back(hash);
        return made;
    }
    [[nodiscard]] tree::Proof tree_proof(ByteView key) { return *ledger.tree.prove(key); }
    [[nodiscard]] SheetProof sheet(ledger::CollectionId collection) {
        const Bytes key = ledger::sheet_key(collection);
        return {*ledger.state.get(key).value(), tree_proof(key)};
    }
    [[nodiscard]] RowProof row(ledger::SubjectId subject,
                               const std::function<bool(ledger::PredicateId)>& shown) {
        RowProof made{tree_proof(ledger::row_key(subject)), {}};
        const auto found = *ledger::get_row(ledger.state, subject);
        if (found) made.entries = row_entries(*found, shown);
        return made;
    }
    [[nodiscard]] SubjectProof subject(
        ledger::SubjectId id,
        const std::function<bool(ledger::PredicateId)>& shown = [](auto) { return true; }) {
        SubjectProof made;
        made.collection = ledger::collection_of(id);
        made.subject = id;
        made.sheet = sheet(made.collection);
        made.row = row(id, shown);
        return made;
    }
    [[nodiscard]] const ledger::Predicate& predicate(std::string_view full_name) {
        schema = *ledger::Schema::load(ledger.state);
        return *schema->predicate(full_name);
    }
    /// "package/name" with this value: whose it is, or that it is nobody's.
    [[nodiscard]] SubjectProof lookup(std::string_view full_name, const ledger::Value& value) {
        const auto& unique = predicate(full_name);
        const LookupProof found{unique.id, ledger::encode_single(value),
                                tree_proof(ledger::unique_key(unique.id, value))};
        const auto id = *ledger::find_unique(ledger.state, unique, value);
        SubjectProof made;
        made.collection = unique.collection;
        if (id) {
            made = subject(*id);
        } else {
            made.sheet = sheet(unique.collection);
        }
        made.lookup = found;
        return made;
    }

    model::Charter charter = make_charter();
    model::Signatories set{model::network_id_of(charter.body), Epoch{0}, {}};
    ledger::testing::Ledger ledger;
    ledger::Execution last;
    Hash parent;
    std::shared_ptr<const ledger::Schema> schema;

private:
    template <class Body>
    [[nodiscard]] Signature sign(uint8_t who, const Body& body) const {
        return signing_of(who).sign(model::signed_bytes(set, Participant{who}, body));
    }
};

}  // namespace tally::proving::testing
