// One small ledger, byte for byte as on record: its genesis, two blocks, every key and value, and
// the roots. A change of these bytes is a change of the protocol, and a second implementation
// begins here.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "ledger/ledger_testing.hpp"

namespace tally::ledger::testing {
namespace {

const char* const golden_path = TALLY_SOURCE_DIR "/tests/golden/ledger.txt";

using Lines = std::vector<std::string>;

void add_execution(Lines& lines, const std::string& name, const Execution& execution) {
    lines.push_back(name + "/state_before " + execution.state_before.hex());
    for (const auto& result : execution.results)
        lines.push_back(name + "/result " + to_hex(result.leaf()));
    for (const auto& leaf : execution.trace)
        lines.push_back(name + "/trace " + to_hex(cbor::encode(leaf)));
    lines.push_back(name + "/results_root " + execution.results_root().hex());
    lines.push_back(name + "/trace_root " + execution.trace_root().hex());
    lines.push_back(name + "/digest " + execution.digest.hex());
    lines.push_back(name + "/execution_commitment " + execution.execution_commitment().hex());
    lines.push_back(name + "/state_after " + execution.state_after.hex());
}

void add_block(Lines& lines, Ledger& ledger, const std::vector<std::string>& envelopes) {
    const auto execution = ledger.run(envelopes);
    const std::string name = "block" + std::to_string(ledger.height.value);
    lines.push_back(name + "/time_us " + std::to_string(ledger.now_ms * 1'000));
    for (const auto& envelope : envelopes) lines.push_back(name + "/envelope " + envelope);
    add_execution(lines, name, execution);
}

Lines all_lines() {
    Lines lines;
    Ledger ledger;
    lines.push_back("network " + ledger.network.hex());
    for (const auto& change : package_genesis()) lines.push_back("genesis/change " + change);
    add_execution(lines, "genesis", ledger.genesis_execution);

    const std::string first = ledger.envelope_of(
        {R"([{"_id":"package$1","name":"zlib1g","version":"1:1.2.13.dfsg-1","size":86,)"
         R"("sha256":"AAEC","essential":false,"built":"2023-05-01T10:20:30.5Z",)"
         R"("tags":["role::shared-lib","implemented-in::c"],"depends":[{"target":"package$2",)"
         R"("constraint":">= 2.14"}]},{"_id":"package$2","name":"libc6","size":"9007199254740993"}])"});
    const std::string long_name =
        ledger.envelope_of({R"([{"_id":"package$1","name":")" + std::string(60, 'x') + R"("}])"});
    const std::string stranger = ledger.envelope_of({R"([{"_id":"package$1","name":"a"}])", 9});
    add_block(lines, ledger, {first, long_name, stranger, first});
    add_block(lines, ledger,
              {ledger.envelope_of({R"([{"_id":["package/name","libc6"],"version":"2.36"}])"}),
               ledger.envelope_of({R"([{"_id":["package/name","libc6"],"_action":"delete"}])"}),
               ledger.envelope_of({R"([{"_id":["package/name","zlib1g"],"_action":"delete"}])"}),
               ledger.envelope_of({R"([{"_id":"package$1","name":1}])"}), "not.an.envelope"});
    for (const auto& [key, value] : ledger.state.map)
        lines.push_back("state/" + to_hex(key) + ' ' + to_hex(value));
    return lines;
}

/// To renew the file after a deliberate change: TALLY_RENEW_GOLDEN=1 ledger_tests.
TEST(Golden, a_small_ledger_is_the_one_on_record) {
    const Lines lines = all_lines();
    if (std::getenv("TALLY_RENEW_GOLDEN") != nullptr) {
        std::ofstream out(golden_path);
        for (const auto& line : lines) out << line << '\n';
    }
    std::ifstream file(golden_path);
    std::string line;
    for (const auto& expected : lines) {
        ASSERT_TRUE(std::getline(file, line)) << "the file ends before " << expected;
        ASSERT_EQ(line, expected);
    }
    EXPECT_FALSE(std::getline(file, line)) << line << " is on record, but nothing is like it";
}

}  // namespace
}  // namespace tally::ledger::testing
