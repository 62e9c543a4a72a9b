// Checkers of what was executed and of what clients were told.
#pragma once

#include "node/chain_store.hpp"
#include "sim/checker.hpp"
#include "sim/workload.hpp"

namespace tally::sim {

/// Headers equal on all honest participants at equal heights; heights without gaps; a transaction
/// takes effect at most once; certificates are of those very headers, by more than half; nobody
/// disputes without reason. Who diverges for a while is not looked at; that it came back is for
/// SeedRun to see.
class BlocksChecker : public Observer {
public:
    BlocksChecker(Findings& findings, const Scenario& scenario, const model::Epochs& epochs,
                  const Verifier& verifier)
        : findings_(findings), scenario_(scenario), epochs_(epochs), verifier_(verifier) {}
    void on_stored(Participant, const ports::WriteBatch&) override;
    void on_signed(Participant, ByteView statement, const Signature&) override;
    /// A recovery gives up the blocks of later slots.
    void give_up_after(Slot last);

    using Place = std::pair<Height, uint32_t>;
    /// By height; the first is genesis.
    [[nodiscard]] const std::map<Height, node::StoredBlock>& chain(LedgerIndex ledger) const {
        static const std::map<Height, node::StoredBlock> none;
        const auto found = chains_.find(ledger);
        return found == chains_.end() ? none : found->second;
    }
    /// Where a transaction was executed, applied or rejected.
    [[nodiscard]] std::optional<Place> place_of(LedgerIndex ledger, const Hash& id) const;
    [[nodiscard]] std::optional<uint16_t> code_at(LedgerIndex ledger, Place place) const;

private:
    void on_block(Participant, const node::StoredBlock& block);
    void on_certificate(Participant, const model::BlockCertificate& certificate);

    Findings& findings_;
    const Scenario& scenario_;
    const model::Epochs& epochs_;
    const Verifier& verifier_;
    std::map<std::pair<LedgerIndex, Height>, Hash> certified_;
    std::map<LedgerIndex, std::map<Height, node::StoredBlock>> chains_;
    std::map<std::pair<LedgerIndex, Hash>, Place> executed_;
};

/// A transaction that was executed: when it first came to anybody, honest or not, and its place.
struct Arrival {
    LedgerIndex ledger;
    uint64_t at_us = 0;
    Participant to;  ///< of several at the same time the lowest
    Height height;
    uint32_t index = 0;
};

/// What one participant was told of a transaction never turns out otherwise.
class ClientsChecker : public Observer {
public:
    ClientsChecker(Findings& findings, const BlocksChecker& blocks)
        : findings_(findings), blocks_(blocks) {}
    /// Before the request is made.
    void expect(uint64_t request, LedgerIndex ledger, const Hash& transaction, Participant to,
                uint64_t now_us) {
        asked_[request] = {ledger, transaction};
        came_.try_emplace({ledger, transaction}, std::pair(now_us, to));
    }
    void on_reply(Participant, uint64_t request, const node::Response&) override;
    void at_end();
    /// What was told of blocks that are no more was true then.
    void give_up();

    struct Told {
        Participant by;
        node::TransactionStatus status;
    };
    /// The best answer to a request, if there was one.
    [[nodiscard]] const Told* told(uint64_t request) const {
        const auto found = told_.find(request);
        return found == told_.end() ? nullptr : &found->second;
    }
    [[nodiscard]] uint64_t certified() const { return certified_; }
    /// In the order of the transactions' ids.
    [[nodiscard]] std::vector<Arrival> arrivals() const;

private:
    Findings& findings_;
    const BlocksChecker& blocks_;
    std::map<uint64_t, std::pair<LedgerIndex, Hash>> asked_;
    /// When each came first, and to whom.
    std::map<std::pair<LedgerIndex, Hash>, std::pair<uint64_t, Participant>> came_;
    std::map<uint64_t, Told> told_;
    uint64_t certified_ = 0;
};

}  // namespace tally::sim
