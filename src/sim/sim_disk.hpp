// SimDisk: files in memory that lose and tear in a crash what the port lets them lose and tear.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "ports/disk.hpp"
#include "sim/random.hpp"

namespace tally::sim {

/// Plays the medium, so it outlives the simulated process. A sync becomes durable when the
/// simulation completes its ticket. A copy is a backup, or a clone.
class SimDisk : public ports::Disk {
public:
    Result<std::vector<std::string>> list() const override;
    Result<Bytes> read(const std::string& name, uint64_t offset, size_t length_max) const override;
    Result<uint64_t> size(const std::string& name) const override;
    void append(const std::string& name, Bytes bytes) override;
    uint64_t sync() override;
    Result<void> truncate(const std::string& name, uint64_t size) override;
    Result<void> remove(const std::string& name) override;

    /// Makes durable what was appended before this sync was asked for. Whoever calls this reports
    /// the ticket. Requires a ticket that sync() returned since the last crash.
    void complete(uint64_t ticket);
    /// The oldest ticket that is not complete.
    [[nodiscard]] std::optional<uint64_t> pending() const;

    /// There is room for so many more bytes; none: for all. What is appended beyond it is not
    /// written, and every sync that is asked for from then on fails, room or not, until crash().
    void set_room(std::optional<uint64_t> bytes) { room_ = bytes; }
    /// Whether this sync fails for want of room.
    [[nodiscard]] bool fails(uint64_t ticket) const {
        return overflow_ && ticket > overflow_->asked;
    }

    /// Ends what is under way. Of the unsynced bytes some prefix stays, of which sectors may be
    /// lost, torn or filled with garbage; all that is left is durable, as after a restart.
    void crash(Random& random);
    /// Bit rot: changes one byte.
    void rot(const std::string& name, uint64_t offset, uint8_t flip_mask = 0x01);
    /// A new, empty disk.
    void wipe() { *this = SimDisk(); }
    [[nodiscard]] uint64_t unsynced_bytes() const;

private:
    struct File {
        Bytes bytes;
        uint64_t durable = 0;
    };
    /// Appends to one file before any to another: in this order they reach the medium.
    struct Run {
        std::string name;  // empty: the file is gone
        uint64_t end;
    };
    struct Pending {
        uint64_t ticket;
        uint64_t run_count;  // runs begun since the start
        uint64_t last_end;   // of the last of them, when the sync was asked for
    };

    void note_room(const std::string& name, const File& file, uint64_t length);
    void drop_overflow();
    void tear(File& file, Random& random);

    std::map<std::string, File> files_;
    std::deque<Run> runs_;  // not durable yet
    uint64_t runs_done_ = 0;
    std::deque<Pending> pending_;
    uint64_t asked_ = 0;
    std::optional<uint64_t> room_;
    struct Overflow {
        std::string name;  ///< the file for which there was no more room,
        uint64_t end;      ///< and how long it could become
        uint64_t asked;    ///< the last sync asked for before that
    };
    std::optional<Overflow> overflow_;
};

}  // namespace tally::sim
