#include "sim/sim_key_value.hpp"

namespace tally::sim {

using ports::KeyValueError;
using ports::Map;
using ports::WriteBatch;

struct SimKeyValue::State {
    struct Version {
        uint64_t batch;
        std::optional<Bytes> value;
    };
    using Versions = std::vector<Version>;  // ascending, never empty
    using Entries = std::map<Bytes, Versions, BytesLess>;
    struct Place {
        Map map;
        Bytes key;
    };

    std::array<Entries, ports::map_count> maps;
    uint64_t newest = 0;   // number of the last batch
    uint64_t flushed = 0;  // number of the last batch that a crash cannot take back
    // The unflushed batches, and behind them flushed ones that a snapshot keeps from being pruned.
    std::map<uint64_t, std::vector<Place>> written;
    std::multiset<uint64_t> snapshots;

    static const Bytes* value_at(const Versions& versions, uint64_t at) {
        for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
            if (version->batch <= at) return version->value ? &*version->value : nullptr;
        }
        return nullptr;
    }

    /// The oldest batch whose state anyone can still ask for.
    [[nodiscard]] uint64_t floor() const {
        return snapshots.empty() ? flushed : std::min(flushed, *snapshots.begin());
    }

    void prune(Map map, ByteView key) {
        Entries& entries = maps[size_t(map)];
        const auto entry = entries.find(key);
        if (entry == entries.end()) return;
        Versions& versions = entry->second;
        auto keep = versions.begin();
        while (keep + 1 != versions.end() && (keep + 1)->batch <= floor()) ++keep;
        versions.erase(versions.begin(), keep);
        if (versions.size() == 1 && !versions[0].value && versions[0].batch <= floor()) {
            entries.erase(entry);
        }
    }

    void prune_flushed() {
        while (!written.empty() && written.begin()->first <= floor()) {
            for (const Place& place : written.begin()->second) prune(place.map, place.key);
            written.erase(written.begin());
        }
    }

    void take_back_after(uint64_t last) {
        while (!written.empty() && written.rbegin()->first > last) {
            for (const Place& place : written.rbegin()->second) {
                Entries& entries = maps[size_t(place.map)];
                const auto entry = entries.find(place.key);
                if (entry == entries.end()) continue;  // Written twice in this batch.
                Versions& versions = entry->second;
                while (!versions.empty() && versions.back().batch > last) versions.pop_back();
                if (versions.empty()) entries.erase(entry);
            }
            written.erase(std::prev(written.end()));
        }
    }

    [[nodiscard]] Entries::const_iterator first_at_or_after(Map map, ByteView key) const {
        return maps[size_t(map)].lower_bound(key);
    }
    [[nodiscard]] Entries::const_iterator end_of(Map map, ByteView to) const {
        return to.empty() ? maps[size_t(map)].end() : maps[size_t(map)].lower_bound(to);
    }

    void scan(uint64_t at, Map map, ByteView from, ByteView to, const Each& each) const {
        if (!to.empty() && compare(from, to) >= 0) return;
        const auto end = end_of(map, to);
        for (auto entry = first_at_or_after(map, from); entry != end; ++entry) {
            const Bytes* value = value_at(entry->second, at);
            if (value && !each(entry->first, *value)) return;
        }
    }

    void scan_backward(uint64_t at, Map map, ByteView from, ByteView to, const Each& each) const {
        if (!to.empty() && compare(from, to) >= 0) return;
        const auto begin = first_at_or_after(map, from);
        for (auto entry = end_of(map, to); entry != begin;) {
            --entry;
            const Bytes* value = value_at(entry->second, at);
            if (value && !each(entry->first, *value)) return;
        }
    }

    [[nodiscard]] std::optional<Bytes> get(uint64_t at, Map map, ByteView key) const {
        const auto entry = maps[size_t(map)].find(key);
        if (entry == maps[size_t(map)].end()) return std::nullopt;
        const Bytes* value = value_at(entry->second, at);
        return value ? std::optional<Bytes>(*value) : std::nullopt;
    }
};

