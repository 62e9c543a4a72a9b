// For tests only: the same few secret keys everywhere, so that golden bytes stay as they are.
#pragma once

#include "crypto/keys.hpp"

namespace tally::model::testing {

inline SecretKey ed25519_secret(uint8_t number = 1) {
    return Ed25519Secret::from_seed({number});
}
inline SecretKey secp256k1_secret() {
    std::array<uint8_t, 32> bytes{};
    bytes[31] = 7;
    return *Secp256k1Secret::from_bytes(bytes);
}
inline const Hash a_network = sha256(view_of("a network"));

}  // namespace tally::model::testing
