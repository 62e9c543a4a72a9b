// The inside of a Node: the machines, what joins them, and the state that belongs to no machine.
#pragma once

#include "availability/machine.hpp"
#include "availability/rebuilder.hpp"
#include "base/allowance.hpp"
#include "node/audits.hpp"
#include "node/clock_ahead.hpp"
#include "node/lanes_left.hpp"
#include "node/outbox.hpp"
#include "node/own_messages.hpp"
#include "node/pipeline.hpp"
#include "node/quarantine.hpp"
#include "node/retained.hpp"
#include "node/scrub.hpp"
#include "node/state_sync.hpp"
#include "node/waiters.hpp"
#include "ordering/machine.hpp"
#include "proving/machine.hpp"
#include "proving/pauses.hpp"
#include "store/journal.hpp"

namespace tally::node {

/// What was asked for and did not come is asked for again.
constexpr uint64_t ask_again_us = 300'000;

struct Node::Parts {
    Parts(Config config_in, const Signer& signer, const Verifier& verifier, ports::Disk& disk_in,
          ports::KeyValue& key_value_in, const Canaries& canaries_in);

    // --- open.cpp ---
    Result<void> open(model::Now at);
    Result<void> resume_availability();
    [[nodiscard]] std::optional<std::pair<Slot, model::Cut>> decided_cut(Slot from) const;
    [[nodiscard]] Slot highest_passed() const;
    [[nodiscard]] std::optional<model::BatchCells> stored_cells(
        Participant lane, const availability::LanePlace& place) const;
    [[nodiscard]] Result<std::optional<uint64_t>> total_bytes_of(Participant lane,
                                                                 const model::CutEntry& tip) const;
    Result<void> open_retained();
    [[nodiscard]] std::pair<Slot, model::CutEntry> tip_below(Participant lane, Slot slot,
                                                             LaneHeight height) const;
    Result<void> recover_record(const model::Record& record);
    Result<void> recover_decision(const model::Decision& decision);
    void note_mark_altered(LedgerIndex ledger);
    void note_decision_altered(Slot slot, bool is_there);
    Result<void> check_marks();
    Result<void> check_newest(LedgerIndex ledger);
    Result<void> compare_stored();
    Result<void> compare_stored(LedgerIndex ledger);
    Result<void> attest_again(model::Now at);
    Result<void> attest_again(LedgerIndex ledger);

    // --- epoch.cpp: what came before this epoch ---
    Result<void> recover_earlier_epochs();
    Result<void> enter_epoch();
    Result<void> drop_lapsed_certificates();
    void copy_history();
    void begin_epoch_if_reached();
    void notice_newer_epoch();
    void hear_of_newer(Participant from, Slot slot);
    [[nodiscard]] std::string newer_epoch_note() const;

    // --- next_epoch.cpp: how this epoch ends ---
    void follow_next_epoch(const model::Decision& decision);
    void end_epoch_if_over();
    void submit_again();
    [[nodiscard]] std::vector<model::BatchItem> undecided_items() const;
    void tell_guests();
    [[nodiscard]] std::vector<model::ParticipantEntry> find_guests() const;
    [[nodiscard]] bool is_guest(Participant from) const { return !signatories.has(from); }
    void on_guest(Participant from, const model::Message& message);
    void speak_of_next_epoch();
    [[nodiscard]] std::optional<Participant> place_in(const model::EpochProposal& proposal) const;
    [[nodiscard]] bool is_ready() const;
    [[nodiscard]] std::optional<Slot> heard_slot() const;
    [[nodiscard]] NextEpochStatus next_epoch_status() const;
    [[nodiscard]] std::string own_name() const;
    /// The others one after the other; this participant if there are none.
    [[nodiscard]] Participant other_in_turn(uint32_t& turn) const {
        return others.empty() ? self.index : others[turn++ % others.size()];
    }

