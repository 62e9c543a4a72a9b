// Node: one participant, whole, as one deterministic step.
//
// `step(now, input, effects)` runs to completion without a clock, thread, lock or socket. The same
// code runs in a process (io/ drives it) and in the simulator (sim/ drives it). Durable things go
// through two ports: the journal's Disk (asynchronous: a sync ticket returns as an input) and
// KeyValue (synchronous, remade from the journal after a crash). Work that costs time (checking
// signatures, executing a block) is an effect whose answer returns as an input.
#pragma once

#include "availability/canaries.hpp"
#include "availability/dispersal.hpp"
#include "crypto/sealing.hpp"
#include "model/effects.hpp"
#include "node/client.hpp"
#include "node/damage.hpp"
#include "ordering/canaries.hpp"
#include "ports/disk.hpp"
#include "ports/key_value.hpp"

namespace tally::node {

/// Something that may run on any thread, once, and then comes back in WorkDone. It owns all that it
/// reads.
class Work {
public:
    virtual ~Work() = default;
    virtual void run() = 0;
};

// --- inputs ---
struct PeerMessage {
    Participant from;  ///< authenticated by Net
    std::shared_ptr<const Bytes> bytes;
};
struct Tick {};  ///< time has passed: given at next_wakeup_us() or a little later
struct Synced {
    uint64_t ticket;  ///< of Disk::sync
};
struct SyncFailed {
    std::string why;
};
struct WorkDone {
    uint64_t id;
    std::shared_ptr<Work> work;
};
struct ClientRequest {
    uint64_t id;  ///< chosen by the caller; the Reply carries it
    Request request;
};
/// A reader met something that was altered on the own disk (node/reader.hpp).
struct DamageSeen {
    Damage damage;
};
using Input =
    std::variant<PeerMessage, Tick, Synced, SyncFailed, WorkDone, ClientRequest, DamageSeen>;

// --- effects ---
struct SendPeer {
    Participant to;
    std::shared_ptr<const Bytes> bytes;
};
struct StartWork {
    uint64_t id;
    std::shared_ptr<Work> work;
};
struct Reply {
    uint64_t id;
    Response response;
};
/// Names are static texts.
using LogFields = std::vector<std::pair<std::string_view, std::string>>;
/// A line for the operator's log: in words, and as an event of docs/operate.md with its fields.
struct Log {
    enum class Level : uint8_t { info, warning, error } level;
    std::string text;
    std::string_view event = "remark";  ///< static
    LogFields fields = {};
};
/// This start is in the journal: whoever counts starts outside of it writes the count down.
struct CountStart {
    uint64_t count;
};
/// The epoch is over, and nothing more happens in this node: once its database is flushed, another
/// begins with this at the end of its charter, a new journal and the keys that are in it. Requests
/// that were not answered are to be made again there.
struct EpochOver {
    model::Handover handover;
    /// What this participant's lane took in and did not get decided: of Config::resubmitted there.
    std::vector<model::BatchItem> undecided;
};
/// Nothing is sealed any more for the epochs before this one: Config::opening_secrets but the first
/// are to be erased for good.
struct OpeningKeysOver {};
/// Who may connect though it does not take part, under the numbers from guest_number() on.
struct Guests {
    std::vector<model::ParticipantEntry> list;
};
/// The node can go on no longer (its journal failed): stop the process, sign nothing more.
struct Halt {
    std::string why;
};
using Effect = std::variant<SendPeer, StartWork, Reply, Log, CountStart, EpochOver, OpeningKeysOver,
                            Guests, Halt>;
using Effects = std::vector<Effect>;

/// Under which number the i-th guest is heard and answered.
[[nodiscard]] constexpr Participant guest_number(size_t i) {
    return {uint8_t(limits::participants_max - 1 - i)};
}

/// How custody is audited. The same in all participants of a network, so that anyone can tell what
/// was to be asked; others are for tests.
struct AuditSettings {
    uint64_t round_slots = 64;          ///< a round begins in a slot that is a multiple of this,
    uint64_t round_us = 10'000'000;     ///< the first of those in so much block time
    uint64_t deadline_us = 30'000'000;  ///< of an answer, from the first asking
};

struct Config {
    model::Charter charter;
    Participant self;
    /// It does not take part in the charter's newest epoch, and `self` is the number that it hopes
    /// for: its name, else empty.
    std::string guest{};
    /// By which it says that it is ready for a next epoch, and with which keys; borrowed. None: it
    /// does not.
    const Signer* identity = nullptr;
    model::HeldKeys next_keys{};
    /// With which its shares of sealed transactions open: of this epoch, then of earlier ones.
    std::vector<X25519Secret> opening_secrets{};
    /// Envelopes that clients gave to this participant before, to be ordered still.
    std::vector<model::BatchItem> resubmitted{};
    /// Known to this participant alone, the same at every start: with it the journal tells damage
    /// from a crash (store/journal.hpp). Zero: it does not.
    Hash journal_key{};
    uint64_t batch_delay_us = 20'000;  ///< how long a batch may wait for more transactions
    uint64_t heartbeat_us = 1'000'000;
    /// When more slots than this are to be executed, states are loaded from the others instead, and
    /// older blocks are not here afterwards. Zero: everything is executed.
    uint64_t snapshot_after_slots = 5'000;
    size_t tree_nodes_in_memory_max = 400'000;         ///< per ledger
    size_t submitted_bytes_max = 64ull * 1024 * 1024;  ///< waiting to be batched
    size_t checked_bytes_max = 64ull * 1024 * 1024;    ///< checked batches ahead of execution
    /// Why the journal is known to be lost, by what stands outside of it.
    std::optional<std::string> lost_journal{};
    /// The last CountStart, as it was written down outside of the journal's disk, if it is.
    std::optional<uint64_t> starts_counted{};
    /// For what is checked by Work, on other threads; borrowed, for the node's life. Null: the
    /// node's own verifier, where there is one thread only.
    const Verifier* work_verifier = nullptr;
    /// How fast own cells are made again that a load of states jumped over: bytes of batches.
    uint64_t restore_bytes_per_s = 16ull * 1024 * 1024;
    uint64_t scrub_period_us = 0;  ///< everything on the disk is read again so often; 0: when asked
    AuditSettings audits{};
};

/// Test-only mistakes; each must be caught by the simulator's checkers (never set outside of it).
struct Canaries {
    ordering::Canaries ordering;
    availability::CoderCanaries coding;
    availability::Canaries lanes;
    bool execute_duplicates = false;
    bool ignore_failed_sync = false;
    bool ignore_failed_write = false;  ///< of the database
    bool forget_votes_on_restart = false;
    bool acknowledge_at_once = false;  ///< applied, before it is ordered
    bool lose_submitted = false;       ///< some are taken from clients and dropped
    bool drop_early = false;           ///< batches are dropped as soon as their blocks are final
    bool never_rest = false;           ///< slots are asked for without work
    bool skip_asking = false;  ///< neither asks what it signed nor believes that it lost anything
    bool believe_the_disk = false;  ///< values are executed over without a look at their leaves
    bool serve_unchecked = false;   ///< nor are those looked at that peers get
    bool deny_boxes = false;        ///< half of the own boxes are said to be bad
    bool open_copies = false;       ///< shares are told whatever they are bound to
    bool believe_audits = false;    ///< any answer to an audit counts as the right one
    uint64_t wrong_root_at = 0;     ///< a height at which a wrong state root is computed; 0: never
};

class Node {
public:
    /// Recovers from the journal and the database; nothing is sent before the first step().
    /// `signer` signs with the epoch's signing key. References are borrowed and must outlive the
    /// node.
    static Result<std::unique_ptr<Node>> open(Config config, const Signer& signer,
                                              const Verifier& verifier, ports::Disk& disk,
                                              ports::KeyValue& key_value, model::Now now,
                                              const Canaries& canaries = {});
    ~Node();

    /// Once, before the first step().
    void start(model::Now now, Effects& effects);
    void step(model::Now now, Input input, Effects& effects);

    /// Monotonic time at which the next Tick is due.
    [[nodiscard]] uint64_t next_wakeup_us() const;
    [[nodiscard]] Status status() const;
    /// How often it has started before, by its journal.
    [[nodiscard]] uint64_t starts() const;

private:
    struct Parts;
    explicit Node(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace tally::node
