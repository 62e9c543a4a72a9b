#include "sim/seed_run.hpp"

#include "availability/dispersal.hpp"
#include "sim/audience.hpp"
#include "sim/blame.hpp"
#include "sim/healing.hpp"
#include "sim/kept.hpp"
#include "sim/node_process.hpp"
#include "sim/random.hpp"
#include "sim/recovery.hpp"
#include "sim/registry.hpp"
#include "sim/replay.hpp"
#include "sim/sealed_orders.hpp"
#include "sim/served.hpp"
#include "sim/settings.hpp"
#include "sim/sim_network.hpp"
#include "sim/story.hpp"
#include "sim/views.hpp"
#include "sim/words.hpp"

namespace tally::sim {
namespace {

class SeedRun {
public:
    SeedRun(const Scenario& scenario, const node::Canaries& canaries, const RunLimits& limits)
        : scenario_(scenario),
          canaries_(canaries),
          limits_(limits),
          registry_(scenario.seed),
          keys_(scenario_, registry_),
          signers_(make_signers()),
          verifier_(scenario.real_keys ? ed25519_verifier() : registry_.verifier()),
          network_(scenario_, users_, keys_),
          launch_([this](const Seat& seat) { return launch(seat); }),
          signatures_(findings_, scenario_.participants, losing_journals(),
                      [this](Participant who) { return is_lost(who); }),
          certificates_(findings_, network_.epochs(), *verifier_),
          decisions_(findings_, scenario_.participants, network_.epochs(), *verifier_),
          blocks_(findings_, scenario_, network_.epochs(), *verifier_),
          clients_(findings_, blocks_),
          shares_(findings_, decisions_, blocks_, scenario_.recovery(Epoch{}) != nullptr),
          story_(limits.story_lines),
          chunks_(findings_),
          views_(findings_, scenario_),
          epoch_watch_(network_, *verifier_, findings_),
          audience_(findings_, {&epoch_watch_, &story_, &signatures_, &certificates_, &decisions_,
                                &blocks_, &clients_, &chunks_, &views_, &shares_}),
          world_(scenario_, network_.set(), signers_, launch_, audience_),
          readers_(world_, scenario_, blocks_, findings_) {
        story_.attach(world_);
        world_.set_begin_epoch([this](const Fault& fault) { begin_epoch(fault); });
        world_.set_charter(network_.charter());
        world_.set_keys([this](Participant who, const model::Charter& charter) -> const Signer& {
            return keys_.signing(who, charter);
        });
        world_.set_propose([this](const Fault& fault) { propose(fault); });
    }

    SeedReport run() {
        plan_orders();
        if (scenario_.rots()) readers_.plan();
        world_.start();
        world_.run_until(scenario_.unquiet_us, limits_.events_max);
        if (!findings_.first()) check_recovery();
        if (!findings_.first()) check_audits();
        if (!findings_.first()) clients_.at_end();
        if (!findings_.first() && !may_lose_batches(scenario_))
            check_kept(world_, honest(), network_.epochs(), decisions_.log(), limits_.events_max,
                       findings_);
        if (!findings_.first())
            equivocators_named_ = check_blame(world_, scenario_, honest(), findings_);
        if (!findings_.first()) check_replay();
        if (!findings_.first()) shares_.at_end();
        return report();
    }

private:
    std::vector<const Signer*> make_signers() const {
        std::vector<const Signer*> signers;
        for (uint32_t i = 0; i < scenario_.participants; ++i)
            signers.push_back(&keys_.founding({uint8_t(i)}));
        return signers;
    }