    // --- node.cpp ---
    void step(model::Now at, Input input);
    void on_input(PeerMessage& input);
    void on_input(Tick& input);
    void on_input(Synced& input);
    void on_input(SyncFailed& input);
    void on_input(WorkDone& input);
    void on_input(ClientRequest& input);
    void on_input(DamageSeen& input);
    /// Starts the sync that the step needs, and lets out what may leave.
    void settle();
    [[nodiscard]] uint64_t next_wakeup_us() const;

    // --- machines.cpp: what the machines ask for ---
    template <class List>
    void take(List& list);
    void take_one(model::Save& save);
    void take_one(model::Send& message);
    void take_one(ordering::Decided& decided);
    void take_one(availability::Certified& certified_batch);
    void take_one(availability::BatchHeld& held);
    void take_one(availability::CellsHeld& held);
    void take_one(availability::Rebuilt& rebuilt);
    void take_one(proving::BlockCertified& block);
    void store_certificate(const model::BlockCertificate& certificate);
    void take_one(proving::Disputed& disputed);
    void take_one(proving::Diverged& diverged);
    void take(PipelineOutput& output);
    void send(Participant to, const model::Message& message);
    void log(Log::Level level, std::string text, std::string_view event = "remark",
             LogFields fields = {});
    void refuse_bytes(Participant from, ByteView bytes, const Error& why);
    void write(const ports::WriteBatch& batch);
    /// A disk fails: nothing more is done, and nothing more leaves.
    void halt(const std::string& why);

    // --- follow.cpp: decided slots ---
    void follow(const model::Decision& decision);
    /// With what is stored beside it, which follows from the slots before.
    [[nodiscard]] StoredDecision stored_with(const model::Decision& decision) const;
    /// It is followed now.
    void take_stored(const StoredDecision& stored);
    void store_decision(const StoredDecision& stored);
    void want_slot();

    // --- fetch.cpp: catching up, and answering those who do ---
    void on_fetch(Participant from, const model::FetchDecisions& request);
    void on_fetch(Participant from, const model::FetchBatch& request);
    void on_fetch(Participant from, const model::FetchCells& request);
    void on_fetch(Participant from, const model::FetchCellLeaf& request);
    bool answer_void(Participant from, BatchPlace place, const Hash& header);
    /// False: it is for the ordering machine to answer.
    [[nodiscard]] bool on_fetch(Participant from, const model::FetchBlockCertificate& request);
    [[nodiscard]] bool may_ask(Participant from);
    void answer(Participant to, const model::Message& message);
    void on_decisions(const model::Decisions& decisions);
    void fetch_if_behind();
    void hear(Participant from, const model::Message& message);

    // --- sync.cpp: loading states instead of executing ---
    [[nodiscard]] bool has_peers() const;
    void sync_if_far_behind();
    void refuse_sync();
    void follow_only();
    void resume_sync();
    bool may_resume(const SyncGoal& goal);
    void forget_sync_goal();
    bool restart_if_diverged(LedgerIndex ledger);
    void end_sync(bool loaded);
    void take(SyncOutput& out);
    Result<void> forget_batches(Slot passed);
    Result<void> skip_batches(Slot goal);
    [[nodiscard]] Result<std::vector<uint64_t>> total_bytes_at(const model::Cut& cut) const;
    void on_fetch(Participant from, const model::FetchStands& request);
    void on_fetch(Participant from, const model::FetchState& request);
    bool on_served(const std::shared_ptr<Work>& work);
    void tell_sync(Participant from, const model::Message& message);
    void tell_sync_of_batches();

