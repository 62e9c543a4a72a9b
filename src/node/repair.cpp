#include "node/repair.hpp"

#include "ledger/checked_view.hpp"
#include "node/checked_state.hpp"

namespace tally::node {
namespace {

/// More wrong versions of one key than this are no slip of a hand: the ledger is made again.
constexpr int versions_max = 1'000;

class KeyRepair {
public:
    KeyRepair(const ports::Reader& reader, LedgerIndex ledger, ByteView key)
        : reader_(reader), ledger_(ledger), pages_(reader, ledger), key_(copy_of(key)) {}

    Result<Repair> run(Height at, const std::optional<Bytes>& value) {
        TRY(way, way_at(at));
        if (!way) return StateViewError::altered;
        if (way->value) {
            CHECK(restore(at, *way->value, Height{way->leaf_height}, value));
        } else {
            CHECK(erase(at));
        }
        return std::move(repair_);
    }

private:
    /// The way of the key in the tree of that height; nothing if it is not held.
    Result<std::optional<tree::Way>> way_at(Height height) {
        TRY(root, ChainReader(reader_).root(ledger_, height));
        if (!root) return std::optional<tree::Way>();
        tree::Tree tree(pages_, *root);
        TRY(way, tree.way(key_));
        way.leaf = {};
        return std::optional(way);
    }
    Result<bool> is_present_at(Height height) {
        TRY(way, way_at(height));
        return way && way->value;
    }

    /// The key has had its value since `since`, so every version after that either says so or is
    /// none of any block.
    Result<void> restore(Height at, const tree::LeafValue& leaf, Height since,
                         const std::optional<Bytes>& value) {
        for (int i = 0; i < versions_max; ++i) {
            TRY(newest, store::newest_version(reader_, ledger_, at, key_));
            if (newest && newest->is_version && newest->value &&
                !ledger::difference(key_, leaf, *newest->value))
                return success();
            if (!newest || newest->height <= since) {
                if (value && !ledger::difference(key_, leaf, *value)) {
                    store::put_version(repair_.writes, ledger_, since, key_, value);
                } else {
                    repair_ = {{}, leaf};
                }
                return success();
            }
            store::erase_version(repair_.writes, ledger_, newest->height, key_);
            at = Height{newest->height.value - 1};
        }
        return fail(StateViewError::altered, "too many versions of one key");
    }

    /// The key is absent at `at`, and something says that it is not.
    Result<void> erase(Height at) {
        TRY(newest, store::newest_version(reader_, ledger_, at, key_));
        if (!newest || (newest->is_version && !newest->value)) return success();
        TRY(was_present, is_present_at(newest->height));
        Height absent = at;
        if (!was_present) {
            absent = newest->height;
        } else {
            // Somewhere in between it was erased, by a version that is gone.
            Height present = newest->height;
            while (absent.value - present.value > 1) {
                const Height middle{present.value + (absent.value - present.value) / 2};
                TRY(is_present, is_present_at(middle));
                (is_present ? present : absent) = middle;
            }
        }
        store::put_version(repair_.writes, ledger_, absent, key_, std::nullopt);
        return success();
    }

    const ports::Reader& reader_;
    LedgerIndex ledger_;
    store::TreePages pages_;
    Bytes key_;
    Repair repair_;
};

}  // namespace

Result<Repair> repair_key(const ports::Reader& reader, LedgerIndex ledger, Height at, ByteView key,
                          const std::optional<Bytes>& value) {
    return KeyRepair(reader, ledger, key).run(at, value);
}

}  // namespace tally::node
