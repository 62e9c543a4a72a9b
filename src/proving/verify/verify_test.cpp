// True proofs verify offline and say what the ledger says; forged, changed or borrowed ones never.
#include "proving/verify/verify.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "proving/verify/testing/proof_maker.hpp"

namespace tally::proving {
namespace {

using testing::ProofMaker;

const char* const zlib = R"([{"_id":"package$1","name":"zlib1g","version":"1.2.13","size":5},)"
                         R"({"_id":"package$2","name":"libc6","tags":["base","core"]}])";

class Proofs : public ::testing::Test {
protected:
    Proofs() {
        first = make.run({zlib});
        header = make.run({R"([{"_id":["package/name","zlib1g"],"version":"1.3"}])",
                           R"([{"_id":"package$1","version":"has no name"}])",
                           R"([{"_id":"package$1","name":"bash"}])"});
        zlib1g = *ledger::find_unique(make.ledger.state, make.predicate("package/name"),
                                      std::string("zlib1g"))
                      .value();
    }
    [[nodiscard]] Verdict proved(const ProofFile& file) const {
        const auto verdict = verify(make.charter, encode_proof_file(file));
        EXPECT_TRUE(verdict.ok()) << verdict.error().message();
        return verdict.ok() ? *verdict : Verdict();
    }
    void refused(const ProofFile& file, ProofError error) const {
        const auto verdict = verify(make.charter, encode_proof_file(file));
        ASSERT_FALSE(verdict.ok()) << verdict->text();
        EXPECT_TRUE(verdict.error().is(error)) << verdict.error().message();
    }
    [[nodiscard]] ProofFile transaction(bool is_final = true) const {
        return make.file(header, make.transaction(1), is_final);
    }
    [[nodiscard]] ProofFile subject(bool is_final = true) {
        const auto version = make.predicate("package/version").id;
        return make.file(header, make.subject(zlib1g, [&](auto shown) { return shown != version; }),
                         is_final);
    }
    /// Every kind of true file, by name.
    [[nodiscard]] std::map<std::string, ProofFile> all() {
        std::map<std::string, ProofFile> files;
        files["applied-certified"] = make.file(header, make.transaction(0));
        files["rejected-final"] = transaction();
        files["some-fields-final"] = subject();
        files["all-fields-certified"] = make.file(header, make.subject(zlib1g));
        files["absent-certified"] = make.file(header, make.subject({zlib1g.value + 1'000}), false);
        files["lookup-final"] =
            make.file(header, make.lookup("package/name", std::string("libc6")), true);
        files["lookup-nobody-certified"] =
            make.file(header, make.lookup("package/name", std::string("nothing")));
        return files;
    }

    ProofMaker make;
    model::LedgerHeader first, header;
    ledger::SubjectId zlib1g;
};

TEST_F(Proofs, a_transaction_and_its_result) {
    const auto verdict = proved(make.file(header, make.transaction(0)));
    const auto& applied = std::get<ProvedTransaction>(verdict.statement);
    EXPECT_TRUE(applied.applied());
    EXPECT_EQ(applied.id, make.last.results[0].id);
    EXPECT_EQ(applied.subjects, (std::vector{zlib1g}));
    EXPECT_EQ(verdict.finality, Finality::certified);
    EXPECT_EQ(verdict.provers, (std::vector<std::string>{"alpha", "beta", "delta"}));
    EXPECT_NE(verdict.text().find("certified: signed by alpha, beta, delta, 3 of 4 provers"),
              std::string::npos)
        << verdict.text();
    EXPECT_EQ(verdict.text().find("final"), std::string::npos);

    const auto final_verdict = proved(transaction());
    const auto& rejected = std::get<ProvedTransaction>(final_verdict.statement);
    EXPECT_FALSE(rejected.applied());
    EXPECT_FALSE(rejected.explanation.empty());
    EXPECT_EQ(final_verdict.finality, Finality::final_);
    EXPECT_NE(final_verdict.text().find("final: slot 9 carries that certificate, decided by beta, "
                                        "gamma, delta, 3 of 4 participants"),
              std::string::npos)
        << final_verdict.text();
    EXPECT_EQ(final_verdict.json().at("level").as_string(), "final");
    EXPECT_EQ(final_verdict.json().at("proved").at("result").as_string(), "rejected");
}

TEST_F(Proofs, a_subject_with_all_some_or_none_of_its_fields) {
    const auto whole = proved(make.file(header, make.subject(zlib1g)));
    const auto& all_fields = std::get<ProvedSubject>(whole.statement);
    EXPECT_TRUE(all_fields.present && all_fields.whole);
    EXPECT_EQ(all_fields.fields.size(), 3u);
    EXPECT_EQ(whole.json().at("proved").at("fields").at("version").as_string(), "1.3");
    EXPECT_NE(whole.text().find("  name = \"zlib1g\"\n"), std::string::npos) << whole.text();
    EXPECT_NE(whole.text().find("  size = 5\n"), std::string::npos);

    const auto some = proved(subject());
    const auto& some_fields = std::get<ProvedSubject>(some.statement);
    EXPECT_TRUE(some_fields.present);
    EXPECT_FALSE(some_fields.whole);
    EXPECT_EQ(some.text().find("1.3"), std::string::npos);
    EXPECT_NE(some.text().find("other fields"), std::string::npos);

    const auto none = proved(make.file(header, make.subject(zlib1g, [](auto) { return false; })));
    EXPECT_TRUE(std::get<ProvedSubject>(none.statement).present);
    EXPECT_TRUE(std::get<ProvedSubject>(none.statement).fields.empty());
}

TEST_F(Proofs, absence_and_lookups) {
    const auto absent = proved(make.file(header, make.subject({zlib1g.value + 1'000})));
    EXPECT_FALSE(std::get<ProvedSubject>(absent.statement).present);
    EXPECT_NE(absent.text().find("does not exist"), std::string::npos);

    const auto found = proved(make.file(header, make.lookup("package/name", std::string("libc6"))));
    EXPECT_NE(found.text().find("package/name=\"libc6\""), std::string::npos) << found.text();
    EXPECT_NE(found.text().find("tags = [\"base\",\"core\"]"), std::string::npos);

    const auto nobody =
        proved(make.file(header, make.lookup("package/name", std::string("nothing"))));
    EXPECT_FALSE(std::get<ProvedSubject>(nobody.statement).subject);
    EXPECT_NE(nobody.text().find("no subject has package/name=\"nothing\""), std::string::npos);
}

TEST_F(Proofs, a_certificate_of_a_descendant_vouches_for_its_ancestors) {
    const auto statement = make.transaction(0);
    const auto second = make.run({R"([{"_id":"package$1","name":"dash"}])"});
    const auto third = make.run({R"([{"_id":"package$1","name":"sed"}])"});
    auto file = make.file(header, statement, true);
    file.descendants = {second, third};
    refused(file, ProofError::bad_certificate);
    const auto block = make.block_with(make.certify(third));
    file.certificate = make.certify(third);
    file.carried = prove_carried(block, 1, make.decide(block));
    const auto verdict = proved(file);
    EXPECT_EQ(verdict.certified_height, third.height);
    EXPECT_EQ(verdict.header, header);
    EXPECT_NE(verdict.text().find("which follows it"), std::string::npos);

    auto bad = file;
    bad.descendants.erase(bad.descendants.begin());
    refused(bad, ProofError::bad_header);
    bad = file;
    bad.header = first;
    refused(bad, ProofError::bad_header);
    bad = file;
    ++bad.descendants[0].results_count;
    refused(bad, ProofError::bad_header);
}

TEST_F(Proofs, with_any_byte_changed_nothing_false_verifies) {
    for (const auto& [name, file] : all()) {
        const Bytes good = encode_proof_file(file);
        ASSERT_TRUE(verify(make.charter, good).ok()) << name;
        // Every byte of the largest file of each kind; of the others a part, for time's sake.
        const bool every = name == "rejected-final" || name == "lookup-final";
        for (size_t at = 0; at < good.size(); at += every ? 1 : 7) {
            Bytes bad = good;
            bad[at] ^= uint8_t(1u << at % 8);
            const auto verdict = verify(make.charter, bad);
            if (!verdict.ok()) continue;
            // One absence may be asked for another, if that is true as well.
            const auto* subject = std::get_if<ProvedSubject>(&verdict->statement);
            ASSERT_TRUE(subject != nullptr && !subject->present) << name << " at " << at;
            if (subject->subject) {
                EXPECT_FALSE(ledger::get_row(make.ledger.state, *subject->subject)->has_value());
            } else {
                EXPECT_NE(subject->lookup, "package/name=\"zlib1g\"");
                EXPECT_NE(subject->lookup, "package/name=\"libc6\"");
            }
        }
        for (size_t length = 0; length < good.size(); length += 13)
            EXPECT_FALSE(verify(make.charter, ByteView(good).first(length)).ok());
    }
}

TEST_F(Proofs, another_network_version_or_too_few_signers_are_refused) {
    auto charter = make.charter;
    charter.body.name = std::string("another");
    EXPECT_TRUE(
        verify(charter, encode_proof_file(transaction())).error().is(ProofError::wrong_network));
    auto file = transaction();
    file.version = 2;
    refused(file, ProofError::unknown_version);
    refused(ProofFile(), ProofError::wrong_network);
    EXPECT_TRUE(verify(make.charter, {}).error().is(ProofError::not_a_proof));
    EXPECT_TRUE(
        verify(make.charter, Bytes(proof_file_bytes_max + 1)).error().is(ProofError::not_a_proof));

    file = transaction(false);
    file.certificate = make.certify(header, {0, 1});
    refused(file, ProofError::bad_certificate);
    file.certificate = make.certify(header, {0, 1, 1});
    refused(file, ProofError::bad_certificate);
    file.certificate = make.certify(first);
    refused(file, ProofError::bad_certificate);
    auto audit = header;
    audit.ledger = LedgerIndex{1};  // Whose provers are beta, gamma and delta.
    file = make.file(audit, make.transaction(1));
    refused(file, ProofError::bad_certificate);
    file.certificate = make.certify(audit, {1, 2});
    EXPECT_EQ(proved(file).ledger, "audit");
    audit.ledger = LedgerIndex{2};
    refused(make.file(audit, make.transaction(1)), ProofError::bad_header);
}

TEST_F(Proofs, what_is_called_final_must_be_carried_by_a_decided_block) {
    const auto good = transaction();
    const auto bad = [&](auto change) {
        auto file = good;
        change(*file.carried);
        refused(file, ProofError::bad_finality);
    };
    bad([](auto& c) { c.index = 0; });
    bad([](auto& c) { c.count = 1; });
    bad([](auto& c) { c.path.clear(); });
    bad([](auto& c) { c.field_hashes.pop_back(); });
    bad([](auto& c) { std::swap(c.field_hashes[7], c.field_hashes[8]); });
    bad([](auto& c) { c.qc.endorsements.pop_back(); });
    bad([](auto& c) { c.qc.endorsements[0] = c.qc.endorsements[1]; });
    bad([](auto& c) { ++c.qc.body.view.value; });
    bad([](auto& c) { ++c.qc.body.slot.value; });
    auto block = make.block_with(make.certify(header));
    const auto decided = make.decide(block);
    block.carried = {make.certify(header)};
    auto file = good;
    file.carried = prove_carried(block, 0, decided);
    refused(file, ProofError::bad_finality);
    // A block that carries this certificate under the list of another field.
    file = good;
    file.carried->qc = make.decide(block);
    refused(file, ProofError::bad_finality);
}

TEST_F(Proofs, results_and_rows_of_elsewhere_are_refused) {
    auto file = transaction(false);
    file.header = first;
    file.certificate = make.certify(first);
    refused(file, ProofError::bad_result);
    file = transaction(false);
    std::get<TransactionProof>(file.statement) = make.transaction(0);
    std::get<TransactionProof>(file.statement).path = make.transaction(2).path;
    refused(file, ProofError::bad_result);

    const auto bad = [&](ProofError error, auto change) {
        auto changed = subject(false);
        change(std::get<SubjectProof>(changed.statement));
        refused(changed, error);
    };
    using enum ProofError;
    const auto other = make.subject({zlib1g.value + 1});
    bad(bad_row, [&](auto& s) { ++s.subject.value; });
    bad(bad_row, [&](auto& s) { s.row = other.row; });
    bad(bad_row, [&](auto& s) { s.row->entries = other.row->entries; });
    bad(bad_row, [&](auto& s) { s.row->entries.clear(); });
    bad(bad_row, [&](auto& s) { s.row->entries.pop_back(); });
    bad(bad_row, [&](auto& s) { s.row.reset(); });
    bad(bad_row, [&](auto& s) { std::get<ShownField>(s.row->entries[0]).salt[0] ^= 1; });
    bad(bad_row, [&](auto& s) {
        std::get<ShownField>(s.row->entries[0]).value =
            ledger::encode_single(std::string("zlib1h"));
    });
    bad(bad_row, [&](auto& s) { s.row->entries.push_back(s.row->entries[0]); });
    bad(bad_sheet, [&](auto& s) { s.sheet = make.sheet({uint16_t(s.collection.value + 1)}); });
    bad(bad_sheet, [&](auto& s) { s.sheet.bytes.back() ^= 1; });
    bad(bad_row, [&](auto& s) {
        s.collection = {uint16_t(s.collection.value + 1)};
        s.sheet = make.sheet(s.collection);
    });
    const auto lookup = make.lookup("package/name", std::string("libc6"));
    bad(bad_lookup, [&](auto& s) { s.lookup = lookup.lookup; });
    const auto nobody = make.lookup("package/name", std::string("nothing"));
    bad(bad_lookup, [&](auto& s) { s.lookup = nobody.lookup; });
    bad(bad_lookup, [&](auto& s) {
        s.lookup = nobody.lookup;
        s.lookup->predicate = make.predicate("package/version").id;
    });
    bad(bad_lookup, [&](auto& s) {
        s.lookup = nobody.lookup;
        s.lookup->value = ledger::encode_single(int64_t{5});
    });
    // The absence of one shown as the absence of another.
    const auto absent = make.subject({zlib1g.value + 1'000});
    bad(bad_row, [&](auto& s) { s.row = absent.row; });
    bad(bad_row, [&](auto& s) {
        s.subject = absent.subject;
        s.row->proof = absent.row->proof;
    });
}

// --- the files on record: for other verifiers, and for the fuzzer ---

/// To renew them after a deliberate change of formats: TALLY_RENEW_GOLDEN=1 proving_tests.
TEST_F(Proofs, the_files_on_record_are_judged_as_their_names_say) {
    namespace fs = std::filesystem;
    const fs::path charter_path = TALLY_SOURCE_DIR "/tests/golden/proof_charter.cbor";
    const fs::path folder = TALLY_SOURCE_DIR "/tests/corpus/proof_file";
    const auto write = [](const fs::path& path, const Bytes& bytes) {
        std::ofstream(path, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
    };
    if (std::getenv("TALLY_RENEW_GOLDEN") != nullptr) {
        fs::create_directories(folder);
        write(charter_path, cbor::encode(make.charter));
        for (const auto& [name, file] : all())
            write(folder / ("true-" + name), encode_proof_file(file));
        const auto forge = [&](const char* name, ProofFile file, auto change) {
            change(file);
            write(folder / (std::string("forged-") + name), encode_proof_file(file));
        };
        forge("two-provers", transaction(false), [&](auto& f) {
            f.certificate = make.certify(header, {0, 3});
        });
        forge("one-prover-twice", transaction(false), [&](auto& f) {
            f.certificate = make.certify(header, {0, 3, 3});
        });
        forge("two-deciders", transaction(),
              [&](auto& f) { f.carried->qc.endorsements.pop_back(); });
        forge("another-result", transaction(),
              [&](auto& f) { std::get<TransactionProof>(f.statement).result[36] ^= 1; });
        forge("another-value", subject(), [&](auto& f) {
            auto& row = *std::get<SubjectProof>(f.statement).row;
            std::get<ShownField>(row.entries[0]).value =
                ledger::encode_single(std::string("zlib1h"));
        });
        forge("false-absence", subject(), [&](auto& f) {
            auto& row = *std::get<SubjectProof>(f.statement).row;
            row = make.row({zlib1g.value + 1'000}, [](auto) { return true; });
        });
        forge("another-block", transaction(), [&](auto& f) { f.header = first; });
        forge("another-network", transaction(), [&](auto& f) { f.network.bytes[0] ^= 1; });
    }
    std::ifstream charter_file(charter_path, std::ios::binary);
    const std::string charter_bytes((std::istreambuf_iterator<char>(charter_file)), {});
    const auto charter = model::decode_charter(view_of(charter_bytes));
    ASSERT_TRUE(charter.ok()) << charter.error().message();
    size_t judged = 0;
    for (const auto& entry : fs::directory_iterator(folder)) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string bytes((std::istreambuf_iterator<char>(file)), {});
        const std::string name = entry.path().filename();
        const auto verdict = verify(*charter, view_of(bytes));
        EXPECT_EQ(verdict.ok(), name.starts_with("true-")) << name;
        ++judged;
        if (!verdict.ok()) continue;
        EXPECT_EQ(verdict->finality == Finality::final_, name.ends_with("final"));
    }
    EXPECT_GE(judged, 15u);
}

}  // namespace
}  // namespace tally::proving
