// A real folder as a Disk, with one thread that makes appends durable in groups.
//
// Everything appended since the last round goes to the file in one write and one fdatasync,
// however many tickets that answers: while one round is under way the next one gathers.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ports/disk.hpp"

namespace tally::io {

/// Both are called on the disk's own thread, one at a time, also while the Disk is being destroyed.
struct FileDiskEvents {
    /// Every sync with this ticket or a smaller one is durable. Tickets ascend.
    std::function<void(uint64_t ticket)> on_synced;
    /// The last call: nothing after it is written, let alone synced.
    std::function<void(Error error)> on_failed;
    /// Before on_synced(): how long it took to write and sync, in microseconds. May be empty.
    std::function<void(uint64_t us)> on_timed = {};
};

/// Opens the folder, or makes it, and locks it against other processes until the Disk is gone; its
/// destructor first finishes the syncs that were asked for. Errors: DiskError::locked, io_failed.
///
/// Safe from any thread. Reads see what is appended at once, synced or not. append() waits while
/// more than 64 MiB are on their way to the disk.
[[nodiscard]] Result<std::unique_ptr<ports::Disk>> open_file_disk(const std::string& path,
                                                                  FileDiskEvents events);

}  // namespace tally::io
