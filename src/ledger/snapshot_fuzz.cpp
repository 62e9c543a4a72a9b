// A stranger's snapshot chunks: decoding and checking never fail but by refusing, one chunk has one
// encoding, and under the root that fits it no chunk with another value holds.
#include "ledger/snapshot.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto chunk = ledger::decode_snapshot_chunk({data, size});
    if (!chunk.ok()) return 0;
    ENSURE(equal(ledger::encode(*chunk), ByteView(data, size)));
    const auto root = tree::root_of(chunk->tree);
    if (!root.ok()) return 0;
    Hash other = *root;
    other.bytes[0] ^= 1;
    ENSURE(!ledger::check_snapshot_chunk(other, *chunk).ok());
    const auto entries = ledger::check_snapshot_chunk(*root, *chunk);
    if (!entries.ok()) return 0;
    ENSURE(entries->size() == chunk->values.size());
    for (size_t i = 0; i < chunk->values.size(); ++i) {
        ledger::SnapshotChunk changed = *chunk;
        changed.values[i].push_back(0);
        ENSURE(!ledger::check_snapshot_chunk(*root, changed).ok());
    }
    return 0;
}
