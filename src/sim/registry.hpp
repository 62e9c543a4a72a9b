// Registry: signatures by bookkeeping, for the many simulated runs that need no real ones.
//
// A signature is a keyed hash under a secret that only the registry holds. Nobody can make one but
// through the Signer the registry gave out, so it is unforgeable by construction, and some twenty
// times cheaper than Ed25519.
#pragma once

#include <memory>

#include "crypto/keys.hpp"

namespace tally::sim {

/// For one thread. Outlives the signers and verifiers that it made.
class Registry {
public:
    explicit Registry(uint64_t seed);

    /// Who holds this may sign as `owner`. The same owner always has the same key.
    [[nodiscard]] std::unique_ptr<Signer> signer(uint32_t owner) const;
    [[nodiscard]] std::unique_ptr<Verifier> verifier() const;

private:
    friend class RegistrySigner;
    friend class RegistryVerifier;
    [[nodiscard]] Signature signature_of(const Ed25519Public& key, ByteView message) const;

    Hash secret_;
};

}  // namespace tally::sim
