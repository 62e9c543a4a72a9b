// ExecuteBlock: the work of executing one ledger's block over a snapshot, and of preparing all that
// is to be written of it. One is in flight per ledger, and it alone uses that ledger's tree
// meanwhile.
#pragma once

#include <deque>

#include "ledger/execution.hpp"
#include "node/chain_store.hpp"
#include "node/damage.hpp"
#include "node/node.hpp"
#include "node/sealed_shares.hpp"

namespace tally::node {

/// By its code (ledger/result_code.hpp) the transaction was executed there: it was applied, or
/// rejected and is remembered.
[[nodiscard]] constexpr bool is_executed(uint16_t code) {
    return code == 0 || (code >= 10 && code < 100);
}
/// It was skipped, and may be executed later.
[[nodiscard]] constexpr bool is_skipped(uint16_t code) {
    return code > 0 && code < 10;
}

/// What one block leaves behind.
struct ExecutedBlock {
    StoredBlock block;
    tree::RootRef root;
    ports::WriteBatch writes;
    std::vector<ledger::TransactionResult> results;
};

class ExecuteBlockWork final : public Work {
public:
    struct Task {
        LedgerIndex ledger;
        LedgerMark before;
        Hash network;
        std::shared_ptr<const SlotPlan> plan;  ///< none: genesis
        const model::LedgerEntry* entry = nullptr;
        uint64_t ahead_ms = 0;
        Micros genesis_time;
        std::shared_ptr<const ports::Reader> snapshot;
        tree::Tree* tree = nullptr;
        bool wrong_root = false;  ///< the simulator's liar: attests another state than it has
        bool execute_duplicates = false;  ///< test-only mistakes
        bool believe_the_disk = false;
        /// For what is sealed in this block; none: nothing is. Complete.
        std::shared_ptr<const SealedShares> shares = nullptr;
    };
    explicit ExecuteBlockWork(Task task) : task_(std::move(task)) {}
    void run() override;

    [[nodiscard]] const Task& task() const { return task_; }
    /// After run(). An error is our own disk's lie.
    [[nodiscard]] Result<ExecutedBlock>& result() { return *result_; }
    /// What that error is about.
    [[nodiscard]] Damage damage() const;

private:
    Result<ExecutedBlock> execute();
    void open_sealed(std::vector<ledger::Entry>& entries, ExecutedBlock& done);
    Result<void> index_transactions(const ExecutedBlock& done, ports::WriteBatch& to) const;

    Task task_;
    std::optional<Altered> altered_;
    std::deque<model::Opened> opened_;  ///< where entries point to
    std::optional<Result<ExecutedBlock>> result_;
};

}  // namespace tally::node
