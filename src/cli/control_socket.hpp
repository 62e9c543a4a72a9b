// ControlSocket: how commands of the same user on the same machine reach a running participant: a
// Unix socket in its data folder, which nobody else can open.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "io/file_handle.hpp"

namespace tally::cli {

enum class ControlError { not_running, broken, busy, silent };
ErrorText describe(ControlError error);

/// One request at a time, each on a connection of its own: a line that asks, a line that answers,
/// and then what the answer promises holds until the asker closes. Whoever asks meanwhile is told
/// that it is busy.
class ControlSocket {
public:
    using OnRequest = std::function<std::string(const std::string& request)>;

    /// Both are called on a thread of its own; `on_closed` after each answer that was given.
    [[nodiscard]] static Result<std::unique_ptr<ControlSocket>> open(
        const std::string& data_folder, OnRequest on_request, std::function<void()> on_closed);
    /// Ends what is under way, as if the asker had closed.
    ~ControlSocket();

    /// The answer that says this error.
    [[nodiscard]] static std::string error_line(const Error& error);
    /// The answer to what is not understood.
    [[nodiscard]] static std::string refusal(const std::string& request);

private:
    struct Inside;
    explicit ControlSocket(std::unique_ptr<Inside> inside);
    std::unique_ptr<Inside> inside_;
};

/// A request's answer, and the connection that keeps it valid.
struct ControlAnswer {
    std::string line;
    io::FileHandle connection;
};
/// ControlError::not_running if nobody listens, silent if no answer comes within five minutes; an
/// answer that is an error becomes ControlError::busy or broken.
[[nodiscard]] Result<ControlAnswer> ask_participant(const std::string& data_folder,
                                                    const std::string& request);

}  // namespace tally::cli
