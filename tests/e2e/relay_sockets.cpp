#include "relay_sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace tally::cli {
namespace {

sockaddr_in loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

void send_at_once(int file) {
    const int yes = 1;
    ::setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

/// The inode of this machine's socket that is connected from `port` to `to`; empty if there is
/// none.
std::string inode_of(uint16_t port, uint16_t to) {
    std::ifstream table("/proc/net/tcp");
    std::string line;
    char local[16], remote[16];
    std::snprintf(local, sizeof local, ":%04X", port);
    std::snprintf(remote, sizeof remote, ":%04X", to);
    while (std::getline(table, line)) {
        std::istringstream fields(line);
        std::string number, from, target, word;
        fields >> number >> from >> target;
        if (!from.ends_with(local) || !target.ends_with(remote)) continue;
        for (int i = 3; i < 10; ++i) fields >> word;
        return word;
    }
    return {};
}

}  // namespace

int listen_on(uint16_t port) {
    const int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (file < 0) return -1;
    const int yes = 1;
    ::setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const auto address = loopback(port);
    if (::bind(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        ::listen(file, 128) == 0)
        return file;
    ::close(file);
    return -1;
}

int accept_from(int listener) {
    const int file = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (file >= 0) send_at_once(file);
    return file;
}

int connect_to(uint16_t port) {
    const int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file < 0) return -1;
    const auto address = loopback(port);
    if (::connect(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(file);
        return -1;
    }
    send_at_once(file);
    ::fcntl(file, F_SETFL, O_NONBLOCK);
    return file;
}

std::string inode_of_dialler(int file, uint16_t port) {
    sockaddr_in from{};
    socklen_t length = sizeof from;
    if (::getpeername(file, reinterpret_cast<sockaddr*>(&from), &length) != 0) return {};
    return inode_of(ntohs(from.sin_port), port);
}

bool has_socket(pid_t pid, const std::string& inode) {
    const std::string wanted = "socket:[" + inode + "]";
    std::error_code failed;
    std::filesystem::directory_iterator file("/proc/" + std::to_string(pid) + "/fd", failed);
    for (; !failed && file != std::filesystem::directory_iterator(); file.increment(failed)) {
        std::error_code gone;
        if (std::filesystem::read_symlink(file->path(), gone).string() == wanted) return true;
    }
    return false;
}

}  // namespace tally::cli
