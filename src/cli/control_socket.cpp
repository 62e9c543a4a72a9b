#include "cli/control_socket.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <cstdio>
#include <thread>

#include "cli/output.hpp"

namespace tally::cli {
namespace {

constexpr size_t request_bytes_max = 256;
constexpr size_t answer_bytes_max = size_t{64} * 1024 * 1024;
constexpr int request_wait_ms = 5'000;
/// For a peer to take what is written to it.
constexpr timeval write_wait{10, 0};
/// What is in memory is written to the disk before a checkpoint is there.
constexpr timeval answer_wait{300, 0};
constexpr const char* busy_line = R"({"error":{"code":"control_busy"}})";

/// A socket's path has room for about a hundred bytes; a folder's may be longer. So the folder is
/// opened, and named by its number.
sockaddr_un address_in(const io::FileHandle& folder) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/control",
                  folder.descriptor());
    return address;
}

Result<io::FileHandle> open_folder(const std::string& path) {
    return io::open_file(path, O_PATH | O_DIRECTORY);
}

io::FileHandle new_socket() {
    return io::FileHandle(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

const std::string newline = "\n";

bool write_all(int to, const std::string& text) {
    size_t written = 0;
    while (written < text.size()) {
        const ssize_t count =
            ::send(to, text.data() + written, text.size() - written, MSG_NOSIGNAL);
        if (count <= 0) return false;
        written += size_t(count);
    }
    return true;
}

}  // namespace

ErrorText describe(ControlError error) {
    switch (error) {
    case ControlError::not_running:
        return {"not_running", "no participant runs on this data folder",
                "Start it with `tally node`, as the same user"};
    case ControlError::broken:
        return {"control_broken", "the participant ended the conversation", "See its log"};
    case ControlError::busy:
        return {"control_busy", "the participant is busy with another such command",
                "Try again when that one has ended"};
    case ControlError::silent:
        return {"control_silent", "the participant has not answered for five minutes",
                "See its log, and whether its disk is slow"};
    }
    std::abort();
}

struct ControlSocket::Inside {
    OnRequest on_request;
    std::function<void()> on_closed;
    io::FileHandle folder, listener, stop;
    std::thread thread;

    /// False when it is to stop, or the time is over.
    [[nodiscard]] bool wait_for(int descriptor, int timeout_ms) const {
        pollfd watched[] = {{descriptor, POLLIN, 0}, {stop.descriptor(), POLLIN, 0}};
        return ::poll(watched, 2, timeout_ms) > 0 && watched[1].revents == 0;
    }
    /// Until this peer closes, or it is to stop.
    void hold_for(int peer) const {
        while (true) {
            pollfd watched[] = {{peer, POLLIN, 0},
                                {stop.descriptor(), POLLIN, 0},
                                {listener.descriptor(), POLLIN, 0}};
            if (::poll(watched, 3, -1) <= 0 || watched[0].revents != 0 || watched[1].revents != 0)
                return;
            const io::FileHandle other = accept();
            if (other.descriptor() >= 0) (void)write_all(other.descriptor(), busy_line + newline);
        }
    }
    [[nodiscard]] io::FileHandle accept() const {
        io::FileHandle peer(::accept4(listener.descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
        ::setsockopt(peer.descriptor(), SOL_SOCKET, SO_SNDTIMEO, &write_wait, sizeof write_wait);
        return peer;
    }
    void run() const {
        while (wait_for(listener.descriptor(), -1)) {
            const io::FileHandle peer = accept();
            if (peer.descriptor() >= 0) serve(peer.descriptor());
        }
    }
    void serve(int peer) const {
        std::string request;
        while (request.find('\n') == std::string::npos) {
            char bytes[request_bytes_max];
            if (request.size() > request_bytes_max || !wait_for(peer, request_wait_ms)) return;
            const ssize_t count = ::recv(peer, bytes, sizeof bytes, 0);
            if (count <= 0) return;
            request.append(bytes, size_t(count));
        }
        request.resize(request.find('\n'));
        if (write_all(peer, on_request(request) + newline)) hold_for(peer);
        on_closed();
    }
};

ControlSocket::ControlSocket(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}

ControlSocket::~ControlSocket() {
    const uint64_t one = 1;
    (void)!::write(inside_->stop.descriptor(), &one, sizeof one);
    inside_->thread.join();
    ::unlinkat(inside_->folder.descriptor(), "control", 0);
}

Result<std::unique_ptr<ControlSocket>> ControlSocket::open(const std::string& data_folder,
                                                           OnRequest on_request,
                                                           std::function<void()> on_closed) {
    auto inside = std::make_unique<Inside>();
    inside->on_request = std::move(on_request);
    inside->on_closed = std::move(on_closed);
    TRY(folder, open_folder(data_folder));
    inside->folder = std::move(folder);
    inside->stop = io::FileHandle(::eventfd(0, EFD_CLOEXEC));
    inside->listener = new_socket();
    // Only one process gets as far as here: the database and the journal are locked.
    ::unlinkat(inside->folder.descriptor(), "control", 0);
    const auto address = address_in(inside->folder);
    const int listener = inside->listener.descriptor();
    // So that the socket's file is its owner's from the beginning.
    const bool is_private = ::fchmod(listener, 0600) == 0;
    if (!is_private || inside->stop.descriptor() < 0 ||
        ::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener, 8) != 0)
        return io::disk_error(errno, data_folder + "/control");
    inside->thread = std::thread([&of = *inside] { of.run(); });
    return std::unique_ptr<ControlSocket>(new ControlSocket(std::move(inside)));
}

std::string ControlSocket::error_line(const Error& error) {
    return compact(boost::json::object{
        {"error", {{"code", error.code}, {"message", error.message()}, {"next", error.next}}}});
}

std::string ControlSocket::refusal(const std::string& request) {
    return compact(
        boost::json::object{{"error",
                             {{"code", "unknown_command"},
                              {"message", "this participant does not know the command " + request},
                              {"next", "Use the same version of tally as the participant's"}}}});
}

Result<ControlAnswer> ask_participant(const std::string& data_folder, const std::string& request) {
    TRY(folder, open_folder(data_folder));
    ControlAnswer answer;
    answer.connection = new_socket();
    const auto address = address_in(folder);
    const int peer = answer.connection.descriptor();
    if (::connect(peer, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return fail(ControlError::not_running, data_folder);
    ::setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &answer_wait, sizeof answer_wait);
    // Who is busy answers without reading.
    (void)write_all(peer, request + newline);
    while (answer.line.empty() || answer.line.back() != '\n') {
        char bytes[16 * 1024];
        const ssize_t count = ::recv(peer, bytes, sizeof bytes, 0);
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return ControlError::silent;
        if (count <= 0 || answer.line.size() > answer_bytes_max) return ControlError::broken;
        answer.line.append(bytes, size_t(count));
    }
    answer.line.pop_back();
    if (answer.line == busy_line) return ControlError::busy;
    return answer;
}

}  // namespace tally::cli
