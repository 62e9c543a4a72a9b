// Signals: waiting for SIGINT, SIGTERM and SIGHUP on the main thread, in place of handlers.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

namespace tally::cli {

/// Blocks them. Call before any thread starts: threads inherit it.
void hold_stop_signals();
/// Waits at most so long; true if one came. They count alike.
[[nodiscard]] bool stop_signal_within(int timeout_ms);

/// While it lives, a stop signal calls `on_stop`, on a thread of its own. Requires
/// hold_stop_signals().
class StopWatch {
public:
    explicit StopWatch(std::function<void()> on_stop);
    ~StopWatch();
    StopWatch(const StopWatch&) = delete;
    StopWatch& operator=(const StopWatch&) = delete;

private:
    std::atomic<bool> over_ = false;
    std::thread thread_;
};

}  // namespace tally::cli
