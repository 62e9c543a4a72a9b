// Whatever a disk gives back as a journal's record, decoding it does not crash, and what decodes
// has exactly the bytes that came.
#include "model/records.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView bytes(data, size);
    const auto record = cbor::decode<model::Record>(bytes);
    if (record.ok()) {
        ENSURE(equal(cbor::encode(*record), bytes));
    } else {
        ENSURE(!record.error().message().empty());
    }
    return 0;
}
