// A certificate speaks only for the identity key that signed it, for its own TLS key and network,
// and for a time.
#include "io/tls_identity.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace tally::io {
namespace {

constexpr uint64_t now_s = 1'800'000'000;
constexpr uint64_t lifetime_s = 1000;

std::unique_ptr<Signer> signer(uint8_t seed) {
    crypto_start();
    std::array<uint8_t, 32> bytes{};
    bytes[0] = seed;
    return ed25519_signer(Ed25519Secret::from_seed(bytes));
}

Hash network_of(uint8_t fill) {
    Hash network;
    network.bytes.fill(fill);
    return network;
}

/// The certificate with the first occurrence of `from` replaced by `to`, of the same length.
Bytes with_replaced(Bytes certificate, ByteView from, ByteView to) {
    const auto found =
        std::search(certificate.begin(), certificate.end(), from.begin(), from.end());
    EXPECT_NE(found, certificate.end());
    std::copy(to.begin(), to.end(), found);
    return certificate;
}

TEST(TlsIdentity, a_true_certificate_names_network_and_key) {
    const auto identity = signer(1);
    const TlsIdentity made = make_tls_identity(network_of(7), *identity, now_s, lifetime_s);
    const auto claim = check_certificate(made.certificate, now_s);
    ASSERT_TRUE(claim.ok()) << claim.error().message();
    EXPECT_EQ(claim->network, network_of(7));
    EXPECT_EQ(claim->identity_key, identity->public_key());
    EXPECT_EQ(claim->not_after_s, now_s + lifetime_s);
}

TEST(TlsIdentity, a_certificate_of_an_earlier_process_is_still_read) {
    // Made once by make_tls_identity(network_of(0x12), *signer(1), now_s, lifetime_s), and frozen:
    // whoever changes what the identity key signs can no longer read it.
    std::ifstream file(TALLY_SOURCE_DIR "/tests/golden/peer_certificate.der", std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    const auto claim = check_certificate(view_of(bytes), now_s);
    ASSERT_TRUE(claim.ok()) << claim.error().message();
    EXPECT_EQ(claim->network, network_of(0x12));
    EXPECT_EQ(claim->identity_key, signer(1)->public_key());
    EXPECT_EQ(claim->not_after_s, now_s + lifetime_s);
    // The extension: its object identifier, its octets, version 1, network, key, signature.
    Bytes extension = *from_hex("04818101");
    append(extension, network_of(0x12).view());
    append(extension, signer(1)->public_key());
    EXPECT_NE(to_hex(view_of(bytes)).find(to_hex(extension)), std::string::npos);
}

TEST(TlsIdentity, each_process_has_its_own_tls_key) {
    const auto identity = signer(1);
    EXPECT_NE(make_tls_identity(network_of(7), *identity, now_s, lifetime_s).private_key,
              make_tls_identity(network_of(7), *identity, now_s, lifetime_s).private_key);
}

TEST(TlsIdentity, an_altered_network_or_identity_key_is_forged) {
    const auto identity = signer(1);
    const Bytes good = make_tls_identity(network_of(7), *identity, now_s, lifetime_s).certificate;
    const Bytes other_network = with_replaced(good, network_of(7).view(), network_of(8).view());
    EXPECT_TRUE(check_certificate(other_network, now_s).error().is(TlsError::forged));
    const Bytes other_key = with_replaced(good, identity->public_key(), signer(2)->public_key());
    EXPECT_TRUE(check_certificate(other_key, now_s).error().is(TlsError::forged));
}

TEST(TlsIdentity, ends_five_minutes_after_its_time) {
    const auto identity = signer(1);
    const Bytes certificate =
        make_tls_identity(network_of(7), *identity, now_s, lifetime_s).certificate;
    EXPECT_TRUE(check_certificate(certificate, now_s + lifetime_s + 300).ok());
    const auto late = check_certificate(certificate, now_s + lifetime_s + 301);
    ASSERT_FALSE(late.ok());
    EXPECT_EQ(late.error().message(),
              "the peer's certificate has expired: it ended 301 seconds ago. Compare the clocks of "
              "both machines");
}

TEST(TlsIdentity, damaged_bytes_are_refused_wherever_the_damage_is) {
    const auto identity = signer(1);
    const Bytes good = make_tls_identity(network_of(7), *identity, now_s, lifetime_s).certificate;
    for (size_t length = 0; length < good.size(); ++length)
        EXPECT_FALSE(check_certificate(ByteView(good).first(length), now_s).ok());
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_TRUE(check_certificate(longer, now_s).error().is(TlsError::bad_certificate));
    for (size_t i = 0; i < good.size(); ++i) {
        Bytes damaged = good;
        damaged[i] ^= 0x01;
        const auto claim = check_certificate(damaged, now_s);
        // TLS checks the self-signature's owner; here, nothing but the truth may be claimed.
        EXPECT_TRUE(!claim.ok() || claim->identity_key == identity->public_key());
    }
}

TEST(SessionChallenge, has_its_golden_bytes) {
    Ed25519Public dialler, listener;
    dialler.fill(0xdd);
    listener.fill(0xee);
    const auto hex_of = [](size_t count, std::string_view byte) {
        std::string hex;
        while (hex.size() < 2 * count) hex += byte;
        return hex;
    };
    const std::string parts[] = {"61", hex_of(32, "07"), "00000020",      hex_of(32, "05"),
                                 "01", hex_of(32, "dd"), hex_of(32, "ee")};
    std::string expected;
    for (const auto& part : parts) expected += part;
    EXPECT_EQ(to_hex(session_challenge(network_of(7), Bytes(32, 5), TlsRole::listener, dialler,
                                       listener)),
              expected);
}

TEST(SessionChallenge, differs_in_every_part) {
    const auto a = signer(1)->public_key();
    const auto b = signer(2)->public_key();
    const Bytes exporter(32, 5);
    const auto base = session_challenge(network_of(1), exporter, TlsRole::dialler, a, b);
    EXPECT_NE(base, session_challenge(network_of(2), exporter, TlsRole::dialler, a, b));
    EXPECT_NE(base, session_challenge(network_of(1), Bytes(32, 6), TlsRole::dialler, a, b));
    EXPECT_NE(base, session_challenge(network_of(1), exporter, TlsRole::listener, a, b));
    EXPECT_NE(base, session_challenge(network_of(1), exporter, TlsRole::dialler, b, a));
    EXPECT_EQ(base[0], uint8_t(Tag::session_challenge));
}

}  // namespace
}  // namespace tally::io
