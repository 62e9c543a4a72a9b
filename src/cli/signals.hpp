// Signals: waiting for SIGINT, SIGTERM and SIGHUP on the main thread, in place of handlers.
#pragma once

namespace tally::cli {

/// Blocks them. Call before any thread starts: threads inherit it.
void hold_stop_signals();
/// Waits at most so long; true if one came. They count alike.
[[nodiscard]] bool stop_signal_within(int timeout_ms);

}  // namespace tally::cli
