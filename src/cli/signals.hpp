// Signals: waiting for SIGINT and SIGTERM on the main thread, in place of handlers.
#pragma once

namespace tally::cli {

/// Blocks both signals. Call before any thread starts: threads inherit it.
void hold_stop_signals();
/// Waits at most so long; true if one came. SIGINT and SIGTERM count alike.
[[nodiscard]] bool stop_signal_within(int timeout_ms);
/// Undoes hold_stop_signals(), as a child process wants it.
void release_stop_signals();

}  // namespace tally::cli
