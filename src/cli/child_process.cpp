#include "cli/child_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>
#include <utility>

extern char** environ;

namespace tally::cli {
namespace {

/// posix_spawn's two records, freed together.
struct SpawnPlan {
    SpawnPlan() {
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
        // In a group of its own, so that Ctrl-C reaches this process alone; with no signal blocked.
        sigset_t none;
        sigemptyset(&none);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setpgroup(&attributes, 0);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    }
    ~SpawnPlan() {
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
    }
    SpawnPlan(const SpawnPlan&) = delete;
    SpawnPlan& operator=(const SpawnPlan&) = delete;

    Result<pid_t> spawn(const std::vector<std::string>& arguments) {
        std::vector<char*> argv;
        argv.reserve(arguments.size() + 1);
        for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
        argv.push_back(nullptr);
        pid_t pid = 0;
        const int error = posix_spawn(&pid, argv[0], &actions, &attributes, argv.data(), environ);
        if (error != 0)
            return fail(ChildError::not_started, arguments.front() + ": " + std::strerror(error));
        return pid;
    }

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
};

/// What a temporary file, already removed, holds.
class Scratch {
public:
    Scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "tally-XXXXXX").string();
        file_ = ::mkostemp(name.data(), O_CLOEXEC);
        if (file_ >= 0) ::unlink(name.c_str());
    }
    ~Scratch() {
        if (file_ >= 0) ::close(file_);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    [[nodiscard]] int file() const { return file_; }
    [[nodiscard]] std::string content() const {
        std::string text;
        char buffer[4096];
        ssize_t count = 0;
        while ((count = ::pread(file_, buffer, sizeof buffer, off_t(text.size()))) > 0)
            text.append(buffer, size_t(count));
        return text;
    }

private:
    int file_ = -1;
};

}  // namespace

ErrorText describe(ChildError error) {
    switch (error) {
    case ChildError::not_started:
        return {"not_started", "a process could not be started",
                "Check that the program is there, and that memory and processes are left"};
    }
    std::abort();
}

std::string own_program() {
    std::error_code failed;
    const auto path = std::filesystem::read_symlink("/proc/self/exe", failed);
    return failed ? std::string("/proc/self/exe") : path.string();
}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
    if (this != &other) {
        kill();
        pid_ = std::exchange(other.pid_, 0);
    }
    return *this;
}

Result<ChildProcess> ChildProcess::start(const std::vector<std::string>& arguments,
                                         const std::string& log) {
    SpawnPlan plan;
    posix_spawn_file_actions_addopen(&plan.actions, 1, log.c_str(), O_CREAT | O_WRONLY | O_APPEND,
                                     0644);
    posix_spawn_file_actions_adddup2(&plan.actions, 1, 2);
    TRY(pid, plan.spawn(arguments));
    ChildProcess child;
    child.pid_ = pid;
    return child;
}

bool ChildProcess::running() {
    if (pid_ == 0) return false;
    if (::waitpid(pid_, nullptr, WNOHANG) == 0) return true;
    pid_ = 0;
    return false;
}

void ChildProcess::kill() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
}

void ChildProcess::ask_to_stop() {
    if (pid_ != 0) ::kill(pid_, SIGTERM);
}

void ChildProcess::stop(int patience_ms) {
    if (pid_ == 0) return;
    ask_to_stop();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
    while (running() && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    kill();
}

Result<Finished> run_to_end(const std::vector<std::string>& arguments) {
    const Scratch out, err;
    SpawnPlan plan;
    posix_spawn_file_actions_adddup2(&plan.actions, out.file(), 1);
    posix_spawn_file_actions_adddup2(&plan.actions, err.file(), 2);
    TRY(pid, plan.spawn(arguments));
    int status = 0;
    ::waitpid(pid, &status, 0);
    return Finished{WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                    out.content() + err.content()};
}

}  // namespace tally::cli
