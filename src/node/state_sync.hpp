// StateSync: takes ledgers to a decided slot by loading their states from peers, instead of
// executing all that came before it (docs/protocol.md, section 6).
//
// A ledger's state is loaded as it was at the highest block whose certificate the decided blocks
// carry, in chunks that prove themselves under that block's header (node/snapshot.hpp). What came
// after it is executed here, for this participant's attestation may be needed. Only whether, and in
// which slot, anything of the ledger came after it is not in what is decided: it follows from the
// batches, of which those in between may be gone. So the others are asked; it is the same for all
// who executed it, and what f + 1 of them say alike is so. The goal is kept in the database, so
// that a restart goes on with it.
//
// A pure machine over the database: inputs are `on_*`, sends and lines for the log come out.
// Nothing a peer says can make it abort, and all that it keeps is bounded.
#pragma once

#include <map>
#include <set>

#include "model/messages.hpp"
#include "node/chain_store.hpp"
#include "node/client.hpp"
#include "node/snapshot.hpp"

namespace tally::node {

/// The block whose state is loaded.
struct LedgerGoal {
    LedgerIndex ledger;
    Height height;
    Hash header;
    bool is_last = false;  ///< no block of the ledger came after it up to the goal's slot
    Slot next;             ///< else where one did, if that is known
    static constexpr auto fields() {
        return std::tuple{&LedgerGoal::ledger, &LedgerGoal::height, &LedgerGoal::header,
                          &LedgerGoal::is_last, &LedgerGoal::next};
    }
    /// Up to here nothing of the ledger is to be executed.
    [[nodiscard]] Slot passed(Slot goal, Slot own) const {
        if (is_last) return goal;
        return next.value == 0 ? own : std::max(own, Slot{next.value - 1});
    }
};
struct SyncGoal {
    Slot slot;
    bool whole = false;  ///< all ledgers, and batches that none of them needs are skipped, too
    cbor::List<LedgerGoal, limits::ledgers_max> ledgers;  ///< ascending
    static constexpr auto fields() {
        return std::tuple{&SyncGoal::slot, &SyncGoal::whole, &SyncGoal::ledgers};
    }
};
[[nodiscard]] Result<std::optional<SyncGoal>> stored_sync_goal(const ports::Reader& reader);
void put_sync_goal(ports::WriteBatch& to, const SyncGoal& goal);
void erase_sync_goal(ports::WriteBatch& to);
/// True iff the goal is what the decisions here up to `decided` say, of ledgers that the charter
/// has. Only whether a block is the last, and the header of one that nobody certified, is nowhere.
[[nodiscard]] bool is_as_decided(const SyncGoal& goal, ports::KeyValue& key_value,
                                 size_t ledger_count, Slot decided);

struct SyncOutput {
    std::vector<std::pair<Participant, model::Message>> sends;
    std::vector<std::string> lines;     ///< for the operator's log
    std::vector<LedgerIndex> loaded;    ///< their marks in the database are at the goal now
    std::vector<LedgerIndex> left;      ///< nobody could help: to be executed from what is here
    bool finished = false;              ///< every ledger is loaded or left, and some is loaded
    bool given_up = false;              ///< all are left
    std::optional<Error> cannot_store;  ///< the database takes nothing more: the node must end
};

class StateSync {
public:
    struct Config {
        std::shared_ptr<const model::Charter> charter;
        uint32_t liars_max = 0;
        Participant self;
    };
    StateSync(Config config, ports::KeyValue& key_value)
        : config_(std::move(config)), key_value_(key_value) {}

    /// Begins, or begins anew. Requires that the slot's decision is stored. Each of `ledgers` is
    /// owned by this machine until it is loaded.
    void start(Slot slot, std::set<LedgerIndex> ledgers, bool whole, uint64_t now_us,
               SyncOutput& out);
    /// Goes on with the goal that an earlier process had.
    void resume(SyncGoal goal, uint64_t now_us, SyncOutput& out);

