// Answering those who load a state (docs/protocol.md, section 6).
#pragma once

#include "model/messages.hpp"
#include "node/chain_store.hpp"
#include "node/node.hpp"

namespace tally::node {

/// A chunk of a state for one peer. Read on any thread, over a snapshot of the database.
class ServeStateWork final : public Work {
public:
    ServeStateWork(Participant to, model::FetchState request,
                   std::shared_ptr<const ports::Reader> snapshot)
        : to_(to), request_(std::move(request)), snapshot_(std::move(snapshot)) {}
    void run() override;

    [[nodiscard]] Participant to() const { return to_; }
    /// The encoded StateChunk; nothing if this participant does not hold that state.
    [[nodiscard]] const std::shared_ptr<const Bytes>& answer() const { return answer_; }

private:
    Participant to_;
    model::FetchState request_;
    std::shared_ptr<const ports::Reader> snapshot_;
    std::shared_ptr<const Bytes> answer_;
};

/// The ledger's last block up to `slot`; nothing if the history here begins after it. Requires that
/// the ledger is executed past the slot. A few reads, however long the history is.
[[nodiscard]] Result<std::optional<model::LedgerStand>> stand_at(const ports::Reader& reader,
                                                                 const LedgerMark& mark,
                                                                 LedgerIndex ledger, Slot slot);

}  // namespace tally::node
