#include "sim/registry.hpp"

#include "sim/random.hpp"

namespace tally::sim {

class RegistrySigner : public Signer {
public:
    RegistrySigner(const Registry& registry, const Ed25519Public& key)
        : registry_(registry), key_(key) {}
    Ed25519Public public_key() const override { return key_; }
    Signature sign(ByteView message) const override {
        return registry_.signature_of(key_, message);
    }

private:
    const Registry& registry_;
    Ed25519Public key_;
};

class RegistryVerifier : public Verifier {
public:
    explicit RegistryVerifier(const Registry& registry) : registry_(registry) {}
    bool verify(const Ed25519Public& key, ByteView message,
                const Signature& signature) const override {
        return registry_.signature_of(key, message) == signature;
    }

private:
    const Registry& registry_;
};

Registry::Registry(uint64_t seed)
    : secret_(sha256(Random(seed, stream_of("registry secret")).bytes(32))) {}

std::unique_ptr<Signer> Registry::signer(uint32_t owner) const {
    const Hash key = Hasher().add(view_of("registry key")).add(secret_).add_u32(owner).finish();
    return std::make_unique<RegistrySigner>(*this, key.bytes);
}

std::unique_ptr<Verifier> Registry::verifier() const {
    return std::make_unique<RegistryVerifier>(*this);
}

Signature Registry::signature_of(const Ed25519Public& key, ByteView message) const {
    const Hash first = Hasher().add(secret_).add(key).add(message).finish();
    const Hash second = Hasher().add(secret_).add(first).finish();
    Signature signature;
    std::copy(first.bytes.begin(), first.bytes.end(), signature.begin());
    std::copy(second.bytes.begin(), second.bytes.end(), signature.begin() + 32);
    return signature;
}

}  // namespace tally::sim
