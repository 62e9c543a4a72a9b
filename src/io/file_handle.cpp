#include "io/file_handle.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace tally::io {

using ports::DiskError;

FileHandle::~FileHandle() {
    if (descriptor_ >= 0) close(descriptor_);
}

Error disk_error(int number, const std::string& what) {
    const std::string detail = what + ": " + std::generic_category().message(number);
    if (number == ENOENT) return fail(DiskError::not_found, detail);
    if (number == ENOSPC || number == EDQUOT || number == EFBIG) {
        return fail(DiskError::full, detail);
    }
    return fail(DiskError::io_failed, detail);
}

Result<FileHandle> open_file(const std::string& path, int flags) {
    for (;;) {
        const int descriptor = open(path.c_str(), flags | O_CLOEXEC, 0600);
        if (descriptor >= 0) return FileHandle(descriptor);
        if (errno != EINTR) return disk_error(errno, path);
    }
}

Result<Bytes> read_at(const FileHandle& file, uint64_t offset, size_t length_max) {
    Bytes bytes(length_max);
    size_t done = 0;
    while (done < length_max) {
        const ssize_t count =
            pread(file.descriptor(), bytes.data() + done, length_max - done, off_t(offset + done));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return disk_error(errno, "read");
        if (count == 0) break;
        done += size_t(count);
    }
    bytes.resize(done);
    return bytes;
}

Result<void> write_at(const FileHandle& file, uint64_t offset, ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t count = pwrite(file.descriptor(), bytes.data(), bytes.size(), off_t(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return disk_error(errno, "write");
        bytes = bytes.subspan(size_t(count));
        offset += uint64_t(count);
    }
    return success();
}

// After a failed sync the kernel may already have dropped the pages and call the next sync a
// success, so neither is ever tried again.
Result<void> sync_data(const FileHandle& file) {
    if (fdatasync(file.descriptor()) != 0) return disk_error(errno, "fdatasync");
    return success();
}

Result<void> sync_all(const FileHandle& file) {
    if (fsync(file.descriptor()) != 0) return disk_error(errno, "fsync");
    return success();
}

}  // namespace tally::io
