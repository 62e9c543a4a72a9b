// What a signed transaction does to a ledger, and what its sender is told when it does nothing.
#include "ledger/execution.hpp"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "ledger/keys.hpp"
#include "ledger/ledger_testing.hpp"

namespace tally::ledger::testing {
namespace {

constexpr const char* zlib = R"([{"_id":"package$1","name":"zlib1g","version":"1.2","size":86}])";

std::string shown(const Ledger& ledger, SubjectId subject,
                  const Permissions& permissions = Permissions::everything()) {
    auto object = subject_to_json(ledger.state, *ledger.schema(), subject, permissions);
    ENSURE(object.ok());
    if (!*object) return "nothing";
    (*object)->stable_erase("_id");
    return boost::json::serialize(**object);
}

/// Everything but the records of transaction ids.
std::map<Bytes, Bytes, BytesLess> contents(const Ledger& ledger) {
    std::map<Bytes, Bytes, BytesLess> contents;
    for (const auto& entry : ledger.state.map) {
        if (entry.first[0] != uint8_t(KeyKind::transaction)) contents.insert(entry);
    }
    return contents;
}

/// Sends what must be rejected, and checks that nothing changed.
TransactionResult rejected(Ledger& ledger, const Sent& sent) {
    const auto before = contents(ledger);
    const auto result = ledger.send(sent);
    EXPECT_FALSE(result.applied());
    EXPECT_TRUE(contents(ledger) == before) << "a rejected transaction changed the state";
    EXPECT_EQ(root_from_scratch(ledger.state), ledger.tree.root());
    return result;
}
std::string rejected_code(Ledger& ledger, const std::string& changes, uint8_t signer = 1) {
    return Ledger::code(rejected(ledger, {changes, signer}));
}

TEST(Execution, starts_from_the_charters_changes) {
    Ledger ledger;
    ASSERT_EQ(ledger.genesis_error, "");
    const auto schema = ledger.schema();
    ASSERT_NE(schema->collection("package"), nullptr);
    EXPECT_EQ(schema->collection("package")->id, collection_first);
    EXPECT_EQ(schema->predicate("package/name")->id, predicates::first);
    EXPECT_TRUE(schema->predicate("package/name")->upsert);
    EXPECT_EQ(schema->predicate("dependency/target")->restrict_to, collection_first);
    EXPECT_EQ(root_from_scratch(ledger.state), ledger.tree.root());
    EXPECT_EQ(ledger.genesis_execution.trace.back().state_root, ledger.tree.root());
}

TEST(Execution, a_charter_with_a_wrong_change_is_refused_with_the_reason) {
    auto changes = package_genesis();
    changes.push_back(R"({"_id":"package$1","version":"1"})");
    const Ledger ledger(changes);
    EXPECT_EQ(ledger.genesis_error,
              "a first change of the charter is refused: packages: a required predicate has no "
              "value: change 22, package/name. Give it a value. Correct the charter and have it "
              "signed again");
    changes.back() = "{";
    EXPECT_NE(Ledger(changes).genesis_error.find("not valid JSON"), std::string::npos);
}

TEST(Execution, inserts_finds_updates_and_deletes) {
    Ledger ledger;
    const auto inserted = ledger.send(
        R"([{"_id":"package$1","name":"zlib1g","version":"1.2","size":"86","sha256":"AAEC",)"
        R"("essential":true,"built":"2023-05-01T10:20:30.5Z","tags":["b","a","b"]}])");
    ASSERT_EQ(Ledger::code(inserted), "applied") << inserted.explanation();
    const SubjectId zlib1g = subject_of(collection_first, 1);
    EXPECT_EQ(inserted.subjects, std::vector{zlib1g});
    EXPECT_EQ(inserted.assigned.front(), (std::pair<std::string, SubjectId>("package$1", zlib1g)));
    EXPECT_EQ(ledger.find("package/name", Value("zlib1g")), zlib1g);
    EXPECT_EQ(shown(ledger, zlib1g),
              R"({"name":"zlib1g","version":"1.2","size":86,"sha256":"AAEC","essential":true,)"
              R"("built":"2023-05-01T10:20:30.500000Z","tags":["a","b"]})");

    EXPECT_TRUE(ledger.send(R"([{"_id":["package/name","zlib1g"],"version":"1.3","tags":["c"]}])")
                    .applied());
    EXPECT_TRUE(ledger
                    .send(R"([{"_id":)" + std::to_string(zlib1g.value) +
                          R"(,"name":"zlib","sha256":null,"built":1,"essential":null}])")
                    .applied());
    EXPECT_EQ(shown(ledger, zlib1g),
              R"({"name":"zlib","version":"1.3","size":86,"built":"1970-01-01T00:00:00.000001Z",)"
              R"("tags":["c"]})");
    EXPECT_FALSE(ledger.find("package/name", Value("zlib1g")));
    EXPECT_EQ(root_from_scratch(ledger.state), ledger.tree.root());

    EXPECT_TRUE(ledger.send(R"([{"_id":["package/name","zlib"],"_action":"delete"}])").applied());
    EXPECT_EQ(shown(ledger, zlib1g), "nothing");
    EXPECT_FALSE(ledger.find("package/name", Value("zlib")));
    EXPECT_EQ(root_from_scratch(ledger.state), ledger.tree.root());
    // Its number is never given again.
    EXPECT_EQ(ledger.send(zlib).subjects.front(), subject_of(collection_first, 2));
}

TEST(Execution, an_upsert_finds_the_subject_that_has_the_value) {
    Ledger ledger;
    const auto first = ledger.send(zlib);
    const auto second = ledger.send(R"([{"_id":"package$x","name":"zlib1g","version":"2"}])");
    ASSERT_TRUE(second.applied()) << second.explanation();
    EXPECT_EQ(second.subjects, first.subjects);
    EXPECT_EQ(shown(ledger, first.subjects.front()),
              R"({"name":"zlib1g","version":"2","size":86})");
    EXPECT_EQ(rejected_code(ledger, R"([{"_id":"package$x","_action":"insert","name":"zlib1g"}])"),
              "not_unique");
    const auto made =
        ledger.send(R"([{"_id":["package/name","libc6"],"_action":"upsert","version":"2.36"}])");
    ASSERT_TRUE(made.applied()) << made.explanation();
    EXPECT_EQ(shown(ledger, made.subjects.front()), R"({"name":"libc6","version":"2.36"})");
}

TEST(Execution, references_lead_anywhere_in_the_transaction_and_back) {
    Ledger ledger;
    const auto sent = ledger.send(
        R"([{"_id":"package$a","name":"a","depends":[{"target":"package$b","constraint":">= 1"}]},)"
        R"({"_id":"package$b","name":"b","depends":["dependency$ba"]},)"
        R"({"_id":"dependency$ba","target":["package/name","a"]}])");
    // "a" is inserted by an earlier change, so that its pair is found.
    ASSERT_TRUE(sent.applied()) << sent.explanation();
    ASSERT_EQ(sent.subjects.size(), 4u);
    const SubjectId a = sent.subjects[0], ab = sent.subjects[1], b = sent.subjects[2],
                    ba = sent.subjects[3];
    EXPECT_EQ(shown(ledger, ab),
              R"({"target":)" + std::to_string(b.value) + R"(,"constraint":">= 1"})");
    EXPECT_EQ(shown(ledger, ba), R"({"target":)" + std::to_string(a.value) + "}");

    const auto refused = rejected(ledger, {R"([{"_id":["package/name","a"],"_action":"delete"}])"});
    EXPECT_EQ(Ledger::code(refused), "still_referenced");
    EXPECT_EQ(refused.explanation(),
              "the subject to delete is still referred to: subject " + std::to_string(ba.value) +
                  " refers to subject " + std::to_string(a.value) +
                  ". Delete or change what refers to it first, or in the same transaction");
    // All of a cycle at once, in any order.
    std::string all;
    for (const SubjectId subject : {a, ab, b, ba})
        all += std::string(all.empty() ? "[" : ",") + R"({"_id":)" + std::to_string(subject.value) +
               R"(,"_action":"delete"})";
    const auto deleted = ledger.send(all + "]");
    EXPECT_TRUE(deleted.applied()) << deleted.explanation();
    EXPECT_EQ(root_from_scratch(ledger.state), ledger.tree.root());
}

TEST(Execution, a_transaction_takes_effect_once) {
    Ledger ledger;
    const std::string envelope = ledger.envelope_of({zlib});
    auto flipped = envelope;
    char& letter = flipped[flipped.rfind('.') + 3];
    letter = letter == 'A' ? 'B' : 'A';
    const auto first = ledger.run({flipped, envelope, envelope});
    EXPECT_EQ(Ledger::code(first.results[0]), "bad_signature");  // Leaves no trace of the id.
    EXPECT_EQ(Ledger::code(first.results[1]), "applied");
    EXPECT_EQ(Ledger::code(first.results[2]), "tx_duplicate");
    EXPECT_EQ(Ledger::code(ledger.run({envelope}).results[0]), "tx_duplicate");
    EXPECT_EQ(ledger.run({envelope}).results[0].explanation(),
              "this transaction was executed before; it counts once. Ask for its first result by "
              "its id");

    ledger.now_ms += 120'000;
    EXPECT_EQ(Ledger::code(ledger.run({envelope}).results[0]), "tx_expired");
    for (const auto& [key, value] : ledger.state.map)
        EXPECT_NE(key[0], uint8_t(KeyKind::transaction)) << "an expired id is still in the state";
}

TEST(Execution, a_rejected_transaction_is_remembered_too) {
    Ledger ledger;
    const std::string envelope = ledger.envelope_of({zlib, 9});
    const auto first = ledger.run({envelope}).results[0];
    EXPECT_EQ(Ledger::code(first), "unknown_identity");
    EXPECT_EQ(first.explanation(), "the ledger does not know the signer: " + did_of(9) +
                                       ". Have someone with the right to add it as an `_auth` "
                                       "subject");
    ledger.send(R"([{"_id":"_auth$1","id":")" + did_of(9) +
                R"(","roles":[["_role/id","owner"]]}])");
    EXPECT_EQ(Ledger::code(ledger.run({envelope}).results[0]), "tx_duplicate");
    EXPECT_TRUE(ledger.send(zlib, 9).applied());
}

