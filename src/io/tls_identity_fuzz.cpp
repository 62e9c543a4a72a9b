// A stranger's certificate: whatever its bytes, it is refused or names a key, and nothing crashes.
#include "io/tls_identity.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    tally::crypto_start();
    (void)tally::io::check_certificate({data, size}, 1'800'000'000).ok();
    return 0;
}
