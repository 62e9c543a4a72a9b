// Child processes: the participants that `demo` and `bench` run, and commands run as a user would.
// None outlives this process.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.hpp"

namespace tally::cli {

enum class ChildError { not_started };
ErrorText describe(ChildError error);

/// The file that this process runs.
[[nodiscard]] std::string own_program();

/// One running child; killed, if need be, when it is destroyed. Start children from the main
/// thread: the kernel ends them when the thread that started them ends.
class ChildProcess {
public:
    ChildProcess() = default;
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    ChildProcess(ChildProcess&& other) noexcept { *this = std::move(other); }
    ChildProcess& operator=(ChildProcess&& other) noexcept;
    ~ChildProcess() { kill(); }

    /// Its output and errors are appended to the file `log`.
    [[nodiscard]] static Result<ChildProcess> start(const std::vector<std::string>& arguments,
                                                    const std::string& log);

    [[nodiscard]] bool running();
    [[nodiscard]] pid_t pid() const { return pid_; }
    /// SIGTERM, without waiting.
    void ask_to_stop();
    /// kill -9, at once.
    void kill();
    /// SIGTERM, and SIGKILL if it takes longer than `patience_ms`.
    void stop(int patience_ms);

private:
    pid_t pid_ = 0;  ///< 0: none, or waited for
};

struct Finished {
    int exit_code = 0;
    std::string output;  ///< standard output, then standard error
};
/// Runs to the end.
[[nodiscard]] Result<Finished> run_to_end(const std::vector<std::string>& arguments);

}  // namespace tally::cli