    Result<std::unique_ptr<Process>> launch(const Seat& seat) {
        node::Config config;
        config.charter = seat.charter;
        config.self = seat.participant;
        const auto& members = seat.charter.now().participants;
        if (seat.participant.value >= members.size() || members[seat.participant.value].is_vacant())
            config.guest = "participant-" + std::to_string(seat.participant.value);
        config.identity = &keys_.identity(seat.participant);
        config.next_keys = keys_.held_in(seat.participant, seat.charter.epoch().next());
        config.resubmitted = seat.resubmitted;
        config.opening_secrets = keys_.openings(seat.participant, seat.charter, seat.openings_from);
        crashed_at_[seat.participant] = world_.now_us();  // At the latest.
        node::Canaries mistakes = canaries_;
        // Only before its first restart: what was wrong was its memory.
        const uint64_t height = scenario_.diverges_at(seat.participant);
        if (height > 0 && started_.insert(seat.participant).second) {
            mistakes.wrong_root_at = height;
            world_.note_strike(FaultKind::diverge);
        }
        if (const Fault* recovery = scenario_.recovery(network_.epochs().current().epoch);
            recovery && world_.now_us() >= recovery->from_us &&
            contains(ParticipantSet(recovery->amount), seat.participant))
            config.lost_journal = "its disk is gone";
        draw_settings(scenario_, starts_[seat.participant]++, config);
        config.journal_key.bytes[0] = uint8_t(seat.participant.value + 1);
        const Liar* liar = scenario_.liar(seat.participant);
        // A liar does not care for what it signed before.
        mistakes.skip_asking = mistakes.skip_asking || liar != nullptr;
        if (liar) add_lies(scenario_, *liar, mistakes);
        TRY(opened, node::Node::open(std::move(config), seat.signer, *verifier_, seat.disk,
                                     seat.key_value, seat.now, mistakes));
        return std::unique_ptr<Process>(std::make_unique<NodeProcess>(std::move(opened)));
    }

    // --- the next epoch ---

    /// Those who lose their journals at some time.
    [[nodiscard]] ParticipantSet losing_journals() const {
        ParticipantSet set = scenario_.forgetful();
        for (Epoch epoch; const Fault* recovery = scenario_.recovery(epoch); ++epoch.value)
            set |= ParticipantSet(recovery->amount);
        return set;
    }

    /// What its signers do not know is given up.
    void begin_epoch(const Fault& fault) {
        std::vector<Participant> signers = honest();
        std::erase_if(signers, [&](auto one) { return !contains(fault.at, one); });
        std::vector<model::EpochKeys> keys;
        for (uint32_t i = 0; i < signers_.size(); ++i)
            keys.push_back(
                {signers_[i]->public_key(), x25519_public(keys_.opening({uint8_t(i)}, Epoch{}))});
        model::RecoveryBody body = recovery_stated_by(signers, world_, network_.epochs(), keys);
        decisions_.give_up_after(body.last_slot());
        blocks_.give_up_after(body.last_slot());
        clients_.give_up();
        network_.begin(model::Recovery{std::move(body), {}});
        world_.set_charter(network_.charter());
    }

    void propose(const Fault& fault) {
        world_.begin_to_follow(fault.at);
        const model::VotedProposal voted = network_.propose(fault);
        for (uint8_t i = 0; i < scenario_.participants; ++i) {
            if (contains(fault.to, {i}))
                world_.request({i}, ++requests_, node::ProposeEpoch{voted});
        }
    }
    // --- clients ---
    void plan_orders() {
        for (uint32_t number = 0; number < scenario_.requests; ++number) {
            const uint64_t at_us =
                hash(scenario_.seed, stream_of("order at"), number) % scenario_.unquiet_us;
            world_.at(at_us, [this, number, at_us] {
                submit_order(draw_order(scenario_, users_, network_.set().network, sealing(),
                                        number, at_us));
            });
        }
    }

    [[nodiscard]] model::SealingKeys sealing() const {
        return model::sealing_keys_of(network_.set().epoch, network_.charter().now());
    }

    void submit_order(const Order& order) {
        shares_.expect(order);
        for (uint8_t i = 0; i < scenario_.participants; ++i) {
            if (!contains(order.to, {i})) continue;
            if (!order.copy.empty()) submit_copy(order, {i});
            submit(order, {i});
        }
        if (order.wish == Wish::garbage) return;
        // Whoever hears nothing asks again elsewhere.
        world_.at(world_.now_us() + 3'000'000, [this, order] { submit_again(order, 1); });
    }

    void submit_again(const Order& order, uint32_t attempt) {
        if (blocks_.place_of(order.ledger, order.id) || attempt > 3) return;
        if (world_.now_us() > scenario_.unquiet_us) return;  // So that the end is quiet.
        const uint64_t to = hash(scenario_.seed, stream_of("again", order.number), attempt);
        submit(order, {uint8_t(to % scenario_.participants)});
        world_.at(world_.now_us() + 5'000'000,
                  [this, order, attempt] { submit_again(order, attempt + 1); });
    }

