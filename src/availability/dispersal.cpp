#include "availability/dispersal.hpp"

#include <algorithm>

#include "crypto/merkle.hpp"
#include "model/cut_limits.hpp"
#include "model/envelope.hpp"

namespace tally::availability {
namespace {

constexpr uint8_t da_version = 1;
constexpr size_t cell_leaf_bytes = 1024;
constexpr uint32_t cell_bytes_step = 64;

constexpr uint32_t cell_bytes_of(uint32_t length) {
    return (length + cell_bytes_step - 1) / cell_bytes_step * cell_bytes_step;
}
static_assert(cell_bytes_of(limits::batch_bytes_max) <= limits::batch_bytes_max,
              "a whole cell fits where a whole batch does");

/// A cell's leaf under cells_root.
Hash cell_leaf(ByteView cell) {
    std::vector<Hash> leaves;
    leaves.reserve(cell.size() / cell_leaf_bytes + 1);
    for (size_t at = 0; at < cell.size(); at += cell_leaf_bytes)
        leaves.push_back(
            merkle_leaf(cell.subspan(at, std::min(cell_leaf_bytes, cell.size() - at))));
    return tagged_hash(Tag::cell, merkle_root(leaves).view());
}

Hash root_of_copies(const Hash& leaf, uint32_t count) {
    return merkle_root(std::vector<Hash>(count, leaf));
}

Hash leaves_root_of(const std::vector<BatchLeaf>& leaves) {
    std::vector<Hash> hashes;
    hashes.reserve(leaves.size());
    for (const auto& leaf : leaves) hashes.push_back(merkle_leaf(cbor::encode(leaf)));
    return merkle_root(hashes);
}

bool is_the_batch(const model::DaParameters& da, ByteView cell) {
    const auto padding = cell.subspan(da.length);
    if (!std::all_of(padding.begin(), padding.end(), [](uint8_t byte) { return byte == 0; }))
        return false;
    const auto leaves = batch_leaves(cell.first(da.length));
    return leaves.ok() && leaves->size() == da.count && leaves_root_of(*leaves) == da.leaves_root;
}

}  // namespace

Bytes encode_batch(const model::Batch& batch) {
    ENSURE(!batch.empty() && batch.size() <= model::Batch::count_max);
    return cbor::encode(batch);
}

Result<std::vector<BatchLeaf>> batch_leaves(ByteView bytes) {
    if (bytes.size() > limits::batch_bytes_max) return cbor::CborError::too_long;
    cbor::Reader reader(bytes);
    TRY(count, reader.array(model::Batch::count_max));
    if (count == 0) return cbor::CborError::bad_value;
    std::vector<BatchLeaf> leaves;
    for (uint64_t i = 0; i < count; ++i) {
        TRY(fields, reader.array(2));
        if (fields != 2) return cbor::CborError::bad_value;
        BatchLeaf leaf;
        CHECK(cbor::read(reader, leaf.ledger));
        TRY(envelope, reader.bytes(limits::envelope_bytes_max));
        reader.close();
        leaf.offset = uint32_t(envelope.data() - bytes.data());
        leaf.length = uint32_t(envelope.size());
        leaf.transaction = model::transaction_id_of(envelope);
        leaves.push_back(leaf);
    }
    reader.close();
    CHECK(reader.finish());
    return leaves;
}

model::Cell Dispersal::cell_of(Participant holder) const {
    model::Cell own;
    own.index = holder.value;
    own.bytes = cell;
    for (const Hash& hash : merkle_path(cell_leaves, holder.value)) own.path.push_back(hash);
    return own;
}

Dispersal disperse(const Place& place, ByteView bytes) {
    const auto leaves = batch_leaves(bytes);
    ENSURE(leaves.ok());
    Dispersal out;
    out.da.version = da_version;
    out.da.mode = place.mode;
    out.da.participants = place.participants;
    out.da.data_cells = 1;
    out.da.cells = place.participants;
    out.da.length = uint32_t(bytes.size());
    out.da.cell_bytes = cell_bytes_of(out.da.length);
    out.da.epoch = place.epoch;
    out.da.lane = place.lane;
    out.da.height = place.height;
    out.da.leaves_root = leaves_root_of(*leaves);
    out.da.count = uint32_t(leaves->size());
    out.cell = copy_of(bytes);
    out.cell.resize(out.da.cell_bytes);
    out.cell_leaves.assign(out.da.cells, cell_leaf(out.cell));
    out.da.cells_root = merkle_root(out.cell_leaves);
    ENSURE(parameters_follow(place, out.da));
    return out;
}

bool parameters_follow(const Place& place, const model::DaParameters& da) {
    return da.version == da_version && da.mode == model::Forwarding::replicated &&
           da.mode == place.mode && da.participants == place.participants && da.data_cells == 1 &&
           da.cells == place.participants && da.length > 0 &&
           da.length <= limits::batch_bytes_max && da.cell_bytes == cell_bytes_of(da.length) &&
           da.epoch == place.epoch && da.lane == place.lane && da.height == place.height &&
           da.count > 0 && da.count <= limits::batch_envelopes_max &&
           da.count * uint64_t{model::envelope_bytes_min} <= da.length;
}

bool cell_verifies(const model::DaParameters& da, Participant holder, const model::Cell& cell) {
    if (cell.index != holder.value || cell.bytes.size() != da.cell_bytes) return false;
    const Hash leaf = cell_leaf(cell.bytes);
    return merkle_verify(da.cells_root, da.cells, cell.index, leaf, cell.path) &&
           root_of_copies(leaf, da.cells) == da.cells_root;
}

std::shared_ptr<const HeldBatch> batch_of_cell(const model::BatchHeader& header, ByteView cell) {
    ENSURE(cell.size() == header.da.cell_bytes && cell.size() >= header.da.length);
    auto held = std::make_shared<HeldBatch>();
    held->header = header;
    held->header_hash = header.hash();
    held->is_void = !is_the_batch(header.da, cell);
    held->bytes = copy_of(held->is_void ? cell : cell.first(header.da.length));
    return held;
}

std::shared_ptr<const HeldBatch> rebuild(const model::BatchHeader& header, ByteView bytes) {
    if (bytes.size() != header.da.length && bytes.size() != header.da.cell_bytes) return nullptr;
    Bytes cell = copy_of(bytes);
    cell.resize(header.da.cell_bytes);
    if (root_of_copies(cell_leaf(cell), header.da.cells) != header.da.cells_root) return nullptr;
    return batch_of_cell(header, cell);
}

}  // namespace tally::availability
