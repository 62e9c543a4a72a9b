// SnapshotChunk: a piece of a ledger's whole state at one height, which proves itself.
//
// The chunks of a state lie end to end: each names its range of keys [from, to), and begins where
// the one before it ends. A chunk carries a range proof under the state root and the values of the
// range, so it may come from anybody, and is checked without any other. The node makes them from
// its database and loads them into it (node/snapshot.hpp).
#pragma once

#include "model/state_view.hpp"
#include "tree/witness.hpp"

namespace tally::ledger {

/// A chunk ends with the entry that takes it so far. The last value, and the ways to both ends in
/// the deepest of trees, still keep it within the maximum.
constexpr size_t snapshot_chunk_bytes_aim = 256 * 1024;
constexpr size_t snapshot_chunk_bytes_max = limits::state_chunk_bytes_max;
constexpr size_t snapshot_chunk_entries_max = 8'192;

/// Encoded as the CBOR array [version, from, to or null, witness, [value, …]].
struct SnapshotChunk {
    using Key = cbor::Blob<limits::key_bytes_max>;
    using Value = cbor::Blob<limits::value_bytes_max>;
    static constexpr uint8_t version_known = 1;

    uint8_t version = version_known;
    Key from;               ///< empty: the state's beginning
    std::optional<Key> to;  ///< not in the chunk any more; nothing: the state's end
    tree::Witness tree;     ///< shows [from, to) whole
    cbor::List<Value, snapshot_chunk_entries_max> values;  ///< of the range's keys, in their order
    bool operator==(const SnapshotChunk&) const = default;
    static constexpr auto fields() {
        return std::tuple{&SnapshotChunk::version, &SnapshotChunk::from, &SnapshotChunk::to,
                          &SnapshotChunk::tree, &SnapshotChunk::values};
    }
};

[[nodiscard]] Bytes encode(const SnapshotChunk& chunk);
/// Strict, and bounded by snapshot_chunk_bytes_max. Says nothing yet of what it shows.
[[nodiscard]] Result<SnapshotChunk> decode_snapshot_chunk(ByteView bytes);

/// The chunk that begins at `from`, which may be a stranger's wish: TreeError::bad_key if it is too
/// long. `state` and `root` are of one moment. The same for everybody who holds that state.
[[nodiscard]] Result<SnapshotChunk> make_snapshot_chunk(const StateView& state,
                                                        const tree::PageSource& pages,
                                                        const tree::RootRef& root, ByteView from);

/// Everything that the chunk says is true of the state with this root: its keys with what their
/// leaves say, and with them its values, in the same order. TreeError::invalid_proof or
/// outside_witness if not.
[[nodiscard]] Result<std::vector<tree::RangeEntry>> check_snapshot_chunk(
    const Hash& state_root, const SnapshotChunk& chunk);

}  // namespace tally::ledger
