#include "cli/signals.hpp"

#include <csignal>
#include <ctime>

namespace tally::cli {
namespace {

sigset_t stop_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    return set;
}

}  // namespace

void hold_stop_signals() {
    const sigset_t set = stop_signals();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

bool stop_signal_within(int timeout_ms) {
    const sigset_t set = stop_signals();
    const timespec timeout{timeout_ms / 1000, long(timeout_ms % 1000) * 1'000'000};
    return sigtimedwait(&set, nullptr, &timeout) > 0;
}

StopWatch::StopWatch(std::function<void()> on_stop)
    : thread_([this, on_stop = std::move(on_stop)] {
          while (!over_) {
              if (stop_signal_within(100)) return on_stop();
          }
      }) {}

StopWatch::~StopWatch() {
    over_ = true;
    thread_.join();
}

}  // namespace tally::cli
