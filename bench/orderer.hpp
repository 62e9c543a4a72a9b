// Orderer: one participant of ordering_bench. The machines of availability and of ordering as a
// participant runs them, on a thread of their own, with a journal and peers; nothing above them:
// payloads are opaque bytes that nobody signed, and nothing is executed. What a participant has in
// its database (cells that others ask for, decisions) is in memory here.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "availability/machine.hpp"
#include "cli/input_queue.hpp"
#include "io/peer_net.hpp"
#include "node/outbox.hpp"
#include "ordering/machine.hpp"
#include "store/journal.hpp"

namespace tally::bench {

/// What all participants of a run have in common.
struct Common {
    Hash network;
    Micros genesis_time;
    model::Parameters parameters;
    model::Signatories signatories;
    std::vector<Ed25519Secret> signing, identity;
    size_t payload_bytes = 512;
    size_t outstanding_max = 0;  ///< payloads of one participant that are not ordered yet
    uint64_t rate_per_s = 0;     ///< of one participant; 0: as fast as they are ordered
    std::atomic<bool> loading = false, measuring = false;
};

/// What one participant did so far.
struct Counted {
    uint64_t payloads = 0;  ///< ordered, and here
    uint64_t batches = 0, slots = 0, timeouts = 0;
    uint64_t verifications = 0, verify_ns = 0, signatures = 0, sign_ns = 0;
    uint64_t journal_bytes = 0, syncs = 0, sync_us = 0;
    uint64_t messages_dropped = 0;
};

/// Payloads, and how long they took from being submitted until they were ordered.
struct Latency {
    uint32_t us, payloads;
};

class Orderer {
public:
    /// Borrows `common`. An empty `journal_folder`: the journal is in memory.
    Orderer(Common& common, Participant self, std::string journal_folder);
    ~Orderer() { stop(); }
    Orderer(const Orderer&) = delete;
    Orderer& operator=(const Orderer&) = delete;

    [[nodiscard]] Result<void> open_journal();
    /// Listens on a free port of this machine.
    [[nodiscard]] Result<void> open_peers();
    [[nodiscard]] uint16_t port() const { return peers_->port(); }
    void set_peers(io::PeerTable table) { peers_->set_peers(std::move(table)); }
    [[nodiscard]] bool is_connected() const;
    /// In place of open_peers(): messages go straight into the others' queues.
    void join(const std::vector<std::unique_ptr<Orderer>>& all);

    void start();
    void stop();
    [[nodiscard]] Counted counted() const;
    /// After stop().
    [[nodiscard]] const std::vector<Latency>& latencies() const { return latencies_; }

private:
    class Timed;
    struct Lane {
        std::map<LaneHeight, std::shared_ptr<const availability::HeldBatch>> bodies;
        std::map<LaneHeight, model::BatchCells> cells;
        LaneHeight counted;
        std::map<LaneHeight, uint64_t> payloads;  ///< of batches that are held and not counted yet
    };

    bool push(Participant from, std::shared_ptr<const Bytes> message);
    void run();
    uint64_t wait(cli::InputQueue::Round& round);
    void on_message(const node::PeerMessage& input);
    bool on_request(Participant from, const model::Message& message);
    void on_tick();
    void feed();
    void settle();
    void follow(const model::Decision& decision);
    void fetch_if_behind();
    void count_ordered();
    void count_own(uint64_t payloads);
    void send(Participant to, const model::Message& message);
    [[nodiscard]] uint64_t next_wakeup_us() const;

    template <class List>
    void take(List& list);
    void take_one(model::Save& save);
    void take_one(model::Send& message);
    void take_one(ordering::Decided& decided);
    void take_one(availability::Certified& certified);
    void take_one(availability::BatchHeld& held);
    void take_one(availability::CellsHeld& held);

    Common& common_;
    const Participant self_;
    const std::string journal_folder_;
    std::unique_ptr<Timed> keys_;
    std::unique_ptr<ports::Disk> disk_;
    std::unique_ptr<store::Journal> journal_;
    std::unique_ptr<io::PeerNet> peers_;
    std::vector<Orderer*> neighbours_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    cli::InputQueue inputs_;
    uint64_t synced_ = 0;
    bool stopping_ = false;
    Counted published_;
    uint64_t syncs_ = 0, sync_us_ = 0;
    std::thread thread_;

    // The thread's own.
    std::unique_ptr<availability::Machine> availability_;
    std::unique_ptr<ordering::Machine> ordering_;
    node::Outbox outbox_{false};
    model::Now now_;
    std::vector<Lane> lanes_;
    std::deque<std::shared_ptr<const model::Decision>> decisions_;
    uint64_t fetch_at_us_ = 0;
    uint32_t fetch_turn_ = 0;
    Counted counted_;
    struct Submitted {
        uint64_t at_us;
        uint64_t payloads;
    };
    std::deque<Submitted> submitted_;
    uint64_t outstanding_ = 0, submitted_all_ = 0, load_began_us_ = 0;
    uint64_t random_;
    std::vector<Latency> latencies_;
};

}  // namespace tally::bench