    [[nodiscard]] std::shared_ptr<const model::CheckedEnvelope> check(ByteView envelope,
                                                                      LedgerIndex ledger) const {
        const auto keys = sealing();
        return std::make_shared<const model::CheckedEnvelope>(model::check_envelope(
            envelope, network_.set().network, ledger_names[ledger.value], &keys));
    }
    void submit_copy(const Order& order, Participant to) {
        auto checked = check(order.copy, order.ledger);
        if (!checked->valid()) return;
        world_.request(to, ++requests_,
                       node::Submit{order.ledger, order.copy, std::move(checked),
                                    node::Level::submitted, 4'000'000});
    }

    uint64_t submit(const Order& order, Participant to) {
        const auto checked = check(order.envelope, order.ledger);
        const uint64_t id = ++requests_;
        node::Submit submit{order.ledger, order.envelope, checked, node::Level::certified,
                            4'000'000};
        if (!world_.is_honest(to)) {
            // A liar takes anything into its lane, the bent or misplaced copy first.
            if (!order.bent_copy.empty()) {
                submit.envelope = order.bent_copy;
                world_.request(to, ++requests_, submit);
                submit.envelope = order.envelope;
            }
            if (order.wish == Wish::misplaced) {
                submit.ledger = {uint16_t((order.ledger.value + 1) % ledger_count)};
                world_.request(to, ++requests_, submit);
                submit.ledger = order.ledger;
            }
        } else if (!checked->valid()) {
            return 0;  // Refused before it reaches a node.
        }
        // What is expired is skipped; what meets nobody awake is not taken.
        if (world_.is_honest(to) && order.wish != Wish::too_late && takes_part(to) &&
            !contains(scenario_.forgetful(), to))
            taken_.push_back({to, order.ledger, order.id, world_.now_us()});
        clients_.expect(id, order.ledger, order.id, to, world_.now_us());
        world_.request(to, id, std::move(submit));
        return id;
    }

    // --- healing ---

    [[nodiscard]] std::vector<Participant> honest() const {
        std::vector<Participant> who;
        for (uint8_t i = 0; i < scenario_.participants; ++i) {
            if (world_.is_honest({i}) && network_.set().has({i})) who.push_back({i});
        }
        return who;
    }
    /// It is awake, and knows that it does.
    [[nodiscard]] bool takes_part(Participant who) const {
        const Process* process = world_.process(who);
        return process && (!scenario_.changes() || process->status().takes_part);
    }

    /// Whoever may have lost its journal follows, and need not take transactions.
    [[nodiscard]] std::vector<Participant> reliable() const {
        std::vector<Participant> who = honest();
        std::erase_if(who, [&](auto one) { return contains(scenario_.forgetful(), one); });
        return who;
    }
    [[nodiscard]] bool is_lost(Participant who) const {
        const Process* process = world_.process(who);
        return process && process->status().journal_lost;
    }

