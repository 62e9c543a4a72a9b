// Disk: the few files that must be durable at once (the journal).
#pragma once

#include <string>

#include "base/bytes.hpp"

namespace tally::ports {

enum class DiskError { not_found, io_failed, full, locked };
ErrorText describe(DiskError error);

/// Append-only files, by name, in one folder. A promise about failure: nothing appended is durable
/// until the ticket of a later sync() is reported synced; a crash before then may keep any prefix,
/// and may keep, lose or tear any of the unsynced 512-byte sectors. Synced bytes survive.
/// Between files order holds: bytes reach a file only when all that was appended to other files
/// before them is durable.
class Disk {
public:
    virtual ~Disk() = default;
    /// Names present, ascending.
    [[nodiscard]] virtual Result<std::vector<std::string>> list() const = 0;
    [[nodiscard]] virtual Result<Bytes> read(const std::string& name, uint64_t offset,
                                             size_t length_max) const = 0;
    [[nodiscard]] virtual Result<uint64_t> size(const std::string& name) const = 0;
    /// Queues bytes at the end of the file, creating it if absent.
    virtual void append(const std::string& name, Bytes bytes) = 0;
    /// Asks that all appended so far become durable. Returns a ticket, larger than any before; the
    /// driver reports each ticket, or a later one, as synced, in order. A failed sync is reported
    /// as such and nothing more is ever reported synced: the participant must stop signing.
    virtual uint64_t sync() = 0;
    /// For recovery only, before any append; durable when it returns.
    [[nodiscard]] virtual Result<void> truncate(const std::string& name, uint64_t size) = 0;
    [[nodiscard]] virtual Result<void> remove(const std::string& name) = 0;
};

}  // namespace tally::ports
