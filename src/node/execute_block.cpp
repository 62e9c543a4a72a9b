#include "node/execute_block.hpp"

#include <set>

#include "crypto/merkle.hpp"
#include "ledger/keys.hpp"
#include "ledger/result_code.hpp"
#include "store/tree_pages.hpp"
#include "store/versions.hpp"

namespace tally::node {
namespace {

template <class List>
Hash root_over(const List& list) {
    std::vector<Hash> leaves;
    leaves.reserve(list.size());
    for (const auto& element : list) leaves.push_back(merkle_leaf(cbor::encode(element)));
    return merkle_root(leaves);
}

/// Skipped for a reason that time alone can change: recorded for whoever asks, overwritten by a
/// later execution of the same transaction.
bool is_passing(uint16_t code) {
    return code == uint16_t(ledger::ResultCode::expired) ||
           code == uint16_t(ledger::ResultCode::too_far_ahead) ||
           code == uint16_t(ledger::ResultCode::sealed_full);
}

}  // namespace

void ExecuteBlockWork::run() {
    result_.emplace(execute());
    if (!result_->ok()) task_.tree->rollback();
}

Damage ExecuteBlockWork::damage() const {
    Damage damage;
    damage.ledger = task_.ledger;
    damage.height = task_.before.height;
    if (altered_) {
        damage.key = altered_->key;
        damage.how = altered_->how;
    } else {
        damage.kind = Damage::Kind::ledger;
        damage.detail = result_->error().message();
    }
    return damage;
}

Result<ExecutedBlock> ExecuteBlockWork::execute() {
    ExecutedBlock done;
    auto& header = done.block.header;
    header.ledger = task_.ledger;
    const bool is_genesis = task_.plan == nullptr;
    header.height = is_genesis ? Height{} : task_.before.height.next();
    header.time = is_genesis ? task_.genesis_time : task_.plan->facts.time;

    Result<ledger::Execution> executed = [&]() -> Result<ledger::Execution> {
        if (is_genesis) return ledger::genesis(*task_.tree, *task_.entry, task_.network);
        header.parent = task_.before.header;
        header.slot = task_.plan->facts.slot;
        done.block.manifest = task_.plan->manifest;
        std::vector<ledger::Entry> entries;
        const auto& list = task_.plan->lists.at(task_.ledger);
        entries.reserve(list.size());
        for (const auto& entry : list) {
            done.block.list.push_back(entry.place);
            entries.push_back(
                {entry.envelope.get(), entry.envelope_bytes, nullptr, entry.place.lane});
        }
        open_sealed(entries, done);
        const store::VersionedView view(*task_.snapshot, task_.ledger, task_.before.height);
        const ledger::BlockContext context{header.height,
                                           header.time,
                                           task_.plan->facts.epoch,
                                           task_.ahead_ms,
                                           false,
                                           {},
                                           task_.execute_duplicates,
                                           &altered_,
                                           task_.believe_the_disk};
        return ledger::execute(view, *task_.tree, context, entries);
    }();
    TRY(execution, std::move(executed));

    header.manifest_root = root_over(done.block.manifest);
    header.list_root = root_over(done.block.list);
    header.list_count = uint32_t(done.block.list.size());
    header.results_root = execution.results_root();
    header.results_count = uint32_t(execution.results.size());
    header.openings_root = model::openings_root_of(done.block.openings);
    header.state_before = execution.state_before;
    header.state_after = execution.state_after;
    header.trace_root = execution.trace_root();
    header.segments = uint32_t(execution.trace.size());
    header.execution_commitment = execution.execution_commitment();
    if (task_.wrong_root)
        header.state_after = tagged_hash(Tag::tree_empty, header.state_after.view());

    done.block.execution_digest = execution.digest;
    for (const auto& leaf : execution.trace) done.block.trace.push_back(leaf.hash());
    for (const auto& result : execution.results)
        done.block.results.push_back({result.id, result.code, result.leaf()});
    done.results = std::move(execution.results);

    store::put_versions(done.writes, task_.ledger, header.height, execution.writes);
    auto [root, pages] = task_.tree->commit(header.height.value);
    store::put_pages(done.writes, task_.ledger, pages);
    done.root = root;
    put_block(done.writes, done.block, done.root);
    CHECK(index_transactions(done, done.writes));
    return done;
}

void ExecuteBlockWork::open_sealed(std::vector<ledger::Entry>& entries, ExecutedBlock& done) {
    if (task_.shares == nullptr) return;
    for (const auto& [index, shares] : task_.shares->enough()) {
        model::Opened opened;
        // Without shares, as many say that their boxes are bad: one of them is honest.
        if (!shares.empty())
            opened = model::open_sealed(task_.network, *entries[index].envelope->transaction,
                                        task_.shares->keys(), shares);
        done.block.openings.push_back({index, opened.key});
        entries[index].opened = &opened_.emplace_back(std::move(opened));
    }
    put_sealed_shares(done.writes, task_.ledger, task_.plan->facts.slot, task_.shares->kept());
}

Result<void> ExecuteBlockWork::index_transactions(const ExecutedBlock& done,
                                                  ports::WriteBatch& to) const {
    const ChainReader stored(*task_.snapshot);
    for (const auto& result : done.results) {
        if (!is_executed(result.code)) {
            if (!is_passing(result.code)) continue;
            TRY(known, stored.transaction(task_.ledger, result.id));
            if (known) continue;
        }
        put_transaction(to, result.id,
                        {task_.ledger, done.block.header.height, result.index, result.code});
    }
    return success();
}

}  // namespace tally::node
