// PeerConnection: one TLS connection to one other participant, from its first byte to its last.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>

#include "io/peer_frame.hpp"
#include "io/peer_net.hpp"
#include "io/peer_send_queue.hpp"

namespace tally::io {

struct PeerCounters {
    std::atomic<uint64_t> bytes_sent = 0, bytes_received = 0;
};

/// After the TLS handshake: check the certificate against the table, exchange signed challenges,
/// then the dialler sends messages and both send pings. Whoever finds the other unfit says why in a
/// last frame, waits briefly for the other to read it, and closes. Lives on the loop's thread.
class PeerConnection : public std::enable_shared_from_this<PeerConnection> {
public:
    class Owner {
    public:
        virtual ~Owner() = default;
        /// The peer proved to be `peer`. The answer says where to count its bytes.
        virtual std::shared_ptr<PeerCounters> on_ready(PeerConnection& connection,
                                                       Participant peer) = 0;
        /// False: read nothing more until resume().
        virtual bool on_message(PeerConnection& connection, Bytes message) = 0;
        /// One side refused the other; on_closed() follows.
        virtual void on_refusal(PeerConnection& connection, const std::string& text) = 0;
        /// The last call; not made after drop().
        virtual void on_closed(PeerConnection& connection, const std::string& why) = 0;
    };

    struct Setup {
        TlsRole role;
        std::string address;                  ///< the other side's, for messages
        std::optional<Participant> expected;  ///< whom we dialled
        std::shared_ptr<const PeerTable> table;
        std::shared_ptr<const Signer> identity;
        std::shared_ptr<SendQueue> queue;  ///< what the dialler sends; null for a listener
        PeerTiming timing;
    };

    PeerConnection(Owner& owner, boost::asio::ip::tcp::socket socket,
                   std::shared_ptr<boost::asio::ssl::context> tls, Setup setup);

    void start();
    /// Sends what waits in the queue, if nothing is being sent.
    void pump();
    /// Reads on, if the owner had enough before. The peer's bytes wait in its own memory meanwhile.
    void resume();
    /// Tells the peer why (where a frame can stand), then closes.
    void refuse(const Error& error);
    /// Closes without telling anyone, not even the owner.
    void drop();

    [[nodiscard]] TlsRole role() const { return setup_.role; }
    [[nodiscard]] const std::string& address() const { return setup_.address; }
    [[nodiscard]] bool is_ready() const { return stage_ == Stage::ready; }
    /// Meaningful from on_ready() on.
    [[nodiscard]] const Ed25519Public& peer_key() const { return claim_.identity_key; }
    [[nodiscard]] const Hash& peer_process() const { return claim_.process; }
    /// Something came from it lately, so that it cannot be dead.
    [[nodiscard]] bool is_heard() const;
    /// The peer refused us because another process with our key is connected to it.
    [[nodiscard]] bool is_told_in_use() const { return told_in_use_; }

private:
    enum class Stage { handshake, challenge, ready, refusing, closed };
    using ErrorCode = boost::system::error_code;

    void close(const std::string& why);
    void shut_socket();
    void say_goodbye();
    void on_handshake(ErrorCode error);
    [[nodiscard]] Result<void> admit();
    void read();
    void on_read(ErrorCode error, size_t length);
    [[nodiscard]] Result<void> on_frame(FrameKind kind, Bytes payload);
    [[nodiscard]] Result<void> check_hello(ByteView payload);
    [[nodiscard]] Bytes challenge(TlsRole signer) const;
    void on_written(ErrorCode error, size_t length);
    /// Closes with `why` if the stage is still the same then.
    void set_deadline(int after_ms, const std::string& why);
    void tick();

    Owner* owner_;  // Null once closed.
    std::shared_ptr<boost::asio::ssl::context> tls_;
    boost::asio::ssl::stream<boost::asio::ip::tcp::socket> stream_;
    boost::asio::steady_timer timer_;
    Setup setup_;
    Stage stage_ = Stage::handshake;
    TlsClaim claim_{};
    Participant peer_{};
    Bytes exporter_;
    std::string refusal_;  // Why we refused, while the peer reads it.
    bool told_in_use_ = false;
    std::shared_ptr<PeerCounters> counters_;

    Bytes in_;
    FrameDecoder decoder_;
    bool reading_ = false;
    bool paused_ = false;  // The owner has enough.
    std::chrono::steady_clock::time_point heard_{};

    Bytes out_;      // Being written.
    Bytes control_;  // Frames of our own, sent before messages.
    bool writing_ = false;
    bool wrote_since_tick_ = false;
    bool ping_due_ = false;
};

}  // namespace tally::io