TEST(Execution, judges_time_by_the_blocks_alone) {
    Ledger ledger;
    const uint64_t now = ledger.now_ms + 1'000;  // Of the next block.
    EXPECT_TRUE(ledger.send(Sent{zlib, 1, 100'000, now}).applied());
    const uint64_t next = now + 1'000;
    const auto late = ledger.send(Sent{zlib, 1, 100'000, next - 1});
    EXPECT_EQ(Ledger::code(late), "tx_expired");
    EXPECT_EQ(late.explanation(),
              "the transaction expired before it was ordered. Sign it again with a later "
              "\"expire\"");
    EXPECT_TRUE(ledger.send(Sent{zlib, 1, 100'000, next + 1'000 + 600'000}).applied());
    const std::string ahead = ledger.envelope_of({zlib, 1, 100'000, next + 2'000 + 600'001});
    EXPECT_EQ(Ledger::code(ledger.run({ahead}).results[0]), "tx_too_far_ahead");
    // Not remembered: a block later it is near enough.
    EXPECT_EQ(Ledger::code(ledger.run({ahead}).results[0]), "applied");
}

TEST(Execution, a_paused_ledger_remembers_nothing) {
    Ledger ledger;
    const std::string envelope = ledger.envelope_of({zlib});
    const Hash root = ledger.tree.root();
    ledger.paused = true;
    EXPECT_EQ(Ledger::code(ledger.run({envelope}).results[0]), "ledger_paused");
    EXPECT_EQ(ledger.tree.root(), root);
    ledger.paused = false;
    EXPECT_EQ(Ledger::code(ledger.run({envelope}).results[0]), "applied");
}

TEST(Execution, says_what_is_wrong_with_a_change) {
    Ledger ledger;
    ASSERT_TRUE(ledger.send(zlib).applied());
    const auto says = [&](const std::string& changes, std::string_view expected) {
        EXPECT_EQ(rejected(ledger, {changes}).explanation(), expected) << changes;
    };
    says(R"([{"_id":"package$1","_action":"insert","name":"zlib1g"}])",
         "another subject has this unique value: change 1, \"name\" \"zlib1g\" belongs to subject "
         "17592186044417. Change that subject instead, or choose another value");
    says(R"([{"_id":"package$1","name":"x","size":"big"}])",
         "the value is not of the predicate's type: change 1, \"size\" is int, not \"big\". "
         "Give a value of that type, as docs/transactions.md writes it");
    says(R"([{"_id":"package$1","name":"x","colour":"red"}])",
         "the collection has no such predicate: change 1, package has no \"colour\". Look at the "
         "ledger's schema, or add the predicate first");
    says(R"([{"_id":"package$1","version":"1"}])",
         "a required predicate has no value: change 1, package/name. Give it a value");
    says(R"([{"_id":["package/name","zlib1g"],"name":null}])",
         "a required predicate has no value: change 1, package/name. Give it a value");
    says(R"([{"_id":"thing$1"}])",
         "there is no such collection: change 1, \"thing\". Look at the ledger's schema, or add "
         "the collection first");
}

TEST(Execution, refuses_each_kind_of_mistake_by_its_code) {
    Ledger ledger;
    ASSERT_TRUE(ledger.send(zlib).applied());
    const auto code = [&](const std::string& changes) { return rejected_code(ledger, changes); };
    EXPECT_EQ(code(R"([{"name":"x"}])"), "bad_subject");
    EXPECT_EQ(code(R"([{"_id":null,"name":"x"}])"), "bad_subject");
    EXPECT_EQ(code(R"([{"_id":-1,"name":"x"}])"), "bad_subject");
    EXPECT_EQ(code(R"([{"_id":["package/name"],"name":"x"}])"), "bad_subject");
    EXPECT_EQ(code(R"([{"_id":["name","x"],"name":"x"}])"), "bad_subject");
    EXPECT_EQ(code(R"([{"_id":17592186044499,"size":1}])"), "no_such_subject");
    EXPECT_EQ(code(R"([{"_id":["package/name","nobody"],"size":1}])"), "no_such_subject");
    EXPECT_EQ(code(R"([{"_id":["package/nome","x"],"size":1}])"), "unknown_predicate");
    EXPECT_EQ(code(R"([{"_id":["package/size",86],"version":"1"}])"), "not_a_unique_predicate");
    EXPECT_EQ(code(R"([{"_id":"package$1","_action":"erase"}])"), "bad_action");
    EXPECT_EQ(code(R"([{"_id":"package$1","_action":"delete"}])"), "bad_action");
    EXPECT_EQ(code(R"([{"_id":["package/name","zlib1g"],"_action":"delete","size":1}])"),
              "bad_action");
    EXPECT_EQ(code(R"([{"_id":["package/name","zlib1g"],"_action":"insert"}])"), "subject_exists");
    EXPECT_EQ(code(R"([{"_id":"package$1","name":"x"},{"_id":"package$1","name":"y"}])"),
              "temporary_id_twice");
    EXPECT_EQ(code(R"([{"_id":["package/name","zlib1g"],"size":1},)"
                   R"({"_id":"package$1","name":"zlib1g"}])"),
              "subject_twice");
    EXPECT_EQ(code(R"([{"_id":"dependency$1","target":"package$7"}])"), "unknown_temporary_id");
    EXPECT_EQ(code(R"([{"_id":"dependency$1","target":17592186044499}])"), "bad_reference");
    EXPECT_EQ(code(R"([{"_id":"dependency$1","target":["package/name","no"]}])"), "bad_reference");
    EXPECT_EQ(code(R"([{"_id":"dependency$1","target":"dependency$1"}])"), "wrong_collection");
    EXPECT_EQ(code(R"([{"_id":"dependency$1","target":true}])"), "wrong_type");
    EXPECT_EQ(code(R"([{"_id":"package$1","name":["x"]}])"), "wrong_type");
    EXPECT_EQ(code(R"([{"_id":"package$1","name":"x","version":["1"]}])"), "not_multi");
    EXPECT_EQ(code(R"([{"_id":"package$1","name":"x","version":{"a":1}}])"), "wrong_type");
    EXPECT_EQ(code(R"([{"_id":"package$1","name":"x","sha256":"AAB"}])"), "wrong_type");
    EXPECT_EQ(code(R"([{"_id":"package$1","name":"x","size":"9223372036854775808"}])"),
              "wrong_type");
    EXPECT_EQ(code(R"([{"_id":"package$1","name":"x","built":"2023-02-30T00:00:00Z"}])"),
              "wrong_type");
    EXPECT_EQ(code(R"([{"_id":"package$1","name":"x","essential":1}])"), "wrong_type");
}

TEST(Execution, one_bad_change_undoes_all_and_gives_numbers_back) {
    Ledger ledger;
    EXPECT_EQ(rejected_code(ledger, R"([{"_id":"package$1","name":"a"},{"_id":"package$2",)"
                                    R"("name":"b"},{"_id":"package$3","name":"a",)"
                                    R"("_action":"insert"}])"),
              "not_unique");
    EXPECT_EQ(ledger.send(zlib).subjects.front(), subject_of(collection_first, 1));
}

TEST(Execution, denies_what_no_rule_allows) {
    Ledger ledger;
    EXPECT_TRUE(ledger.send(zlib, 2).applied());
    const auto code = [&](const std::string& changes) { return rejected_code(ledger, changes, 2); };
    EXPECT_TRUE(
        ledger.send(R"([{"_id":"dependency$1","target":["package/name","zlib1g"]}])", 2).applied());
    EXPECT_EQ(code(R"([{"_id":"dependency$1","constraint":"x"}])"), "not_permitted");
    EXPECT_EQ(code(R"([{"_id":"_collection$1","name":"mine"}])"), "not_permitted");
    EXPECT_EQ(code(R"([{"_id":"_auth$1","id":")" + did_of(3) + R"("}])"), "not_permitted");
    EXPECT_EQ(code(R"([{"_id":["_role/id","keeper"],"rules":[]}])"), "not_permitted");
    // An identity without a role may do nothing.
    ASSERT_TRUE(ledger.send(R"([{"_id":"_auth$1","id":")" + did_of(3) + R"("}])").applied());
    EXPECT_EQ(rejected_code(ledger, zlib, 3), "not_permitted");
}

TEST(Execution, a_changed_role_counts_from_the_next_transaction_on) {
    Ledger ledger;
    const std::string keeper = R"(["_role/id","keeper"])";
    const auto results =
        ledger
            .run_all({{R"([{"_id":"package$1","name":"a"}])", 2},
                      {R"([{"_id":)" + keeper + R"(,"rules":[]}])", 1},
                      {R"([{"_id":"package$1","name":"b"}])", 2},
                      {R"([{"_id":)" + keeper +
                           R"(,"rules":["_rule$1"]},{"_id":"_rule$1",)"
                           R"("collection":"package","predicates":["name"],"ops":["write"]}])",
                       1},
                      {R"([{"_id":"package$1","name":"c"}])", 2}})
            .results;
    EXPECT_EQ(Ledger::code(results[0]), "applied");
    EXPECT_EQ(Ledger::code(results[1]), "applied") << results[1].explanation();
    EXPECT_EQ(Ledger::code(results[2]), "not_permitted");
    EXPECT_EQ(Ledger::code(results[3]), "applied") << results[3].explanation();
    EXPECT_EQ(Ledger::code(results[4]), "applied") << results[4].explanation();
}

TEST(Execution, readers_see_what_their_rules_show) {
    Ledger ledger;
    const SubjectId subject = ledger.send(zlib).subjects.front();
    const auto nobody = *Permissions::of_reader(ledger.state, "");
    const auto keeper = *Permissions::of_reader(ledger.state, did_of(2));
    const auto stranger = *Permissions::of_reader(ledger.state, did_of(77));
    EXPECT_EQ(shown(ledger, subject, nobody), R"({"name":"zlib1g"})");
    EXPECT_EQ(shown(ledger, subject, stranger), R"({"name":"zlib1g"})");
    EXPECT_EQ(shown(ledger, subject, keeper), R"({"name":"zlib1g","version":"1.2","size":86})");
    EXPECT_EQ(shown(ledger, subject, Permissions()), "nothing");
    EXPECT_FALSE(nobody.may_read_all("package"));
    EXPECT_TRUE(keeper.may_read_all("package"));
    EXPECT_FALSE(keeper.may_read_everything());
    EXPECT_TRUE((*Permissions::of_reader(ledger.state, did_of(1))).may_read_everything());
}

TEST(Execution, fuel_bounds_the_work) {
    Ledger ledger;
    const auto result = ledger.send(Sent{zlib, 1, 100'000});
    ASSERT_TRUE(result.applied());
    EXPECT_GT(result.fuel, 15u);
    const std::string another =
        R"([{"_id":"package$1","name":"zlib2g","version":"1.2","size":86}])";
    EXPECT_EQ(ledger.send(Sent{another, 1, result.fuel}).fuel, result.fuel);
    const auto poor = rejected(
        ledger,
        {R"([{"_id":"package$1","name":"zlib3g","version":"1.2","size":86}])", 1, result.fuel - 1});
    EXPECT_EQ(Ledger::code(poor), "out_of_fuel");
    EXPECT_EQ(poor.explanation(), "the transaction needs more fuel than it was given: fuel " +
                                      std::to_string(result.fuel - 1) +
                                      ". Sign it again with more \"fuel\"");
    EXPECT_EQ(Ledger::code(rejected(ledger, {zlib, 1, 0})), "out_of_fuel");
}

TEST(Execution, a_step_that_fits_no_segment_is_refused) {
    Ledger ledger;
    std::string many = R"([{"_id":"package$1","name":"x","tags":["t0")";
    for (int i = 1; i < 130; ++i) many += ",\"t" + std::to_string(i) + '"';
    EXPECT_EQ(rejected_code(ledger, many + "]}]"), "step_too_large");
}

}  // namespace
}  // namespace tally::ledger::testing
