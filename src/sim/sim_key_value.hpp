// SimKeyValue: sorted maps in memory that lose in a crash what the port lets them lose.
//
// Every key has its list of versions, numbered by batch. A snapshot is a batch's number, a crash
// takes the newest batches back, and a version is dropped as soon as neither can ask for it.
#pragma once

#include <array>
#include <map>
#include <set>
#include <vector>

#include "ports/key_value.hpp"
#include "sim/random.hpp"

namespace tally::sim {

/// For one thread. Plays the medium, so it outlives the simulated process; snapshots taken before a
/// crash must not be read after it.
class SimKeyValue : public ports::KeyValue {
public:
    SimKeyValue();

    Result<std::optional<Bytes>> get(ports::Map map, ByteView key) const override;
    Result<void> scan(ports::Map map, ByteView from, ByteView to, const Each& each) const override;
    Result<void> scan_backward(ports::Map map, ByteView from, ByteView to,
                               const Each& each) const override;
    Result<void> write(const ports::WriteBatch& batch) override;
    Result<void> flush() override;
    std::shared_ptr<const ports::Reader> snapshot() const override;

    /// Loses a random number of the newest batches that are not flushed, from none to all.
    void crash(Random& random);
    [[nodiscard]] size_t unflushed() const;
    /// From now on every write and flush fails, until called with false. What was written stays.
    void set_full(bool full) { full_ = full; }
    [[nodiscard]] bool full() const { return full_; }
    /// How many failed so.
    [[nodiscard]] uint64_t refused() const { return refused_; }
    /// Bit rot: the newest value of this key is now that. Requires that the key has a value.
    void rot(ports::Map map, ByteView key, Bytes value);
    /// A new, empty disk.
    void wipe();
    /// What was erased from Map::bodies, as it was last, for who wants to know what a batch was.
    [[nodiscard]] const ports::Reader* dropped() const { return dropped_.get(); }

private:
    Error refuse();
    struct State;
    class View;
    void keep_dropped(const ports::WriteBatch::Write& write);
    std::shared_ptr<State> state_;
    std::unique_ptr<SimKeyValue> dropped_;
    bool full_ = false;
    uint64_t refused_ = 0;
};

}  // namespace tally::sim
