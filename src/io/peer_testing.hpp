// For tests: a participant that records what it is told, and a stranger who speaks TLS by hand.
#pragma once

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "io/peer_frame.hpp"
#include "io/peer_net.hpp"

namespace tally::io::testing {

inline std::shared_ptr<const Signer> signer_of(uint8_t seed) {
    crypto_start();
    std::array<uint8_t, 32> bytes{};
    bytes[0] = seed;
    return ed25519_signer(Ed25519Secret::from_seed(bytes));
}

inline Hash network_of(uint8_t fill) {
    Hash network;
    network.bytes.fill(fill);
    return network;
}

inline uint64_t now_s() {
    return uint64_t(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
}

/// A table of participants 0, 1, …, with the key of seed = participant + 1 and these ports.
inline PeerTable table_of(uint8_t self, const std::vector<uint16_t>& ports,
                          const Hash& network = network_of(0x12)) {
    PeerTable table{network, Participant{self}, {}};
    for (uint8_t i = 0; i < ports.size(); ++i) {
        const std::string address = "127.0.0.1:" + std::to_string(ports[i]);
        table.peers.push_back({Participant{i}, signer_of(uint8_t(i + 1))->public_key(), address});
    }
    return table;
}

/// Tests do not wait seconds for what the real timing does in seconds.
inline PeerTiming quick_timing() {
    PeerTiming timing;
    timing.handshake_ms_max = 1'000;
    timing.ping_ms = 50;
    timing.silence_ms_max = 1'000;
    timing.refusal_ms_max = 500;
    timing.retry_ms_min = 10;
    timing.retry_ms_max = 100;
    return timing;
}

class Witness {
public:
    /// Starts to listen; knows nobody until meet().
    explicit Witness(uint8_t self, uint16_t port = 0, const Hash& network = network_of(0x12),
                     std::optional<uint8_t> key_seed = {}, size_t half_open_max = 64) {
        PeerNetSetup setup;
        setup.listen = "127.0.0.1:" + std::to_string(port);
        setup.table = table_of(self, {}, network);
        setup.identity = signer_of(key_seed.value_or(uint8_t(self + 1)));
        setup.timing = quick_timing();
        setup.half_open_max = half_open_max;
        setup.on_message = [this](Participant from, Bytes message) {
            const std::lock_guard lock(mutex_);
            messages_.emplace_back(from, std::move(message));
            changed_.notify_all();
            return !(enough_of_ && *enough_of_ == from);
        };
        setup.on_log = [this](const PeerLine& line) {
            const std::lock_guard lock(mutex_);
            log_ += line.text + "\n";
            changed_.notify_all();
        };
        auto opened = open_peer_net(std::move(setup));
        ENSURE(opened.ok());
        net_ = std::move(opened).value();
    }
    ~Witness() { net_->stop(); }

    PeerNet& net() { return *net_; }
    uint16_t port() const { return net_->port(); }
    void send(uint8_t to, Bytes message) {
        net_->send(Participant{to}, std::make_shared<const Bytes>(std::move(message)));
    }

    /// From now on it reads no further message of this peer than the next.
    void have_enough_of(std::optional<Participant> peer) {
        const std::lock_guard lock(mutex_);
        enough_of_ = peer;
    }

    bool wait_for_messages(size_t count) {
        return wait([&] { return messages_.size() >= count; });
    }
    bool wait_for_log(const std::string& part) {
        return wait([&] { return log_.find(part) != std::string::npos; });
    }
    bool wait_connected(uint8_t to, bool connected = true) {
        return wait_for_state(to, [&](const auto& state) { return state.connected == connected; });
    }
    bool wait_for_refusal(uint8_t by, const std::string& part) {
        return wait_for_state(by, [&](const auto& state) {
            return state.last_refusal.find(part) != std::string::npos;
        });
    }
    std::optional<ports::PeerState> state_of(uint8_t peer) const {
        for (const auto& state : net_->peers()) {
            if (state.peer == Participant{peer}) return state;
        }
        return {};
    }
    std::vector<std::pair<Participant, Bytes>> messages() const {
        const std::lock_guard lock(mutex_);
        return messages_;
    }
    std::string log() const {
        const std::lock_guard lock(mutex_);
        return log_;
    }

private:
    template <class Condition>
    bool wait_for_state(uint8_t peer, const Condition& condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (std::chrono::steady_clock::now() < deadline) {
            if (const auto state = state_of(peer); state && condition(*state)) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        return false;
    }
    template <class Condition>
    bool wait(const Condition& condition) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(10), condition);
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::pair<Participant, Bytes>> messages_;
    std::string log_;
    std::optional<Participant> enough_of_;
    std::unique_ptr<PeerNet> net_;
};

/// A plain TCP connection to a port of this machine.
class RawSocket {
public:
    /// From 127.0.0.`from`.
    explicit RawSocket(uint16_t port, uint8_t from = 1)
        : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in own{};
        own.sin_family = AF_INET;
        own.sin_addr.s_addr = htonl((INADDR_LOOPBACK & ~0xffu) | from);
        ENSURE(::bind(socket_, reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ENSURE(::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
        const timeval patience{5, 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    ~RawSocket() { ::close(socket_); }
    RawSocket(const RawSocket&) = delete;
    RawSocket& operator=(const RawSocket&) = delete;

    int get() const { return socket_; }
    void write(std::string_view text) const {
        (void)::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
    }
    /// All that comes until the other side closes, or stays silent for five seconds.
    std::string read_all() const {
        std::string all;
        char buffer[4096];
        for (ssize_t length; (length = ::recv(socket_, buffer, sizeof buffer, 0)) > 0;)
            all.append(buffer, size_t(length));
        return all;
    }
    /// Whether the other side closed within five seconds.
    bool is_closed_by_peer() const {
        char byte;
        ssize_t length;
        while ((length = ::recv(socket_, &byte, 1, 0)) > 0) continue;
        return length == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
    }

private:
    int socket_;
};

/// A dialler that follows TLS but, after it, only the test.
class RawPeer {
public:
    /// An empty identity: no certificate is shown.
    RawPeer(uint16_t port, const TlsIdentity& identity, int version_max = TLS1_3_VERSION)
        : socket_(port), context_(SSL_CTX_new(TLS_client_method())), tls_(nullptr) {
        if (!identity.certificate.empty()) use(identity);
        SSL_CTX_set_max_proto_version(context_, version_max);
        tls_ = SSL_new(context_);
        SSL_set_fd(tls_, socket_.get());
        connected_ = SSL_connect(tls_) == 1;
    }
    ~RawPeer() {
        SSL_free(tls_);
        SSL_CTX_free(context_);
    }

    bool is_connected() const { return connected_; }
    Bytes exporter() const {
        constexpr std::string_view label = "EXPORTER-Channel-Binding";
        Bytes value(32);
        ENSURE(SSL_export_keying_material(tls_, value.data(), value.size(), label.data(),
                                          label.size(), nullptr, 0, 0) == 1);
        return value;
    }
    /// The hello that `as` would send to `listener` in this session.
    Bytes true_hello(const Signer& as, const Ed25519Public& listener,
                     TlsRole role = TlsRole::dialler) const {
        Bytes hello{4};
        append(hello, as.sign(session_challenge(network_of(0x12), exporter(), role, as.public_key(),
                                                listener)));
        return hello;
    }
    void write(ByteView bytes) { SSL_write(tls_, bytes.data(), int(bytes.size())); }
    void write_frame(FrameKind kind, ByteView payload) {
        Bytes frame;
        append_frame(frame, kind, payload);
        write(frame);
    }
    /// The text of the refusal with which the other side ends, or empty.
    std::string read_refusal() {
        std::string text;
        FrameDecoder decoder;
        uint8_t buffer[4096];
        for (int length; (length = SSL_read(tls_, buffer, sizeof buffer)) > 0;) {
            (void)decoder
                .feed({buffer, size_t(length)},
                      [&](FrameKind kind, Bytes payload) {
                          if (kind == FrameKind::refusal) text = text_of(payload);
                          return true;
                      })
                .ok();
        }
        return text;
    }

private:
    void use(const TlsIdentity& identity) {
        ENSURE(SSL_CTX_use_certificate_ASN1(context_, int(identity.certificate.size()),
                                            identity.certificate.data()) == 1);
        ENSURE(SSL_CTX_use_PrivateKey_ASN1(EVP_PKEY_ED25519, context_, identity.private_key.data(),
                                           long(identity.private_key.size())) == 1);
    }

    RawSocket socket_;
    SSL_CTX* context_;
    SSL* tls_;
    bool connected_ = false;
};

}  // namespace tally::io::testing
