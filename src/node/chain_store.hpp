// How a node keeps what it has followed: decisions, batches, blocks, results, certificates,
// progress. All of it can be made again from the journal and the peers, so it is written without
// its own sync.
#pragma once

#include "availability/dispersal.hpp"
#include "model/cut_limits.hpp"
#include "model/records.hpp"
#include "model/sealed.hpp"
#include "node/slot_plan.hpp"
#include "ports/key_value.hpp"
#include "tree/storage.hpp"

namespace tally::node {

/// A decision with what planning needs of its past.
struct StoredDecision {
    model::Decision decision;
    cbor::List<Micros, limits::participants_max> tip_times;  ///< per lane: T of the cut's tip
    cbor::List<LedgerIndex, limits::ledgers_max> disputed;   ///< paused by disputes in this slot
    cbor::Blob<(4u << 20)> pauses;                           ///< proving::Pauses after this slot
    bool operator==(const StoredDecision&) const = default;
    static constexpr auto fields() {
        return std::tuple{&StoredDecision::decision, &StoredDecision::tip_times,
                          &StoredDecision::disputed, &StoredDecision::pauses};
    }
};

/// One recorded result, and its canonical leaf as hashed.
struct StoredResult {
    Hash transaction;
    uint16_t code = 0;
    cbor::Blob<limits::value_bytes_max> leaf;  ///< nine bytes for each change, and a little more
    static constexpr auto fields() {
        return std::tuple{&StoredResult::transaction, &StoredResult::code, &StoredResult::leaf};
    }
};

/// As large as a decided cut can make one: what was written can be read.
struct StoredBlock {
    model::LedgerHeader header;
    Hash execution_digest;  ///< D
    model::Manifest manifest;
    cbor::List<model::ListEntry, model::block_entries_max> list;
    cbor::List<StoredResult, model::block_entries_max> results;
    cbor::List<Hash, model::block_segments_max> trace;  ///< the trace leaves' hashes
    model::Openings openings;                           ///< of what was sealed, by index
    static constexpr auto fields() {
        return std::tuple{&StoredBlock::header,   &StoredBlock::execution_digest,
                          &StoredBlock::manifest, &StoredBlock::list,
                          &StoredBlock::results,  &StoredBlock::trace,
                          &StoredBlock::openings};
    }
};

struct TransactionPlace {
    LedgerIndex ledger;
    Height height;
    uint32_t index = 0;
    uint16_t code = 0;
    static constexpr auto fields() {
        return std::tuple{&TransactionPlace::ledger, &TransactionPlace::height,
                          &TransactionPlace::index, &TransactionPlace::code};
    }
};

/// How far one ledger has been executed.
struct LedgerMark {
    Slot slot;
    Height height;
    Hash header;
    Hash state;
    cbor::Blob<64> root;  ///< tree::RootRef
    Height history;       ///< the first block that is here: zero, or the one loaded from peers
    static constexpr auto fields() {
        return std::tuple{&LedgerMark::slot,  &LedgerMark::height, &LedgerMark::header,
                          &LedgerMark::state, &LedgerMark::root,   &LedgerMark::history};
    }
};

/// A block's header, and how large the block is that was read for it.
struct StoredHeader {
    model::LedgerHeader header;
    size_t block_bytes = 0;
};

/// Reads what the functions below put; any thread, over a snapshot or the live database.
class ChainReader {
public:
    explicit ChainReader(const ports::Reader& reader) : reader_(reader) {}
    [[nodiscard]] Result<std::optional<StoredDecision>> decision(Slot slot) const;
    [[nodiscard]] Result<std::optional<model::BatchBody>> body(BatchPlace place) const;
    /// The own cells of a batch that is coded.
    [[nodiscard]] Result<std::optional<model::BatchCells>> cells(BatchPlace place) const;
    [[nodiscard]] Result<std::optional<StoredBlock>> block(LedgerIndex ledger, Height height) const;
    /// Of a block of which nothing else is needed; the rest of it is not looked at.
    [[nodiscard]] Result<std::optional<StoredHeader>> header(LedgerIndex ledger,
                                                             Height height) const;
    /// With which a block was opened, or is to be.
    [[nodiscard]] Result<std::optional<model::SealedShareList>> sealed_shares(LedgerIndex ledger,
                                                                              Slot slot) const;
    /// Of how many slots up to this one, at most `count_max`, and which.
    [[nodiscard]] Result<std::vector<Slot>> with_sealed_shares(LedgerIndex ledger, Slot to,
                                                               size_t count_max) const;
    [[nodiscard]] Result<std::optional<tree::RootRef>> root(LedgerIndex ledger,
                                                            Height height) const;
    [[nodiscard]] Result<std::optional<model::BlockCertificate>> certificate(LedgerIndex ledger,
                                                                             Height height) const;
    /// The first certificate at `height` or above, up to what is stored.
    [[nodiscard]] Result<std::optional<model::BlockCertificate>> certificate_from(
        LedgerIndex ledger, Height height) const;
    /// The highest block up to `height` that has a certificate.
    [[nodiscard]] Result<std::optional<Height>> last_certified(LedgerIndex ledger,
                                                               Height height) const;
    /// The first carried certificate's (height, slot) at `height` or above.
    [[nodiscard]] Result<std::optional<std::pair<Height, Slot>>> carried_from(LedgerIndex ledger,
                                                                              Height height) const;
    /// The first block at `from` or above.
    [[nodiscard]] Result<std::optional<Height>> next_block(LedgerIndex ledger, Height from) const;
    /// The first place of a certificate at `from` or above, whatever lies there.
    [[nodiscard]] Result<std::optional<Height>> next_certificate(LedgerIndex ledger,
                                                                 Height from) const;
    /// The header with this hash, as it lies with the batch or with the own cells. Errors: neither
    /// is it, and one is damaged.
    [[nodiscard]] Result<std::optional<model::BatchHeader>> batch_header(BatchPlace place,
                                                                         const Hash& hash) const;
    /// Of whatever lies there.
    [[nodiscard]] Result<std::optional<model::BatchHeader>> any_batch_header(
        BatchPlace place) const;
    [[nodiscard]] Result<bool> has_decision(Slot slot) const;
    /// The own cells that lie there are of the very batch that does.
    [[nodiscard]] bool has_cells_of_body(BatchPlace place) const;
    /// The heights in [from, next) of which there are own cells, ascending; `next` is `to`, or less
    /// if there is much to read.
    struct WithCells {
        std::vector<LaneHeight> heights;
        LaneHeight next;
    };
    [[nodiscard]] Result<WithCells> with_cells(Participant lane, LaneHeight from,
                                               LaneHeight to) const;
    [[nodiscard]] Result<std::optional<TransactionPlace>> transaction(LedgerIndex ledger,
                                                                      const Hash& id) const;
    [[nodiscard]] Result<std::optional<LedgerMark>> mark(LedgerIndex ledger) const;
    /// Batches up to this slot's cut are all stored, or needed no more; its tips are stored.
    [[nodiscard]] Result<Slot> held_slot() const;
    /// In which epoch this database was last used.
    [[nodiscard]] Result<Epoch> epoch() const;

private:
    [[nodiscard]] Result<std::optional<Height>> next_of_kind(LedgerIndex ledger, uint8_t kind,
                                                             Height from) const;
    const ports::Reader& reader_;
};

/// Each adds its writes to a batch.
void put_decision(ports::WriteBatch& to, const StoredDecision& decision);
void put_body(ports::WriteBatch& to, const model::BatchBody& body);
void put_cells(ports::WriteBatch& to, const model::BatchCells& cells);
void erase_cells(ports::WriteBatch& to, BatchPlace place);
void erase_body(ports::WriteBatch& to, BatchPlace place);
/// A batch that came whole, with this participant's cells of it.
void put_batch(ports::WriteBatch& to, const availability::HeldBatch& batch,
               const availability::Coder& coder, Participant self);
void put_block(ports::WriteBatch& to, const StoredBlock& block, const tree::RootRef& root);
/// They stay when the ledger is erased: it may be executed again after its holders' keys are gone.
void put_sealed_shares(ports::WriteBatch& to, LedgerIndex ledger, Slot slot,
                       const model::SealedShareList& shares);
void erase_sealed_shares(ports::WriteBatch& to, LedgerIndex ledger, Slot slot);
void put_certificate(ports::WriteBatch& to, const model::BlockCertificate& certificate);
void erase_certificate(ports::WriteBatch& to, LedgerIndex ledger, Height height);
void put_carried(ports::WriteBatch& to, LedgerIndex ledger, Height height, Slot slot);
void put_transaction(ports::WriteBatch& to, const Hash& id, const TransactionPlace& place);
void erase_transaction(ports::WriteBatch& to, LedgerIndex ledger, const Hash& id);
void put_mark(ports::WriteBatch& to, LedgerIndex ledger, const LedgerMark& mark);
void put_held_slot(ports::WriteBatch& to, Slot slot);
void put_epoch(ports::WriteBatch& to, Epoch epoch);
/// A row of Map::meta for which nothing else vouches: it ends in a checksum of key and value.
void put_sealed(ports::WriteBatch& to, const Bytes& key, Bytes value);
/// Its value. Errors: KeyValueError::damaged.
[[nodiscard]] Result<std::optional<Bytes>> get_sealed(const ports::Reader& reader,
                                                      const Bytes& key);
/// Where node/snapshot.hpp keeps how far a load of the ledger's state came.
[[nodiscard]] Bytes load_progress_key(LedgerIndex ledger);
/// All that this participant made of one ledger, so that it is executed again from the charter.
/// What others signed of it stays.
[[nodiscard]] Result<void> erase_ledger(ports::KeyValue& key_value, LedgerIndex ledger);

}  // namespace tally::node
