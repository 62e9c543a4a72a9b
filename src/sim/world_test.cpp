// The world runs alike twice, takes things away as a scenario says, and its checkers see a toy
// participant's mistakes.
#include "sim/world.hpp"

#include <gtest/gtest.h>

#include "sim/checker.hpp"
#include "sim/registry.hpp"
#include "sim/story.hpp"

namespace tally::sim {
namespace {

struct Mistakes {
    bool send_before_save = false;
    bool forget_on_restart = false;
    bool go_on_after_failed_sync = false;
};

/// Signs one Report after the other, saves it, and sends it when it is saved.
class Toy : public Process {
public:
    Toy(const Seat& seat, const model::Signatories& set, Mistakes mistakes)
        : seat_(seat), set_(set), mistakes_(mistakes) {
        const auto journal = seat_.disk.read("toy", 0, SIZE_MAX);
        if (!journal.ok()) return;
        // Records are 512 bytes each: a slot, its complement (torn otherwise), a signature.
        uint64_t good = 0;
        for (; good + 512 <= journal->size(); good += 512) {
            const ByteView record = ByteView(*journal).subspan(good, 512);
            if (read_u64(record) != ~read_u64(record.subspan(8))) break;
            if (record.back() != 0x5a) break;
            if (!mistakes_.forget_on_restart) slot_ = read_u64(record);
        }
        EXPECT_TRUE(seat_.disk.truncate("toy", good).ok());
    }
    void start(model::Now now, node::Effects&) override { due_us_ = now.monotonic_us + 1'000; }
    void step(model::Now now, node::Input input, node::Effects& effects) override {
        if (std::holds_alternative<node::PeerMessage>(input)) ++heard;
        if (std::holds_alternative<node::SyncFailed>(input)) {
            if (!mistakes_.go_on_after_failed_sync) effects.push_back(node::Halt{"disk"});
            return;
        }
        if (const auto* synced = std::get_if<node::Synced>(&input)) {
            while (!waiting_.empty() && waiting_.front().first <= synced->ticket) {
                send(waiting_.front().second, effects);
                waiting_.erase(waiting_.begin());
            }
        }
        if (now.monotonic_us < due_us_) return;
        due_us_ = now.monotonic_us + 50'000;
        speak(now, effects);
    }
    uint64_t next_wakeup_us() const override { return due_us_; }
    node::Status status() const override { return {}; }

    uint64_t heard = 0;

private:
    void speak(model::Now now, node::Effects& effects) {
        model::Report report;
        report.slot = {++slot_};
        report.time = now.wall;
        auto said = model::sign(set_, seat_.participant, seat_.signer, report);
        Bytes record;
        append_u64(record, slot_);
        append_u64(record, ~slot_);
        append(record, cbor::encode(said.signature));
        record.resize(511);
        record.push_back(0x5a);
        seat_.disk.append("toy", record);
        const auto bytes =
            std::make_shared<const Bytes>(model::encode_message(model::Message(std::move(said))));
        if (mistakes_.send_before_save) return send(bytes, effects);
        waiting_.emplace_back(seat_.disk.sync(), bytes);
    }
    void send(const std::shared_ptr<const Bytes>& bytes, node::Effects& effects) const {
        for (uint8_t to = 0; to < set_.count(); ++to) {
            if (to != seat_.participant.value) effects.push_back(node::SendPeer{{to}, bytes});
        }
    }

    Seat seat_;
    const model::Signatories& set_;
    Mistakes mistakes_;
    uint64_t slot_ = 0;
    uint64_t due_us_ = 0;
    std::vector<std::pair<uint64_t, std::shared_ptr<const Bytes>>> waiting_;
};

/// Story and signatures together.
class Both : public Observer {
public:
    explicit Both(Findings& findings)
        : findings_(findings), signatures(findings, 4, 0, {}), story(20) {}
    void on_signed(Participant who, ByteView statement, const Signature& signature) override {
        signatures.on_signed(who, statement, signature);
    }
    void on_sent(Participant from, Participant to, ByteView message,
                 const SavedSignatures& saved) override {
        story.on_sent(from, to, message, saved);
        signatures.on_sent(from, to, message, saved);
    }
    void on_crashed(Participant who) override {
        story.on_crashed(who);
        ++crashes;
    }
    void on_started(Participant who) override { story.on_started(who); }
    void on_went_on(Participant) override { ++went_on; }
    void on_halted(Participant, const std::string&) override { ++halted; }
    bool wants_end() const override { return findings_.first().has_value(); }

private:
    Findings& findings_;

public:
    SignaturesChecker signatures;
    Story story;
    uint64_t crashes = 0, went_on = 0, halted = 0;
};

struct Outcome {
    Hash hash;
    std::optional<Violation> violation;
    std::vector<uint64_t> heard;
    uint64_t crashes = 0;
    std::vector<std::string> story;
    uint64_t went_on = 0, halted = 0;
    Coverage coverage;
};

Outcome run_toys(const Scenario& scenario, Mistakes mistakes = {}) {
    Registry registry(scenario.seed);
    std::vector<std::unique_ptr<Signer>> made;
    std::vector<const Signer*> signers;
    model::Signatories set;
    for (uint32_t i = 0; i < scenario.participants; ++i) {
        made.push_back(registry.signer(i));
        signers.push_back(made.back().get());
        set.keys.push_back(signers.back()->public_key());
    }
    const Launch launch = [&](const Seat& seat) -> Result<std::unique_ptr<Process>> {
        return std::unique_ptr<Process>(std::make_unique<Toy>(seat, set, mistakes));
    };
    Findings findings;
    Both both(findings);
    World world(scenario, set, signers, launch, both);
    both.story.attach(world);
    world.start();
    world.run_until(scenario.unquiet_us);
    Outcome outcome{both.story.hash(),  findings.first(), {},          both.crashes,
                    both.story.lines(), both.went_on,     both.halted, world.coverage()};
    for (uint8_t i = 0; i < scenario.participants; ++i) {
        const Process* process = world.process({i});
        outcome.heard.push_back(process ? static_cast<const Toy*>(process)->heard : 0);
    }
    return outcome;
}

Scenario calm(uint64_t seed = 1) {
    Scenario scenario;
    scenario.seed = seed;
    scenario.unquiet_us = 5'000'000;
    return scenario;
}

Fault fault(FaultKind kind, ParticipantSet at, ParticipantSet to = 0, int64_t amount = 0) {
    return {7, kind, 0, 5'000'000, at, to, amount};
}

TEST(World, runs_alike_twice_and_otherwise_for_another_seed) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
        const Scenario scenario = draw_scenario(seed, 4);
        EXPECT_EQ(run_toys(scenario).hash, run_toys(scenario).hash) << seed;
    }
    EXPECT_NE(run_toys(calm(1)).hash, run_toys(calm(2)).hash);
}

TEST(World, delivers_everything_in_calm_weather) {
    const Outcome outcome = run_toys(calm());
    EXPECT_FALSE(outcome.violation);
    for (const uint64_t heard : outcome.heard) EXPECT_NEAR(double(heard), 3 * 5'000 / 50, 20);
}

TEST(World, cuts_one_way_only_and_loses_its_share) {
    Scenario scenario = calm();
    scenario.faults = {fault(FaultKind::cut, 0b0001, 0b0010)};
    Outcome outcome = run_toys(scenario);
    EXPECT_NEAR(double(outcome.heard[1]), 200, 15);
    EXPECT_NEAR(double(outcome.heard[0]), 300, 15);
    scenario.faults = {fault(FaultKind::lose, 0b1110, 0b0001, 500)};
    EXPECT_NEAR(double(run_toys(scenario).heard[0]), 150, 35);
    scenario.faults = {fault(FaultKind::duplicate, 0b1110, 0b0001, 500)};
    EXPECT_NEAR(double(run_toys(scenario).heard[0]), 450, 35);
    scenario.faults = {fault(FaultKind::pause, 0b0001)};
    scenario.faults[0].until_us = 2'500'000;
    outcome = run_toys(scenario);
    EXPECT_NEAR(double(outcome.heard[0]), 300, 20) << "what waited comes in the end";
    EXPECT_LT(outcome.heard[1], 280u);
}

TEST(World, liars_are_silent_or_two) {
    Scenario scenario = calm();
    scenario.liars = {{{0}, LiarKind::twin}};
    EXPECT_FALSE(run_toys(scenario).violation) << "a liar is not watched";
    scenario.liars = {{{0}, LiarKind::mutator}, {{1}, LiarKind::wrong_root}};
    EXPECT_FALSE(run_toys(scenario).violation);
    scenario.liars = {{{0}, LiarKind::silent}};
    EXPECT_LT(run_toys(scenario).heard[1], 300u);
}

TEST(World, crashing_toys_keep_their_word_and_forgetful_ones_are_caught) {
    uint64_t crashes = 0;
    uint32_t caught = 0;
    for (uint64_t seed = 0; seed < 40; ++seed) {
        Scenario scenario = draw_scenario(seed, 4);
        scenario.liars.clear();
        // A toy that loses its disk has nobody to ask.
        std::erase_if(scenario.faults, [](const Fault& fault) {
            return fault.kind == FaultKind::wipe || fault.kind == FaultKind::restore ||
                   fault.kind == FaultKind::recover;
        });
        const Outcome good = run_toys(scenario);
        EXPECT_FALSE(good.violation) << seed << ": " << good.violation->what;
        crashes += good.crashes;
        const Outcome bad = run_toys(scenario, {.forget_on_restart = true});
        if (bad.violation) {
            EXPECT_EQ(bad.violation->invariant, "no two statements in one place");
            ++caught;
        }
    }
    EXPECT_GT(crashes, 10u);
    EXPECT_GT(caught, 5u);
}

TEST(World, hasty_toys_are_caught_at_once) {
    const Outcome outcome = run_toys(calm(), {.send_before_save = true});
    ASSERT_TRUE(outcome.violation);
    EXPECT_EQ(outcome.violation->invariant, "saved before sent");
    ASSERT_FALSE(outcome.story.empty());
    EXPECT_NE(outcome.story.back().find("Report slot"), std::string::npos) << outcome.story.back();
}

TEST(World, who_has_no_room_ends_is_started_again_and_goes_on_when_there_is) {
    Scenario scenario = calm();
    scenario.faults = {fault(FaultKind::full_disk, 0b0001, 0, 2'000)};
    scenario.faults[0].until_us = 2'500'000;
    const Outcome outcome = run_toys(scenario);
    EXPECT_FALSE(outcome.violation) << outcome.violation->what;
    EXPECT_GT(outcome.crashes, 2u) << "its supervisor does not give up";
    EXPECT_LT(outcome.crashes, 12u);
    EXPECT_EQ(outcome.went_on, 0u);
    EXPECT_EQ(outcome.halted, 0u) << "for a reason that the scenario gave it";
    EXPECT_EQ(outcome.coverage.strikes_of(FaultKind::full_disk), outcome.crashes);
    EXPECT_GT(outcome.heard[1], 240u) << "it speaks again";
    EXPECT_LT(outcome.heard[1], 285u);

    const Outcome bad = run_toys(scenario, {.go_on_after_failed_sync = true});
    EXPECT_GT(bad.went_on, 0u);
}

TEST(World, a_failed_sync_ends_the_process_once) {
    Scenario scenario = calm();
    scenario.faults = {fault(FaultKind::fail_sync, 0b0001)};
    scenario.faults[0].from_us = 500'000;
    scenario.faults[0].until_us = 1'000'000;
    const Outcome outcome = run_toys(scenario);
    EXPECT_EQ(outcome.crashes, 1u);
    EXPECT_EQ(outcome.halted, 0u);
    EXPECT_FALSE(outcome.violation);
}

TEST(World, a_fault_taken_out_leaves_the_others_as_they_were) {
    Scenario scenario = calm();
    scenario.faults = {fault(FaultKind::lose, 0b0001, 0b0010, 500),
                       fault(FaultKind::lose, 0b0100, 0b1000, 500)};
    scenario.faults[1].number = 8;
    const uint64_t with_both = run_toys(scenario).heard[3];
    scenario.faults.erase(scenario.faults.begin());
    EXPECT_EQ(run_toys(scenario).heard[3], with_both);
}

}  // namespace
}  // namespace tally::sim
