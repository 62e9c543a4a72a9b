// A small deterministic network of ordering machines for tests: delays, loss, duplication, restarts
// from saved records, and sends that leave only after the saves before them.
//
// It plays the part of node/ too: checks certificates that arrive by message before it hands them
// on, and fetches decisions for whoever is behind.
#pragma once

#include <functional>
#include <queue>
#include <set>

#include "ordering/machine.hpp"
#include "ordering/test_parties.hpp"

namespace tally::ordering::testing {

inline constexpr uint64_t second_us = 1'000'000;

/// splitmix64.
class Dice {
public:
    explicit Dice(uint64_t seed) : state_(seed) {}
    uint64_t next();
    uint64_t below(uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
    bool chance(uint32_t percent) { return below(100) < percent; }

private:
    uint64_t state_;
};

struct Options {
    uint32_t participants = 4;
    uint64_t seed = 1;
    uint64_t delay_us_min = 1'000, delay_us_max = 1'000;
    uint32_t lost_percent = 0, doubled_percent = 0;
    uint64_t save_us = 100;
    bool by_hand = false;  ///< messages wait until deliver_some()
    model::Parameters parameters{};
    uint32_t ledgers = 1;
    Canaries canaries{};
    std::map<Participant, Canaries> liars{};  ///< who runs with these instead, and is not honest
};

class Network {
public:
    explicit Network(Options options);

    using Actor = size_t;  ///< one running copy; a Twin is two actors of one participant
    struct Sent {
        Actor from;
        Participant to;
        std::shared_ptr<const model::Message> message;
    };

    // --- the world ---
    /// May be changed while it runs, but for the number of participants.
    Options& options() { return options_; }
    void run_for(uint64_t us);
    /// Until `done` or `us_max` have passed; true iff done.
    bool run_until(const std::function<bool()>& done, uint64_t us_max);
    void crash(Participant participant);
    /// Rebuilt from what was durable; a random part of what was queued may have become so.
    void restart(Participant participant);
    /// By hand: delivers one waiting message that `may_pass`, at random; false if there is none.
    bool deliver_some(const std::function<bool(const Sent&)>& may_pass);
    /// From now on messages travel by themselves, those waiting first.
    void let_go();
    /// The participant's clocks jump ahead: its timers fire.
    void jump(Participant participant, uint64_t us);
    /// False: nothing passes between the two.
    void link(Participant a, Participant b, bool up);
    void isolate(Participant participant, bool cut_off);
    /// The participant is played by `liar` from now on: it is given what arrives and says what it
    /// likes through `say`.
    using Liar = std::function<void(Participant from, const model::Message&)>;
    void replace(Participant participant, Liar liar);
    void say(Participant as, Participant to, const model::Message& message);
    /// A second copy with the same key, which talks to `with` only; the first to the others.
    void twin(Participant participant, std::set<Participant> with);
    /// Called for each message that leaves; false drops it.
    std::function<bool(const Sent&)> filter;
    /// Called for each message that an honest participant is given.
    std::function<void(Participant to, const model::Message&)> heard;

    // --- work ---
    model::LaneCertificate certificate(Participant lane, LaneHeight height);
    /// All that batch() has made.
    [[nodiscard]] const std::vector<model::LaneCertificate>& certificates() const {
        return certificates_;
    }
    model::BlockCertificate block_certificate(LedgerIndex ledger, Height height);
    model::Signed<model::Dispute> dispute(Participant prover, LedgerIndex ledger, Height height);
    void give(const model::LaneCertificate& certificate, std::set<Participant> to);
    /// The lane's next height, to everyone; who is down learns of it on its return.
    void batch(Participant lane);

    // --- what happened ---
    [[nodiscard]] Machine& machine(Participant participant);
    [[nodiscard]] bool up(Participant participant) const;
    [[nodiscard]] bool honest(Participant participant) const;
    [[nodiscard]] Slot decided(Participant participant) const;
    /// Every honest participant that is up has decided at least this slot.
    [[nodiscard]] bool all_decided(Slot slot) const;
    /// All of them have decided every batch given so far.
    [[nodiscard]] bool all_ordered() const;
    [[nodiscard]] const model::Block& block(Slot slot) const { return blocks_.at(slot); }
    [[nodiscard]] const std::map<Slot, model::Block>& blocks() const { return blocks_; }
    [[nodiscard]] const std::map<Slot, model::Decision>& decisions() const { return decisions_; }
    /// Empty, or the first thing that must never happen.
    [[nodiscard]] const std::string& violation() const { return violation_; }
    [[nodiscard]] uint64_t now_us() const { return now_us_; }
    [[nodiscard]] model::Now now() const;
    [[nodiscard]] const model::Signatories& set() const { return set_; }
    [[nodiscard]] const Signer& signer(Participant participant) const;
    [[nodiscard]] const Verifier& verifier() const { return *verifier_; }
    [[nodiscard]] Config config(Participant participant) const;
    /// With the identity keys of test_identity().
    [[nodiscard]] const model::CharterBody& body() const { return body_; }
    [[nodiscard]] const std::vector<model::Record>& journal(Participant participant) const;
    uint64_t messages = 0;
    Dice dice;

private:
    struct Pending {
        uint64_t ready_at;
        Effects::Effect effect;
    };
    struct Running {
        Participant participant;
        std::unique_ptr<Machine> machine;  ///< null: down, or a liar
        Liar liar;
        std::deque<Pending> queue;
        uint64_t ready_at = 0;
        std::vector<model::Record> journal;
        Slot decided;
        std::optional<std::set<Participant>> with;
        uint64_t catch_up_at = 0;
        uint64_t ahead_us = 0;
        std::set<Hash> offered;  ///< by hand
        bool honest = true;
    };
    struct Event {
        uint64_t at;
        uint64_t order;
        Actor actor;
        Participant from;
        std::shared_ptr<const model::Message> message;  ///< null: look at the queue and the clock
        bool operator>(const Event& other) const {
            return std::tie(at, order) > std::tie(other.at, other.order);
        }
    };

    [[nodiscard]] model::Now now_of(const Running& running) const;
    [[nodiscard]] uint64_t wakeup_of(const Running& running) const;
    void start(Running& running);
    void take(Actor actor, Effects& effects);
    void release(Actor actor);
    void transmit(Actor from, Participant to, std::shared_ptr<const model::Message> message);
    void deliver(const Event& event);
    void wake_later(Actor actor, uint64_t at);
    void catch_up(Actor actor);
    void on_decided(Running& running, const model::Decision& decision);
    void check_sent(const Running& running, const model::Message& message);
    void fail(std::string what);

    Options options_;
    model::Signatories set_;
    model::CharterBody body_;
    std::vector<std::unique_ptr<Signer>> signers_;
    std::unique_ptr<Verifier> verifier_;
    std::vector<Running> actors_;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
    struct Waiting {
        Sent sent;
        Actor actor;
        Participant sender;
    };
    std::vector<Waiting> waiting_;
    uint64_t order_ = 0;
    uint64_t now_us_ = 1'000'000;
    std::set<std::pair<Participant, Participant>> cut_links_;
    std::vector<LaneHeight> given_;
    std::vector<model::LaneCertificate> certificates_;
    std::map<Slot, model::Block> blocks_;
    std::map<Slot, model::Decision> decisions_;
    std::map<std::tuple<Participant, size_t, Slot, View>, Bytes> said_;
    std::string violation_;
};

}  // namespace tally::ordering::testing
