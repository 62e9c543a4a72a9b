#include "availability/sampling.hpp"

#include "crypto/merkle.hpp"

namespace tally::availability {
namespace {

constexpr size_t sampled_bytes = 1'024;

std::vector<Hash> leaf_hashes(ByteView cell) {
    std::vector<Hash> leaves;
    for (size_t at = 0; at < cell.size(); at += sampled_bytes)
        leaves.push_back(merkle_leaf(cell.subspan(at, std::min(sampled_bytes, cell.size() - at))));
    return leaves;
}

Hash hash_of_cell(const Hash& cell_root) {
    return tagged_hash(Tag::cell, cell_root.view());
}

/// c; where all are copies, everybody has one.
uint32_t cells_of_each(const model::DaParameters& da) {
    return da.data_cells > 1 ? da.cells / da.participants : 1;
}

}  // namespace

Participant holder_of(const model::DaParameters& da, uint32_t cell) {
    return Participant{uint8_t(cell % da.participants)};
}

uint32_t leaves_of_cell(const model::DaParameters& da) {
    return uint32_t((da.cell_bytes + sampled_bytes - 1) / sampled_bytes);
}

std::optional<CellLeaf> leaf_of(const model::DaParameters& da, const model::CellSet& cells,
                                uint32_t cell, uint32_t leaf) {
    if (cell >= da.cells || leaf >= leaves_of_cell(da) || holder_of(da, cell) != cells.holder)
        return {};
    const size_t place = cell / da.participants;
    if (cells.bytes.size() != size_t{cells_of_each(da)} * da.cell_bytes) return {};
    const auto cell_at = [&](size_t i) {
        return ByteView(cells.bytes).subspan(i * da.cell_bytes, da.cell_bytes);
    };
    std::vector<Hash> own;
    for (size_t i = 0; i < cells_of_each(da); ++i)
        own.push_back(hash_of_cell(merkle_root(leaf_hashes(cell_at(i)))));
    const auto leaves = leaf_hashes(cell_at(place));
    CellLeaf out;
    out.cell = uint16_t(cell);
    out.leaf = uint16_t(leaf);
    const ByteView bytes = cell_at(place).subspan(leaf * sampled_bytes);
    out.bytes = copy_of(bytes.first(std::min(sampled_bytes, bytes.size())));
    out.cell_root = merkle_root(leaves);
    const auto assign = [](auto& to, const std::vector<Hash>& path) {
        to.assign(path.begin(), path.end());
    };
    assign(out.in_cell, merkle_path(leaves, leaf));
    out.holder_root = merkle_root(own);
    assign(out.in_holder, merkle_path(own, place));
    out.in_batch = cells.path;
    return out;
}

bool leaf_verifies(const model::DaParameters& da, const CellLeaf& leaf) {
    const size_t begin = size_t{leaf.leaf} * sampled_bytes;
    return leaf.cell < da.cells && leaf.leaf < leaves_of_cell(da) &&
           leaf.bytes.size() == std::min(sampled_bytes, da.cell_bytes - begin) &&
           merkle_verify(leaf.cell_root, leaves_of_cell(da), leaf.leaf, merkle_leaf(leaf.bytes),
                         leaf.in_cell) &&
           merkle_verify(leaf.holder_root, cells_of_each(da), leaf.cell / da.participants,
                         hash_of_cell(leaf.cell_root), leaf.in_holder) &&
           merkle_verify(da.cells_root, da.participants, holder_of(da, leaf.cell).value,
                         leaf.holder_root, leaf.in_batch);
}

}  // namespace tally::availability
