// StateWitness: the part of a state that one execution needs, so that whoever holds the state's
// root alone can repeat it: the tree's witness, and the values of those of its leaves that are
// read.
#pragma once

#include <map>

#include "ledger/execution.hpp"
#include "tree/witness.hpp"

namespace tally::ledger {

/// Encoded as the CBOR array [tree, [value or null, …]]: one for each leaf that the tree shows, in
/// their order.
struct StateWitness {
    using Value = std::optional<cbor::Blob<limits::value_bytes_max>>;

    tree::Witness tree;
    cbor::List<Value, tree::witness_nodes_max> values;
    bool operator==(const StateWitness&) const = default;
    static constexpr auto fields() {
        return std::tuple{&StateWitness::tree, &StateWitness::values};
    }
};

/// Shows `touched` of the state before the execution that it is from; `state` and `tree` are of
/// that moment.
[[nodiscard]] Result<StateWitness> make_witness(const StateView& state, tree::Tree& tree,
                                                const Touched& touched);

/// The values that a witness shows. To execute from it, open a second tree from its part of the
/// tree: this one stays as it is.
class WitnessView final : public StateView {
public:
    /// Checks every value against its leaf, and the leaves against the root;
    /// TreeError::invalid_proof if something does not fit.
    [[nodiscard]] static Result<WitnessView> open(const Hash& root, const StateWitness& witness);

    /// TreeError::outside_witness for what is not shown.
    Result<std::optional<Bytes>> get(ByteView key) const override;
    Result<void> scan(ByteView from, ByteView to, const Each& each) const override;

private:
    explicit WitnessView(tree::Tree tree) : tree_(std::move(tree)) {}
    [[nodiscard]] Result<const Bytes*> value_of(ByteView key) const;

    mutable tree::Tree tree_;  ///< reading it notes what was used
    std::map<Bytes, Bytes, BytesLess> values_;
};

}  // namespace tally::ledger
