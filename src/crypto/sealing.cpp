#include "crypto/sealing.hpp"

#include <sodium.h>

#include <algorithm>

namespace tally {
namespace {

static_assert(crypto_core_ristretto255_SCALARBYTES == std::tuple_size_v<Scalar>);
static_assert(crypto_box_SEALBYTES + 64 == std::tuple_size_v<ShareBox>);
static_assert(crypto_box_NONCEBYTES == 24 && crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == 24);

constexpr size_t padding_block_bytes = 256;
constexpr size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;

/// What is drawn from one secret; each for one use.
enum class Use : uint8_t { coefficient = 1, box = 2, text = 3 };

class Derivation {
public:
    explicit Derivation(const Scalar& secret)
        : key_(hkdf_extract(view_of("tally sealed transaction"), secret)) {}

    template <size_t N>
    [[nodiscard]] std::array<uint8_t, N> draw(Use use, uint32_t number) const {
        Bytes info{uint8_t(use)};
        append_u32(info, number);
        const Bytes bytes = hkdf_expand(key_, info, N);
        std::array<uint8_t, N> out;
        std::copy(bytes.begin(), bytes.end(), out.begin());
        return out;
    }

private:
    Hash key_;
};

Scalar small_scalar(uint32_t value) {
    Scalar scalar{};
    for (size_t i = 0; i < 4; ++i) scalar[i] = uint8_t(value >> (8 * i));
    return scalar;
}

Scalar product(const Scalar& a, const Scalar& b) {
    Scalar out;
    crypto_core_ristretto255_scalar_mul(out.data(), a.data(), b.data());
    return out;
}

Scalar sum(const Scalar& a, const Scalar& b) {
    Scalar out;
    crypto_core_ristretto255_scalar_add(out.data(), a.data(), b.data());
    return out;
}

Scalar difference(const Scalar& a, const Scalar& b) {
    Scalar out;
    crypto_core_ristretto255_scalar_sub(out.data(), a.data(), b.data());
    return out;
}

/// Zero is the place of the secret.
Scalar place_of(uint8_t holder) {
    return small_scalar(uint32_t{holder} + 1);
}

}  // namespace

Scalar sealing_secret(const std::array<uint8_t, 64>& random) {
    Scalar secret;
    crypto_core_ristretto255_scalar_reduce(secret.data(), random.data());
    return secret;
}

std::vector<Scalar> shares_of(const Scalar& secret, uint32_t threshold,
                              std::span<const uint8_t> holders) {
    const Derivation derived(secret);
    std::vector<Scalar> coefficients{secret};
    for (uint32_t degree = 1; degree < threshold; ++degree)
        coefficients.push_back(sealing_secret(derived.draw<64>(Use::coefficient, degree)));
    std::vector<Scalar> shares;
    shares.reserve(holders.size());
    for (const uint8_t holder : holders) {
        const Scalar place = place_of(holder);
        Scalar value = coefficients.back();
        for (size_t i = coefficients.size() - 1; i-- > 0;)
            value = sum(product(value, place), coefficients[i]);
        shares.push_back(value);
    }
    return shares;
}

/// The polynomial at zero, by Lagrange's formula.
Scalar secret_from(std::span<const std::pair<uint8_t, Scalar>> shares) {
    Scalar secret{};
    for (const auto& [holder, share] : shares) {
        const Scalar place = place_of(holder);
        Scalar above = small_scalar(1), below = small_scalar(1);
        for (const auto& other : shares) {
            if (other.first == holder) continue;
            const Scalar other_place = place_of(other.first);
            above = product(above, other_place);
            below = product(below, difference(other_place, place));
        }
        Scalar inverse;
        // Not of zero: the holders are distinct.
        ENSURE(crypto_core_ristretto255_scalar_invert(inverse.data(), below.data()) == 0);
        secret = sum(secret, product(share, product(above, inverse)));
    }
    return secret;
}

ShareBox seal_share(const Scalar& secret, uint8_t holder, const X25519Public& to,
                    const Scalar& share, const Hash& bound_to) {
    const auto seed = Derivation(secret).draw<crypto_box_SEEDBYTES>(Use::box, holder);
    std::array<uint8_t, crypto_box_PUBLICKEYBYTES> own_public;
    std::array<uint8_t, crypto_box_SECRETKEYBYTES> own_secret;
    ENSURE(crypto_box_seed_keypair(own_public.data(), own_secret.data(), seed.data()) == 0);
    // As crypto_box_seal() does, whose key would be random.
    std::array<uint8_t, crypto_box_NONCEBYTES> nonce;
    Bytes both = copy_of(own_public);
    append(both, to);
    ENSURE(crypto_generichash(nonce.data(), nonce.size(), both.data(), both.size(), nullptr, 0) ==
           0);
    Bytes message = copy_of(share);
    append(message, bound_to.view());
    ShareBox box{};
    std::copy(own_public.begin(), own_public.end(), box.begin());
    const int made = crypto_box_easy(box.data() + own_public.size(), message.data(), message.size(),
                                     nonce.data(), to.data(), own_secret.data());
    sodium_memzero(own_secret.data(), own_secret.size());
    sodium_memzero(message.data(), message.size());
    if (made != 0) box.fill(0);
    return box;
}

std::optional<std::pair<Scalar, Hash>> open_share(const ShareBox& box, const X25519Secret& holder) {
    const X25519Public own = x25519_public(holder);
    std::array<uint8_t, 64> message;
    if (crypto_box_seal_open(message.data(), box.data(), box.size(), own.data(), holder.data()) !=
        0)
        return {};
    std::pair<Scalar, Hash> opened;
    std::copy_n(message.begin(), 32, opened.first.begin());
    std::copy_n(message.begin() + 32, 32, opened.second.bytes.begin());
    return opened;
}

size_t sealed_bytes_of(size_t text_bytes) {
    return (text_bytes / padding_block_bytes + 1) * padding_block_bytes + tag_bytes;
}

/// A key encrypts one text, so its nonce may be fixed.
Bytes encrypt_sealed(const Scalar& secret, ByteView text, const Hash& context) {
    const auto key = Derivation(secret).draw<32>(Use::text, 0);
    const std::array<uint8_t, 24> nonce{};
    Bytes padded = copy_of(text);
    padded.resize(sealed_bytes_of(text.size()) - tag_bytes);
    size_t length = 0;
    ENSURE(sodium_pad(&length, padded.data(), text.size(), padding_block_bytes, padded.size()) ==
           0);
    Bytes out(length + tag_bytes);
    ENSURE(crypto_aead_xchacha20poly1305_ietf_encrypt(out.data(), nullptr, padded.data(), length,
                                                      context.bytes.data(), context.bytes.size(),
                                                      nullptr, nonce.data(), key.data()) == 0);
    return out;
}

std::optional<Bytes> decrypt_sealed(const Scalar& secret, ByteView ciphertext,
                                    const Hash& context) {
    if (ciphertext.size() < tag_bytes + padding_block_bytes ||
        (ciphertext.size() - tag_bytes) % padding_block_bytes != 0)
        return {};
    const auto key = Derivation(secret).draw<32>(Use::text, 0);
    const std::array<uint8_t, 24> nonce{};
    Bytes text(ciphertext.size() - tag_bytes);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            text.data(), nullptr, nullptr, ciphertext.data(), ciphertext.size(),
            context.bytes.data(), context.bytes.size(), nonce.data(), key.data()) != 0)
        return {};
    size_t length = 0;
    if (sodium_unpad(&length, text.data(), text.size(), padding_block_bytes) != 0) return {};
    text.resize(length);
    return text;
}

}  // namespace tally
