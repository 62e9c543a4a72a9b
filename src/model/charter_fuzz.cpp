// Whatever a stranger calls a charter, it is refused with a reason or it is signed by all its
// founders, and what decodes has exactly the bytes that came.
#include "model/charter.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    crypto_start();
    const ByteView bytes(data, size);
    const auto charter = model::decode_charter(bytes);
    if (charter.ok()) {
        ENSURE(equal(cbor::encode(*charter), bytes));
        ENSURE(charter->signatures.size() == charter->participant_count());
    } else {
        ENSURE(!charter.error().message().empty());
    }
    if (const auto recovery = cbor::decode<model::Recovery>(bytes); recovery.ok())
        ENSURE(equal(cbor::encode(*recovery), bytes));
    if (const auto said = cbor::decode<model::SignedRecoveryStatement>(bytes); said.ok())
        ENSURE(equal(cbor::encode(*said), bytes));
    // A fuzzer forges no signatures: the rest is to be reached without them.
    const auto body = cbor::decode<model::CharterBody>(bytes);
    if (!body.ok()) return 0;
    ENSURE(equal(cbor::encode(*body), bytes));
    const auto checked = model::check_charter_body(*body);
    ENSURE(checked.ok() || !checked.error().message().empty());
    return 0;
}
