#include "sim/watch.hpp"

namespace tally::sim {

void WatchedDisk::append(const std::string& name, Bytes bytes) {
    queued_.push_back({0, bytes});
    inner_.append(name, std::move(bytes));
}

uint64_t WatchedDisk::sync() {
    const uint64_t ticket = inner_.sync();
    queued_.push_back({ticket, {}});
    asked_.push_back(ticket);
    return ticket;
}

void WatchedDisk::complete(uint64_t ticket) {
    inner_.complete(ticket);
    while (!queued_.empty() && queued_.front().ticket != ticket) {
        note(queued_.front().bytes);
        queued_.pop_front();
    }
    if (!queued_.empty()) queued_.pop_front();
}

void WatchedDisk::crash(Random& random) {
    inner_.crash(random);
    queued_.clear();
    asked_.clear();
    // Unsynced bytes that happen to have survived are durable too. Nothing is ever taken out: what
    // the journal prunes was saved once.
    const auto names = inner_.list();
    if (!names.ok()) return;
    for (const std::string& name : *names) {
        const auto bytes = inner_.read(name, 0, SIZE_MAX);
        if (bytes.ok()) note(*bytes);
    }
}

void WatchedDisk::note(ByteView bytes) {
    for_each_signature(bytes, [&](const Signature& signature) { saved_.insert(signature); });
}

}  // namespace tally::sim
