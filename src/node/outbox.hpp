// Outbox: keeps the one ordering contract of all machines. What is sent, answered, counted as
// decided, or put into the database though the own signature is in it, leaves only after every
// record appended before it is durable.
#pragma once

#include <deque>

#include "node/node.hpp"

namespace tally::node {

class Outbox {
public:
    using Item = std::variant<Effect, std::shared_ptr<const model::Decision>,
                              std::shared_ptr<const model::BlockCertificate>>;

    /// `send_before_save` is a test-only mistake.
    explicit Outbox(bool send_before_save) : send_before_save_(send_before_save) {}

    /// A record was appended to the journal; a sync that covers it is still to be asked for.
    void on_append() { dirty_ = true; }
    [[nodiscard]] bool dirty() const { return dirty_; }
    /// A sync was asked for that covers everything appended so far.
    void on_sync_started(uint64_t ticket);
    /// Everything up to `ticket` is durable.
    void on_synced(uint64_t ticket);

    /// Sends beyond the bound are dropped and counted, as a full network drops them: they are said
    /// again. Nothing else is, and nothing waits for room.
    void put(Item item);
    /// What may leave now, in the order it was put.
    [[nodiscard]] std::vector<Item> take_ready();
    /// Of messages that wait; one that goes to several peers counts once.
    [[nodiscard]] size_t bytes() const { return bytes_; }
    [[nodiscard]] uint64_t dropped() const { return dropped_; }

private:
    static constexpr size_t sends_max = 100'000;
    static constexpr size_t bytes_max = size_t{64} * 1024 * 1024;
    struct Waiting {
        uint64_t ticket;  ///< 0: not known yet
        Item item;
        bool is_send;
        size_t bytes;
    };
    [[nodiscard]] size_t bytes_of(const SendPeer& message) const;

    bool send_before_save_;
    bool dirty_ = false;
    uint64_t started_ = 0;
    uint64_t synced_ = 0;
    std::deque<Waiting> waiting_;  ///< in order
    size_t sends_ = 0;             ///< among them
    size_t bytes_ = 0;
    uint64_t dropped_ = 0;
    std::vector<Item> ready_;
};

}  // namespace tally::node
