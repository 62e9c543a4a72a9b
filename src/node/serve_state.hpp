// Answering those who load a state (docs/protocol.md, section 6).
#pragma once

#include "model/messages.hpp"
#include "node/chain_store.hpp"
#include "node/node.hpp"
#include "node/snapshot.hpp"

namespace tally::node {

/// A chunk of a state for one peer. Read on any thread, over a snapshot of the database.
class ServeStateWork final : public Work {
public:
    ServeStateWork(Participant to, model::FetchState request,
                   std::shared_ptr<const ports::Reader> snapshot, bool believe_the_disk = false)
        : to_(to),
          request_(std::move(request)),
          snapshot_(std::move(snapshot)),
          believe_the_disk_(believe_the_disk) {}
    void run() override;

    [[nodiscard]] Participant to() const { return to_; }
    /// The encoded StateChunk; nothing if this participant does not hold that state.
    [[nodiscard]] const std::shared_ptr<const Bytes>& answer() const { return answer_; }

    /// What was met that is altered on the own disk.
    [[nodiscard]] const std::vector<Damage>& damages() const { return damages_; }

private:
    Result<ledger::SnapshotChunk> chunk();

    Participant to_;
    model::FetchState request_;
    std::shared_ptr<const ports::Reader> snapshot_;
    bool believe_the_disk_;  ///< test-only mistake
    std::vector<Damage> damages_;
    std::shared_ptr<const Bytes> answer_;
};

/// The block at `carried`, and whether and where another was made up to `slot`; nothing if the
/// history here begins later. Requires that the ledger is executed past the slot. Adds to
/// `bytes_read`.
[[nodiscard]] Result<std::optional<model::LedgerStand>> stand_at(const ports::Reader& reader,
                                                                 const LedgerMark& mark,
                                                                 LedgerIndex ledger, Slot slot,
                                                                 Height carried,
                                                                 uint64_t& bytes_read);

}  // namespace tally::node
