#include "ordering/test_parties.hpp"

namespace tally::ordering::testing {
namespace {

Signature mixed(const Ed25519Public& key, ByteView message) {
    uint64_t digest = 0xcbf29ce484222325;
    const auto add = [&](ByteView bytes) {
        for (const uint8_t byte : bytes) digest = (digest ^ byte) * 0x100000001b3;
    };
    add(key);
    add(message);
    Signature signature{};
    for (size_t i = 0; i < 8; ++i) signature[i] = uint8_t(digest >> (8 * i));
    signature[8] = 1;
    return signature;
}

class TestSigner : public Signer {
public:
    explicit TestSigner(uint32_t owner) { key_[0] = uint8_t(owner + 1); }
    [[nodiscard]] Ed25519Public public_key() const override { return key_; }
    [[nodiscard]] Signature sign(ByteView message) const override { return mixed(key_, message); }

private:
    Ed25519Public key_{};
};

class TestVerifier : public Verifier {
public:
    [[nodiscard]] bool verify(const Ed25519Public& key, ByteView message,
                              const Signature& signature) const override {
        return signature == mixed(key, message);
    }
};

}  // namespace

std::unique_ptr<Signer> test_signer(uint32_t owner) {
    return std::make_unique<TestSigner>(owner);
}
std::unique_ptr<Verifier> test_verifier() {
    return std::make_unique<TestVerifier>();
}
model::Signatories test_signatories(uint32_t participants) {
    model::Signatories set;
    set.network = sha256(view_of("a test network"));
    for (uint32_t i = 0; i < participants; ++i) set.keys.push_back(test_signer(i)->public_key());
    return set;
}

std::unique_ptr<Signer> test_identity(uint32_t participant) {
    return test_signer(1'000 + participant);
}

model::ParticipantEntry test_entry(uint32_t participant) {
    model::ParticipantEntry entry;
    entry.name = std::string("p") + std::to_string(participant);
    entry.identity_key = test_identity(participant)->public_key();
    entry.signing_key = test_signer(participant)->public_key();
    entry.addresses.push_back(std::string("test:1"));
    return entry;
}

}  // namespace tally::ordering::testing
