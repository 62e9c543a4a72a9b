// PeerNet: the ports::Net of a real machine: TLS 1.3 between all participants, each proved to be
// who the network lists.
//
// Every participant dials every other one and sends on the connection it dialled; what it accepts
// it only reads. So a pair has two connections, no tie to break, and each side reconnects on its
// own. Purpose and formats: tls_identity.hpp (who), peer_frame.hpp (what), peer_connection.hpp
// (how).
#pragma once

#include <optional>

#include "io/peer_table.hpp"
#include "ports/net.hpp"

namespace tally::io {

struct PeerTiming {
    int handshake_ms_max = 5'000;  ///< from dialling or accepting to proved
    int ping_ms = 2'000;           ///< a side that has sent nothing for so long says it is there
    int silence_ms_max = 10'000;   ///< then the connection counts as dead
    int refusal_ms_max = 2'000;    ///< how long a refused peer may take to read why
    int retry_ms_min = 50;         ///< doubles with each failure, and is jittered
    int retry_ms_max = 2'000;
};

/// One line for the operator: a code, what it is about as far as that is known, and words.
struct PeerLine {
    enum class Event : uint8_t { connected, unreachable, refused } event;
    std::optional<Participant> peer;
    std::string address;
    std::string text;
};

struct PeerNetSetup {
    std::string listen;  ///< host:port; port 0 takes a free one
    PeerTable table;
    std::shared_ptr<const Signer> identity;  ///< used on the net's thread
    /// Called on the net's thread, in the order of sending; it must not take long, nor call stop().
    /// False: nothing more is read from this peer until resume(), but for what its connection has
    /// read already, at most 32 KiB.
    std::function<bool(Participant from, Bytes message)> on_message;
    /// On the net's thread; what repeats is left out.
    std::function<void(const PeerLine& line)> on_log = {};

    PeerTiming timing = {};
    size_t queue_bytes_max = size_t{64} * 1024 * 1024;  ///< per peer
    size_t queue_messages_max = 16'384;                 ///< per peer
    /// Accepted and not proved yet; the oldest of the address with most of them makes room.
    size_t half_open_max = 64;
};

class PeerNet : public ports::Net {
public:
    /// The port in use, also when 0 was asked for.
    [[nodiscard]] virtual uint16_t port() const = 0;
    /// Takes effect soon: connections of peers that are gone or have another key or address close,
    /// new ones are dialled, the others stay. Requires the same network. Safe from any thread.
    virtual void set_peers(PeerTable table) = 0;
    /// Reads again from a peer for which on_message() returned false; else nothing. Safe from any
    /// thread.
    virtual void resume(Participant from) = 0;
};

/// Fails with ports::NetError when the address cannot be listened on.
[[nodiscard]] Result<std::unique_ptr<PeerNet>> open_peer_net(PeerNetSetup setup);

}  // namespace tally::io
