// Whatever a stranger sends as a message, decoding it does not crash, and what decodes has exactly
// the bytes that came.
#include <cstdint>

#include "model/messages.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView bytes(data, size);
    const auto message = model::decode_message(bytes);
    if (!message.ok()) {
        ENSURE(!message.error().code.empty());
        return 0;
    }
    ENSURE(equal(model::encode_message(*message), bytes));
    return 0;
}
