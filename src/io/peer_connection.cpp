#include "io/peer_connection.hpp"

#include <boost/asio/write.hpp>

#include "io/tls_context.hpp"

namespace tally::io {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr uint8_t protocol_version = 4;
constexpr size_t hello_bytes = 1 + 64;
constexpr size_t read_bytes = 32 * 1024;
constexpr size_t write_bytes_aim = 128 * 1024;

uint64_t unix_seconds() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return uint64_t(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

TlsRole other(TlsRole role) {
    return role == TlsRole::dialler ? TlsRole::listener : TlsRole::dialler;
}

}  // namespace

PeerConnection::PeerConnection(Owner& owner, tcp::socket socket,
                               std::shared_ptr<asio::ssl::context> tls, Setup setup)
    : owner_(&owner),
      tls_(std::move(tls)),
      stream_(std::move(socket), *tls_),
      timer_(stream_.get_executor()),
      setup_(std::move(setup)) {}

void PeerConnection::start() {
    set_deadline(setup_.timing.handshake_ms_max, "no handshake in time");
    const auto role = setup_.role == TlsRole::dialler ? asio::ssl::stream_base::client
                                                      : asio::ssl::stream_base::server;
    stream_.async_handshake(
        role, [self = shared_from_this()](ErrorCode error) { self->on_handshake(error); });
}

void PeerConnection::on_handshake(ErrorCode error) {
    if (stage_ != Stage::handshake) return;
    if (error) return close("TLS handshake failed: " + error.message());
    stage_ = Stage::challenge;
    set_deadline(setup_.timing.handshake_ms_max, "no answer to the challenge in time");
    read();
    if (const auto admitted = admit(); !admitted.ok()) return refuse(admitted.error());
    // Only a listed key is answered with a signature of ours.
    Bytes hello{protocol_version};
    append(hello, setup_.identity->sign(challenge(setup_.role)));
    append_frame(control_, FrameKind::hello, hello);
    pump();
}

Result<void> PeerConnection::admit() {
    const auto claim = check_certificate(peer_certificate(stream_.native_handle()), unix_seconds());
    if (!claim.ok())
        return fail(PeerError::bad_certificate,
                    "the peer at " + setup_.address + ": " + claim.error().message());
    claim_ = *claim;
    TRY(peer, admit_peer(*setup_.table, claim_, setup_.identity->public_key(), setup_.address,
                         setup_.expected));
    peer_ = peer;
    exporter_ = session_exporter(stream_.native_handle());
    if (exporter_.empty())
        return fail(PeerError::bad_challenge, "this TLS session has no exporter value");
    return success();
}

Bytes PeerConnection::challenge(TlsRole signer) const {
    const Ed25519Public own = setup_.identity->public_key();
    const bool we_dialled = setup_.role == TlsRole::dialler;
    return session_challenge(claim_.network, exporter_, signer,
                             we_dialled ? own : claim_.identity_key,
                             we_dialled ? claim_.identity_key : own);
}

void PeerConnection::read() {
    if (reading_ || paused_) return;
    reading_ = true;
    in_.resize(read_bytes);
    stream_.async_read_some(asio::buffer(in_),
                            [self = shared_from_this()](ErrorCode error, size_t length) {
                                self->on_read(error, length);
                            });
}

bool PeerConnection::is_heard() const {
    // Of a peer that is not read nothing is known.
    return stage_ == Stage::ready && !paused_ &&
           std::chrono::steady_clock::now() - heard_ <
               std::chrono::milliseconds(setup_.timing.silence_ms_max / 2);
}

void PeerConnection::resume() {
    if (!paused_ || stage_ == Stage::closed) return;
    paused_ = false;
    heard_ = std::chrono::steady_clock::now();  // It was we who did not listen.
    read();
}

void PeerConnection::on_read(ErrorCode error, size_t length) {
    reading_ = false;
    if (stage_ == Stage::closed) return;
    if (error) {
        const bool is_end =
            error == asio::error::eof || error == asio::ssl::error::stream_truncated;
        return close(stage_ == Stage::refusing ? refusal_
                     : is_end                  ? "the other side closed the connection"
                                               : error.message());
    }
    heard_ = std::chrono::steady_clock::now();
    if (counters_) counters_->bytes_received += length;
    Result<void> verdict = success();
    const auto decoded =
        decoder_.feed(ByteView(in_).first(length), [&](FrameKind kind, Bytes payload) {
            verdict = on_frame(kind, std::move(payload));
            return verdict.ok() && stage_ != Stage::closed;
        });
    if (stage_ == Stage::closed) return;
    if (stage_ != Stage::refusing) {
        if (!decoded.ok())
            refuse(fail(PeerError::bad_frame, decoded.error().message()));
        else if (!verdict.ok())
            refuse(verdict.error());
    } else if (!decoded.ok()) {
        return close(refusal_);  // Refused already, and now it sends nonsense.
    }
    if (stage_ != Stage::closed) read();
}

Result<void> PeerConnection::on_frame(FrameKind kind, Bytes payload) {
    if (kind == FrameKind::refusal) {
        const std::string said = printable(payload);
        const std::string text = "the peer at " + setup_.address + " says: " + said;
        told_in_use_ = says_identity_in_use(said);
        owner_->on_refusal(*this, text);
        close(text);
        return success();
    }
    if (stage_ == Stage::refusing) return success();
    if (stage_ == Stage::challenge) {
        if (kind != FrameKind::hello)
            return fail(PeerError::bad_challenge,
                        "the peer at " + setup_.address + " did not begin with a challenge");
        CHECK(check_hello(payload));
        stage_ = Stage::ready;
        if (setup_.role == TlsRole::listener) decoder_.allow_messages();
        tick();
        counters_ = owner_->on_ready(*this, peer_);
        pump();
        return success();
    }
    if (kind == FrameKind::ping) return success();
    if (kind == FrameKind::message && setup_.role == TlsRole::listener) {
        if (!owner_->on_message(*this, std::move(payload))) paused_ = true;
        return success();
    }
    return fail(PeerError::bad_frame,
                "the peer at " + setup_.address + " sent a frame that has no place there");
}

Result<void> PeerConnection::check_hello(ByteView payload) {
    if (payload.empty() || payload[0] != protocol_version)
        return fail(PeerError::other_version,
                    "the peer at " + setup_.address + " speaks version " +
                        (payload.empty() ? "unknown" : std::to_string(payload[0])) +
                        " of the peer protocol, this is version " +
                        std::to_string(protocol_version));
    Signature signature{};
    const bool is_whole = payload.size() == hello_bytes;
    if (is_whole) std::copy(payload.begin() + 1, payload.end(), signature.begin());
    if (!is_whole || !ed25519_verify(claim_.identity_key, challenge(other(setup_.role)), signature))
        return fail(PeerError::bad_challenge,
                    "the peer at " + setup_.address +
                        " did not sign this session with the identity key that it names");
    return success();
}

void PeerConnection::pump() {
    if (writing_ || stage_ == Stage::handshake || stage_ == Stage::closed) return;
    out_.clear();
    out_.swap(control_);
    if (stage_ == Stage::ready && setup_.queue) setup_.queue->fill(out_, write_bytes_aim);
    // A ping never falls between the slices of a message: then `out_` is not empty.
    if (out_.empty() && ping_due_) append_frame(out_, FrameKind::ping, {});
    ping_due_ = false;
    if (out_.empty()) {
        if (stage_ == Stage::refusing) say_goodbye();
        return;
    }
    writing_ = wrote_since_tick_ = true;
    asio::async_write(stream_, asio::buffer(out_),
                      [self = shared_from_this()](ErrorCode error, size_t length) {
                          self->on_written(error, length);
                      });
}

void PeerConnection::on_written(ErrorCode error, size_t length) {
    writing_ = false;
    if (stage_ == Stage::closed) return;
    if (counters_) counters_->bytes_sent += length;
    // While a refusal of the other side may still be on its way in, the reader decides.
    if (error && stage_ == Stage::challenge) return;
    if (error) return close(stage_ == Stage::refusing ? refusal_ : error.message());
    pump();
}

void PeerConnection::refuse(const Error& error) {
    if (stage_ == Stage::closed || stage_ == Stage::refusing) return;
    const auto self = shared_from_this();
    const std::string text = error.message();
    // A dialler that is ready may be in the middle of a message, where no frame can stand.
    const bool frame_can_stand =
        stage_ == Stage::challenge || (stage_ == Stage::ready && !setup_.queue);
    owner_->on_refusal(*this, text);
    if (!frame_can_stand) return close(text);
    stage_ = Stage::refusing;
    refusal_ = text;
    append_frame(control_, FrameKind::refusal,
                 view_of(text).first(std::min(text.size(), small_frame_payload_bytes_max)));
    set_deadline(setup_.timing.refusal_ms_max, text);
    pump();
    resume();  // To see it leave.
}

void PeerConnection::say_goodbye() {
    // Closing at once could reset the connection and destroy the refusal on its way: end our half,
    // and read until the other side has closed its own.
    ErrorCode ignored;
    stream_.lowest_layer().shutdown(tcp::socket::shutdown_send, ignored);
}

void PeerConnection::close(const std::string& why) {
    if (stage_ == Stage::closed) return;
    const auto self = shared_from_this();
    Owner* const owner = owner_;
    shut_socket();
    owner->on_closed(*this, why);
}

void PeerConnection::drop() {
    if (stage_ != Stage::closed) shut_socket();
}

void PeerConnection::shut_socket() {
    stage_ = Stage::closed;
    owner_ = nullptr;
    timer_.cancel();
    ErrorCode ignored;
    stream_.lowest_layer().close(ignored);
}

void PeerConnection::set_deadline(int after_ms, const std::string& why) {
    timer_.expires_after(std::chrono::milliseconds(after_ms));
    timer_.async_wait([self = shared_from_this(), stage = stage_, why](ErrorCode error) {
        if (!error && self->stage_ == stage) self->close(why);
    });
}

void PeerConnection::tick() {
    if (stage_ != Stage::ready) return;
    const auto silence = std::chrono::steady_clock::now() - heard_;
    if (!paused_ && silence > std::chrono::milliseconds(setup_.timing.silence_ms_max))
        return close("the other side fell silent");
    ping_due_ = !std::exchange(wrote_since_tick_, false);
    pump();
    timer_.expires_after(std::chrono::milliseconds(setup_.timing.ping_ms));
    timer_.async_wait([self = shared_from_this()](ErrorCode error) {
        if (!error) self->tick();
    });
}

}  // namespace tally::io