class SimKeyValue::View : public ports::Reader {
public:
    explicit View(std::shared_ptr<State> state) : state_(std::move(state)), at_(state_->newest) {
        state_->snapshots.insert(at_);
    }
    ~View() override {
        state_->snapshots.erase(state_->snapshots.find(at_));
        state_->prune_flushed();
    }
    View(const View&) = delete;
    View& operator=(const View&) = delete;

    Result<std::optional<Bytes>> get(Map map, ByteView key) const override {
        return state_->get(at_, map, key);
    }
    Result<void> scan(Map map, ByteView from, ByteView to, const Each& each) const override {
        state_->scan(at_, map, from, to, each);
        return success();
    }
    Result<void> scan_backward(Map map, ByteView from, ByteView to,
                               const Each& each) const override {
        state_->scan_backward(at_, map, from, to, each);
        return success();
    }

private:
    std::shared_ptr<State> state_;
    uint64_t at_;
};

SimKeyValue::SimKeyValue() : state_(std::make_shared<State>()) {}

Result<std::optional<Bytes>> SimKeyValue::get(Map map, ByteView key) const {
    return state_->get(state_->newest, map, key);
}
Result<void> SimKeyValue::scan(Map map, ByteView from, ByteView to, const Each& each) const {
    state_->scan(state_->newest, map, from, to, each);
    return success();
}
Result<void> SimKeyValue::scan_backward(Map map, ByteView from, ByteView to,
                                        const Each& each) const {
    state_->scan_backward(state_->newest, map, from, to, each);
    return success();
}

Result<void> SimKeyValue::write(const WriteBatch& batch) {
    if (full_) return refuse();
    const uint64_t number = ++state_->newest;
    std::vector<State::Place>& places = state_->written[number];
    for (const WriteBatch::Write& write : batch.writes()) {
        keep_dropped(write);
        State::Versions& versions = state_->maps[size_t(write.map)][write.key];
        if (!versions.empty() && versions.back().batch == number) {
            versions.back().value = write.value;
            continue;
        }
        versions.push_back({number, write.value});
        places.push_back({write.map, write.key});
    }
    return success();
}

void SimKeyValue::keep_dropped(const WriteBatch::Write& write) {
    if (write.map != Map::bodies || write.value) return;
    auto value = state_->get(state_->newest, write.map, write.key);
    if (!value) return;
    if (!dropped_) dropped_ = std::make_unique<SimKeyValue>();
    WriteBatch batch;
    batch.put(write.map, write.key, std::move(*value));
    ENSURE(dropped_->write(batch).ok() && dropped_->flush().ok());
}

Error SimKeyValue::refuse() {
    ++refused_;
    return fail(KeyValueError::io_failed, "the disk is full");
}

Result<void> SimKeyValue::flush() {
    if (full_) return refuse();
    state_->flushed = state_->newest;
    state_->prune_flushed();
    return success();
}

std::shared_ptr<const ports::Reader> SimKeyValue::snapshot() const {
    return std::make_shared<View>(state_);
}

void SimKeyValue::crash(Random& random) {
    // Often hardly anything: a database that is ahead of the journal is hard in its own way.
    const uint64_t most = random.chance(0.5) ? std::min<uint64_t>(3, unflushed()) : unflushed();
    const uint64_t lost = random.between(0, most);
    // Numbers are not used again, so that no snapshot of before sees what is written after.
    state_->take_back_after(state_->newest - lost);
    state_->flushed = state_->newest;
    state_->prune_flushed();
}

size_t SimKeyValue::unflushed() const {
    return size_t(state_->newest - state_->flushed);
}

void SimKeyValue::rot(Map map, ByteView key, Bytes value) {
    State::Entries& entries = state_->maps[size_t(map)];
    const auto entry = entries.find(key);
    ENSURE(entry != entries.end() && entry->second.back().value);
    entry->second.back().value = std::move(value);
}

void SimKeyValue::wipe() {
    state_ = std::make_shared<State>();
}

}  // namespace tally::sim
