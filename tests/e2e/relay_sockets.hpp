// The sockets of a Relay, on this machine alone; descriptors that do not block, or -1.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace tally::cli {

[[nodiscard]] int listen_on(uint16_t port);
[[nodiscard]] int accept_from(int listener);
/// Done at once, or refused.
[[nodiscard]] int connect_to(uint16_t port);

/// The inode of the socket at the other end of one that was accepted on `port`; empty, or "0", once
/// no process has it any more.
[[nodiscard]] std::string inode_of_dialler(int file, uint16_t port);
[[nodiscard]] bool has_socket(pid_t pid, const std::string& inode);

}  // namespace tally::cli
