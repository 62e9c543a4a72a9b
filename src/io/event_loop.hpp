// EventLoop: one thread that waits for sockets and timers, and whatever is posted to it.
//
// The Boost side of it is in event_loop_asio.hpp, for the units of this room that open sockets.
#pragma once

#include <functional>
#include <memory>

namespace tally::io {

/// Hands work to a loop's thread; may outlive the loop. Safe from any thread.
class LoopPoster {
public:
    /// Runs `work` on the loop's thread, later. False, and `work` is dropped, once the loop
    /// stopped.
    bool post(std::function<void()> work) const;

private:
    friend class EventLoop;
    struct Gate;
    std::shared_ptr<Gate> gate_;
};

class EventLoop {
public:
    struct Impl;  ///< in event_loop_asio.hpp

    /// `name`: of its thread.
    explicit EventLoop(const char* name);
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    [[nodiscard]] const LoopPoster& poster() const { return poster_; }
    /// Drops what has not run yet and joins the thread. Idempotent; not from the loop's own thread.
    void stop();
    [[nodiscard]] Impl& impl() { return *impl_; }

private:
    std::unique_ptr<Impl> impl_;
    LoopPoster poster_;
};

}  // namespace tally::io