    // --- signing.cpp: whether this participant may sign ---
    void take_signer();
    void start_signing_or_ask();
    void ask_if_due();
    void ask_for_own(Participant peer);
    void ask_who_is_heard(Participant peer);
    void on_fetch(Participant from, const model::FetchOwnMessages& request);
    void on_own_messages(Participant from, const model::OwnMessages& answer);
    void compare_own();
    void sign_from_now();
    void attest_what_is_executed();
    [[nodiscard]] bool is_journal_lost() const;
    void lose_journal(std::string why);
    [[nodiscard]] std::string signing_note() const;
    // --- heal.cpp: what was altered on the own disk ---
    void on_damage(const Damage& damage, bool is_met_by_execution = false);
    void on_stopped(const Damage& damage);
    void begin_quarantine(const Damage& damage);
    [[nodiscard]] std::string subject_of(const Damage& damage) const;
    void remake(LedgerIndex ledger);
    void make_again(LedgerIndex ledger);
    void restart(LedgerIndex ledger);
    void hold_due();
    void remake_what_is_gone();
    void load_remade();
    bool has_base_for_load(LedgerIndex ledger);
    void on_load_left(LedgerIndex ledger);
    void repair(const std::pair<Bytes, Height>& place, LedgerIndex ledger,
                const std::optional<Bytes>& value);
    void on_state_chunk(const model::StateChunk& message);
    void ask_for_values(LedgerIndex index);
    Participant next_to_ask();
    void heal();
    [[nodiscard]] uint64_t next_heal_us() const;

    // --- retention.cpp: dropping batches that are needed no more ---
    void drop_old_batches();
    void drop_through(Slot slot, bool only_whole);
    [[nodiscard]] std::optional<model::Block> intact_block(Slot slot) const;
    [[nodiscard]] bool is_past(Slot slot, uint64_t us, uint64_t slots) const;
    [[nodiscard]] Slot newest_past(Slot from, Slot limit, uint64_t us, uint64_t slots) const;
    [[nodiscard]] Slot newest_droppable(Slot from, uint64_t us, uint64_t slots);
    [[nodiscard]] KeptFrom gone_through() const;
    [[nodiscard]] Slot final_through() const;
    [[nodiscard]] Slot released_through(Slot slot) const;
    [[nodiscard]] bool may_be_gone(Slot slot) const;
    [[nodiscard]] StorageStatus storage_status() const;

    // --- restore_cells.cpp: getting back batches and own cells that should be here ---
    struct Restoring {
        /// A lane's part of a slot, by the place that is looked at next.
        struct Chain {
            Slot slot;
            LaneHeight floor;  ///< where it ends
            Hash hash;         ///< of the right header
        };
        std::optional<RestoreMark> mark;  ///< none: nothing is missing
        Slot opened;                      ///< the slot whose chains are begun next
        KeptFrom floor;                   ///< where it ends
        std::map<BatchPlace, Chain> chains;
        uint64_t free_at_us = 0;  ///< what was rebuilt so far is paid for then
        uint64_t at_us = UINT64_MAX;
        uint64_t batches = 0, bytes = 0;  ///< rebuilt since the start
    };
    void begin_restoring(Slot top);
    void resume_restoring();
    void put_back_restore_mark();
    void restore_cells();
    bool open_chains(Slot slot, bool only_tips);
    void ask_for_chains();
    void store_restore_mark();
    bool is_kept(BatchPlace place, const model::BatchHeader& header);
    bool go_down(BatchPlace& place, Restoring::Chain& chain, uint64_t& bytes_left);
    void ask_for_batches();
    void tick_rebuilder();
    bool on_rebuilding(Participant from, const model::Message& message);

    // --- audit.cpp: whether the others keep their cells ---
    void begin_audits(const model::Block& block);
    [[nodiscard]] bool begins_round(const model::Block& block, const model::Block& before) const;
    [[nodiscard]] std::optional<model::Cut> surely_kept_after(const model::Block& block) const;
    void ask_in_turn();
    [[nodiscard]] std::optional<AuditQuestion> audit_of(Participant holder) const;
    void audit();
    [[nodiscard]] bool is_behind() const;
    void on_audited(Participant from, const model::Message& message);
    void take(AuditOutput& out);
    [[nodiscard]] uint64_t next_audit_us() const;

    // --- scrubbing.cpp: reading everything again, and healing what all ledgers share ---
    void scrub();
    void scrub_now();
    void start_scrub_slice();
    void scrub_anew(LedgerIndex ledger);
    bool on_scrubbed(const std::shared_ptr<Work>& work);
    void on_log_damage(const LogDamage& damage);
    bool mend_certificates(LedgerIndex ledger, Height from);
    bool mend_cells(BatchPlace place);
    void want_decision(Slot slot);
    void ask_for_decisions();
    [[nodiscard]] model::Block previous_of(const StoredDecision* before) const;
    [[nodiscard]] bool is_decided(Slot slot) const;
    bool heal_decision(const model::Decision& decision);
    [[nodiscard]] ScrubStatus scrub_status() const;
    [[nodiscard]] LaneHeights scrub_floors() const;

