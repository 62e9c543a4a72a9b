#include "node/snapshot.hpp"

#include "node/chain_store.hpp"
#include "node/checked_state.hpp"

namespace tally::node {
namespace {

using ports::Map;

/// How far a load came.
struct Progress {
    Height height;
    Hash state_root;
    std::optional<ledger::SnapshotChunk::Key> next;  ///< where the next chunk begins
    cbor::Blob<64> root;                             ///< tree::RootRef
    uint32_t next_page = 0;
    static constexpr auto fields() {
        return std::tuple{&Progress::height, &Progress::state_root, &Progress::next,
                          &Progress::root, &Progress::next_page};
    }
};

}  // namespace

ErrorText describe(SnapshotError error) {
    switch (error) {
    case SnapshotError::no_such_state:
        return {"snapshot_no_such_state", "the ledger's state at this height is not held here",
                "Ask for another height"};
    case SnapshotError::out_of_order:
        return {"snapshot_out_of_order",
                "a snapshot's chunk does not begin where the last one ended",
                "Ask for the snapshot again, from its beginning"};
    case SnapshotError::other_root:
        return {"snapshot_other_root", "the chunks of a snapshot do not make the state of its root",
                "Do not trust whoever certified this root"};
    }
    std::abort();
}

Result<ledger::SnapshotChunk> snapshot_chunk(const ports::Reader& reader, LedgerIndex ledger,
                                             Height height, ByteView from,
                                             const OnDamage& on_damage) {
    TRY(root, ChainReader(reader).root(ledger, height));
    if (!root) return SnapshotError::no_such_state;
    const CheckedState view(reader, ledger, height, *root, on_damage);
    return ledger::make_snapshot_chunk(view, store::TreePages(reader, ledger), *root, from);
}

Result<std::unique_ptr<SnapshotLoader>> SnapshotLoader::open(ports::KeyValue& key_value,
                                                             LedgerIndex ledger, Height height,
                                                             const Hash& state_root) {
    std::unique_ptr<SnapshotLoader> loader(
        new SnapshotLoader(key_value, ledger, height, state_root));
    TRY(resumed, loader->resume());
    if (!resumed) CHECK(loader->begin());
    return loader;
}

Result<bool> SnapshotLoader::resume() {
    // Damaged, or of another load: begun anew, which loses nothing but time.
    const auto stored = get_sealed(key_value_, load_progress_key(ledger_));
    if (!stored.ok() && !stored.error().is(ports::KeyValueError::damaged)) return stored.error();
    if (!stored.ok() || !*stored) return false;
    const auto progress = cbor::decode<Progress>(**stored);
    if (!progress.ok() || progress->height != height_ || progress->state_root != state_root_) {
        return false;
    }
    const auto root = tree::decode_root_ref(progress->root);
    if (!root.ok()) return false;
    root_ = *root;
    tree_ = tree::Tree(pages_, root_);
    next_.reset();
    if (progress->next) next_.emplace(*progress->next);
    next_page_ = progress->next_page;
    return true;
}

Result<void> SnapshotLoader::begin() {
    CHECK(erase_ledger(key_value_, ledger_));
    ports::WriteBatch batch;
    put_progress(batch, next_, root_, next_page_);
    return key_value_.write(batch);
}

void SnapshotLoader::put_progress(ports::WriteBatch& to, const std::optional<Bytes>& next,
                                  const tree::RootRef& root, uint32_t next_page) const {
    Progress progress{height_, state_root_, std::nullopt, tree::encode(root), next_page};
    if (next) progress.next.emplace(*next);
    put_sealed(to, load_progress_key(ledger_), cbor::encode(progress));
}

Result<void> SnapshotLoader::add(const ledger::SnapshotChunk& chunk) {
    if (!next_ || !equal(*next_, chunk.from)) return SnapshotError::out_of_order;
    TRY(entries, ledger::check_snapshot_chunk(state_root_, chunk));
    CHECK(tree_.append(entries));
    if (!chunk.to && tree_.root() != state_root_) {
        tree_.rollback();
        return SnapshotError::other_root;
    }
    ports::WriteBatch batch;
    for (size_t i = 0; i < entries.size(); ++i) {
        const Bytes value = chunk.values[i];
        store::put_version(batch, ledger_, height_, entries[i].key, value);
    }
    const auto [root, written] = tree_.commit(height_.value, next_page_);
    store::put_pages(batch, ledger_, written);
    std::optional<Bytes> next;
    if (chunk.to) next.emplace(*chunk.to);
    const uint32_t next_page = next_page_ + uint32_t(written.size());
    put_progress(batch, next, root, next_page);
    if (auto stored = key_value_.write(batch); !stored.ok()) {
        tree_ = tree::Tree(pages_, root_);  // What it committed was never stored.
        return stored;
    }
    root_ = root;
    next_ = std::move(next);
    next_page_ = next_page;
    return success();
}

tree::RootRef SnapshotLoader::finish(ports::WriteBatch& to) const {
    ENSURE(!next_);
    to.erase(Map::meta, load_progress_key(ledger_));
    return root_;
}

}  // namespace tally::node
