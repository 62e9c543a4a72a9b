#include "ledger/checked_view.hpp"

#include "ledger/row.hpp"

namespace tally::ledger {
namespace {

/// So many leaves are taken from the tree at first; then ever more, since most scans end soon.
constexpr size_t leaves_min = 8, leaves_max = 512;

/// The leaves of a range, one after another, while the tree may be used otherwise in between.
class Leaves {
public:
    Leaves(tree::Tree& tree, ByteView from, ByteView to)
        : tree_(tree), from_(copy_of(from)), to_(copy_of(to)) {}

    /// The next leaf, or nothing at the end. Stays until pop().
    Result<const tree::RangeEntry*> front() {
        if (next_ == taken_.size() && !ended_) CHECK(refill());
        return next_ < taken_.size() ? &taken_[next_] : nullptr;
    }
    void pop() { ++next_; }

private:
    Result<void> refill() {
        taken_.clear();
        next_ = 0;
        CHECK(tree_.scan(from_, to_, [&](ByteView key, const tree::LeafValue& value) {
            taken_.push_back({copy_of(key), value});
            return taken_.size() < count_;
        }));
        ended_ = taken_.size() < count_;
        if (ended_) return success();
        from_ = taken_.back().key;
        from_.push_back(0);  // Keys are prefix-free: nothing lies between.
        count_ = std::min(2 * count_, leaves_max);
        return success();
    }

    tree::Tree& tree_;
    Bytes from_, to_;
    std::vector<tree::RangeEntry> taken_;
    size_t next_ = 0;
    size_t count_ = leaves_min;
    bool ended_ = false;
};

}  // namespace

std::optional<Altered::How> difference(ByteView key, const std::optional<tree::LeafValue>& leaf,
                                       const std::optional<ByteView>& value) {
    if (!leaf) return value ? std::optional(Altered::How::added) : std::nullopt;
    if (!value) return Altered::How::missing;
    const auto made = commitment_of(key, *value);
    const bool same = made.ok() && *made == Commitment{leaf->length, leaf->hash};
    return same ? std::nullopt : std::optional(Altered::How::changed);
}

Error CheckedView::note(ByteView key, Altered::How how) const {
    altered_ = Altered{copy_of(key), how};
    return fail(StateViewError::altered);
}

Result<std::optional<Bytes>> CheckedView::get(ByteView key) const {
    TRY(leaf, tree_.get(key));
    auto value = state_.get(key);
    if (!value.ok()) {
        if (!value.error().is(StateViewError::altered)) return value;
        return note(key, leaf ? Altered::How::missing : Altered::How::added);
    }
    const auto how =
        difference(key, leaf, *value ? std::optional<ByteView>(**value) : std::nullopt);
    if (how) return note(key, *how);
    return value;
}

Result<Bytes> CheckedView::value_of(const tree::RangeEntry& leaf) const {
    // What has no value needs no look at what is stored: the leaf says it all.
    if (leaf.value.length == 0 && !difference(leaf.key, leaf.value, ByteView())) return Bytes();
    auto value = state_.get(leaf.key);
    if (!value.ok()) {
        if (!value.error().is(StateViewError::altered)) return value.error();
        return note(leaf.key, Altered::How::missing);
    }
    const auto how =
        difference(leaf.key, leaf.value, *value ? std::optional<ByteView>(**value) : std::nullopt);
    if (how) return note(leaf.key, *how);
    return std::move(**value);
}

Result<void> CheckedView::scan(ByteView from, ByteView to, const Each& each) const {
    Leaves leaves(tree_, from, to);
    while (true) {
        TRY(leaf, leaves.front());
        if (leaf == nullptr) return success();
        TRY(value, value_of(*leaf));
        if (!each(leaf->key, value)) return success();
        leaves.pop();
    }
}

}  // namespace tally::ledger
