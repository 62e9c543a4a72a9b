#include "tree/proof.hpp"

#include "tree/tree.hpp"

namespace tally::tree {
Error invalid_proof(const char* why) {
    return fail(TreeError::invalid_proof, why);
}

Bytes encode(const Proof& proof) {
    return cbor::encode(proof);
}

Result<Proof> decode_proof(ByteView bytes) {
    return cbor::decode<Proof>(bytes);
}

Result<Hash> root_of(ByteView key, const Proof& proof) {
    CHECK(check_key(key));
    if (proof.version != Proof::version_known) return invalid_proof("unknown version");
    if (!proof.leaf) {
        if (!proof.steps.empty()) return invalid_proof("a way to no leaf");
        return empty_hash();
    }
    const ProofLeaf& leaf = *proof.leaf;
    CHECK(check_key(leaf.key));
    int32_t bit_above = -1;
    for (const ProofStep& step : proof.steps) {
        if (int32_t(step.bit) <= bit_above) return invalid_proof("bits do not increase");
        if (step.bit >= 8 * leaf.key.size()) return invalid_proof("a bit past the leaf's key");
        // The leaf must lie where its own key leads, and the key asked for must lead there too.
        if (bit_of(leaf.key, step.bit) != bit_of(key, step.bit))
            return invalid_proof("another way");
        bit_above = step.bit;
    }

    Hash hash = leaf_hash(leaf.key, {leaf.value_length, leaf.value_hash});
    for (auto step = proof.steps.rbegin(); step != proof.steps.rend(); ++step) {
        hash = bit_of(key, step->bit) ? inner_hash(step->bit, step->sibling, hash)
                                      : inner_hash(step->bit, hash, step->sibling);
    }
    return hash;
}

Result<Presence> check(const Hash& root, ByteView key, const Proof& proof) {
    TRY(proven, root_of(key, proof));
    if (proven != root) return invalid_proof("another root");
    if (!proof.leaf || !equal(proof.leaf->key, key)) return Presence();
    return Presence(LeafValue{proof.leaf->value_length, proof.leaf->value_hash});
}

Result<Proof> prove(const PageSource& source, const RootRef& root, ByteView key) {
    return Tree(source, root).prove(key);
}

Result<Presence> lookup(const PageSource& source, const RootRef& root, ByteView key) {
    return Tree(source, root).get(key);
}

}  // namespace tally::tree
