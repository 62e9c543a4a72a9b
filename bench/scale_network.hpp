// An ideal network of availability and ordering machines, wired as node/ wires them: every message
// takes exactly one delay, nothing is lost, saving and computing take no time. It counts the bytes
// of what is sent as they are encoded, and the signatures that the machines have verified.
//
// Execution is not here: no attestations, no block certificates, no checks of the transactions' own
// signatures.
#pragma once

#include <deque>
#include <queue>

#include "availability/machine.hpp"
#include "ordering/machine.hpp"

namespace tally::scale {

/// The only unit of time: small beside every timer, so that none of them runs out.
inline constexpr uint64_t delay_us = 1'000;

struct Load {
    std::string name;
    uint32_t envelopes = 1;  ///< in each batch
    bool every_lane = true;  ///< or the first alone
    uint32_t envelope_bytes = 600;
    uint64_t period_us = 3 * delay_us;  ///< from batch to batch of one lane
};

/// What one participant said and checked between two marks.
struct Counted {
    std::map<size_t, uint64_t> bytes_by_kind;  ///< by model::Message's index
    uint64_t verified = 0;
    [[nodiscard]] uint64_t bytes() const;
};

/// How long batches took, in delays, from the hand-in of their transactions on.
struct Latency {
    uint64_t count = 0, sum_us = 0, max_us = 0;
    void add(uint64_t us);
    [[nodiscard]] double mean() const;
    [[nodiscard]] double max() const { return double(max_us) / double(delay_us); }
};

class Network {
public:
    Network(uint32_t participants, Load load);

    /// Batches are handed in, period after period, for `rounds`; those of rounds from `first` on
    /// are what is measured, and the load goes on until all of them are everywhere.
    void run(uint32_t first, uint32_t rounds);

    [[nodiscard]] const std::vector<Counted>& counted() const { return counted_; }
    [[nodiscard]] uint64_t slots() const { return slots_; }
    [[nodiscard]] uint64_t transactions() const { return transactions_; }
    [[nodiscard]] uint64_t transaction_bytes() const {
        return transactions_ * load_.envelope_bytes;
    }
    /// Known to be decided where they were handed in; decided and read, everywhere.
    [[nodiscard]] const Latency& decided() const { return decided_; }
    [[nodiscard]] const Latency& readable() const { return readable_; }
    /// The first batch of all, into an idle network.
    [[nodiscard]] double alone() const { return alone_; }
    [[nodiscard]] uint64_t views_changed() const;

private:
    class CountingVerifier;
    using Key = std::pair<Participant, availability::LanePlace>;
    struct Node {
        std::unique_ptr<Signer> signer;
        std::unique_ptr<Verifier> verifier;
        std::unique_ptr<availability::Machine> availability;
        std::unique_ptr<ordering::Machine> ordering;
        std::map<Key, model::BatchCells> cells;
        std::vector<LaneHeight> ready;  ///< by lane: decided and read up to here
        uint64_t verified = 0;
        uint64_t wakes_at = 0;
    };
    struct InFlight {
        uint64_t at;
        Participant from, to;
        std::shared_ptr<const model::Message> message;
    };
    using Wakeup = std::pair<uint64_t, uint32_t>;  ///< when, and who

    void start(uint32_t index);
    void hand_in(uint32_t lane);
    void deliver(const InFlight& message);
    void tick(uint32_t index);
    template <class List>
    void take(uint32_t index, List& list);
    void take_one(uint32_t index, const model::Save&) { (void)index; }
    void take_one(uint32_t index, const model::Send& send);
    void take_one(uint32_t index, const availability::Certified& certified);
    void take_one(uint32_t index, const availability::BatchHeld& held);
    void take_one(uint32_t index, const availability::CellsHeld& held);
    void take_one(uint32_t index, const ordering::Decided& decided);
    void answer(uint32_t index, Participant to, const model::FetchCells& request);
    void note_ready(uint32_t index, uint32_t lane);
    void wake_later(uint32_t index);
    void step();
    void mark(bool begin);
    [[nodiscard]] model::Now now() const;
    [[nodiscard]] bool is_measured(uint64_t handed_in_us) const {
        return handed_in_us >= from_us_ && handed_in_us < to_us_;
    }

    Load load_;
    uint32_t lanes_;
    model::Signatories set_;
    model::Parameters parameters_;
    std::shared_ptr<const availability::Coder> coder_;
    std::vector<Node> nodes_;
    std::deque<InFlight> in_flight_;  ///< in the order of their arrival
    std::priority_queue<Wakeup, std::vector<Wakeup>, std::greater<>> wakeups_;
    std::deque<Wakeup> hand_ins_;
    uint64_t now_us_ = 1'000'000;
    uint64_t from_us_ = 0, to_us_ = 0;
    bool counting_ = false;
    std::vector<std::vector<uint64_t>> handed_in_us_;  ///< by lane, the first at index zero
    std::vector<Counted> counted_;
    uint64_t slots_ = 0, transactions_ = 0, not_ready_ = 0;
    Latency decided_, readable_;
    double alone_ = 0;
};

}  // namespace tally::scale
