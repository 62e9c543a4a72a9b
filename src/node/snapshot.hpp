// A ledger's state at one height, out of a participant's database in chunks and into another's.
//
// Chunks go over the network; whoever asks for them knows the state root from a certificate. What
// comes in is written as versions and tree pages of the snapshot's height, so that afterwards the
// ledger is as if it had been executed up to there, without any older height. Chunks are loaded in
// their order; one that arrives early can be checked alone (ledger/snapshot.hpp) and kept.
#pragma once

#include "ledger/snapshot.hpp"
#include "model/block.hpp"
#include "node/damage.hpp"
#include "ports/key_value.hpp"
#include "store/tree_pages.hpp"
#include "tree/tree.hpp"

namespace tally::node {

enum class SnapshotError {
    no_such_state,  ///< this participant does not hold the ledger at this height
    out_of_order,   ///< the chunk does not begin where the one before it ended
    other_root,     ///< every chunk held, and yet the state has another root: no honest root
};
ErrorText describe(SnapshotError error);

/// The chunk of a stored state that begins at `from`; any thread, over a snapshot of the database.
/// Every value was compared with its leaf: what is altered here is not handed on.
[[nodiscard]] Result<ledger::SnapshotChunk> snapshot_chunk(const ports::Reader& reader,
                                                           LedgerIndex ledger, Height height,
                                                           ByteView from,
                                                           const OnDamage& on_damage = {});

/// Builds one ledger's state from chunks. Memory is bounded by a chunk, and by what the tree keeps;
/// each chunk is one batch together with how far loading came, so a crash loses whole chunks.
class SnapshotLoader {
public:
    /// Goes on with an unfinished load of the same state; else erases whatever there is of the
    /// ledger and begins. Borrows the database, whose maps nobody else changes for this ledger.
    [[nodiscard]] static Result<std::unique_ptr<SnapshotLoader>> open(ports::KeyValue& key_value,
                                                                      LedgerIndex ledger,
                                                                      Height height,
                                                                      const Hash& state_root);

    /// Where the next chunk begins; nothing once the state is whole.
    [[nodiscard]] const std::optional<Bytes>& next() const { return next_; }
    /// Checks the chunk and stores what it holds. On an error nothing has changed.
    [[nodiscard]] Result<void> add(const ledger::SnapshotChunk& chunk);
    /// The version of the tree that was built. Requires a whole state. Adds to `to`, which the
    /// caller writes together with the ledger's block and progress, that the load is over.
    [[nodiscard]] tree::RootRef finish(ports::WriteBatch& to) const;

private:
    SnapshotLoader(ports::KeyValue& key_value, LedgerIndex ledger, Height height,
                   const Hash& state_root)
        : key_value_(key_value),
          ledger_(ledger),
          height_(height),
          state_root_(state_root),
          pages_(key_value, ledger) {}

    Result<bool> resume();
    Result<void> begin();
    void put_progress(ports::WriteBatch& to, const std::optional<Bytes>& next,
                      const tree::RootRef& root, uint32_t next_page) const;

    ports::KeyValue& key_value_;
    LedgerIndex ledger_;
    Height height_;
    Hash state_root_;
    store::TreePages pages_;
    tree::RootRef root_ = tree::RootRef::empty();
    tree::Tree tree_{pages_};
    std::optional<Bytes> next_ = Bytes();
    uint32_t next_page_ = 0;
};

}  // namespace tally::node
