// A small world for the machine's tests: n machines, a network that loses, doubles, reorders and
// garbles, journals that forget what was not synced, and an oracle in place of agreement.
//
// It checks as it goes: no two certificates and no two acknowledgements by one signer at one place,
// nothing acknowledged that is not durable, and one content for each decided batch.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <queue>
#include <random>

#include "availability/machine.hpp"

namespace tally::availability::testing {

struct Faults {
    double loss = 0;
    double doubled = 0;
    double garbled = 0;  ///< a copy with one byte changed arrives as well
    uint64_t delay_us_max = 5'000;
};

class Network {
public:
    Network(uint32_t count, uint64_t seed, model::Parameters parameters = {}, Faults faults = {});

    void submit(uint32_t node, Bytes envelope);
    /// Virtual time goes on; the oracle decides every 20 ms unless told otherwise.
    void run(uint64_t duration_us);
    void crash(uint32_t node);
    void restart(uint32_t node);
    void set_faults(Faults faults) { faults_ = faults; }
    void set_deciding(bool deciding) { deciding_ = deciding; }
    /// It does not answer who asks for cells.
    void set_mute(uint32_t node) { nodes_[node].is_mute = true; }
    [[nodiscard]] bool has_own_cells(uint32_t node, Participant lane, LanePlace place) const {
        return nodes_[node].cells.contains({lane, place});
    }

    [[nodiscard]] bool up(uint32_t node) const { return nodes_[node].machine != nullptr; }
    [[nodiscard]] Machine& machine(uint32_t node) { return *nodes_[node].machine; }
    [[nodiscard]] const Signer& signer(uint32_t node) const { return *nodes_[node].signer; }
    [[nodiscard]] const model::Signatories& set() const { return set_; }
    [[nodiscard]] const Coder& coder() const { return *coder_; }
    [[nodiscard]] const model::Cut& cut() const { return cut_; }
    [[nodiscard]] uint64_t now_us() const { return now_us_; }
    /// Decided envelopes of a lane, in order, as every node that is up holds them.
    [[nodiscard]] std::vector<Bytes> decided(uint32_t lane);
    /// True iff every node that is up knows the whole cut and holds each of its batches.
    [[nodiscard]] bool all_held();
    /// Gives one machine a message as if it came from `from`; what it answers goes its way.
    void inject(uint32_t to, uint32_t from, const model::Message& message);
    /// Messages that were sent to participants that take no part (crashed ones).
    [[nodiscard]] uint64_t refusals(uint32_t node, Refusal reason) const;

private:
    using Key = std::pair<Participant, LanePlace>;
    struct Pending {
        size_t journal_needed;
        std::variant<model::Send, Certified> effect;
    };
    struct Node {
        std::unique_ptr<Signer> signer;
        std::unique_ptr<Verifier> verifier;
        std::unique_ptr<Machine> machine;
        std::vector<std::shared_ptr<const model::Record>> journal;
        size_t synced = 0;
        bool is_mute = false;
        bool syncing = false;  ///< a sync is on its way
        std::vector<Pending> pending;
        std::map<Key, std::shared_ptr<const HeldBatch>> held;
        std::map<Key, model::BatchCells> cells;
        size_t decisions_seen = 0;
        uint64_t life = 0;  ///< events of an earlier one are void
    };
    struct Event {
        uint64_t at_us, order;
        std::function<void()> act;
        bool operator<(const Event& other) const {
            return std::pair(at_us, order) > std::pair(other.at_us, other.order);
        }
    };

    void later(uint64_t delay_us, std::function<void()> act);
    void start(uint32_t node);
    void take(uint32_t node, Effects& effects);
    void sync(uint32_t node);
    void sync_later(uint32_t node);
    void send(uint32_t from, const model::Send& send);
    void deliver(uint32_t to, uint32_t from, const std::shared_ptr<const model::Message>& message);
    void decide();
    void follow(uint32_t node);
    void tick(uint32_t node);
    void check_sent(uint32_t from, const model::Message& message);
    [[nodiscard]] model::Now now() const;
    [[nodiscard]] uint64_t below(uint64_t bound) { return random_() % bound; }
    [[nodiscard]] bool chance(double p) { return double(random_() >> 11) * 0x1p-53 < p; }

    model::Signatories set_;
    model::Parameters parameters_;
    std::shared_ptr<const Coder> coder_;
    Faults faults_;
    std::mt19937_64 random_;
    std::vector<Node> nodes_;
    std::priority_queue<Event> events_;
    uint64_t now_us_ = 1'000'000, order_ = 0;
    bool deciding_ = true;
    model::Cut cut_;
    std::vector<model::Decision> decisions_;
    std::map<std::pair<Participant, LaneHeight>, model::LaneCertificate> certified_;
    std::map<std::tuple<Participant, Participant, LaneHeight>, model::Acknowledgement> signed_;
};

}  // namespace tally::availability::testing
