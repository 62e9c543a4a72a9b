#include "node/chain_store.hpp"

namespace tally::node {
namespace {

using ports::Map;

// Kinds of entry in Map::blocks, after the ledger's number.
constexpr uint8_t kind_block = 'b';
constexpr uint8_t kind_certificate = 'c';
constexpr uint8_t kind_carried = 'f';
constexpr uint8_t kind_root = 'r';
constexpr uint8_t kind_sealed_shares = 's';  // by slot

constexpr std::string_view held_slot_key = "held";
constexpr std::string_view epoch_key = "epoch";

Bytes slot_key(Slot slot) {
    Bytes key;
    append_u64(key, slot.value);
    return key;
}

Bytes body_key(BatchPlace place) {
    Bytes key{place.lane.value};
    append_u64(key, place.height.value);
    return key;
}

Bytes block_key(LedgerIndex ledger, uint8_t kind, Height height) {
    Bytes key;
    append_u16(key, ledger.value);
    key.push_back(kind);
    append_u64(key, height.value);
    return key;
}

/// The end of all entries of one kind.
Bytes block_key_end(LedgerIndex ledger, uint8_t kind) {
    return block_key(ledger, uint8_t(kind + 1), {});
}

Bytes transaction_key(LedgerIndex ledger, const Hash& id) {
    Bytes key;
    append_u16(key, ledger.value);
    append(key, id.view());
    return key;
}

Bytes mark_key(LedgerIndex ledger) {
    Bytes key = copy_of(view_of("mark/"));
    append_u16(key, ledger.value);
    return key;
}

constexpr size_t checksum_bytes = 8;

Bytes checksum_of(ByteView key, ByteView value) {
    Bytes both = copy_of(key);
    append(both, value);
    return copy_of(sha256(both).view().first(checksum_bytes));
}

template <class T>
Result<std::optional<T>> get(const ports::Reader& reader, Map map, const Bytes& key) {
    TRY(bytes, reader.get(map, key));
    if (!bytes) return std::optional<T>{};
    auto value = cbor::decode<T>(*bytes);
    if (!value.ok()) return fail(ports::KeyValueError::damaged, value.error().message());
    return std::optional<T>{std::move(*value)};
}

}  // namespace

Result<std::optional<StoredDecision>> ChainReader::decision(Slot slot) const {
    return get<StoredDecision>(reader_, Map::decisions, slot_key(slot));
}

Result<std::optional<model::BatchBody>> ChainReader::body(BatchPlace place) const {
    return get<model::BatchBody>(reader_, Map::bodies, body_key(place));
}

Result<std::optional<StoredBlock>> ChainReader::block(LedgerIndex ledger, Height height) const {
    return get<StoredBlock>(reader_, Map::blocks, block_key(ledger, kind_block, height));
}

Result<std::optional<StoredHeader>> ChainReader::header(LedgerIndex ledger, Height height) const {
    TRY(bytes, reader_.get(Map::blocks, block_key(ledger, kind_block, height)));
    if (!bytes) return std::optional<StoredHeader>{};
    cbor::Reader from(*bytes);
    StoredHeader stored{{}, bytes->size()};
    const auto members = from.array(std::tuple_size_v<decltype(StoredBlock::fields())>);
    if (!members.ok() || !cbor::read(from, stored.header).ok())
        return fail(ports::KeyValueError::damaged, "a block does not decode");
    return std::optional{std::move(stored)};
}

Result<std::optional<model::SealedShareList>> ChainReader::sealed_shares(LedgerIndex ledger,
                                                                         Slot slot) const {
    return get<model::SealedShareList>(reader_, Map::blocks,
                                       block_key(ledger, kind_sealed_shares, {slot.value}));
}

Result<std::vector<Slot>> ChainReader::with_sealed_shares(LedgerIndex ledger, Slot to,
                                                          size_t count_max) const {
    std::vector<Slot> slots;
    CHECK(reader_.scan(Map::blocks, block_key(ledger, kind_sealed_shares, {}),
                       block_key(ledger, kind_sealed_shares, {to.next().value}),
                       [&](ByteView key, ByteView) {
                           slots.push_back({read_u64(key.subspan(key.size() - 8))});
                           return slots.size() < count_max;
                       }));
    return slots;
}

Result<std::optional<tree::RootRef>> ChainReader::root(LedgerIndex ledger, Height height) const {
    TRY(bytes, reader_.get(Map::blocks, block_key(ledger, kind_root, height)));
    if (!bytes) return std::optional<tree::RootRef>{};
    TRY(root, tree::decode_root_ref(*bytes));
    return std::optional<tree::RootRef>{root};
}

Result<std::optional<model::BlockCertificate>> ChainReader::certificate(LedgerIndex ledger,
                                                                        Height height) const {
    return get<model::BlockCertificate>(reader_, Map::blocks,
                                        block_key(ledger, kind_certificate, height));
}

Result<std::optional<model::BlockCertificate>> ChainReader::certificate_from(LedgerIndex ledger,
                                                                             Height height) const {
    std::optional<model::BlockCertificate> found;
    std::optional<Error> damaged;
    CHECK(reader_.scan(Map::blocks, block_key(ledger, kind_certificate, height),
                       block_key_end(ledger, kind_certificate), [&](ByteView, ByteView value) {
                           auto certificate = cbor::decode<model::BlockCertificate>(value);
                           if (certificate.ok()) {
                               found = std::move(*certificate);
                           } else {
                               damaged = certificate.error();
                           }
                           return false;
                       }));
    if (damaged) return fail(ports::KeyValueError::damaged, damaged->message());
    return found;
}

Result<std::optional<Height>> ChainReader::next_of_kind(LedgerIndex ledger, uint8_t kind,
                                                        Height from) const {
    std::optional<Height> found;
    CHECK(reader_.scan(Map::blocks, block_key(ledger, kind, from), block_key_end(ledger, kind),
                       [&](ByteView key, ByteView) {
                           if (key.size() == 11) found = Height{read_u64(key.subspan(3))};
                           return false;
                       }));
    return found;
}

Result<std::optional<Height>> ChainReader::next_block(LedgerIndex ledger, Height from) const {
    return next_of_kind(ledger, kind_block, from);
}

Result<std::optional<Height>> ChainReader::next_certificate(LedgerIndex ledger, Height from) const {
    return next_of_kind(ledger, kind_certificate, from);
}

namespace {

/// Both maps hold the header first; the rest is not looked at.
std::optional<model::BatchHeader> header_in(ByteView row) {
    cbor::Reader from(row);
    std::optional<model::BatchHeader> header{std::in_place};
    if (!from.array(2).ok() || !cbor::read(from, *header).ok()) return {};
    return header;
}

}  // namespace

Result<std::optional<model::BatchHeader>> ChainReader::batch_header(BatchPlace place,
                                                                    const Hash& hash) const {
    bool is_damaged = false;
    for (const Map map : {Map::cells, Map::bodies}) {
        TRY(bytes, reader_.get(map, body_key(place)));
        if (!bytes) continue;
        auto header = header_in(*bytes);
        is_damaged = is_damaged || !header;
        if (header && header->hash() == hash) return header;
    }
    if (is_damaged) return fail(ports::KeyValueError::damaged, "a batch does not decode");
    return std::optional<model::BatchHeader>{};
}

Result<std::optional<model::BatchHeader>> ChainReader::any_batch_header(BatchPlace place) const {
    for (const Map map : {Map::cells, Map::bodies}) {
        TRY(bytes, reader_.get(map, body_key(place)));
        if (!bytes) continue;
        if (auto header = header_in(*bytes)) return header;
    }
    return std::optional<model::BatchHeader>{};
}

bool ChainReader::has_cells_of_body(BatchPlace place) const {
    const auto cells = reader_.get(Map::cells, body_key(place));
    const auto body = reader_.get(Map::bodies, body_key(place));
    if (!cells.ok() || !*cells || !body.ok() || !*body) return false;
    const auto of_cells = header_in(**cells);
    const auto of_body = header_in(**body);
    return of_cells && of_body && *of_cells == *of_body;
}

Result<bool> ChainReader::has_decision(Slot slot) const {
    TRY(bytes, reader_.get(Map::decisions, slot_key(slot)));
    return bytes.has_value();
}

Result<ChainReader::WithCells> ChainReader::with_cells(Participant lane, LaneHeight from,
                                                       LaneHeight to) const {
    constexpr size_t read_bytes_max = size_t{4} << 20;
    WithCells found{{}, to};
    size_t bytes = 0;
    CHECK(reader_.scan(Map::cells, body_key({lane, from}), body_key({lane, to}),
                       [&](ByteView key, ByteView value) {
                           if (key.size() != 9) return true;
                           const LaneHeight height{read_u64(key.subspan(1))};
                           found.heights.push_back(height);
                           bytes += value.size();
                           if (bytes < read_bytes_max) return true;
                           found.next = height.next();
                           return false;
                       }));
    return found;
}

Result<std::optional<Height>> ChainReader::last_certified(LedgerIndex ledger, Height height) const {
    std::optional<Height> found;
    CHECK(reader_.scan_backward(Map::blocks, block_key(ledger, kind_certificate, {}),
                                block_key(ledger, kind_certificate, height.next()),
                                [&](ByteView key, ByteView) {
                                    if (key.size() == 11) found = Height{read_u64(key.subspan(3))};
                                    return false;
                                }));
    return found;
}

Result<std::optional<std::pair<Height, Slot>>> ChainReader::carried_from(LedgerIndex ledger,
                                                                         Height height) const {
    std::optional<std::pair<Height, Slot>> found;
    CHECK(reader_.scan(Map::blocks, block_key(ledger, kind_carried, height),
                       block_key_end(ledger, kind_carried), [&](ByteView key, ByteView value) {
                           if (key.size() == 11 && value.size() == 8)
                               found.emplace(Height{read_u64(key.subspan(3))},
                                             Slot{read_u64(value)});
                           return false;
                       }));
    return found;
}

Result<std::optional<model::BatchCells>> ChainReader::cells(BatchPlace place) const {
    return get<model::BatchCells>(reader_, Map::cells, body_key(place));
}

Result<std::optional<TransactionPlace>> ChainReader::transaction(LedgerIndex ledger,
                                                                 const Hash& id) const {
    return get<TransactionPlace>(reader_, Map::transactions, transaction_key(ledger, id));
}

Result<std::optional<LedgerMark>> ChainReader::mark(LedgerIndex ledger) const {
    return get<LedgerMark>(reader_, Map::meta, mark_key(ledger));
}

Result<Slot> ChainReader::held_slot() const {
    TRY(bytes, get_sealed(reader_, copy_of(view_of(held_slot_key))));
    if (!bytes) return Slot{};
    if (bytes->size() != 8) return fail(ports::KeyValueError::damaged, "a progress mark");
    return Slot{read_u64(*bytes)};
}

Result<Epoch> ChainReader::epoch() const {
    TRY(bytes, get_sealed(reader_, copy_of(view_of(epoch_key))));
    if (!bytes) return Epoch{};
    if (bytes->size() != 4) return fail(ports::KeyValueError::damaged, "the epoch's mark");
    return Epoch{read_u32(*bytes)};
}

void put_decision(ports::WriteBatch& to, const StoredDecision& decision) {
    to.put(Map::decisions, slot_key(decision.decision.block.slot), cbor::encode(decision));
}

void put_body(ports::WriteBatch& to, const model::BatchBody& body) {
    to.put(Map::bodies, body_key({body.header.lane, body.header.height}), cbor::encode(body));
}

void put_cells(ports::WriteBatch& to, const model::BatchCells& cells) {
    to.put(Map::cells, body_key({cells.header.lane, cells.header.height}), cbor::encode(cells));
}

void erase_cells(ports::WriteBatch& to, BatchPlace place) {
    to.erase(Map::cells, body_key(place));
}

void erase_body(ports::WriteBatch& to, BatchPlace place) {
    to.erase(Map::bodies, body_key(place));
}

void put_batch(ports::WriteBatch& to, const availability::HeldBatch& batch,
               const availability::Coder& coder, Participant self) {
    put_body(to, {batch.header, batch.bytes});
    if (!coder.shape_of(batch.header.da).is_coded()) return;
    if (auto own = coder.cells_of(batch, self)) put_cells(to, {batch.header, std::move(*own)});
}

void put_block(ports::WriteBatch& to, const StoredBlock& block, const tree::RootRef& root) {
    const auto& header = block.header;
    to.put(Map::blocks, block_key(header.ledger, kind_block, header.height), cbor::encode(block));
    to.put(Map::blocks, block_key(header.ledger, kind_root, header.height), tree::encode(root));
}

void put_certificate(ports::WriteBatch& to, const model::BlockCertificate& certificate) {
    to.put(Map::blocks, block_key(certificate.ledger, kind_certificate, certificate.height),
           cbor::encode(certificate));
}

void erase_certificate(ports::WriteBatch& to, LedgerIndex ledger, Height height) {
    to.erase(Map::blocks, block_key(ledger, kind_certificate, height));
}

void put_sealed_shares(ports::WriteBatch& to, LedgerIndex ledger, Slot slot,
                       const model::SealedShareList& shares) {
    to.put(Map::blocks, block_key(ledger, kind_sealed_shares, {slot.value}), cbor::encode(shares));
}

void erase_sealed_shares(ports::WriteBatch& to, LedgerIndex ledger, Slot slot) {
    to.erase(Map::blocks, block_key(ledger, kind_sealed_shares, {slot.value}));
}

void put_carried(ports::WriteBatch& to, LedgerIndex ledger, Height height, Slot slot) {
    to.put(Map::blocks, block_key(ledger, kind_carried, height), slot_key(slot));
}

void put_transaction(ports::WriteBatch& to, const Hash& id, const TransactionPlace& place) {
    to.put(Map::transactions, transaction_key(place.ledger, id), cbor::encode(place));
}

void erase_transaction(ports::WriteBatch& to, LedgerIndex ledger, const Hash& id) {
    to.erase(Map::transactions, transaction_key(ledger, id));
}

void put_mark(ports::WriteBatch& to, LedgerIndex ledger, const LedgerMark& mark) {
    to.put(Map::meta, mark_key(ledger), cbor::encode(mark));
}

void put_held_slot(ports::WriteBatch& to, Slot slot) {
    put_sealed(to, copy_of(view_of(held_slot_key)), slot_key(slot));
}

void put_epoch(ports::WriteBatch& to, Epoch epoch) {
    Bytes value;
    append_u32(value, epoch.value);
    put_sealed(to, copy_of(view_of(epoch_key)), std::move(value));
}

void put_sealed(ports::WriteBatch& to, const Bytes& key, Bytes value) {
    append(value, checksum_of(key, value));
    to.put(Map::meta, key, std::move(value));
}

Result<std::optional<Bytes>> get_sealed(const ports::Reader& reader, const Bytes& key) {
    TRY(bytes, reader.get(Map::meta, key));
    if (!bytes) return bytes;
    const size_t size = bytes->size() < checksum_bytes ? 0 : bytes->size() - checksum_bytes;
    const ByteView value = ByteView(*bytes).first(size);
    if (!equal(ByteView(*bytes).subspan(size), checksum_of(key, value)))
        return fail(ports::KeyValueError::damaged, std::string(tally::text_of(key)));
    bytes->resize(size);
    return bytes;
}

Bytes load_progress_key(LedgerIndex ledger) {
    Bytes key = copy_of(view_of("snapshot/"));
    append_u16(key, ledger.value);
    return key;
}

namespace {

Result<void> erase_range(ports::KeyValue& key_value, Map map, const Bytes& from, const Bytes& to) {
    constexpr size_t keys_per_batch = 10'000;
    // Each batch begins after the one before: what is erased costs a scan almost as much as what is
    // there.
    Bytes next = from;
    while (true) {
        ports::WriteBatch batch;
        CHECK(key_value.scan(map, next, to, [&](ByteView key, ByteView) {
            batch.erase(map, copy_of(key));
            return batch.writes().size() < keys_per_batch;
        }));
        if (batch.writes().empty()) return success();
        CHECK(key_value.write(batch));
        if (batch.writes().size() < keys_per_batch) return success();
        next = batch.writes().back().key;
        next.push_back(0);
    }
}

}  // namespace

Result<void> erase_ledger(ports::KeyValue& key_value, LedgerIndex ledger) {
    // The mark goes first. A ledger without one has nothing else either: Pipeline::open() sees to
    // that, for if only a part of this survived a crash, versions that no block of the right chain
    // wrote would be read as its own.
    {
        ports::WriteBatch batch;
        batch.erase(Map::meta, mark_key(ledger));
        batch.erase(Map::meta, load_progress_key(ledger));
        CHECK(key_value.write(batch));
    }
    Bytes from;
    append_u16(from, ledger.value);
    Bytes to;
    append_u16(to, uint16_t(ledger.value + 1));
    for (const Map map : {Map::values, Map::nodes, Map::transactions})
        CHECK(erase_range(key_value, map, from, to));
    // Certificates and where they are carried are others' words: they stay.
    for (const uint8_t kind : {kind_block, kind_root})
        CHECK(erase_range(key_value, Map::blocks, block_key(ledger, kind, {}),
                          block_key_end(ledger, kind)));
    return success();
}

}  // namespace tally::node
