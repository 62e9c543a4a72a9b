// Every version of a ledger's state, in Map::values:
//
//     u16 ledger ‖ state key ‖ u64 ~height  →  0x01 ‖ value, or nothing where the key was erased
//
// The newest version of a key comes first, so a read at any height is one seek. State keys are
// prefix-free, and therefore nothing need end them: two of them differ before the shorter one ends,
// so versions sort by key first and the height decides only among versions of the same key.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/strong.hpp"
#include "model/state_view.hpp"
#include "ports/key_value.hpp"

namespace tally::store {

/// Adds one write of the block at `height` to the batch; no value: the key was erased.
void put_version(ports::WriteBatch& to, LedgerIndex ledger, Height height, ByteView key,
                 const std::optional<Bytes>& value);

/// Takes back a version that no block wrote.
void erase_version(ports::WriteBatch& to, LedgerIndex ledger, Height height, ByteView key);

/// A version as it lies there, believed or not.
struct StoredVersion {
    Height height;
    std::optional<Bytes> value;  ///< nothing: erased
    bool is_version = true;      ///< false: no version has this form
};
/// The newest up to `at` of one key.
[[nodiscard]] Result<std::optional<StoredVersion>> newest_version(const ports::Reader& reader,
                                                                  LedgerIndex ledger, Height at,
                                                                  ByteView key);

/// Every version of a ledger whose state key is `from` or comes after it, in their order: keys
/// ascend, versions of one key go from the newest to the oldest. Until `each` returns false. What
/// has the form of no version's key is given as an empty key.
using EachVersion = std::function<bool(ByteView key, const StoredVersion& version)>;
[[nodiscard]] Result<void> scan_versions(const ports::Reader& reader, LedgerIndex ledger,
                                         ByteView from, const EachVersion& each);

/// Adds the writes of a list of things with `key` and `value`.
template <class Writes>
void put_versions(ports::WriteBatch& to, LedgerIndex ledger, Height height, const Writes& writes) {
    for (const auto& write : writes) put_version(to, ledger, height, write.key, write.value);
}

/// The state of one ledger after the block at `at`. Borrows the reader. A scan steps over every
/// version of its range, those of keys that were erased long ago included: whoever has the state's
/// tree takes the keys from there. Errors: the reader's, and StateViewError::altered for what no
/// version looks like.
class VersionedView : public StateView {
public:
    VersionedView(const ports::Reader& reader, LedgerIndex ledger, Height at)
        : reader_(&reader), ledger_(ledger), at_(at) {}

    Result<std::optional<Bytes>> get(ByteView key) const override;
    Result<void> scan(ByteView from, ByteView to, const Each& each) const override;

    struct Version {
        Height height;               ///< of the block that wrote it
        std::optional<Bytes> value;  ///< nothing: erased
        bool operator==(const Version&) const = default;
    };
    /// What blocks up to `at` wrote to the key, newest first.
    [[nodiscard]] Result<std::vector<Version>> history(ByteView key, size_t count_max) const;

    [[nodiscard]] Height at() const { return at_; }

private:
    const ports::Reader* reader_;
    LedgerIndex ledger_;
    Height at_;
};

}  // namespace tally::store
