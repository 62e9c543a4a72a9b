// Pipeline: from decided slots to executed blocks.
//
// For each slot: wait for the cut's batches, have them checked, plan the order; then, per ledger
// and one block at a time, have it executed and write the outcome. Ledgers advance independently,
// so that one can be executed again from the charter while the others go on.
#pragma once

#include <set>

#include "availability/dispersal.hpp"
#include "node/check_batch.hpp"
#include "node/damage.hpp"
#include "node/execute_block.hpp"
#include "node/sealed_shares.hpp"
#include "store/tree_pages.hpp"

namespace tally::node {

/// What the pipeline tells the node; consumed after each call.
struct PipelineOutput {
    struct Executed {
        LedgerIndex ledger;
        model::LedgerHeader header;
        Hash execution_digest;
        std::vector<ledger::TransactionResult> results;
    };
    /// A block waits for shares of what is sealed in it.
    struct Sealed {
        LedgerIndex ledger;
        Slot slot;
        Participant holder;  ///< this one, under its number of then
        FindSealedWork::Own own;
    };
    /// Whoever said of a transaction that opens well that its box is bad.
    struct FalseWord {
        Slot slot;
        Hash transaction;
        Participant by;
    };
    std::vector<Executed> executed;
    std::vector<Sealed> sealed;
    std::vector<FalseWord> false_words;
    std::vector<std::shared_ptr<Work>> work;
    std::vector<std::string> failures;  ///< our own database failed, or lied of what all share
    std::vector<Damage> damages;        ///< of a ledger, which waits until it is resumed
    std::optional<Error> cannot_store;  ///< the database takes nothing more: the node must end
    bool wants_more = false;            ///< wanted() has grown
};

class Pipeline {
public:
    struct Config {
        std::shared_ptr<const model::Charter> charter;
        Hash network;
        std::shared_ptr<const availability::Coder> coder;
        size_t tree_nodes_in_memory_max;
        size_t checked_bytes_max;  ///< of checked batches kept ahead of execution
        uint64_t wrong_root_at = 0;
        bool execute_duplicates = false;
        bool believe_the_disk = false;
        /// With which this participant's boxes of sealed transactions open: of the newest epoch and
        /// of earlier ones.
        std::vector<X25519Secret> opening_secrets = {};
        bool open_copies = false;
    };
    Pipeline(Config config, ports::KeyValue& key_value);

    /// Loads where each ledger stands; one that has no mark is executed from the charter.
    Result<void> open();

    /// The lowest slot that some ledger has not passed, and that of one ledger.
    [[nodiscard]] Slot next_slot() const;

    /// Slots up to this one are decided and stored.
    void on_decided(Slot slot, PipelineOutput& out);
    /// A batch is whole and stored.
    void on_batch(const model::BatchHeader& header, const Hash& header_hash, ByteView bytes,
                  bool is_void, PipelineOutput& out);
    /// True iff the work was this pipeline's.
    bool on_work_done(const std::shared_ptr<Work>& work, PipelineOutput& out);
    void add_known(ByteView envelope, std::shared_ptr<const model::CheckedEnvelope> checked) {
        known_.add(envelope, std::move(checked));
    }
    /// What a ledger's next block waits for, if it does.
    [[nodiscard]] const SealedShares* shares_wanted(LedgerIndex ledger) const;
    /// True iff one of them was refused; those after it are not looked at.
    bool on_shares(const model::SharesOfBlock& message, const SealedShares::IsTrue& is_true,
                   PipelineOutput& out);
    void keep_first_opening_secret() { config_.opening_secrets.resize(1); }

    /// Executes a ledger again from the charter.
    void restart_ledger(LedgerIndex index, PipelineOutput& out);

    /// A ledger on hold is not executed: its state is being replaced. What is in_flight() ends.
    void hold(LedgerIndex ledger) { ledgers_[ledger.value].on_hold = true; }
    void hold_all();
    void release_all();
    /// It is executed as far as what it needs is here.
    [[nodiscard]] bool goes_on(LedgerIndex ledger) const {
        const Ledger& one = ledgers_[ledger.value];
        return !one.failed() && !one.on_hold && !one.is_set_aside;
    }
    [[nodiscard]] bool in_flight(LedgerIndex ledger) const {
        return ledgers_[ledger.value].in_flight;
    }
    /// Batches up to here are needed no more, for every ledger goes on after them: what is known
    /// or wanted of them is forgotten.
    void forget_through(const model::Cut& cut);
    /// Of checked batches that wait for their plan.
    [[nodiscard]] size_t checked_bytes() const { return checked_bytes_; }
    /// Takes up where the database now says that the ledger stands.
    Result<void> reopen(LedgerIndex ledger);
    /// Executes nothing more of a ledger that is damaged, until it is resumed or restarted.
    void set_aside(LedgerIndex index) { ledgers_[index.value].is_set_aside = true; }
    void resume(LedgerIndex index, PipelineOutput& out);
    /// It is to be restarted once its block under way is done.
    [[nodiscard]] bool is_restarting(LedgerIndex index) const {
        return ledgers_[index.value].restart_when_done;
    }

