// Whatever file a stranger hands out, verifying it neither crashes nor believes it, unless the keys
// of the test's charter signed it.
#include "proving/verify/testing/proof_maker.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    crypto_start();
    static const model::Charter charter = proving::testing::make_charter();
    const ByteView bytes(data, size);
    const auto verdict = proving::verify(charter, bytes);
    if (!verdict.ok()) {
        ENSURE(!verdict.error().message().empty());
        return 0;
    }
    ENSURE(!verdict->text().empty() && !verdict->json().empty());
    const auto file = cbor::decode<proving::ProofFile>(bytes);
    ENSURE(file.ok() && equal(proving::encode_proof_file(*file), bytes));
    return 0;
}