    // --- sealed.cpp: opening sealed transactions ---
    [[nodiscard]] bool is_bad_box(LedgerIndex ledger, Slot slot, Participant holder, uint32_t index,
                                  const Hash& commitment, const model::BadBoxSaid& said) const;
    void begin_to_open(const PipelineOutput::Sealed& sealed);
    void tell_own_shares(LedgerIndex ledger);
    void send_all_and_guests(const model::Message& message);
    void add_shares(Participant from, const model::SharesOfBlock& message);
    void on_shares(Participant from, const model::SharesOfBlock& message);
    void on_fetch(Participant from, const model::FetchShares& request);
    void ask_for_shares();
    bool may_lack_shares();
    void forget_opening_keys();
    void forget_words(LedgerIndex ledger);
    bool has_told_shares();

    // --- clients.cpp ---
    /// Past the outbox, for nothing becomes durable any more.
    void answer_halted(const Input& input);
    void on_request(uint64_t id, StartScrub& request);
    void on_request(uint64_t id, ProposeEpoch& request);
    void help_to_begin();
    void on_request(uint64_t id, Submit& request);
    void on_request(uint64_t id, Await& request);
    void on_request(uint64_t id, GetStatus& request);
    /// What is known of a transaction from the database, or nothing.
    std::optional<TransactionStatus> known_status(LedgerIndex ledger, const Hash& transaction);
    void forget_place(LedgerIndex ledger, const Hash& transaction);
    void raise_level(LedgerIndex ledger, TransactionStatus& status) const;
    void raise_waiters(LedgerIndex ledger);
    void tell_waiters(const PipelineOutput::Executed& block);
    [[nodiscard]] Status status() const;
    void count_heard(Status& status) const;

    Config config;
    Canaries canaries;
    std::shared_ptr<const model::Charter> charter;
    Hash network;
    model::Epochs epochs;
    model::Signatories signatories;  ///< of the newest epoch
    model::Self self;
    std::vector<Participant> others;  ///< of the newest epoch, ascending
    std::shared_ptr<const availability::Coder> coder;
    const Signer& signer;
    ports::Disk& disk;
    ports::KeyValue& key_value;
    std::unique_ptr<store::Journal> journal;

    std::unique_ptr<ordering::Machine> ordering;
    std::unique_ptr<availability::Machine> availability;
    std::unique_ptr<proving::Machine> proving;
    proving::Pauses pauses;
    availability::Rebuilder rebuilder;
    Pipeline pipeline;
    StateSync sync;
    Quarantine quarantine;
    Outbox outbox;
    Waiters waiters;

    model::Now now;
    Effects* effects = nullptr;  ///< of the current step

    Slot followed;  ///< decided, durable and stored
    Micros followed_time;
    std::vector<Micros> tip_times;  ///< per lane, of the last followed cut
    std::vector<Height> carried;    ///< per ledger
    std::vector<Height> certified;  ///< per ledger: highest known certificate
    uint64_t next_work = 1;
    bool halted = false;
    std::string halt_reason;
    std::vector<std::string> opening_notes;  ///< what was found damaged; logged once

