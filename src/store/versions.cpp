#include "store/versions.hpp"

#include <algorithm>

namespace tally::store {
namespace {

using ports::Map;

constexpr size_t ledger_bytes = 2;
constexpr size_t height_bytes = 8;
constexpr uint8_t present = 0x01;
/// So many versions of one key are stepped over before a seek is cheaper.
constexpr int steps_max = 8;

Bytes version_key(LedgerIndex ledger, ByteView key, Height height) {
    Bytes made;
    made.reserve(ledger_bytes + key.size() + height_bytes + 1);
    append_u16(made, ledger.value);
    append(made, key);
    append_u64(made, ~height.value);
    return made;
}
/// Just after every version of the key.
Bytes after_versions(LedgerIndex ledger, ByteView key) {
    Bytes made = version_key(ledger, key, Height{0});
    made.push_back(0);
    return made;
}
/// Just after the ledger; empty, the end of the map, for the last one.
Bytes after_ledger(LedgerIndex ledger) {
    Bytes made;
    if (ledger.value < UINT16_MAX) append_u16(made, uint16_t(ledger.value + 1));
    return made;
}

struct Split {
    ByteView key;
    Height height;
};
/// Nothing if these bytes are no version's key.
std::optional<Split> split(ByteView stored) {
    if (stored.size() < ledger_bytes + height_bytes) return std::nullopt;
    const size_t key_bytes = stored.size() - ledger_bytes - height_bytes;
    return Split{stored.subspan(ledger_bytes, key_bytes),
                 Height{~read_u64(stored.last(height_bytes))}};
}

Error damaged(ByteView stored) {
    return fail(StateViewError::altered, "version " + to_hex(stored));
}
bool is_erased(ByteView value) {
    return value.empty();
}
bool is_damaged(ByteView value) {
    return !value.empty() && value[0] != present;
}

}  // namespace

void put_version(ports::WriteBatch& to, LedgerIndex ledger, Height height, ByteView key,
                 const std::optional<Bytes>& value) {
    Bytes stored;
    if (value) {
        stored.reserve(1 + value->size());
        stored.push_back(present);
        append(stored, *value);
    }
    to.put(Map::values, version_key(ledger, key, height), std::move(stored));
}

void erase_version(ports::WriteBatch& to, LedgerIndex ledger, Height height, ByteView key) {
    to.erase(Map::values, version_key(ledger, key, height));
}

namespace {

StoredVersion version_of(Height height, ByteView value) {
    StoredVersion version{height, {}, !is_damaged(value)};
    if (version.is_version && !is_erased(value)) version.value = copy_of(value.subspan(1));
    return version;
}

}  // namespace

Result<void> scan_versions(const ports::Reader& reader, LedgerIndex ledger, ByteView from,
                           const EachVersion& each) {
    Bytes begin;
    append_u16(begin, ledger.value);
    append(begin, from);
    return reader.scan(
        Map::values, begin, after_ledger(ledger), [&](ByteView stored, ByteView value) {
            const auto parts = split(stored);
            return parts ? each(parts->key, version_of(parts->height, value)) : each({}, {});
        });
}

Result<std::optional<StoredVersion>> newest_version(const ports::Reader& reader, LedgerIndex ledger,
                                                    Height at, ByteView key) {
    std::optional<StoredVersion> found;
    const auto each = [&](ByteView stored, ByteView value) {
        const auto parts = split(stored);
        if (!parts || !equal(parts->key, key)) return false;
        found = version_of(parts->height, value);
        return false;
    };
    CHECK(
        reader.scan(Map::values, version_key(ledger, key, at), after_versions(ledger, key), each));
    return found;
}

Result<std::optional<Bytes>> VersionedView::get(ByteView key) const {
    TRY(versions, history(key, 1));
    if (versions.empty()) return std::optional<Bytes>{};
    return std::move(versions[0].value);
}

Result<std::vector<VersionedView::Version>> VersionedView::history(ByteView key,
                                                                   size_t count_max) const {
    std::vector<Version> found;
    if (count_max == 0) return found;
    std::optional<Error> error;
    const auto each = [&](ByteView stored, ByteView value) {
        // Between two versions of one key may only lie versions of a key that begins with it: of
        // none, if this one is there at all.
        const auto parts = split(stored);
        if (!parts || !equal(parts->key, key)) return false;
        if (is_damaged(value)) {
            error = damaged(stored);
            return false;
        }
        found.push_back({parts->height, is_erased(value)
                                            ? std::nullopt
                                            : std::optional<Bytes>(copy_of(value.subspan(1)))});
        return found.size() < count_max;
    };
    CHECK(reader_->scan(Map::values, version_key(ledger_, key, at_), after_versions(ledger_, key),
                        each));
    if (error) return *std::move(error);
    return found;
}

Result<void> VersionedView::scan(ByteView from, ByteView to, const Each& each) const {
    const Bytes end = after_ledger(ledger_);
    Bytes next;  // where to seek
    append_u16(next, ledger_.value);
    append(next, from);
    Bytes settled;  // the key whose version at `at_` has been found
    bool any_settled = false;
    std::optional<Error> error;
    while (!next.empty()) {
        const Bytes begin = std::exchange(next, {});
        int steps = 0;
        const auto one = [&](ByteView stored, ByteView value) {
            const auto parts = split(stored);
            if (!parts) {
                error = damaged(stored);
                return false;
            }
            // The bounds are checked here, on keys: a bound that goes on where a key ends, such as
            // "just after this key", falls among or before that key's versions.
            if (!to.empty() && compare(parts->key, to) >= 0) return false;
            const bool done =
                compare(parts->key, from) < 0 || (any_settled && equal(parts->key, settled));
            if (done || parts->height > at_) {
                if (++steps <= steps_max) return true;
                next = done ? after_versions(ledger_, parts->key)
                            : version_key(ledger_, parts->key, at_);
                return false;
            }
            steps = 0;
            settled.assign(parts->key.begin(), parts->key.end());
            any_settled = true;
            if (is_erased(value)) return true;
            if (is_damaged(value)) {
                error = damaged(stored);
                return false;
            }
            return each(parts->key, value.subspan(1));
        };
        CHECK(reader_->scan(Map::values, begin, end, one));
        if (error) return *std::move(error);
    }
    return success();
}

}  // namespace tally::store