    /// One transaction through every participant that should take it.
    std::vector<Order> probe(uint32_t first = 1'000'000) {
        std::vector<Order> probes;
        for (const Participant who : reliable()) {
            Scenario calm = scenario_;
            calm.seed = mix(scenario_.seed);
            const uint32_t number = first + who.value;
            Order order;
            for (uint32_t draw = 0; order.wish != Wish::insert || draw == 0; ++draw)
                order = draw_order(calm, users_, network_.set().network, sealing(),
                                   number + 1'000 * draw, world_.now_us());
            submit(order, who);
            probes.push_back(std::move(order));
        }
        return probes;
    }

    [[nodiscard]] const node::StoredBlock& block_of(const Order& order) const {
        const Height height = blocks_.place_of(order.ledger, order.id)->first;
        return blocks_.chain(order.ledger).at(height);
    }

    [[nodiscard]] bool is_done(const std::vector<Order>& probes) const {
        std::vector<Height> needed(ledger_count);
        for (const Order& order : probes) {
            const auto place = blocks_.place_of(order.ledger, order.id);
            if (!place) return false;
            needed[order.ledger.value] = std::max(needed[order.ledger.value], place->first);
        }
        for (const Participant who : honest()) {
            const Process* process = world_.process(who);
            if (!process) return false;
            const node::Status status = process->status();
            // What is decided of the next epoch begins it.
            if (status.next_epoch.proposal || status.epoch != network_.set().epoch) return false;
            for (size_t i = 0; i < ledger_count; ++i) {
                const node::LedgerStatus& ledger = status.ledgers[i];
                if (ledger.executed < needed[i] || ledger.certified < needed[i]) return false;
                // Whoever diverged has found back.
                const auto& chain = blocks_.chain({uint16_t(i)});
                const auto block = chain.find(ledger.executed);
                if (block == chain.end() || block->second.header.hash() != ledger.header)
                    return false;
            }
        }
        return true;
    }

    /// A ledger whose newest block somewhere has no certificate there.
    [[nodiscard]] std::optional<std::string> uncertified() const {
        for (const Participant who : honest()) {
            const Process* process = world_.process(who);
            if (!process) return name_of(who) + " is down";
            for (const auto& ledger : process->status().ledgers) {
                if (ledger.certified < ledger.executed)
                    return name_of(who) + ": " + ledger.name + " executed " +
                           std::to_string(ledger.executed.value) + ", certified " +
                           std::to_string(ledger.certified.value);
            }
        }
        return {};
    }

    void check_recovery() {
        const uint64_t healed_us = world_.now_us();
        const uint64_t deadline = healed_by_us(world_, honest(), scenario_, network_.set().quorum(),
                                               network_.charter().now().parameters);
        // A later block would certify those before it: so first, without any more work.
        while (const auto ledger = uncertified()) {
            world_.run_until(world_.now_us() + 50'000, limits_.events_max);
            if (findings_.first()) return;
            if (world_.now_us() > deadline || world_.events() >= limits_.events_max)
                return findings_.add("what is executed is certified without more work", *ledger);
        }
        views_.begin();
        auto probed = reliable();
        const std::vector<Order> probes = probe();
        const uint64_t probed_us = world_.now_us();
        uint64_t again_us = probed_us;
        while (!is_done(probes)) {
            world_.run_until(world_.now_us() + 50'000, limits_.events_max);
            // A paused ledger drops what comes: clients submit again.
            if (world_.now_us() - again_us > 5'000'000) {
                again_us = world_.now_us();
                probed = reliable();  // Who was asked first may have left.
                for (size_t i = 0; i < probes.size() && !probed.empty(); ++i) {
                    if (!blocks_.place_of(probes[i].ledger, probes[i].id))
                        submit(probes[i], probed[i % probed.size()]);
                }
            }
            if (findings_.first()) return;
            if (world_.now_us() > deadline || world_.events() >= limits_.events_max)
                return findings_.add("progress after healing", why_not(probes));
        }
        healed_after_us_ = world_.now_us() - healed_us;
        // One that was submitted again was dropped, by a ledger that paused.
        const bool holds = network_.charter().now().parameters.hold_us > 0;
        for (size_t i = 0; i < probes.size() && again_us == probed_us && !holds; ++i)
            views_.check(probed[i], probes[i].id, block_of(probes[i]));
        if (scenario_.rots()) check_healing(world_, honest(), limits_.events_max, findings_);
        check_rest();
    }

    /// Without work there are no slots.
    void check_rest() {
        const uint64_t window_us = slots_by_time_us(scenario_, network_.charter().now().parameters);
        world_.run_until(world_.now_us() + 8'000'000 + window_us, limits_.events_max);
        if (findings_.first() || !scenario_.liars.empty()) return;
        const size_t before = decisions_.log().size();
        world_.run_until(world_.now_us() + 10'000'000, limits_.events_max);
        if (decisions_.log().size() > before)
            findings_.add("idle without work",
                          std::to_string(decisions_.log().size() - before) +
                              " slots were decided while nobody wanted anything");
    }

    void check_audits() {
        uint32_t first = 2'000'000;
        check_discarders(
            world_, scenario_, network_.charter().now(), honest(), [&] { probe(first += 100'000); },
            limits_.events_max, findings_);
    }

    void check_replay() {
        const availability::Coder coder(network_.epochs());
        const FindBody find_body = [&](Participant lane, LaneHeight height, const Hash& header) {
            return find_batch(world_, honest(), coder, lane, height, header);
        };
        std::vector<const Chain*> chains;
        for (uint16_t i = 0; i < ledger_count; ++i) chains.push_back(&blocks_.chain({i}));
        const OpenSealed open = [&](const model::Transaction& one, const model::SealingKeys& keys) {
            return keys_.open(network_.set().network, one, keys);
        };
        replayed_ =
            replay(network_.charter(), decisions_.log(), chains, find_body, open, findings_);
        for (const Taken& taken : taken_) {
            const auto crashed = crashed_at_.find(taken.by);
            if (crashed != crashed_at_.end() && crashed->second >= taken.at_us) continue;
            // Who leaves takes with it what is not decided.
            if (!network_.epochs().current().has(taken.by)) continue;
            if (!blocks_.place_of(taken.ledger, taken.id) && !replayed_.dropped.contains(taken.id))
                findings_.add("what was taken is executed",
                              name_of(taken.by) + " never crashed and lost transaction " +
                                  short_hex(taken.id));
        }
    }

    [[nodiscard]] std::string why_not(const std::vector<Order>& probes) const {
        std::string text;
        for (const Order& order : probes) {
            if (!blocks_.place_of(order.ledger, order.id))
                text += "transaction " + short_hex(order.id) + " is nowhere; ";
        }
        return text + where_they_stand(world_, honest());
    }

    SeedReport report() {
        SeedReport report;
        report.scenario = scenario_;
        report.violation = findings_.first();
        report.hash = Hasher().add(story_.hash()).add_u64(world_.events()).finish();
        if (report.violation) report.story = story_.lines();
        report.events = world_.events();
        report.messages = audience_.messages;
        report.virtual_us = world_.now_us();
        report.healed_after_us = healed_after_us_;
        report.slots = decisions_.log().size();
        for (uint16_t i = 0; i < ledger_count; ++i) {
            const auto& chain = blocks_.chain({i});
            report.blocks += chain.empty() ? 0 : chain.size() - 1;
            for (const auto& [height, block] : chain) {
                if (height.value > 0) report.transactions += block.results.size();
            }
        }
        report.acknowledged = clients_.certified();
        report.arrivals = clients_.arrivals();
        report.equivocators_named = equivocators_named_;
        report.coverage = world_.coverage();
        report.coverage.sealed_opened = shares_.opened();
        report.coverage.sealed_void = shares_.voided();
        report.coverage.held_back = replayed_.held;
        report.late_batches = replayed_.late;
        report.paused_by_lag = replayed_.pauses.by_lag;
        report.paused_by_disputes = replayed_.pauses.by_disputes;
        return report;
    }

    const Scenario scenario_;
    const node::Canaries canaries_;
    const RunLimits limits_;
    const Users users_;
    const Registry registry_;
    const SimKeys keys_;
    const std::vector<const Signer*> signers_;
    const std::unique_ptr<Verifier> verifier_;
    SimNetwork network_;
    const Launch launch_;

    Findings findings_;
    SignaturesChecker signatures_;
    CertificatesChecker certificates_;
    DecisionsChecker decisions_;
    BlocksChecker blocks_;
    ClientsChecker clients_;
    SharesChecker shares_;
    Story story_;
    ChunksChecker chunks_;
    ViewsChecker views_;
    EpochWatch epoch_watch_;
    Audience audience_;
    World world_;
    Readers readers_;
    /// A transaction that an honest participant has accepted.
    struct Taken {
        Participant by;
        LedgerIndex ledger;
        Hash id;
        uint64_t at_us;
    };
    std::vector<Taken> taken_;
    std::map<Participant, uint64_t> crashed_at_;  ///< last
    std::set<Participant> started_;
    std::map<Participant, uint64_t> starts_;
    uint64_t requests_ = 0, healed_after_us_ = 0;
    Replayed replayed_;
    uint64_t equivocators_named_ = 0;
};

}  // namespace

SeedReport run_scenario(const Scenario& scenario, const node::Canaries& canaries,
                        const RunLimits& limits) {
    return SeedRun(scenario, canaries, limits).run();
}

}  // namespace tally::sim