    /// What the journal holds of the own statements, and what was seen of everybody's.
    SignedPlaces own_places;
    LatestSigned latest_signed;
    enum class Signing : uint8_t { asking, allowed, lost, guest };
    Signing signing = Signing::asking;
    std::string lost_why;
    uint64_t starts = 0;                   ///< in the journal
    std::optional<Epoch> newer_epoch;      ///< that has begun without this participant, surely
    uint64_t newer_since_us = UINT64_MAX;  ///< that others say so, and nothing is learnt of it
    Slot newer_slot;                       ///< that a participant of a later epoch works on,
    Participant newer_from;                ///< and who
    bool ended = false;                    ///< this epoch is over
    /// It takes no part in the next one, and stays until enough of those who do have begun it.
    struct Leaving {
        EpochOver over;
        uint64_t say_at_us = 0;
        uint64_t since_us = 0;  ///< zero: not asked yet
    };
    std::optional<Leaving> leaving;
    std::vector<model::ParticipantEntry> guests;  ///< who may ask though it does not take part
    std::optional<model::Ready> own_ready;
    uint64_t say_ready_at_us = UINT64_MAX, say_ready_after_us = 0;
    bool epoch_begun = false;  ///< what the epochs before decided is here: it may sign in this one
    bool epoch_stored = true;  ///< the database says in which epoch it is
    struct Asking {
        uint64_t start = 0;  ///< names this start
        uint32_t answers = 0, needed = 0;
        std::vector<bool> answered;
        std::vector<uint64_t> asked_us;
        uint64_t again_us = 0;  ///< the interval
        uint64_t at_us = UINT64_MAX;
    };
    Asking asking;

    /// What this participant's boxes held, of the blocks that wait.
    struct OwnOpening {
        Slot slot;
        Participant holder;
        FindSealedWork::Own own;
        uint32_t asked = 0;  ///< how often the others were
    };
    std::map<LedgerIndex, OwnOpening> own_openings;
    /// Of blocks that are not looked at yet.
    std::map<std::tuple<Slot, LedgerIndex, Participant>, model::SharesOfBlock> early_shares;
    uint64_t ask_shares_at_us = UINT64_MAX, ask_shares_after_us = 0;
    uint64_t open_shares_until_us = UINT64_MAX;  ///< may_lack_shares() no longer

    std::optional<Micros> wanted_slot_at;  ///< the last want_slot(), after this slot
    Slot wanted_slot_after;

    bool following_only = false;  ///< far behind: decisions are followed, nothing is executed
    Slot synced_to;               ///< goal of the last load in this life
    bool sync_refused = false;    ///< nobody could help: not tried again before all is executed,
    bool sync_jumped = false;     ///< some ledger's state was loaded, over what it had not executed
    uint64_t sync_again_at_us = 0;  ///< or then, where batches may be nowhere any more
    uint64_t fetch_at_us = 0;       ///< when to ask again for missing decisions
    uint32_t fetch_turn = 0;        ///< whom to ask
    uint64_t say_quarantined_at_us = UINT64_MAX;
    uint64_t ask_batches_at_us = 0;
    Retained retained;
    Slot final_slot;  ///< final_through(), some time ago
    Restoring restoring;
    struct Scrubbing {
        bool running = false, in_flight = false;
        bool hurried = false;  ///< asked for: slice after slice
        bool is_void = false;  ///< what the slice under way sees: a ledger was replaced meanwhile
        ScrubPlace place;
        uint64_t pass_began_us = 0, slice_began_us = 0;
        uint64_t next_at_us = UINT64_MAX;
        uint64_t found = 0;
        ScrubStatus status;
    };
    Scrubbing scrubbing;
    Audits audits;
    std::optional<AuditRound> audit_round;  ///< in which not all were asked yet
    size_t audit_turn = 0;
    uint64_t audit_at_us = 0;
    std::map<BatchPlace, Hash> batches_to_heal;
    std::set<Slot> decisions_to_heal;
    uint64_t ask_decisions_at_us = 0;
    struct Peer {
        bool heard = false;
        uint64_t heard_us = 0;
        Slot slot;
        std::optional<Epoch> epoch;    ///< in which it said to take part
        bool signing = true;           ///< it did not say that it signs nothing
        bool is_served_state = false;  ///< a chunk for it is being read
        uint64_t stands_at_us = 0;     ///< when it may ask again where the ledgers stood
        ClockAhead clock;
        std::vector<LedgerIndex> quarantined;  ///< of which it said so,
        uint64_t quarantined_at_us = 0;        ///< then
        Allowance answers{answers_to_a_peer};
    };
    std::vector<Peer> peers;
    LanesLeft lanes_left;
    std::map<std::string, uint64_t> counters;
};

}  // namespace tally::node
