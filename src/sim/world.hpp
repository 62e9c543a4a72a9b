// World: many participants in one thread, in virtual time, under a scenario's faults.
//
// Events happen in the order of (time, number), and every choice is a hash of the seed, so that a
// scenario always runs alike, on every machine and under every compiler.
#pragma once

#include <functional>
#include <memory>
#include <queue>
#include <set>

#include "sim/coverage.hpp"
#include "sim/machine.hpp"
#include "sim/observer.hpp"
#include "sim/weather.hpp"

namespace tally::sim {

class World {
public:
    /// All borrowed. `signers`: one per participant. Starts nobody yet.
    World(const Scenario& scenario, const model::Signatories& set,
          const std::vector<const Signer*>& signers, const Launch& launch, Observer& observer);
    ~World();

    /// The charter that everybody has from now on.
    void set_charter(const model::Charter& charter) {
        for (const auto& machine : machines_) machine->charter = charter;
    }
    /// With which key a participant signs in its charter's newest epoch.
    using KeyOf = std::function<const Signer&(Participant, const model::Charter&)>;
    void set_keys(KeyOf key_of) { key_of_ = std::move(key_of); }
    /// What a `change` proposes, to whom.
    void set_propose(std::function<void(const Fault&)> propose) { propose_ = std::move(propose); }
    /// Those who do not run yet and are not told to stay away begin to.
    void begin_to_follow(ParticipantSet who);

    [[nodiscard]] uint64_t now_us() const { return now_us_; }
    [[nodiscard]] uint64_t events() const { return events_; }
    void at(uint64_t time_us, std::function<void()> happens);

    /// What makes the next epoch known to everybody when a `recover` strikes. All processes are
    /// down then, and what their journals held is in their databases.
    void set_begin_epoch(std::function<void(const Fault&)> begin) {
        begin_epoch_ = std::move(begin);
    }
    /// Starts everybody and lays out the faults.
    void start();
    /// Until the time has come, the observer wants the end or `events_max` have happened.
    void run_until(uint64_t time_us, uint64_t events_max = UINT64_MAX);

    /// A client asks, through a network that only delays. The reply goes to the observer; who is
    /// down or lies may never answer.
    void request(Participant participant, uint64_t id, node::Request request);

    /// A reader met what is altered on this participant's disk.
    void notice(Participant participant, node::Damage damage);

    [[nodiscard]] bool is_honest(Participant participant) const {
        return scenario_.liar(participant) == nullptr;
    }
    /// Of an honest participant; nothing while it is down.
    [[nodiscard]] const Process* process(Participant participant) const;
    [[nodiscard]] const ports::KeyValue& key_value(Participant participant) const;
    /// SimKeyValue::dropped()
    [[nodiscard]] const ports::Reader* dropped(Participant participant) const;
    /// How often each fault struck and each liar lied, so far.
    [[nodiscard]] Coverage coverage() const;
    /// A fault struck that the world itself does not see.
    void note_strike(FaultKind kind) { ++coverage_.strikes_of(kind); }

private:
    struct Event {
        uint64_t at_us;
        uint64_t number;
        std::function<void()> happens;
        bool operator<(const Event& other) const {
            // The queue's top is its greatest: the earliest.
            return std::tie(other.at_us, other.number) < std::tie(at_us, number);
        }
    };

    [[nodiscard]] model::Now now_of(const Machine& machine) const;
    [[nodiscard]] Seat seat_of(Machine& machine) const;
    void lay_out(const Fault& fault);
    void lay_out_recovery(const Fault& fault);
    void lose_only_journal(Machine& machine);
    void end_epoch(Machine& machine, node::EpochOver& over);
    [[nodiscard]] std::optional<Participant> number_of(Participant who, const Machine& to) const;
    [[nodiscard]] std::optional<Participant> who_is(Participant number, const Machine& to) const;
    void settle_old_epoch(Machine& machine);
    void lay_out_failing_medium(Machine& machine, const Fault& fault);
    void start_again_later(Machine& machine);
    [[nodiscard]] static bool medium_failed(const Machine& machine);
    [[nodiscard]] bool end_on_failed_medium(Machine& machine);
    void plan_speech(Machine& machine);
    void start_machine(Machine& machine);
    void crash_machine(Machine& machine);
    void copy_media(Machine& machine, const Fault& fault);
    void lose_journal(Machine& machine, const Fault& fault);
    void restart_when_allowed(Machine& machine);
    void give(Machine& machine, node::Input input);
    void step(Machine& machine, node::Input input);
    void after_step(Machine& machine, node::Effects& effects);
    void perform(Machine& machine, node::Effects& effects);
    void perform_one(Machine& machine, node::Effect& effect);
    void send(Machine& machine, Participant to, const std::shared_ptr<const Bytes>& bytes);
    void deliver(Machine& from, Participant to, const std::shared_ptr<const Bytes>& bytes);
    void start_syncs(Machine& machine);
    void plan_tick(Machine& machine);
    [[nodiscard]] std::vector<Machine*> machines_of(Participant participant);

    const Scenario& scenario_;
    const Launch& launch_;
    Observer& observer_;
    std::function<void(const Fault&)> begin_epoch_;
    std::function<void(const Fault&)> propose_;
    KeyOf key_of_;
    Coverage coverage_;
    Weather weather_;
    std::vector<std::unique_ptr<Machine>> machines_;
    std::priority_queue<Event> queue_;
    std::set<Participant> begun_;  ///< who was started once
    uint64_t now_us_ = 0;
    uint64_t numbered_ = 0;
    uint64_t events_ = 0;
};

}  // namespace tally::sim
