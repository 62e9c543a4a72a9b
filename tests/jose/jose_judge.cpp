// Judges envelopes for jose_test.mjs: reads one a line, and answers each with one line of JSON.
//
//     jose_judge NETWORK LEDGER < envelopes
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <iostream>
#include <string>

#include "model/envelope.hpp"

namespace {

using tally::ByteView;

boost::json::object judge(const std::string& line, const tally::Hash& network,
                          std::string_view ledger) {
    const ByteView bytes(reinterpret_cast<const uint8_t*>(line.data()), line.size());
    const auto checked = tally::model::check_envelope(bytes, network, ledger);
    boost::json::object answer{{"id", checked.id.hex()}};
    if (!checked.valid()) {
        answer["error"] = checked.why().code;
        return answer;
    }
    const tally::model::Transaction& transaction = *checked.transaction;
    answer["signer"] = transaction.signer_did;
    answer["signature"] = tally::to_hex(transaction.signature);
    answer["nonce"] = transaction.nonce;
    answer["expire"] = transaction.expire_ms;
    answer["fuel"] = transaction.fuel;
    answer["tx"] = transaction.changes;
    return answer;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: %s NETWORK LEDGER < envelopes\n", argv[0]);
        return 2;
    }
    tally::crypto_start();
    const auto network = tally::hash_from_hex(argv[1]);
    if (!network.ok()) return 2;
    for (std::string line; std::getline(std::cin, line);) {
        std::cout << boost::json::serialize(judge(line, *network, argv[2])) << '\n';
    }
    return 0;
}