    void on_stands(Participant from, const model::Stands& stands, uint64_t now_us, SyncOutput& out);
    /// A batch that is wanted() lies in the database now.
    void on_batch(uint64_t now_us, SyncOutput& out);
    void on_chunk(Participant from, const model::StateChunk& chunk, uint64_t now_us,
                  SyncOutput& out);
    /// `decided`: the newest slot whose decision is stored.
    void on_tick(Slot decided, uint64_t now_us, SyncOutput& out);

    [[nodiscard]] bool active() const { return phase_ != Phase::idle; }
    [[nodiscard]] bool whole() const { return active() && goal_.whole; }
    [[nodiscard]] bool owns(LedgerIndex ledger) const { return waiting_.contains(ledger); }
    /// Of a whole load that is finished: no ledger needs a batch up to this slot.
    [[nodiscard]] Slot needless_up_to() const { return floor_; }
    /// Lanes' tips that are not here, with the hash of the right header: the batch, or the own
    /// cells of it, is to be put into the database.
    [[nodiscard]] const std::map<BatchPlace, Hash>& wanted() const { return wanted_; }
    [[nodiscard]] uint64_t next_wakeup_us() const { return active() ? ask_at_us_ : UINT64_MAX; }
    [[nodiscard]] SyncProgress progress() const;

private:
    enum class Phase : uint8_t { idle, asking, loading, gathering };

    void begin(Slot slot, std::set<LedgerIndex> ledgers, bool whole, uint64_t now_us);
    void ask(uint64_t now_us, SyncOutput& out);
    void agree(bool patient, uint64_t now_us, SyncOutput& out);
    Result<std::optional<LedgerGoal>> goal_of(LedgerIndex ledger);
    [[nodiscard]] const model::LedgerStand* agreed_stand(LedgerIndex ledger) const;
    void set_goal(uint64_t now_us, SyncOutput& out);
    void go_on(uint64_t now_us, SyncOutput& out);
    Result<bool> load(SyncOutput& out);
    Result<bool> gather();
    Result<Slot> lowest_mark() const;
    Result<void> finish_ledger(const LedgerGoal& goal);
    void ask_for_chunk(SyncOutput& out);
    [[nodiscard]] const LedgerGoal& loading_goal() const;
    void drop_half_loaded(const Error& why, uint64_t now_us, SyncOutput& out);
    void fail_with(const Error& error, uint64_t now_us, SyncOutput& out);
    void begin_anew(const std::string& why, uint64_t now_us, SyncOutput& out);
    bool leave(const std::set<LedgerIndex>& ledgers, const std::string& why, SyncOutput& out);
    void leave_unknown(uint64_t now_us, SyncOutput& out);
    void leave_unserved(uint64_t now_us, SyncOutput& out);
    void give_up(const std::string& why, SyncOutput& out);
    void hope(uint64_t now_us);
    void came_forward(uint64_t now_us);
    [[nodiscard]] Participant next_peer();
    [[nodiscard]] std::vector<Participant> peers() const;
    [[nodiscard]] std::string name_of(LedgerIndex ledger) const;

    Config config_;
    ports::KeyValue& key_value_;
    Phase phase_ = Phase::idle;
    SyncGoal goal_;
    Slot floor_;
    std::set<LedgerIndex> waiting_;  ///< not loaded yet
    std::map<BatchPlace, Hash> wanted_;
    std::map<Participant, std::map<LedgerIndex, model::LedgerStand>> said_;
    std::unique_ptr<SnapshotLoader> loader_;
    std::optional<LedgerIndex> loading_;
    std::optional<model::LedgerHeader> header_;  ///< of the block whose state is being loaded
    std::set<Participant> false_peers_;          ///< sent a chunk that does not hold: not asked
    uint64_t bytes_ = 0;                         ///< of the state being loaded
    uint64_t ask_at_us_ = UINT64_MAX;
    uint64_t ask_again_us_ = 0;
    uint64_t slot_us_ = 0;     ///< since when this slot is asked about
    uint64_t forward_us_ = 0;  ///< when it last came forward
    uint64_t asked_us_ = 0;    ///< since when no piece came: beginning anew does not change it
    bool was_set_ = false;     ///< a goal was, since then
    bool is_hearing_ = false;  ///< it waits for f + 1 to say where a ledger's next block is
    uint32_t turn_ = 0;
};

}  // namespace tally::node
