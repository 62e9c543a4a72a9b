// Watching through the ports: what was signed, what is durable, what was stored. Each forwards to
// the real thing and notes what passes.
#pragma once

#include <deque>

#include "sim/observer.hpp"
#include "sim/sim_disk.hpp"

namespace tally::sim {

/// Calls `each` with every 64-byte string that CBOR spells in these bytes: every signature that
/// they hold, and perhaps a few that are none.
template <class Each>
void for_each_signature(ByteView bytes, const Each& each) {
    constexpr size_t length = std::tuple_size_v<Signature>;
    for (size_t at = 0; at + 2 + length <= bytes.size(); ++at) {
        if (bytes[at] != 0x58 || bytes[at + 1] != length) continue;
        Signature signature;
        std::copy_n(bytes.begin() + ptrdiff_t(at) + 2, length, signature.begin());
        each(signature);
    }
}

class WatchedSigner : public Signer {
public:
    WatchedSigner(const Signer& inner, Participant owner, Observer* observer)
        : inner_(&inner), owner_(owner), observer_(observer) {}
    /// Signs with another key from now on; borrowed.
    void change_key(const Signer& inner) { inner_ = &inner; }
    Ed25519Public public_key() const override { return inner_->public_key(); }
    Signature sign(ByteView message) const override {
        const Signature signature = inner_->sign(message);
        if (observer_) observer_->on_signed(owner_, message, signature);
        return signature;
    }

private:
    const Signer* inner_;
    Participant owner_;
    Observer* observer_;  // none for liars
};

/// Remembers which signatures are durable, without knowing how a journal is laid out.
class WatchedDisk : public ports::Disk {
public:
    explicit WatchedDisk(SimDisk& inner) : inner_(inner) {}
    Result<std::vector<std::string>> list() const override { return inner_.list(); }
    Result<Bytes> read(const std::string& name, uint64_t offset, size_t length_max) const override {
        return inner_.read(name, offset, length_max);
    }
    Result<uint64_t> size(const std::string& name) const override { return inner_.size(name); }
    void append(const std::string& name, Bytes bytes) override;
    uint64_t sync() override;
    Result<void> truncate(const std::string& name, uint64_t size) override {
        return inner_.truncate(name, size);
    }
    Result<void> remove(const std::string& name) override { return inner_.remove(name); }

    /// The tickets asked for since the last call.
    [[nodiscard]] std::vector<uint64_t> take_tickets() { return std::exchange(asked_, {}); }
    /// All before this ticket is durable now.
    void complete(uint64_t ticket);
    /// What survived is what the disk now holds.
    void crash(Random& random);
    [[nodiscard]] const SavedSignatures& saved() const { return saved_; }

private:
    void note(ByteView bytes);

    struct Queued {
        uint64_t ticket = 0;  // zero: bytes
        Bytes bytes;
    };
    SimDisk& inner_;
    std::deque<Queued> queued_;
    std::vector<uint64_t> asked_;
    SavedSignatures saved_;
};

class WatchedKeyValue : public ports::KeyValue {
public:
    WatchedKeyValue(ports::KeyValue& inner, Participant owner, Observer* observer)
        : inner_(inner), owner_(owner), observer_(observer) {}
    Result<std::optional<Bytes>> get(ports::Map map, ByteView key) const override {
        return inner_.get(map, key);
    }
    Result<void> scan(ports::Map map, ByteView from, ByteView to, const Each& each) const override {
        return inner_.scan(map, from, to, each);
    }
    Result<void> scan_backward(ports::Map map, ByteView from, ByteView to,
                               const Each& each) const override {
        return inner_.scan_backward(map, from, to, each);
    }
    Result<void> write(const ports::WriteBatch& batch) override {
        if (observer_) observer_->on_stored(owner_, batch);
        return inner_.write(batch);
    }
    Result<void> flush() override { return inner_.flush(); }
    std::shared_ptr<const ports::Reader> snapshot() const override { return inner_.snapshot(); }

private:
    ports::KeyValue& inner_;
    Participant owner_;
    Observer* observer_;  // none for liars
};

}  // namespace tally::sim
