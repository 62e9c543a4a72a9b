// Waiters: clients that wait for a transaction to become ordered, certified or final, or for their
// time to be over.
#pragma once

#include <map>
#include <set>

#include "node/node.hpp"

namespace tally::node {

class Waiters {
public:
    /// Starts to wait; `deadline_us` is monotonic. `status` is what is known so far.
    void add(uint64_t request, LedgerIndex ledger, TransactionStatus status, Level level,
             uint64_t deadline_us);

    /// Whether anyone waits for this transaction to be ordered or executed.
    [[nodiscard]] bool wants(LedgerIndex ledger, const Hash& transaction) const;

    /// A transaction was executed, with this status (level ordered).
    void on_executed(LedgerIndex ledger, const TransactionStatus& status, Effects& effects);
    /// Every block of the ledger up to `height` has reached `level` (certified or final).
    void on_level(LedgerIndex ledger, Height height, Level level, Effects& effects);
    /// What was executed above `height` is executed again: whoever waits for it, waits for that.
    void on_undone(LedgerIndex ledger, Height height);
    /// Answers those whose time is over with what is known.
    void on_time(uint64_t now_us, Effects& effects);

    /// Monotonic time of the next deadline, or none.
    [[nodiscard]] std::optional<uint64_t> next_deadline() const;
    [[nodiscard]] size_t size() const { return waiters_.size(); }

private:
    struct Waiter {
        LedgerIndex ledger;
        TransactionStatus status;
        Level level;
        uint64_t deadline_us;
    };
    void finish(uint64_t request, Effects& effects);

    std::map<uint64_t, Waiter> waiters_;
    std::set<std::pair<std::pair<LedgerIndex, Hash>, uint64_t>>
        by_transaction_;                                                       ///< not yet executed
    std::set<std::pair<std::pair<LedgerIndex, Height>, uint64_t>> by_height_;  ///< executed
    std::set<std::pair<uint64_t, uint64_t>> by_deadline_;
};

}  // namespace tally::node
