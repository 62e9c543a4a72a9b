// Whatever a stranger shows as a reader's token, checking it does not crash, and it names only the
// reader whose key signed it.
#include "model/reader_token.hpp"

using namespace tally;

namespace {

constexpr uint64_t now_s = 1'700'000'000;

/// Gives the fuzzer's bytes as the payload of a well-signed token, so that it need not find
/// base64url, header and signature by itself.
void check_as_payload(ByteView bytes) {
    static const model::SecretKey secret = Ed25519Secret::from_seed({1});
    const std::string token = model::sign_payload(text_of(bytes), secret);
    const auto reader = model::check_token(token, Hash{}, "alice", now_s);
    if (reader.ok()) {
        ENSURE(*reader == model::public_key_of(secret).did());
        ENSURE(!model::check_token(token, Hash{}, "bob", now_s).ok());
        // Its reader's clock may be ahead.
        constexpr uint64_t life_s = model::token_seconds_max + model::token_clock_skew_seconds;
        ENSURE(!model::check_token(token, Hash{}, "alice", now_s + life_s + 1).ok());
    } else {
        ENSURE(!reader.error().is(model::TokenError::bad_signature));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    crypto_start();
    const ByteView bytes(data, size);
    const auto reader = model::check_token(text_of(bytes), Hash{}, "alice", now_s);
    ENSURE(reader.ok() ? reader->starts_with("did:key:z") : !reader.error().message().empty());
    if (size <= model::token_bytes_max) check_as_payload(bytes);
    return 0;
}
