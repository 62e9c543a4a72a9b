// A stranger's state witnesses: decoding and opening never fail but by refusing, one witness has
// one encoding, and every value that is shown is the one of its leaf.
#include "ledger/row.hpp"
#include "ledger/state_witness.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto witness = cbor::decode<ledger::StateWitness>({data, size});
    if (!witness.ok()) return 0;
    ENSURE(equal(cbor::encode(*witness), ByteView(data, size)));
    const auto root = tree::root_of(witness->tree);
    if (!root.ok()) return 0;
    Hash other = *root;
    other.bytes[0] ^= 1;
    ENSURE(!ledger::WitnessView::open(other, *witness).ok());
    const auto view = ledger::WitnessView::open(*root, *witness);
    if (!view.ok()) return 0;
    for (const auto& node : witness->tree.nodes) {
        const auto* leaf = std::get_if<tree::ProofLeaf>(&node);
        if (leaf == nullptr) continue;
        const auto value = view->get(leaf->key);
        if (!value.ok()) continue;
        ENSURE(value->has_value());
        const auto commitment = ledger::commitment_of(leaf->key, **value);
        ENSURE(commitment.ok() && commitment->hash == leaf->value_hash &&
               commitment->length == leaf->value_length);
    }
    return 0;
}
