#include "ledger/state_witness.hpp"

#include "ledger/row.hpp"

namespace tally::ledger {
Result<StateWitness> make_witness(const StateView& state, tree::Tree& tree,
                                  const Touched& touched) {
    StateWitness made;
    TRY(shown, tree.witness({touched.begin(), touched.end()}));
    made.tree = std::move(shown);
    for (const auto& node : made.tree.nodes) {
        const auto* leaf = std::get_if<tree::ProofLeaf>(&node);
        if (leaf == nullptr) continue;
        made.values.emplace_back();
        if (!touched.contains(leaf->key)) continue;
        TRY(value, state.get(leaf->key));
        if (!value) return StateError::missing_row;  // The tree and the values are of one moment.
        made.values.back().emplace(*std::move(value));
    }
    return made;
}

Result<WitnessView> WitnessView::open(const Hash& root, const StateWitness& witness) {
    TRY(tree, tree::Tree::open(root, witness.tree));
    WitnessView view(std::move(tree));
    auto value = witness.values.begin();
    for (const auto& node : witness.tree.nodes) {
        const auto* leaf = std::get_if<tree::ProofLeaf>(&node);
        if (leaf == nullptr) continue;
        if (value == witness.values.end()) return tree::invalid_proof("fewer values than leaves");
        const StateWitness::Value& shown = *value++;
        if (!shown) continue;
        const auto commitment = commitment_of(leaf->key, *shown);
        if (!commitment.ok()) return tree::invalid_proof("a value of another form");
        if (*commitment != Commitment{leaf->value_length, leaf->value_hash}) {
            return tree::invalid_proof("another value");
        }
        view.values_.emplace(leaf->key, *shown);
    }
    if (value != witness.values.end()) return tree::invalid_proof("more values than leaves");
    return view;
}

Result<const Bytes*> WitnessView::value_of(ByteView key) const {
    const auto found = values_.find(key);
    if (found == values_.end()) return tree::TreeError::outside_witness;
    return &found->second;
}

Result<std::optional<Bytes>> WitnessView::get(ByteView key) const {
    TRY(leaf, tree_.get(key));
    if (!leaf) return std::optional<Bytes>();
    TRY(value, value_of(key));
    return std::optional(*value);
}

Result<void> WitnessView::scan(ByteView from, ByteView to, const Each& each) const {
    std::optional<Error> error;
    CHECK(tree_.scan(from, to, [&](ByteView key, const tree::LeafValue&) {
        const auto value = value_of(key);
        if (!value.ok()) error = value.error();
        return value.ok() && each(key, **value);
    }));
    if (error) return *std::move(error);
    return success();
}

}  // namespace tally::ledger
