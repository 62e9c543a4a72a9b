#include "availability/dispersal.hpp"

#include <algorithm>

#include "base/quorum.hpp"
#include "crypto/hash_many.hpp"
#include "crypto/merkle.hpp"
#include "model/cut_limits.hpp"
#include "model/envelope.hpp"
#include "model/transaction_ids.hpp"

namespace tally::availability {
namespace {

constexpr uint8_t da_version = 1;
constexpr size_t cell_leaf_bytes = 1024;
constexpr uint32_t cell_bytes_step = 64;
/// About so many cells has a batch, whatever n is: what a sample of them shows hangs on it.
constexpr uint32_t cells_aim = 128;

constexpr uint32_t cell_bytes_of(uint32_t length, uint32_t data_cells) {
    const uint32_t share = (length + data_cells - 1) / data_cells;
    return (share + cell_bytes_step - 1) / cell_bytes_step * cell_bytes_step;
}
static_assert(cell_bytes_of(limits::batch_bytes_max, 1) <= limits::batch_bytes_max,
              "a whole cell fits where a whole batch does");

/// A network that survives no loss has no use for parity.
constexpr uint32_t cells_each_of(uint32_t participants) {
    return participants <= 3 ? 1 : std::max(1u, cells_aim / participants);
}
constexpr uint32_t data_cells_of(uint32_t participants) {
    return (Quorum::of(participants).liars_max + 1) * cells_each_of(participants);
}

/// Each cell's, of cells that lie end to end.
std::vector<Hash> cell_hashes(ByteView cells, size_t cell_bytes) {
    std::vector<ByteView> leaves;
    for (size_t cell = 0; cell < cells.size(); cell += cell_bytes) {
        for (size_t at = 0; at < cell_bytes; at += cell_leaf_bytes)
            leaves.push_back(cells.subspan(cell + at, std::min(cell_leaf_bytes, cell_bytes - at)));
    }
    const size_t leaves_each = (cell_bytes + cell_leaf_bytes - 1) / cell_leaf_bytes;
    const auto roots = merkle_roots(tagged_hashes(Tag::merkle_leaf, leaves), leaves_each);
    std::vector<ByteView> views;
    views.reserve(roots.size());
    for (const Hash& root : roots) views.push_back(root.view());
    return tagged_hashes(Tag::cell, views);
}

std::vector<model::Forwarding> forwarding_by_ledger(const model::CharterBody& charter) {
    std::vector<model::Forwarding> list;
    for (const auto& ledger : charter.ledgers) list.push_back(ledger.forwarding);
    return list;
}

Hash leaves_root_of(const std::vector<BatchLeaf>& leaves) {
    if (leaves.empty()) return merkle_root({});
    std::vector<Bytes> encoded;
    std::vector<ByteView> views;
    encoded.reserve(leaves.size());
    views.reserve(leaves.size());
    for (const auto& leaf : leaves) views.emplace_back(encoded.emplace_back(cbor::encode(leaf)));
    return merkle_roots(tagged_hashes(Tag::merkle_leaf, views), leaves.size()).front();
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
    std::vector<ByteView> envelopes;
    for (uint64_t i = 0; i < count; ++i) {
        TRY(fields, reader.array(2));
        if (fields != 2) return cbor::CborError::bad_value;
        BatchLeaf leaf;
        CHECK(cbor::read(reader, leaf.ledger));
        TRY(envelope, reader.bytes(limits::envelope_bytes_max));
        reader.close();
        leaf.offset = uint32_t(envelope.data() - bytes.data());
        leaf.length = uint32_t(envelope.size());
        leaves.push_back(leaf);
        envelopes.push_back(envelope);
    }
    reader.close();
    CHECK(reader.finish());
    const auto ids = model::transaction_ids_of(envelopes);
    for (size_t i = 0; i < leaves.size(); ++i) leaves[i].transaction = ids[i];
    return leaves;
}

model::CellSet Dispersal::cells_of(Participant holder) const {
    model::CellSet set;
    set.holder = holder;
    if (shape.is_coded()) {
        const size_t each = shape.cell_bytes;
        for (size_t cell = holder.value; cell < shape.cells; cell += roots.size())
            append(set.bytes, ByteView(cells).subspan(cell * each, each));
    } else {
        static_cast<Bytes&>(set.bytes) = cells;
    }
    for (const Hash& hash : merkle_path(roots, holder.value)) set.path.push_back(hash);
    return set;
}

Coder::Holders Coder::holders_of(uint32_t count, uint64_t coded_bytes_min) {
    Holders holders{count, coded_bytes_min, {}, cells_each_of(count), nullptr};
    holders.code =
        std::make_shared<const erasure::Code>(data_cells_of(count), count * holders.cells_each);
    return holders;
}

Coder::Coder(uint32_t participants, std::vector<model::Forwarding> by_ledger,
             uint64_t coded_bytes_min, CoderCanaries canaries)
    : by_ledger_(std::move(by_ledger)), canaries_(canaries) {
    Holders holders = holders_of(participants, coded_bytes_min);
    for (uint32_t i = 0; i < participants; ++i) holders.places.emplace_back(uint8_t(i));
    epochs_.push_back(std::move(holders));
}

Coder::Coder(const model::CharterBody& charter, CoderCanaries canaries)
    : Coder(uint32_t(charter.participants.size()), forwarding_by_ledger(charter),
            charter.parameters.coded_bytes_min, canaries) {}

Coder::Coder(const model::Epochs& epochs, CoderCanaries canaries)
    : by_ledger_(forwarding_by_ledger(epochs.now())), canaries_(canaries) {
    for (const auto& set : epochs.all()) {
        const uint64_t coded_bytes_min = epochs.body_of(set.epoch).parameters.coded_bytes_min;
        const bool is_alike = !epochs_.empty() && epochs_.back().count == set.count();
        Holders holders = is_alike ? epochs_.back() : holders_of(set.count(), coded_bytes_min);
        holders.coded_bytes_min = coded_bytes_min;
        holders.places.clear();
        uint8_t next = 0;
        for (uint32_t i = 0; i < set.places(); ++i)
            holders.places.push_back(set.has({uint8_t(i)}) ? std::optional(next++) : std::nullopt);
        epochs_.push_back(std::move(holders));
    }
}

Participant Coder::holder_of(Epoch epoch, Participant participant) const {
    const Holders& holders = of(epoch);
    if (participant.value < holders.places.size() && holders.places[participant.value])
        return {*holders.places[participant.value]};
    return {uint8_t(participant.value % holders.count)};
}

model::Forwarding Coder::forwarding_of(LedgerIndex ledger) const {
    return ledger.value < by_ledger_.size() ? by_ledger_[ledger.value] : model::Forwarding::coded;
}

Shape Coder::shape_of(model::Forwarding mode, uint32_t length, Epoch epoch) const {
    const Holders& holders = of(epoch);
    Shape shape;
    if (mode == model::Forwarding::coded && length >= holders.coded_bytes_min &&
        holders.code->data_cells() > 1) {
        shape.cells_each = holders.cells_each;
        shape.data_cells = holders.code->data_cells();
    }
    shape.cells = holders.count * shape.cells_each;
    shape.cell_bytes = cell_bytes_of(length, shape.data_cells);
    return shape;
}

/// The cells of any bytes, batch or not.
Dispersal Coder::cells_of_bytes(const Holders& holders, const Shape& shape, ByteView bytes) const {
    Dispersal out;
    out.shape = shape;
    const size_t cells_bytes = size_t{shape.is_coded() ? shape.cells : 1} * shape.cell_bytes;
    out.cells.reserve(cells_bytes);
    append(out.cells, bytes);
    out.cells.resize(cells_bytes);
    if (!shape.is_coded()) {
        out.roots.assign(holders.count, cell_hashes(out.cells, shape.cell_bytes).front());
        return out;
    }
    holders.code->encode(out.cells);
    hash_coded(holders, out);
    return out;
}

void Coder::hash_coded(const Holders& holders, Dispersal& dispersal) const {
    const auto& shape = dispersal.shape;
    const auto hashes = cell_hashes(dispersal.cells, shape.cell_bytes);
    std::vector<Hash> own(shape.cells_each);
    dispersal.roots.clear();
    for (uint32_t holder = 0; holder < holders.count; ++holder) {
        for (uint32_t i = 0; i < shape.cells_each; ++i) own[i] = hashes[holder + i * holders.count];
        dispersal.roots.push_back(merkle_root(own));
    }
}

Dispersal Coder::disperse(const Place& place, model::Forwarding mode, ByteView bytes) const {
    const auto leaves = batch_leaves(bytes);
    ENSURE(leaves.ok());
    const Holders& holders = of(place.epoch);
    Dispersal out =
        cells_of_bytes(holders, shape_of(mode, uint32_t(bytes.size()), place.epoch), bytes);
    if (canaries_.miscode && out.shape.is_coded() && place.height.value % 2 == 1) {
        const uint64_t cell = place.height.value / 2 * 37 % out.shape.cells;
        out.cells[cell * out.shape.cell_bytes] ^= 1;
        hash_coded(holders, out);
    }
    out.da.version = da_version;
    out.da.mode = mode;
    out.da.participants = uint8_t(holders.count);
    out.da.data_cells = uint16_t(out.shape.data_cells);
    out.da.cells = uint16_t(out.shape.cells);
    out.da.length = uint32_t(bytes.size());
    out.da.cell_bytes = out.shape.cell_bytes;
    out.da.epoch = place.epoch;
    out.da.lane = place.lane;
    out.da.height = place.height;
    out.da.leaves_root = leaves_root_of(*leaves);
    out.da.count = uint32_t(leaves->size());
    out.da.cells_root = merkle_root(out.roots);
    ENSURE(parameters_follow(place, out.da));
    return out;
}

bool Coder::parameters_follow(const Place& place, const model::DaParameters& da) const {
    if (da.length == 0 || da.length > limits::batch_bytes_max) return false;
    const Shape shape = shape_of(da);
    return da.version == da_version && da.participants == of(da.epoch).count &&
           da.data_cells == shape.data_cells && da.cells == shape.cells &&
           da.cell_bytes == shape.cell_bytes && da.epoch == place.epoch && da.lane == place.lane &&
           da.height == place.height && da.count > 0 && da.count <= limits::batch_envelopes_max &&
           da.count * uint64_t{model::envelope_bytes_min} <= da.length;
}

bool Coder::cells_verify(const model::DaParameters& da, Participant participant,
                         const model::CellSet& cells) const {
    return cells_verify_as(da, holder_of(da.epoch, participant), cells);
}

bool Coder::cells_verify_as(const model::DaParameters& da, Participant holder,
                            const model::CellSet& cells) const {
    const Shape shape = shape_of(da);
    const uint32_t count = of(da.epoch).count;
    if (cells.holder != holder || holder.value >= count ||
        cells.bytes.size() != size_t{shape.cells_each} * shape.cell_bytes)
        return false;
    if (canaries_.skip_cell_check) return true;
    const Hash root = merkle_root(cell_hashes(cells.bytes, shape.cell_bytes));
    if (!merkle_verify(da.cells_root, count, holder.value, root, cells.path)) return false;
    return shape.is_coded() || merkle_root(std::vector<Hash>(count, root)) == da.cells_root;
}

/// All that shows in the bytes, the code apart.
bool Coder::is_the_batch(const model::DaParameters& da, ByteView padded) const {
    const auto padding = padded.subspan(da.length);
    if (!std::all_of(padding.begin(), padding.end(), [](uint8_t byte) { return byte == 0; }))
        return false;
    const auto leaves = batch_leaves(padded.first(da.length));
    if (!leaves.ok() || leaves->size() != da.count) return false;
    for (const BatchLeaf& leaf : *leaves) {
        const bool is_known = leaf.ledger.value < by_ledger_.size();
        if (is_known && forwarding_of(leaf.ledger) != da.mode) return false;
    }
    return leaves_root_of(*leaves) == da.leaves_root;
}

Bytes Coder::data_of(const model::DaParameters& da, const model::CellSets& sets) const {
    const Shape shape = shape_of(da);
    const Holders& holders = of(da.epoch);
    if (!shape.is_coded()) return sets.front().bytes;
    std::vector<const uint8_t*> cells(shape.cells, nullptr);
    for (const auto& set : sets) {
        for (uint32_t i = 0; i < shape.cells_each; ++i)
            cells[set.holder.value + i * holders.count] =
                set.bytes.data() + size_t{i} * shape.cell_bytes;
    }
    return holders.code->data_of(cells, shape.cell_bytes);
}

std::shared_ptr<const HeldBatch> Coder::batch_of(const model::BatchHeader& header,
                                                 const model::CellSets& sets) const {
    const auto& da = header.da;
    const Shape shape = shape_of(da);
    ENSURE(sets.size() == shape.holders_needed());
    Bytes padded = data_of(da, sets);
    auto held = std::make_shared<HeldBatch>();
    held->header = header;
    held->header_hash = header.hash();
    // Copies are known to be alike. Of a code, what is committed to must be the cells of this data.
    const bool is_coded_right =
        !shape.is_coded() || canaries_.skip_coding_check ||
        merkle_root(cells_of_bytes(of(da.epoch), shape, padded).roots) == da.cells_root;
    held->is_void = !is_coded_right || !is_the_batch(da, padded);
    if (held->is_void) {
        held->bytes = cbor::encode(sets);
    } else {
        padded.resize(da.length);
        held->bytes = std::move(padded);
    }
    return held;
}

std::shared_ptr<const HeldBatch> Coder::rebuild(const model::BatchHeader& header,
                                                ByteView bytes) const {
    const auto& da = header.da;
    if (da.length == 0 || da.length > limits::batch_bytes_max) return nullptr;
    if (bytes.size() == da.length) {
        const Dispersal dispersal = cells_of_bytes(of(da.epoch), shape_of(da), bytes);
        if (merkle_root(dispersal.roots) == da.cells_root) {
            const size_t padded = size_t{dispersal.shape.data_cells} * dispersal.shape.cell_bytes;
            // What is no batch is held as void, and that as its cells.
            if (!is_the_batch(da, ByteView(dispersal.cells).first(padded))) return nullptr;
            auto held = std::make_shared<HeldBatch>();
            held->header = header;
            held->header_hash = header.hash();
            held->bytes = copy_of(bytes);
            return held;
        }
    }
    auto sets = cbor::decode<model::CellSets>(bytes);
    if (!sets.ok() || sets->size() != shape_of(da).holders_needed()) return nullptr;
    for (size_t i = 0; i < sets->size(); ++i) {
        const auto& set = (*sets)[i];
        const bool ascends = i == 0 || (*sets)[i - 1].holder < set.holder;
        if (!ascends || !cells_verify_as(da, set.holder, set)) return nullptr;
    }
    return batch_of(header, *sets);
}

std::optional<model::CellSet> Coder::cells_of(const HeldBatch& batch,
                                              Participant participant) const {
    const auto& da = batch.header.da;
    const Participant holder = holder_of(da.epoch, participant);
    if (!batch.is_void) {
        const Dispersal dispersal = cells_of_bytes(of(da.epoch), shape_of(da), batch.bytes);
        return dispersal.cells_of(holder);
    }
    const auto sets = cbor::decode<model::CellSets>(batch.bytes);
    if (!sets.ok() || sets->empty()) return {};
    if (shape_of(da).is_coded()) {
        const auto found = std::find_if(sets->begin(), sets->end(),
                                        [&](const auto& set) { return set.holder == holder; });
        return found == sets->end() ? std::optional<model::CellSet>() : *found;
    }
    Dispersal copies;
    copies.shape = shape_of(da);
    copies.cells = sets->front().bytes;
    if (copies.cells.size() != copies.shape.cell_bytes) return {};
    copies.roots.assign(of(da.epoch).count,
                        cell_hashes(copies.cells, copies.shape.cell_bytes).front());
    return copies.cells_of(holder);
}

}  // namespace tally::availability
