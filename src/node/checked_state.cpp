#include "node/checked_state.hpp"

#include "crypto/merkle.hpp"
#include "store/error.hpp"

namespace tally::node {
namespace {

/// A certificate of its own, or a descendant's not farther than this, vouches for a block. Beyond
/// lie only blocks that were caught up with: every carried one has its own.
constexpr uint64_t vouching_distance_max = 256;

Error altered_block(Height height, const char* what) {
    return fail(StateViewError::altered, "block " + std::to_string(height.value) + ": " + what);
}

template <class List, class Encode>
Hash root_over(const List& list, Encode encode) {
    std::vector<Hash> leaves;
    leaves.reserve(list.size());
    for (const auto& element : list) leaves.push_back(encode(element));
    return merkle_root(leaves);
}

Hash leaf_of(const StoredResult& result) {
    return merkle_leaf(result.leaf);
}

/// Whoever vouches for the newest known descendant vouches for the block.
Result<void> check_vouched(const ChainReader& stored, const model::LedgerHeader& header) {
    const LedgerIndex ledger = header.ledger;
    const auto certificate = stored.certificate_from(ledger, header.height);
    if (!certificate.ok()) return certificate.error();
    TRY(mark, stored.mark(ledger));
    Height top = header.height;
    Hash expected = header.hash();
    // A certificate of what is not executed here yet says nothing of what is.
    if (*certificate && (!mark || (*certificate)->height <= mark->height)) {
        top = (*certificate)->height;
        expected = (*certificate)->header;
    } else if (mark) {
        top = mark->height;
        expected = mark->header;
    }
    if (top < header.height || top.value - header.height.value > vouching_distance_max)
        return success();
    Hash hash = header.hash();
    for (Height next = header.height.next(); next <= top; next = next.next()) {
        TRY(block, stored.block(ledger, next));
        if (!block) return altered_block(next, "it is missing");
        if (block->header.parent != hash)
            return altered_block(header.height, "its header is not the next block's parent");
        hash = block->header.hash();
    }
    if (hash != expected) return altered_block(header.height, "its header is another");
    return success();
}

}  // namespace

bool is_header_only(const StoredBlock& block, Height history) {
    return block.header.height <= history && block.manifest.empty() && block.list.empty() &&
           block.results.empty() && block.trace.empty() && block.openings.empty();
}

Result<void> check_block(const StoredBlock& block, Height history) {
    const auto& header = block.header;
    if (is_header_only(block, history)) return success();
    const auto encoded = [](const auto& element) { return merkle_leaf(cbor::encode(element)); };
    const auto itself = [](const Hash& hash) { return hash; };
    if (root_over(block.manifest, encoded) != header.manifest_root)
        return altered_block(header.height, "its manifest is another");
    if (root_over(block.list, encoded) != header.list_root)
        return altered_block(header.height, "its list is another");
    if (root_over(block.results, leaf_of) != header.results_root)
        return altered_block(header.height, "its results are others");
    if (model::openings_root_of(block.openings) != header.openings_root)
        return altered_block(header.height, "its openings are others");
    if (root_over(block.trace, itself) != header.trace_root)
        return altered_block(header.height, "its trace is another");
    for (const StoredResult& result : block.results) {
        const auto decoded = ledger::decode_result_leaf(result.leaf);
        if (!decoded.ok() || decoded->id != result.transaction || decoded->code != result.code)
            return altered_block(header.height, "a result is another");
    }
    return success();
}

std::optional<ledger::TransactionResult> checked_result(const StoredBlock& block, uint32_t index) {
    if (index >= block.results.size() ||
        root_over(block.results, leaf_of) != block.header.results_root)
        return {};
    auto result = ledger::decode_result_leaf(block.results[index].leaf);
    if (!result.ok()) return {};
    return std::move(*result);
}

Result<std::optional<tree::RootRef>> checked_root(const ChainReader& stored, LedgerIndex ledger,
                                                  Height height) {
    TRY(block, stored.block(ledger, height));
    TRY(root, stored.root(ledger, height));
    if (!block && !root) return std::optional<tree::RootRef>();
    if (!block) return altered_block(height, "it is missing");
    if (!root) return altered_block(height, "its tree is missing");
    if (block->header.ledger != ledger || block->header.height != height)
        return altered_block(height, "another block is in its place");
    if (root->hash != block->header.state_after)
        return altered_block(height, "its tree has another root");
    CHECK(check_vouched(stored, block->header));
    return root;
}

Result<std::optional<LedgerMark>> checked_mark(const ChainReader& stored, LedgerIndex ledger) {
    auto mark = stored.mark(ledger);
    if (!mark.ok() && !is_own_damage(mark.error())) return mark;
    if (!mark.ok() || !*mark) return std::optional<LedgerMark>();
    const auto root = checked_root(stored, ledger, (*mark)->height);
    if (!root.ok() && !is_own_damage(root.error())) return root.error();
    const auto block = stored.block(ledger, (*mark)->height);
    // Nothing is kept of what was there before a load.
    TRY(first, stored.next_block(ledger, {}));
    const bool fits = root.ok() && *root && block.ok() && *block &&
                      (*block)->header.hash() == (*mark)->header &&
                      (*block)->header.slot <= (*mark)->slot && (*root)->hash == (*mark)->state &&
                      equal(tree::encode(**root), (*mark)->root) && first == (*mark)->history &&
                      (*mark)->slot.value < UINT64_MAX;  // There is a slot after it.
    if (!fits) return std::optional<LedgerMark>();
    return mark;
}

bool is_own_damage(const Error& error) {
    return error.is(StateViewError::altered) || error.is(tree::TreeError::damaged) ||
           error.is(store::StoreError::page_missing) || error.is(ports::KeyValueError::damaged);
}

CheckedState::CheckedState(const ports::Reader& reader, LedgerIndex ledger, Height height,
                           const tree::RootRef& root, OnDamage on_damage)
    : ledger_(ledger),
      height_(height),
      versions_(reader, ledger, height),
      pages_(reader, ledger),
      tree_(pages_, root),
      view_(versions_, tree_),
      on_damage_(std::move(on_damage)) {}

template <class T>
Result<T> CheckedState::noted(Result<T> result) const {
    if (result.ok() || !is_own_damage(result.error())) return result;
    Damage damage;
    damage.ledger = ledger_;
    damage.height = height_;
    if (result.error().is(StateViewError::altered) && view_.altered()) {
        damage.key = view_.altered()->key;
        damage.how = view_.altered()->how;
    } else {
        damage.kind = Damage::Kind::ledger;
        damage.detail = result.error().message();
    }
    if (on_damage_) on_damage_(damage);
    // Whatever it is, the reader can do the same about it.
    if (result.error().is(StateViewError::altered)) return result;
    return fail(StateViewError::altered);
}

Result<std::optional<Bytes>> CheckedState::get(ByteView key) const {
    return noted(view_.get(key));
}

Result<void> CheckedState::scan(ByteView from, ByteView to, const Each& each) const {
    return noted(view_.scan(from, to, each));
}

Result<tree::Proof> CheckedState::prove(ByteView key) const {
    return noted(tree_.prove(key));
}

Result<std::unique_ptr<CheckedState>> open_checked_state(const ports::Reader& reader,
                                                         LedgerIndex ledger, Height height,
                                                         OnDamage on_damage) {
    auto root = checked_root(ChainReader(reader), ledger, height);
    if (!root.ok()) {
        if (!is_own_damage(root.error())) return std::move(root).error();
        Damage damage;
        damage.kind = Damage::Kind::ledger;
        damage.ledger = ledger;
        damage.height = height;
        damage.detail = root.error().message();
        if (on_damage) on_damage(damage);
        return fail(StateViewError::altered);
    }
    if (!*root) return std::unique_ptr<CheckedState>();
    return std::make_unique<CheckedState>(reader, ledger, height, **root, std::move(on_damage));
}

}  // namespace tally::node
