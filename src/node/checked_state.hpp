// CheckedState: one ledger's state at one block as it lies in the database, of which nothing is
// believed: the block is compared with its certificate, the root with the block, every node of the
// tree with what points to it, and every value with its leaf.
#pragma once

#include <memory>

#include "ledger/checked_view.hpp"
#include "ledger/execution.hpp"
#include "node/chain_store.hpp"
#include "node/damage.hpp"
#include "store/tree_pages.hpp"
#include "store/versions.hpp"

namespace tally::node {

/// Of a block whose state was loaded from peers only the header is here. `history`: the ledger's
/// (LedgerMark). What has lists is no such block, whatever that says.
[[nodiscard]] bool is_header_only(const StoredBlock& block, Height history);

/// The block's own lists make its own header's roots, or it is one of which only that is here.
[[nodiscard]] Result<void> check_block(const StoredBlock& block, Height history);

/// One of the block's results, if all of them make its own header's root; else, or if there is no
/// such, nothing. For who needs but one: a third of check_block()'s work.
[[nodiscard]] std::optional<ledger::TransactionResult> checked_result(const StoredBlock& block,
                                                                      uint32_t index);

/// The tree of one block, whose header is the one that the next certificate vouches for, or,
/// without a certificate yet, the one that this participant's newest block grew from. Certificates'
/// signatures are for the scrubber to check. StateViewError::altered with the reason if not;
/// nothing if there is no such block.
[[nodiscard]] Result<std::optional<tree::RootRef>> checked_root(const ChainReader& stored,
                                                                LedgerIndex ledger, Height height);

/// Where the ledger stands, if that fits the block and the tree there, the oldest block that is
/// here; nothing if it does not, as if it had never been executed. That the slots
/// after the newest block had nothing of the ledger is believed.
[[nodiscard]] Result<std::optional<LedgerMark>> checked_mark(const ChainReader& stored,
                                                             LedgerIndex ledger);

class CheckedState final : public StateView {
public:
    /// `reader` is borrowed. `root` is the state's at that height.
    CheckedState(const ports::Reader& reader, LedgerIndex ledger, Height height,
                 const tree::RootRef& root, OnDamage on_damage = {});
    CheckedState(const CheckedState&) = delete;

    Result<std::optional<Bytes>> get(ByteView key) const override;
    Result<void> scan(ByteView from, ByteView to, const Each& each) const override;
    /// Proves what get() gives.
    [[nodiscard]] Result<tree::Proof> prove(ByteView key) const;

private:
    template <class T>
    Result<T> noted(Result<T> result) const;

    LedgerIndex ledger_;
    Height height_;
    store::VersionedView versions_;
    store::TreePages pages_;
    mutable tree::Tree tree_;  ///< reading it loads nodes
    ledger::CheckedView view_;
    OnDamage on_damage_;
};

/// The state at a block, whole as it should be; nothing if there is no such block.
[[nodiscard]] Result<std::unique_ptr<CheckedState>> open_checked_state(const ports::Reader& reader,
                                                                       LedgerIndex ledger,
                                                                       Height height,
                                                                       OnDamage on_damage = {});

/// True for what only a lying disk brings about.
[[nodiscard]] bool is_own_damage(const Error& error);

}  // namespace tally::node
