// A stranger's witnesses: decoding and opening never fail but by refusing, one witness has one
// encoding, and what one shows of a range is what it shows of each key.
//
// Input: u8 length of from, from, u8 length of to, to, witness.
#include "tree/tree.hpp"

using namespace tally;

namespace {

/// Takes a string with its length in front; an empty one if the input ends.
ByteView take(ByteView& input) {
    if (input.empty()) return {};
    const size_t length = std::min<size_t>(input[0], input.size() - 1);
    const ByteView taken = input.subspan(1, length);
    input = input.subspan(1 + length);
    return taken;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    ByteView input(data, size);
    const ByteView from = take(input);
    const ByteView to = take(input);
    const auto witness = tree::decode_witness(input);
    if (!witness.ok()) return 0;
    ENSURE(equal(tree::encode(*witness), input));
    const auto root = tree::root_of(*witness);
    if (!root.ok()) return 0;
    Hash other = *root;
    other.bytes[0] ^= 1;
    ENSURE(!tree::Tree::open(other, *witness).ok());

    auto part = tree::Tree::open(*root, *witness);
    ENSURE(part.ok());
    const auto entries = tree::check_range(*root, from, to, *witness);
    const auto found = part->get(from);
    const bool is_in_range = to.empty() || compare(from, to) < 0;
    if (entries.ok() && is_in_range && found.ok()) {
        const bool is_first = !entries->empty() && equal(entries->front().key, from);
        ENSURE(is_first == found->has_value());
    }
    if (entries.ok()) {
        for (size_t i = 0; i < entries->size(); ++i) {
            const auto& entry = (*entries)[i];
            ENSURE(i == 0 || compare((*entries)[i - 1].key, entry.key) < 0);
            ENSURE(compare(entry.key, from) >= 0 && (to.empty() || compare(entry.key, to) < 0));
            const auto value = part->get(entry.key);
            ENSURE(value.ok() && *value == entry.value);
        }
    }
    // What was put can be taken back.
    if (found.ok() && !found->has_value() && part->put(from, 1, {}).ok()) {
        ENSURE(part->root() != *root);
        const auto erased = part->erase(from);
        ENSURE(erased.ok() && *erased && part->root() == *root);
    }
    return 0;
}
