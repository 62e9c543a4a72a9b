// What a client can ask of a node's step, and what it is told. Reads do not come this way: they are
// functions of a database snapshot (node/reader.hpp), which any thread may call.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/strong.hpp"
#include "crypto/hash.hpp"
#include "model/envelope.hpp"
#include "model/membership.hpp"

namespace tally::node {

/// How far a transaction has come. Each level includes those before.
enum class Level : uint8_t {
    submitted,  ///< in this participant's memory, promised nothing
    ordered,    ///< its place is decided
    certified,  ///< more than half of the provers signed the block with its result
    final_,     ///< a decided block carries such a certificate
};

enum class ClientError {
    unknown_ledger,
    stopped,
    too_many_waiting,
    journal_lost,
    epoch_over,
    no_participant_yet,
};
ErrorText describe(ClientError error);

struct Submit {
    LedgerIndex ledger;
    Bytes envelope;
    /// The envelope as the interface layer found it: valid by its bytes.
    std::shared_ptr<const model::CheckedEnvelope> checked;
    Level wait = Level::certified;
    uint64_t timeout_us = 10'000'000;
};
/// Waits for a transaction that may have been submitted anywhere.
struct Await {
    LedgerIndex ledger;
    Hash transaction;
    Level wait = Level::certified;
    uint64_t timeout_us = 10'000'000;
};
struct GetStatus {};
/// Begins a pass of the scrubber now, at full speed; answered with the status.
struct StartScrub {};
/// Takes a proposal of the next epoch, to be decided; answered with the status, or why not.
struct ProposeEpoch {
    model::VotedProposal voted;
};
using Request = std::variant<Submit, Await, GetStatus, StartScrub, ProposeEpoch>;

/// What is known of a transaction. `level` may be below what was waited for: then the time is over,
/// and the client asks again by id.
struct TransactionStatus {
    Hash transaction;
    bool known = false;  ///< false: this participant has not seen it in a block
    Level level = Level::submitted;
    Height height;       ///< from `ordered` on
    uint32_t index = 0;  ///< in the block's list, once executed
    bool executed = false;
    uint16_t code = 0;        ///< 0: applied
    std::string explanation;  ///< of a rejection: code, cause, next step
    /// Temporary ids and the subjects they became; only while the transaction is waited for.
    std::vector<std::pair<std::string, uint64_t>> assigned;
};

/// What is decided of the epoch after the present one.
struct NextEpochStatus {
    std::optional<Hash> proposal;  ///< none: nothing
    Epoch epoch;
    uint32_t attempt = 0;
    Slot slot;                         ///< that decided it
    std::vector<std::string> ready;    ///< who is ready for it,
    std::vector<std::string> missing;  ///< and who is not
    uint32_t needed = 0;               ///< how many must be
};
/// Whether a participant keeps the cells that it should, as this one's audits since the start show.
struct AuditStatus {
    uint64_t asked = 0, passed = 0, missed = 0;
    uint64_t unanswered = 0;   ///< it was not heard, or the batch came to be past retention
    bool keeps = true;         ///< false: of its last results too many are missed
    Participant missed_lane;   ///< of the newest batch that was missed
    LaneHeight missed_height;  ///< zero: none was
};
struct PeerProgress {
    std::string name;
    Participant number;      ///< in this epoch
    Slot slot;               ///< last heard to be working on
    uint64_t silent_us = 0;  ///< since the last message
    bool heard = false;
    std::optional<Epoch> epoch = {};  ///< in which it said to take part
    /// How far its clock is ahead of the own, about, as its last reports show; none without any.
    std::optional<int64_t> clock_ahead_us = {};
    std::vector<std::string> quarantined = {};  ///< ledgers of which it says so itself
    bool signing = true;  ///< false: it says that it signs nothing in this epoch
    AuditStatus audits = {};
};
/// One participant's lane, as far as this one has followed it.
struct LaneProgress {
    std::string participant;
    LaneHeight height;           ///< of the last decided tip
    Micros time;                 ///< of that tip
    LaneHeight held;             ///< every decided batch up to here is held
    LaneHeight kept_from = {1};  ///< cells of batches below it are dropped
    LaneHeight certified = {};   ///< the newest known, decided or not
    uint64_t waiting_us = 0;     ///< for how long one above the last decided tip is known
    std::vector<std::string> left_behind_by = {};  ///< whose newest report names less than is known
};
/// Something of a ledger that was altered on this participant's disk.
struct AlteredStatus {
    Height block;         ///< in whose state it was noticed
    std::string subject;  ///< in words
    std::string what;     ///< "altered", "missing", …
    bool healed = false;
};
struct QuarantineStatus {
    bool quarantined = false;            ///< it is not executed and attested until all is healed
    bool remade = false;                 ///< more is damaged than can be healed: it is made again
    std::vector<AlteredStatus> altered;  ///< some of them: those not healed, then the last healed
    uint64_t found = 0, healed = 0;      ///< since the start
};
struct LedgerStatus {
    std::string name;
    Height executed, certified, carried;
    Hash header;     ///< at `executed`
    Slot slot;       ///< the last that is behind it: executed, or without a block of this ledger
    Height history;  ///< blocks below it are not here: its state was loaded from peers
    bool paused = false;
    bool diverged = false;
    std::string failure;  ///< why it is not executed here any more: the own database's fault
    std::vector<std::string> missing;  ///< provers without attestation of the newest executed block
    size_t sealed_waiting = 0;  ///< transactions of its next block that lack shares to be opened
    std::vector<std::string> shares_missing;  ///< whose
    QuarantineStatus quarantine;
};
/// How far everything on the own disk has been read and compared (node/scrub.hpp).
struct ScrubStatus {
    uint64_t period_us = 0;  ///< a pass begins so long after the one before; 0: only when asked
    bool running = false;
    std::string doing;     ///< in words
    uint64_t bytes = 0;    ///< of the pass under way
    uint64_t passes = 0;   ///< that ended since the start
    Micros last_time;      ///< when the last one ended
    uint64_t last_us = 0;  ///< how long it took
    uint64_t last_bytes = 0;
    uint64_t last_found = 0;               ///< altered things
    std::vector<std::string> log_altered;  ///< of what all ledgers share, not healed yet: some
    std::string journal_damage;            ///< empty: none known
};
/// What is kept of decided batches, the transactions as they were signed.
struct StorageStatus {
    Slot cells_since;        ///< own cells, and what is not coded, of batches decided from here on
    Slot whole_since;        ///< coded ones whole besides
    bool restoring = false;  ///< own cells that are missing are made again from the others',
    uint64_t slots_to_go = 0;       ///< in these many slots
    uint64_t restored_batches = 0;  ///< since the start
    uint64_t restored_bytes = 0;
};
/// How far a participant has come that is behind.
struct SyncProgress {
    enum class Doing : uint8_t { following, asking, loading, gathering } doing = Doing::following;
    Slot decided, goal;    ///< following: decisions up to here, of those up to there
    std::string ledger;    ///< loading: whose state
    Height height;         ///< of which block
    uint64_t bytes = 0;    ///< of it that are here
    uint32_t ledgers = 0;  ///< still to be loaded
};
[[nodiscard]] std::string text_of(const SyncProgress& progress);

struct Status {
    ScrubStatus scrub;
    StorageStatus storage;
    std::string network_name;
    Hash network;
    std::string participant;
    uint32_t participants = 0;
    uint32_t losses_survived = 0;  ///< f, less those that sign nothing
    Epoch epoch;
    Slot decided;
    View view;
    Micros decided_time;
    bool signing = true;  ///< false: this participant signs nothing (see `note`)
    /// Its journal does not hold all that it signed: it signs nothing in this epoch.
    bool journal_lost = false;
    /// Others take part in this later epoch, which this participant knows nothing of: nothing is
    /// ordered in its own any more.
    std::optional<Epoch> newer_epoch;
    NextEpochStatus next_epoch;
    bool takes_part = true;    ///< false: it follows, and hopes for a later epoch
    uint32_t heard = 0;        ///< participants of its epoch heard of late, this one among them
    uint32_t not_signing = 0;  ///< of these: who sign nothing, and count for no decision
    uint32_t needed = 0;       ///< for a decision: n − f
    /// Whether enough were heard that sign for anything to be ordered.
    [[nodiscard]] bool ordering() const { return heard >= needed + not_signing; }
    std::string note;
    std::optional<SyncProgress> catching_up;  ///< none: not behind by more than it executes
    std::vector<PeerProgress> peers;
    std::vector<LaneProgress> lanes;  ///< in the participants' order
    std::vector<LedgerStatus> ledgers;
    std::vector<Participant> equivocators;  ///< who signed two results of one block, ascending
    std::map<std::string, uint64_t>
        counters;  ///< monotone, for metrics: refused messages by reason, …
};

using Response = std::variant<Result<TransactionStatus>, Result<Status>>;

}  // namespace tally::node
