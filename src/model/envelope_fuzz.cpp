// Whatever a stranger sends, checking it neither crashes nor disagrees with itself.
#include <cstdint>

#include "model/envelope.hpp"

using namespace tally;

namespace {

/// Gives the fuzzer's bytes as the payload of a well-formed envelope, so that it need not find the
/// base64url and the header by itself.
void check_as_payload(ByteView bytes) {
    static const model::SecretKey secret = Ed25519Secret::from_seed({1});
    const std::string envelope = model::sign_payload(text_of(bytes), secret);
    const auto checked = model::check_envelope(view_of(envelope), Hash{}, {});
    ENSURE(checked.id == model::transaction_id_of(view_of(envelope)));
    ENSURE(checked.valid() || checked.error != model::EnvelopeError::bad_signature);
    if (checked.valid()) ENSURE(!checked.transaction->changes.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    crypto_start();
    const ByteView bytes(data, size);
    const auto checked = model::check_envelope(bytes, Hash{}, "packages");
    ENSURE(checked.id == model::transaction_id_of(bytes));
    if (!checked.valid()) ENSURE(!checked.why().code.empty());
    if (size <= 4096) check_as_payload(bytes);
    return 0;
}
