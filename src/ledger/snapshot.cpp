#include "ledger/snapshot.hpp"

#include "ledger/row.hpp"
#include "tree/tree.hpp"

namespace tally::ledger {
namespace {

/// About what an entry takes in a chunk beside its key and value: its leaf and one inner node.
constexpr size_t entry_bytes = 64;

}  // namespace

Bytes encode(const SnapshotChunk& chunk) {
    return cbor::encode(chunk);
}

Result<SnapshotChunk> decode_snapshot_chunk(ByteView bytes) {
    if (bytes.size() > snapshot_chunk_bytes_max) return cbor::CborError::too_long;
    return cbor::decode<SnapshotChunk>(bytes);
}

Result<SnapshotChunk> make_snapshot_chunk(const StateView& state, const tree::PageSource& pages,
                                          const tree::RootRef& root, ByteView from) {
    if (from.size() > limits::key_bytes_max) return tree::TreeError::bad_key;
    SnapshotChunk chunk;
    chunk.from = copy_of(from);
    size_t bytes = 0;
    CHECK(state.scan(from, {}, [&](ByteView key, ByteView value) {
        if (bytes >= snapshot_chunk_bytes_aim) {
            chunk.to.emplace(copy_of(key));
            return false;
        }
        bytes += entry_bytes + key.size() + value.size();
        chunk.values.emplace_back(copy_of(value));
        return true;
    }));
    TRY(proof, tree::prove_range(pages, root, from, chunk.to ? ByteView(*chunk.to) : ByteView()));
    chunk.tree = std::move(proof);
    return chunk;
}

Result<std::vector<tree::RangeEntry>> check_snapshot_chunk(const Hash& state_root,
                                                           const SnapshotChunk& chunk) {
    if (chunk.version != SnapshotChunk::version_known)
        return tree::invalid_proof("unknown version");
    if (chunk.to && compare(chunk.from, *chunk.to) >= 0)
        return tree::invalid_proof("a range of no length");
    // Else whoever serves could have us ask for ever for the parts of a gap.
    if (chunk.to && chunk.values.empty())
        return tree::invalid_proof("an empty range in the middle");
    TRY(entries, tree::check_range(state_root, chunk.from,
                                   chunk.to ? ByteView(*chunk.to) : ByteView(), chunk.tree));
    if (entries.size() != chunk.values.size())
        return tree::invalid_proof("another number of values");
    for (size_t i = 0; i < entries.size(); ++i) {
        const auto& [key, leaf] = entries[i];
        const auto commitment = commitment_of(key, chunk.values[i]);
        if (!commitment.ok()) return tree::invalid_proof("a value of another form");
        if (*commitment != Commitment{leaf.length, leaf.hash})
            return tree::invalid_proof("another value");
    }
    return entries;
}

}  // namespace tally::ledger
