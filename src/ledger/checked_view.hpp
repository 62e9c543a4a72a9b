// CheckedView: a state of which nothing is believed but what its tree says.
//
// Every value that is given out was compared with its leaf, every absence with the tree's, and a
// scan takes its keys from the tree, so that it neither misses one nor adds one: whatever was
// altered beneath is StateViewError::altered, and never an answer.
#pragma once

#include "model/state_view.hpp"
#include "tree/tree.hpp"

namespace tally::ledger {

class CheckedView final : public StateView {
public:
    /// Both are borrowed and show the same moment. Reading loads nodes of the tree, so one tree
    /// serves one thread.
    CheckedView(const StateView& state, tree::Tree& tree) : state_(state), tree_(tree) {}

    Result<std::optional<Bytes>> get(ByteView key) const override;
    /// `each` may use this view. Costs a scan of the tree and one get of the state for each key
    /// that has a value; what the state has beside the tree's keys is not looked at.
    Result<void> scan(ByteView from, ByteView to, const Each& each) const override;

    /// What the last StateViewError::altered was about; an empty key: something that has none.
    [[nodiscard]] const std::optional<Altered>& altered() const { return altered_; }

private:
    Error note(ByteView key, Altered::How how) const;
    Result<Bytes> value_of(const tree::RangeEntry& leaf) const;

    const StateView& state_;
    tree::Tree& tree_;
    mutable std::optional<Altered> altered_;
};

/// How the value differs from what its leaf says; nothing if it does not.
[[nodiscard]] std::optional<Altered::How> difference(ByteView key,
                                                     const std::optional<tree::LeafValue>& leaf,
                                                     const std::optional<ByteView>& value);

}  // namespace tally::ledger
