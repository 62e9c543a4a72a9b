// Outbox: keeps the one ordering contract of all machines. What is sent, answered or counted as
// decided leaves only after every record appended before it is durable.
#pragma once

#include <deque>

#include "node/node.hpp"

namespace tally::node {

class Outbox {
public:
    using Item = std::variant<Effect, std::shared_ptr<const model::Decision>>;

    /// `send_before_save` is a test-only mistake.
    explicit Outbox(bool send_before_save) : send_before_save_(send_before_save) {}

    /// A record was appended to the journal; a sync that covers it is still to be asked for.
    void on_append() { dirty_ = true; }
    [[nodiscard]] bool dirty() const { return dirty_; }
    /// A sync was asked for that covers everything appended so far.
    void on_sync_started(uint64_t ticket);
    /// Everything up to `ticket` is durable.
    void on_synced(uint64_t ticket);

    /// Sends beyond the bound are dropped, as a full network drops them; nothing else is.
    void put(Item item);
    /// What may leave now, in the order it was put.
    [[nodiscard]] std::vector<Item> take_ready();

private:
    static constexpr size_t waiting_max = 100'000;
    bool send_before_save_;
    bool dirty_ = false;
    uint64_t started_ = 0;
    uint64_t synced_ = 0;
    std::deque<std::pair<uint64_t, Item>> waiting_;  ///< (ticket; 0: not known yet), in order
    std::vector<Item> ready_;
};

}  // namespace tally::node
