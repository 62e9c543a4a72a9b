#include "sim/sim_disk.hpp"

#include <algorithm>

namespace tally::sim {

using ports::DiskError;

constexpr uint64_t sector_bytes = 512;

Result<std::vector<std::string>> SimDisk::list() const {
    std::vector<std::string> names;
    for (const auto& file : files_) names.push_back(file.first);
    return names;
}

Result<Bytes> SimDisk::read(const std::string& name, uint64_t offset, size_t length_max) const {
    const auto file = files_.find(name);
    if (file == files_.end()) return fail(DiskError::not_found, name);
    const ByteView bytes = file->second.bytes;
    if (offset >= bytes.size()) return Bytes{};
    const ByteView rest = bytes.subspan(size_t(offset));
    return copy_of(rest.first(std::min(rest.size(), length_max)));
}

Result<uint64_t> SimDisk::size(const std::string& name) const {
    const auto file = files_.find(name);
    if (file == files_.end()) return fail(DiskError::not_found, name);
    return file->second.bytes.size();
}

void SimDisk::append(const std::string& name, Bytes bytes) {
    File& file = files_[name];
    note_room(name, file, bytes.size());
    tally::append(file.bytes, bytes);
    if (runs_.empty() || runs_.back().name != name) runs_.push_back({name, 0});
    runs_.back().end = file.bytes.size();
}

void SimDisk::note_room(const std::string& name, const File& file, uint64_t length) {
    if (!room_ || overflow_) return;
    if (length > *room_) overflow_ = Overflow{name, file.bytes.size() + *room_, asked_};
    *room_ -= std::min(*room_, length);
}

/// Of what was appended for want of room there is nothing to tear.
void SimDisk::drop_overflow() {
    if (!overflow_) return;
    bool beyond = false;
    for (Run& run : runs_) {
        const auto file = files_.find(run.name);
        if (file == files_.end()) continue;
        if (!beyond && (run.name != overflow_->name || run.end <= overflow_->end)) continue;
        run.end = beyond ? file->second.durable : std::max(overflow_->end, file->second.durable);
        file->second.bytes.resize(std::min<uint64_t>(file->second.bytes.size(), run.end));
        beyond = true;
    }
    overflow_.reset();
}

uint64_t SimDisk::sync() {
    ++asked_;
    const uint64_t last_end = runs_.empty() ? 0 : runs_.back().end;
    pending_.push_back({asked_, runs_done_ + runs_.size(), last_end});
    return asked_;
}

void SimDisk::complete(uint64_t ticket) {
    ENSURE(!fails(ticket));
    while (!pending_.empty() && pending_.front().ticket <= ticket) {
        const Pending done = pending_.front();
        pending_.pop_front();
        while (runs_done_ < done.run_count) {
            const Run& run = runs_.front();
            const bool is_last = runs_done_ + 1 == done.run_count;
            const uint64_t end = is_last ? std::min(done.last_end, run.end) : run.end;
            const auto file = files_.find(run.name);
            if (file != files_.end()) file->second.durable = std::max(file->second.durable, end);
            if (end < run.end) break;  // More was appended to it after the sync was asked for.
            runs_.pop_front();
            ++runs_done_;
        }
    }
}

std::optional<uint64_t> SimDisk::pending() const {
    return pending_.empty() ? std::nullopt : std::optional<uint64_t>(pending_.front().ticket);
}

Result<void> SimDisk::truncate(const std::string& name, uint64_t size) {
    const auto file = files_.find(name);
    if (file == files_.end()) return fail(DiskError::not_found, name);
    file->second.bytes.resize(size_t(size));
    file->second.durable = file->second.bytes.size();
    for (Run& run : runs_) {
        // A process that ended without a crash may have left some under way.
        if (run.name == name) run.end = std::min(run.end, file->second.durable);
    }
    return success();
}

Result<void> SimDisk::remove(const std::string& name) {
    if (files_.erase(name) == 0) return fail(DiskError::not_found, name);
    for (Run& run : runs_) {
        if (run.name == name) run.name.clear();
    }
    return success();
}

void SimDisk::crash(Random& random) {
    drop_overflow();
    // Files before the torn one were synced by the change to the next file, later ones not begun.
    const uint64_t torn = runs_.empty() ? 0 : random.below(runs_.size());
    for (size_t index = 0; index < runs_.size(); ++index) {
        const auto found = files_.find(runs_[index].name);
        if (found == files_.end()) continue;
        File& file = found->second;
        if (index < torn) {
            file.durable = std::max(file.durable, runs_[index].end);
        } else if (index == torn) {
            file.bytes.resize(std::max(file.durable, runs_[index].end));
            tear(file, random);
        } else {
            file.bytes.resize(file.durable);
        }
        if (file.bytes.empty() && random.chance(0.5)) files_.erase(found);  // The name too.
    }
    runs_done_ += runs_.size();
    runs_.clear();
    pending_.clear();
}

void SimDisk::tear(File& file, Random& random) {
    const uint64_t unsynced = file.bytes.size() - file.durable;
    // Often all or nothing: the ends are where mistakes live.
    const uint64_t choice = random.below(4);
    const uint64_t kept = choice == 0 ? 0 : choice == 1 ? unsynced : random.below(unsynced + 1);
    file.bytes.resize(file.durable + kept);

    const double damage_chance = random.chance(0.5) ? 0 : random.chance(0.5) ? 0.1 : 0.5;
    for (uint64_t begin = file.durable; begin < file.bytes.size();) {
        const uint64_t sector_end = (begin / sector_bytes + 1) * sector_bytes;
        const uint64_t end = std::min<uint64_t>(sector_end, file.bytes.size());
        if (random.chance(damage_chance)) {
            // Lost from somewhere in the sector on: zeros, or whatever lay there before.
            const uint64_t from = random.chance(0.5) ? begin : random.between(begin, end);
            const bool garbage = random.chance(0.5);
            const Bytes noise = garbage ? random.bytes(end - from) : Bytes(end - from, 0);
            std::copy(noise.begin(), noise.end(), file.bytes.begin() + ptrdiff_t(from));
        }
        begin = end;
    }
    file.durable = file.bytes.size();
}

void SimDisk::rot(const std::string& name, uint64_t offset, uint8_t flip_mask) {
    const auto file = files_.find(name);
    ENSURE(file != files_.end() && offset < file->second.bytes.size());
    file->second.bytes[size_t(offset)] ^= flip_mask;
}

uint64_t SimDisk::unsynced_bytes() const {
    uint64_t count = 0;
    for (const auto& file : files_) count += file.second.bytes.size() - file.second.durable;
    return count;
}

}  // namespace tally::sim
