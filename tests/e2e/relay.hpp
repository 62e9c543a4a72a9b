// Relay: a bad network between real participants on one machine.
//
// A TCP proxy with one listener for each participant: the port by which the others know it
// (LocalPlan::front_port). It passes on bytes, which are TLS, and never looks at them. Who dials is
// known by the process that owns the socket. What a network does to segments it does to the stream,
// as TCP would show it to the receiver:
//   delay, jitter   each piece arrives so much later; pieces stay in order
//   loss            a lost segment holds up all behind it, for a round trip if three more follow it
//                   at once (fast retransmission), else for a retransmission timeout, which doubles
//                   each time that it is lost again; and a connection sends no faster than TCP does
//                   at that rate of loss (Mathis, Semke, Mahdavi, Ott, "The Macroscopic Behavior of
//                   the TCP Congestion Avoidance Algorithm", 1997)
//   bandwidth       of each ordered pair
//   cut             nothing arrives; afterwards the first retransmission does, whose timeouts have
//                   doubled meanwhile
// A connection begins with a round trip. All numbers are drawn from one seed, for each ordered pair
// by itself; which bytes they meet depends on when they come.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "base/result.hpp"

namespace tally::cli {

/// What every link between two participants is like.
struct Weather {
    uint64_t delay_us = 0;     ///< one way
    uint64_t jitter_us = 0;    ///< up to so much more
    double loss = 0;           ///< of segments, 0 to 1
    uint64_t bytes_per_s = 0;  ///< 0: no limit
};

enum class RelayError { no_listener };
ErrorText describe(RelayError error);

class Relay {
public:
    struct End {
        uint16_t front_port = 0;  ///< the relay listens on it
        uint16_t peer_port = 0;   ///< the participant does
    };
    /// Listens at once. Ends with everything closed.
    [[nodiscard]] static Result<std::unique_ptr<Relay>> start(const std::vector<End>& ends,
                                                              uint64_t seed);
    virtual ~Relay() = default;

    // From any thread.
    virtual void set_weather(const Weather& weather) = 0;
    /// The process of a participant, after each of its starts: until then what it dials waits.
    virtual void set_process(size_t participant, pid_t pid) = 0;
    /// Nothing passes between participants of different groups, from now on.
    virtual void set_groups(const std::vector<size_t>& group_of) = 0;

    struct Counted {
        uint64_t connections = 0, bytes = 0, segments_lost = 0, held_up = 0;
    };
    [[nodiscard]] virtual Counted counted() const = 0;
};

}  // namespace tally::cli
