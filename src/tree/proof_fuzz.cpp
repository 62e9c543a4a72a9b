// A stranger's proofs: decoding and checking never fail but by refusing, one proof has one
// encoding, and no two proofs show different things of one key under one root.
//
// Input: u8 key length, key, u16 length of the first proof, first proof, second proof.
#include "tree/proof.hpp"

using namespace tally;

namespace {

/// What the bytes are a proof of, if of anything.
struct Shown {
    Hash root;
    tree::Presence presence;
};

std::optional<Shown> shown_by(ByteView key, ByteView bytes) {
    const auto proof = tree::decode_proof(bytes);
    if (!proof.ok()) return std::nullopt;
    ENSURE(equal(tree::encode(*proof), bytes));
    ENSURE(!tree::check(Hash{}, key, *proof).ok());
    const auto root = tree::root_of(key, *proof);
    if (!root.ok()) return std::nullopt;
    const auto presence = tree::check(*root, key, *proof);
    ENSURE(presence.ok());
    ENSURE(presence->has_value() == (proof->leaf && equal(proof->leaf->key, key)));
    return Shown{*root, *presence};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    ByteView input(data, size);
    if (input.empty() || input.size() < size_t{3} + input[0]) return 0;
    const ByteView key = input.subspan(1, input[0]);
    input = input.subspan(1 + key.size());
    const size_t first_bytes = std::min<size_t>(read_u16(input), input.size() - 2);
    const auto first = shown_by(key, input.subspan(2, first_bytes));
    const auto second = shown_by(key, input.subspan(2 + first_bytes));
    if (first && second && first->root == second->root) ENSURE(first->presence == second->presence);
    return 0;
}
