#include "node/waiters.hpp"

namespace tally::node {

void Waiters::add(uint64_t request, LedgerIndex ledger, TransactionStatus status, Level level,
                  uint64_t deadline_us) {
    const auto [place, added] =
        waiters_.try_emplace(request, Waiter{ledger, status, level, deadline_us});
    ENSURE(added);
    by_deadline_.insert({deadline_us, request});
    if (status.executed) {
        by_height_.insert({{ledger, status.height}, request});
    } else {
        by_transaction_.insert({{ledger, status.transaction}, request});
    }
}

bool Waiters::wants(LedgerIndex ledger, const Hash& transaction) const {
    const auto found = by_transaction_.lower_bound({{ledger, transaction}, 0});
    return found != by_transaction_.end() && found->first == std::pair{ledger, transaction};
}

void Waiters::on_executed(LedgerIndex ledger, const TransactionStatus& status, Effects& effects) {
    const std::pair key{ledger, status.transaction};
    std::vector<uint64_t> done;
    for (auto it = by_transaction_.lower_bound({key, 0});
         it != by_transaction_.end() && it->first == key;) {
        const uint64_t request = it->second;
        it = by_transaction_.erase(it);
        Waiter& waiter = waiters_.at(request);
        waiter.status = status;
        by_height_.insert({{ledger, status.height}, request});
        if (waiter.level <= status.level) done.push_back(request);
    }
    for (const uint64_t request : done) finish(request, effects);
}

void Waiters::on_level(LedgerIndex ledger, Height height, Level level, Effects& effects) {
    std::vector<uint64_t> done;
    for (auto it = by_height_.lower_bound({{ledger, Height{}}, 0});
         it != by_height_.end() && it->first.first == ledger && it->first.second <= height; ++it) {
        Waiter& waiter = waiters_.at(it->second);
        if (waiter.status.level < level) waiter.status.level = level;
        if (waiter.level <= waiter.status.level) done.push_back(it->second);
    }
    for (const uint64_t request : done) finish(request, effects);
}

void Waiters::on_undone(LedgerIndex ledger, Height height) {
    for (auto it = by_height_.lower_bound({{ledger, height.next()}, 0});
         it != by_height_.end() && it->first.first == ledger;) {
        const uint64_t request = it->second;
        it = by_height_.erase(it);
        TransactionStatus& status = waiters_.at(request).status;
        const Hash transaction = status.transaction;
        status = {};
        status.transaction = transaction;
        by_transaction_.insert({{ledger, transaction}, request});
    }
}

void Waiters::on_time(uint64_t now_us, Effects& effects) {
    while (!by_deadline_.empty() && by_deadline_.begin()->first <= now_us)
        finish(by_deadline_.begin()->second, effects);
}

std::optional<uint64_t> Waiters::next_deadline() const {
    if (by_deadline_.empty()) return {};
    return by_deadline_.begin()->first;
}

void Waiters::finish(uint64_t request, Effects& effects) {
    const auto found = waiters_.find(request);
    ENSURE(found != waiters_.end());
    Waiter& waiter = found->second;
    by_deadline_.erase({waiter.deadline_us, request});
    by_height_.erase({{waiter.ledger, waiter.status.height}, request});
    by_transaction_.erase({{waiter.ledger, waiter.status.transaction}, request});
    effects.push_back(Reply{request, Result<TransactionStatus>(std::move(waiter.status))});
    waiters_.erase(found);
}

}  // namespace tally::node
