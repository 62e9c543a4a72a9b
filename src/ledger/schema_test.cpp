// The schema is data: transactions change it, and what would break existing data is refused.
#include "ledger/schema.hpp"

#include <gtest/gtest.h>

#include "ledger/ledger_testing.hpp"

namespace tally::ledger::testing {
namespace {

std::string code(Ledger& ledger, const std::string& changes) {
    const auto result = ledger.send(changes);
    EXPECT_EQ(root_from_scratch(ledger.state), ledger.tree.root());
    return Ledger::code(result);
}

constexpr const char* small_zlib = R"([{"_id":"package$1","name":"zlib1g"}])";

TEST(Schema, a_sheet_has_one_encoding) {
    for (const Collection& collection : built_in_collections()) {
        const Bytes sheet = encode_sheet(collection);
        const auto decoded = decode_sheet(collection.id, sheet);
        ASSERT_TRUE(decoded.ok());
        EXPECT_EQ(*decoded, collection);
        for (size_t length = 0; length < sheet.size(); ++length)
            EXPECT_FALSE(decode_sheet(collection.id, ByteView(sheet).first(length)).ok());
    }
}

TEST(Schema, the_built_in_part_describes_itself) {
    Ledger ledger;
    for (const Collection& collection : built_in_collections()) {
        const auto row = ledger.find("_collection/name", Value(collection.name));
        EXPECT_EQ(row, subject_of(collection_collection, collection.id.value)) << collection.name;
        for (const Predicate& predicate : collection.predicates) {
            const auto subject =
                ledger.find("_predicate/name", Value(collection.name + "/" + predicate.name));
            EXPECT_EQ(subject, subject_of(predicate_collection, predicate.id.value));
        }
        EXPECT_EQ(*ledger.schema()->collection(collection.id), collection);
    }
}

TEST(Schema, grows_by_transactions_and_counts_its_versions) {
    Ledger ledger;
    const uint64_t version = ledger.schema()->version();
    EXPECT_EQ(code(ledger, small_zlib), "applied");
    EXPECT_EQ(ledger.schema()->version(), version);
    EXPECT_EQ(code(ledger, R"([{"_id":"_predicate$1","name":"package/homepage","type":"string",)"
                           R"("unique":true,"index":true}])"),
              "applied");
    EXPECT_GT(ledger.schema()->version(), version);
    EXPECT_TRUE(ledger.schema()->predicate("package/homepage")->unique);
    // Collection, predicate and subject in one transaction.
    EXPECT_EQ(code(ledger, R"([{"_id":"_collection$1","name":"person"},{"_id":"_predicate$1",)"
                           R"("name":"person/name","type":"string","required":true},)"
                           R"({"_id":"person$1","name":"Ada"}])"),
              "applied");
    EXPECT_EQ(code(ledger, R"([{"_id":"person$1"}])"), "missing_required");
}

TEST(Schema, a_rejected_change_of_it_leaves_no_trace_in_later_transactions) {
    Ledger ledger;
    const auto results =
        ledger
            .run_all({{R"([{"_id":"_collection$1","name":"person"},{"_id":"nothing$1"}])"},
                      {R"([{"_id":"person$1"}])"},
                      {R"([{"_id":"_collection$1","name":"person"},{"_id":"person$1"}])"},
                      {R"([{"_id":"person$1"}])"}})
            .results;
    EXPECT_EQ(Ledger::code(results[0]), "unknown_collection");
    EXPECT_EQ(Ledger::code(results[1]), "unknown_collection");
    EXPECT_EQ(Ledger::code(results[2]), "applied") << results[2].explanation();
    EXPECT_EQ(Ledger::code(results[3]), "applied") << results[3].explanation();
}

TEST(Schema, refuses_what_would_break_existing_subjects) {
    Ledger ledger;
    const auto change = [&](const std::string& name, const std::string& settings) {
        return code(ledger,
                    R"([{"_id":["_predicate/name","package/)" + name + R"("],)" + settings + "}]");
    };
    EXPECT_EQ(change("version", R"("type":"int")"), "applied");  // Nothing to break yet.
    EXPECT_EQ(ledger.schema()->predicate("package/version")->type, Type::integer);
    EXPECT_EQ(change("version", R"("type":"string")"), "applied");
    EXPECT_EQ(code(ledger, small_zlib), "applied");

    EXPECT_EQ(change("version", R"("type":"int")"), "schema_in_use");
    EXPECT_EQ(change("version", R"("unique":true)"), "schema_in_use");
    EXPECT_EQ(change("version", R"("required":true)"), "schema_in_use");
    EXPECT_EQ(change("version", R"("index":true)"), "schema_in_use");
    EXPECT_EQ(change("version", R"("multi":true)"), "schema_in_use");
    EXPECT_EQ(change("version", R"("_action":"delete")"), "schema_in_use");
    EXPECT_EQ(change("version", R"("doc":"as upstream has it")"), "applied");
    EXPECT_EQ(code(ledger, R"([{"_id":"_predicate$1","name":"package/licence","type":"string",)"
                           R"("required":true}])"),
              "schema_in_use");
    EXPECT_EQ(code(ledger, R"([{"_id":["_collection/name","package"],"_action":"delete"}])"),
              "schema_in_use");
    const auto refused =
        ledger.send(R"([{"_id":["_predicate/name","package/version"],"required":true}])");
    EXPECT_EQ(refused.explanation(),
              "the collection has subjects, which this would break: change 1, package/version. "
              "This version changes types and settings, adds required predicates and removes "
              "predicates only while a collection is empty: make a new predicate and move the "
              "values");
}

TEST(Schema, refuses_definitions_without_meaning) {
    Ledger ledger;
    const auto predicate = [&](const std::string& rest) {
        return code(ledger, R"([{"_id":"_predicate$1",)" + rest + "}]");
    };
    EXPECT_EQ(predicate(R"("name":"package/x")"), "missing_required");
    EXPECT_EQ(predicate(R"("name":"package/x","type":"float")"), "bad_definition");
    EXPECT_EQ(predicate(R"("name":"x","type":"int")"), "bad_name");
    EXPECT_EQ(predicate(R"("name":"package/X","type":"int")"), "bad_name");
    EXPECT_EQ(predicate(R"("name":"package/_x","type":"int")"), "bad_name");
    EXPECT_EQ(predicate(R"("name":"package/x/y","type":"int")"), "bad_name");
    EXPECT_EQ(predicate(R"("name":"nothing/x","type":"int")"), "unknown_collection");
    EXPECT_EQ(predicate(R"("name":"_auth/x","type":"int")"), "schema_built_in");
    EXPECT_EQ(predicate(R"("name":"package/name","type":"int")"), "not_unique");
    EXPECT_EQ(predicate(R"("name":"package/x","type":"int","upsert":true)"), "bad_definition");
    EXPECT_EQ(predicate(R"("name":"package/x","type":"int","restrict":"package")"),
              "bad_definition");
    EXPECT_EQ(predicate(R"("name":"package/x","type":"ref","restrict":"nothing")"),
              "unknown_collection");
    EXPECT_EQ(code(ledger, R"([{"_id":"_collection$1","name":"_mine"}])"), "bad_name");
    EXPECT_EQ(code(ledger, R"([{"_id":"_collection$1","name":"package"}])"), "not_unique");
    EXPECT_EQ(code(ledger, R"([{"_id":["_collection/name","package"],"name":"parcel"}])"),
              "name_is_fixed");
    EXPECT_EQ(code(ledger, R"([{"_id":["_predicate/name","package/size"],"name":"package/s"}])"),
              "name_is_fixed");
    EXPECT_EQ(code(ledger, R"([{"_id":["_collection/name","_auth"],"doc":"mine"}])"),
              "schema_built_in");
    EXPECT_EQ(code(ledger, R"([{"_id":["_predicate/name","_auth/id"],"_action":"delete"}])"),
              "schema_built_in");
    EXPECT_EQ(code(ledger, R"([{"_id":"_auth$1","id":"me"}])"), "bad_definition");
    EXPECT_EQ(code(ledger, R"([{"_id":"_rule$1","collection":"package","ops":["drop"]}])"),
              "bad_definition");
}

TEST(Schema, an_empty_collection_can_go_once_its_predicates_did) {
    Ledger ledger;
    const auto gone = [](const std::string& pair) {
        return R"({"_id":[)" + pair + R"(],"_action":"delete"})";
    };
    const std::string collection = gone(R"("_collection/name","dependency")");
    EXPECT_EQ(code(ledger, "[" + collection + "]"), "bad_definition");
    EXPECT_EQ(code(ledger, "[" + gone(R"("_predicate/name","dependency/target")") + "," +
                               gone(R"("_predicate/name","dependency/constraint")") + "," +
                               collection + "]"),
              "applied");
    EXPECT_EQ(ledger.schema()->collection("dependency"), nullptr);
    EXPECT_EQ(code(ledger, R"([{"_id":"dependency$1"}])"), "unknown_collection");
    // What still points into it can point nowhere.
    EXPECT_EQ(code(ledger, R"([{"_id":"package$1","name":"a","depends":[{}]}])"),
              "unknown_collection");
}

TEST(Schema, deleting_a_collection_under_a_pending_subject_is_a_rejection) {
    Ledger ledger;
    ASSERT_EQ(
        code(ledger, R"([{"_id":"_collection$1","name":"c"},{"_id":"_collection$2","name":"d"},)"
                     R"({"_id":"_predicate$1","name":"d/to","type":"ref"}])"),
        "applied");
    EXPECT_EQ(code(ledger, R"([{"_id":"d$1","to":"c$1"},)"
                           R"({"_id":["_collection/name","c"],"_action":"delete"},{"_id":"c$1"}])"),
              "unknown_collection");
}

}  // namespace
}  // namespace tally::ledger::testing