    /// When, after this time, the first of the batches that are held back is due, as far as is
    /// known.
    [[nodiscard]] std::optional<Micros> next_due(Micros after) const;

    [[nodiscard]] const LedgerMark& mark(LedgerIndex ledger) const {
        return ledgers_[ledger.value].mark;
    }
    [[nodiscard]] bool has_genesis(LedgerIndex ledger) const {
        return ledgers_[ledger.value].has_genesis;
    }
    /// True iff the ledger would be paused in the slot after the last decided one.
    [[nodiscard]] bool is_paused(LedgerIndex ledger) const { return ledgers_[ledger.value].paused; }
    /// The last slot that the ledger needs no more: executed, or without a block of it.
    [[nodiscard]] Slot passed(LedgerIndex ledger) const;
    /// Why the ledger is not executed any more, in words; empty as long as it is.
    [[nodiscard]] const std::string& failure(LedgerIndex ledger) const {
        return ledgers_[ledger.value].failure;
    }
    /// A slot whose decision, or the one before it, lies here otherwise than it was decided: no
    /// ledger passes it until it is healed.
    [[nodiscard]] const std::optional<Slot>& damaged_slot() const { return damaged_slot_; }
    void on_slot_healed() { damaged_slot_.reset(); }
    /// Decided batches that are wanted and not here, or lie here otherwise than was decided, with
    /// the hash of the right header.
    [[nodiscard]] const std::map<BatchPlace, Hash>& wanted() const { return wanted_; }

private:
    struct Ledger {
        std::unique_ptr<store::TreePages> pages;
        std::unique_ptr<tree::Tree> tree;
        LedgerMark mark;
        bool has_genesis = false;
        Slot next;  ///< the slot to look at next
        bool in_flight = false;
        bool on_hold = false;
        bool restart_when_done = false;
        bool paused = false;
        bool is_set_aside = false;
        std::string failure;  ///< not empty: our own database lied or failed, and it stands still
        std::shared_ptr<SealedShares> shares;  ///< for the next block, if something is sealed in it
        [[nodiscard]] bool failed() const { return !failure.empty(); }
    };
    struct Planning {
        SlotFacts facts;
        std::vector<LedgerIndex> disputed;
        std::vector<Height> carried;  ///< per ledger, by the slot's own block
        std::vector<BatchPlace> places;
        std::shared_ptr<const SlotPlan> plan;  ///< of what it decided, once every batch is checked
        std::shared_ptr<const SlotPlan> released;  ///< of what it executes
    };

    void advance(PipelineOutput& out);
    void advance_ledger(LedgerIndex index, PipelineOutput& out);
    void start_genesis(LedgerIndex index, PipelineOutput& out);
    void finish_block(ExecuteBlockWork& work, PipelineOutput& out);
    // pipeline_sealed.cpp
    bool is_opened(LedgerIndex index, const std::shared_ptr<const SlotPlan>& plan,
                   PipelineOutput& out);
    void finish_find(FindSealedWork& work, PipelineOutput& out);
    void name_false_words(const ExecuteBlockWork& work, const StoredBlock& block,
                          PipelineOutput& out) const;
    Result<void> load_planning(Slot slot);
    Result<StoredDecision> decision_before(Slot slot);
    /// The plan of what a slot decided, or of what it executes; or none yet.
    std::shared_ptr<const SlotPlan> decided_plan(Slot slot, PipelineOutput& out);
    std::shared_ptr<const SlotPlan> plan_for(Slot slot, PipelineOutput& out);
    [[nodiscard]] bool may_be_needed(const Planning& planning) const;
    void start_check(const model::BatchHeader& header, const Hash& header_hash, ByteView bytes,
                     bool is_void, PipelineOutput& out);
    bool load_or_note(Slot slot, PipelineOutput& out);
    void forget_passed();
    void forget(const Planning& planning);
    void forget_checked(const BatchPlace& place);
    [[nodiscard]] bool is_planned(const BatchPlace& place) const;
    /// What was to be written is not: memory is ahead of the database from here on.
    void fail_write(LedgerIndex index, const Error& error, PipelineOutput& out);
    void fail_ledger(LedgerIndex index, const Error& error, PipelineOutput& out);
    void add_marks(ports::WriteBatch& to);

    Config config_;
    model::Epochs epochs_;
    ports::KeyValue& key_value_;
    uint64_t wrong_root_at_;
    std::vector<Ledger> ledgers_;
    Slot decided_;
    Slot held_;  ///< ChainReader::held_slot()
    std::optional<Slot> damaged_slot_;
    std::map<Slot, Planning> plannings_;
    std::optional<StoredDecision> newest_planned_;  ///< as it was decided
    std::map<BatchPlace, CheckedBatchRef> checked_;
    size_t checked_bytes_ = 0;
    std::set<BatchPlace> checking_;
    std::vector<LaneHeight> passed_;     ///< per lane: batches up to here have had their plan
    std::map<BatchPlace, Hash> wanted_;  ///< decided, neither stored nor being checked
    KnownEnvelopes known_{size_t{64} * 1024 * 1024};
};

}  // namespace tally::node
