// A stranger's charter with a stranger's proof: verifying does not crash, whatever both say, and
// what a proof shows is of the charter's network.
//
// Input: u32 length of the charter, charter, proof.
#include <algorithm>

#include "proving/verify/verify.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    crypto_start();
    const ByteView input(data, size);
    if (size < 4) return 0;
    const size_t charter_bytes = std::min<size_t>(read_u32(input), size - 4);
    // As in `decode_charter`, but for the signatures, which a fuzzer cannot make.
    const auto charter = cbor::decode<model::Charter>(input.subspan(4, charter_bytes));
    if (!charter.ok() || !model::check_charter_body(charter->body).ok()) return 0;
    const auto verdict = proving::verify(*charter, input.subspan(4 + charter_bytes));
    if (!verdict.ok()) {
        ENSURE(!verdict.error().message().empty());
        return 0;
    }
    ENSURE(verdict->network == model::network_id_of(charter->body));
    ENSURE(charter->ledger(verdict->ledger).has_value());
    ENSURE(!verdict->text().empty() && !verdict->json().empty());
    return 0;
}
