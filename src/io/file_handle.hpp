// File descriptors that close themselves, and system calls that finish what they began.
#pragma once

#include <string>
#include <utility>

#include "ports/disk.hpp"

namespace tally::io {

class FileHandle {
public:
    FileHandle() = default;
    explicit FileHandle(int descriptor) : descriptor_(descriptor) {}
    FileHandle(FileHandle&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    FileHandle& operator=(FileHandle&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~FileHandle();

    [[nodiscard]] int descriptor() const { return descriptor_; }

private:
    int descriptor_ = -1;
};

/// `flags` as for open(2); new files get mode 0600. Errors: DiskError::not_found, io_failed, full.
[[nodiscard]] Result<FileHandle> open_file(const std::string& path, int flags);
/// Up to `length_max` bytes from `offset`; fewer only at the end of the file.
[[nodiscard]] Result<Bytes> read_at(const FileHandle& file, uint64_t offset, size_t length_max);
[[nodiscard]] Result<void> write_at(const FileHandle& file, uint64_t offset, ByteView bytes);
/// The bytes and the size, though perhaps not the times.
[[nodiscard]] Result<void> sync_data(const FileHandle& file);
/// Everything; for a folder: which names it has.
[[nodiscard]] Result<void> sync_all(const FileHandle& file);
/// The DiskError of this errno, with `what` as its detail.
[[nodiscard]] Error disk_error(int number, const std::string& what);

}  // namespace tally::io
