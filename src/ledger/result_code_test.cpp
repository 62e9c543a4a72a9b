// Result codes stay what they are, each has words of its own, and the documentation lists them all.
#include "ledger/result_code.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "model/envelope.hpp"

namespace tally::ledger {
namespace {

const char* const documentation_path = TALLY_SOURCE_DIR "/docs/transactions.md";

TEST(ResultCode, integers_are_pinned) {
    std::string all;
    for (const ResultCode code : all_result_codes())
        all += std::to_string(uint16_t(code)) + ' ' + std::string(describe(code).code) + '\n';
    EXPECT_EQ(all,
              "0 applied\n1 tx_duplicate\n2 tx_expired\n3 tx_too_far_ahead\n4 ledger_paused\n"
              "5 sealed_full\n6 sealed_lapsed\n"
              "10 unknown_identity\n11 not_permitted\n12 out_of_fuel\n13 step_too_large\n"
              "14 transaction_too_large\n15 sealed_void\n20 bad_subject\n21 unknown_collection\n"
              "22 unknown_predicate\n23 unknown_temporary_id\n24 temporary_id_twice\n"
              "25 subject_twice\n26 no_such_subject\n27 bad_action\n28 subject_exists\n"
              "29 too_many_changes_nested\n30 wrong_type\n31 not_unique\n32 missing_required\n"
              "33 not_multi\n34 bad_reference\n35 wrong_collection\n36 still_referenced\n"
              "37 row_too_large\n38 ambiguous_upsert\n39 not_a_unique_predicate\n"
              "40 collection_full\n50 bad_name\n51 bad_definition\n52 schema_in_use\n"
              "53 schema_built_in\n54 schema_full\n55 name_is_fixed\n");
}

TEST(ResultCode, no_two_have_one_name) {
    std::set<std::string_view> names;
    for (const ResultCode code : all_result_codes())
        EXPECT_TRUE(names.insert(describe(code).code).second) << describe(code).code;
    for (const auto error : model::all_envelope_errors())
        EXPECT_TRUE(names.insert(describe(error).code).second) << describe(error).code;
}

TEST(ResultCode, explains_with_the_schemas_names_where_it_can) {
    const uint64_t arguments[] = {2, 100, 17592186044417};
    EXPECT_EQ(explain(31, arguments, nullptr),
              "another subject has this unique value: change 3, predicate 100, subject "
              "17592186044417. Change that subject instead, or choose another value");
    EXPECT_EQ(explain(108, {}, nullptr),
              "the signature does not match the transaction and its \"kid\". Sign again with the "
              "key that \"kid\" names");
    EXPECT_EQ(explain(999, {}, nullptr), "unknown result code 999");
}

std::string table() {
    std::ostringstream table;
    table << "| Code | Name | Meaning | What to do |\n|---|---|---|---|\n";
    const auto row = [&](uint16_t code, const ErrorText& text) {
        table << "| " << code << " | `" << text.code << "` | " << text.cause << " | " << text.next
              << " |\n";
    };
    for (const ResultCode code : all_result_codes()) row(uint16_t(code), describe(code));
    for (const auto error : model::all_envelope_errors()) row(uint16_t(error), describe(error));
    return table.str();
}

/// To renew the table after a change: TALLY_RENEW_GOLDEN=1 ledger_tests.
TEST(ResultCode, the_documentation_lists_them_all) {
    const auto read = [] {
        std::ifstream file(documentation_path);
        return std::string((std::istreambuf_iterator<char>(file)), {});
    };
    std::string text = read();
    const size_t start = text.find("| Code | Name |");
    if (std::getenv("TALLY_RENEW_GOLDEN") != nullptr)
        std::ofstream(documentation_path) << text.substr(0, start) + table();
    text = read();
    ASSERT_NE(text.find("| Code | Name |"), text.npos);
    EXPECT_EQ(text.substr(text.find("| Code | Name |")), table());
}

}  // namespace
}  // namespace tally::ledger
