#include "ordering/test_network.hpp"

#include <algorithm>

namespace tally::ordering::testing {
namespace {

constexpr Micros genesis{1'700'000'000'000'000};

}  // namespace

uint64_t Dice::next() {
    uint64_t value = state_ += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

namespace {

model::CharterBody test_body(const Options& options) {
    model::CharterBody body;
    body.parameters = options.parameters;
    body.ledgers.resize(options.ledgers);
    for (uint32_t i = 0; i < options.participants; ++i) {
        body.participants.push_back(test_entry(i));
        for (auto& ledger : body.ledgers) ledger.provers.push_back({uint8_t(i)});
    }
    return body;
}

}  // namespace

Network::Network(Options options)
    : dice(options.seed),
      options_(std::move(options)),
      set_(test_signatories(options_.participants)),
      body_(test_body(options_)),
      verifier_(test_verifier()),
      given_(options_.participants) {
    for (uint32_t i = 0; i < options_.participants; ++i) signers_.push_back(test_signer(i));
    actors_.resize(options_.participants);
    for (uint32_t i = 0; i < options_.participants; ++i) {
        actors_[i].participant = {uint8_t(i)};
        actors_[i].honest = !options_.liars.contains({uint8_t(i)});
        start(actors_[i]);
    }
}

Config Network::config(Participant participant) const {
    Config config;
    config.self = {participant, &set_, signers_[participant.value].get(), verifier_.get()};
    config.network = set_.network;
    config.genesis_time = genesis;
    config.parameters = options_.parameters;
    std::vector<Participant> provers;
    for (uint32_t i = 0; i < options_.participants; ++i) provers.push_back({uint8_t(i)});
    config.provers.assign(options_.ledgers, provers);
    const auto liar = options_.liars.find(participant);
    config.canaries = liar == options_.liars.end() ? options_.canaries : liar->second;
    config.body = &body_;
    return config;
}

model::Now Network::now() const {
    return {{genesis.value + now_us_}, now_us_};
}

model::Now Network::now_of(const Running& running) const {
    return {{genesis.value + now_us_}, now_us_ + running.ahead_us};
}

uint64_t Network::wakeup_of(const Running& running) const {
    const uint64_t at = running.machine->next_wakeup_us();
    return at > running.ahead_us ? std::max(now_us_, at - running.ahead_us) : now_us_;
}

const Signer& Network::signer(Participant participant) const {
    return *signers_[participant.value];
}

void Network::start(Running& running) {
    running.machine = std::make_unique<Machine>(config(running.participant));
    for (const auto& record : running.journal) running.machine->recover(record);
    running.decided = {running.machine->slot().value - 1};
    running.ready_at = now_us_;
    Effects effects;
    running.machine->start(now_of(running), effects);
    // availability/ says its newest certificates again until they are cut.
    for (const auto& certificate : certificates_)
        running.machine->on_lane_certificate(certificate, now_of(running), effects);
    take(Actor(&running - actors_.data()), effects);
}

void Network::take(Actor actor, Effects& effects) {
    Running& running = actors_[actor];
    for (auto& effect : effects.list) {
        const bool saves = std::holds_alternative<model::Save>(effect);
        running.ready_at = std::max(running.ready_at, saves ? now_us_ + options_.save_us : now_us_);
        running.queue.push_back({running.ready_at, std::move(effect)});
        if (saves) wake_later(actor, running.ready_at);
    }
    release(actor);
    if (running.machine) wake_later(actor, wakeup_of(running));
}

void Network::release(Actor actor) {
    while (!actors_[actor].queue.empty() && actors_[actor].queue.front().ready_at <= now_us_) {
        Running& running = actors_[actor];
        const Effects::Effect effect = std::move(running.queue.front().effect);
        running.queue.pop_front();
        if (const auto* save = std::get_if<model::Save>(&effect)) {
            running.journal.push_back(*save->record);
        } else if (const auto* send = std::get_if<model::Send>(&effect)) {
            check_sent(running, *send->message);
            for (uint32_t i = 0; i < options_.participants; ++i) {
                const Participant to{uint8_t(i)};
                if (to != running.participant && (!send->to || *send->to == to))
                    transmit(actor, to, send->message);
            }
        } else {
            on_decided(running, *std::get<Decided>(effect).decision);
        }
    }
}

void Network::transmit(Actor from, Participant to, std::shared_ptr<const model::Message> message) {
    ++messages;
    const Participant sender = actors_[from].participant;
    if (cut_links_.contains(std::minmax(sender, to))) return;
    if (filter && !filter({from, to, message})) return;
    for (Actor actor = 0; actor < actors_.size(); ++actor) {
        const Running& receiver = actors_[actor];
        if (receiver.participant != to) continue;
        // A Twin's copies talk to disjoint sets.
        const auto talk = [](const Running& twin, Participant other) {
            return !twin.with || twin.with->contains(other);
        };
        if (!talk(actors_[from], to) || !talk(receiver, sender)) continue;
        if (options_.by_hand) {
            // What this receiver has had before is said again for the sake of what was lost.
            constexpr size_t waiting_max = 300;
            const Hash digest = sha256(model::encode_message(*message));
            if (!actors_[actor].offered.insert(digest).second && !dice.chance(5)) continue;
            if (waiting_.size() == waiting_max) {
                std::swap(waiting_[dice.below(waiting_max)], waiting_.back());
                waiting_.pop_back();
            }
            waiting_.push_back({{from, to, message}, actor, sender});
            continue;
        }
        const uint32_t copies =
            dice.chance(options_.lost_percent) ? 0 : 1 + dice.chance(options_.doubled_percent);
        for (uint32_t i = 0; i < copies; ++i) {
            const uint64_t delay = options_.delay_us_min +
                                   dice.below(options_.delay_us_max - options_.delay_us_min + 1);
            events_.push({now_us_ + delay, order_++, actor, sender, message});
        }
    }
}

void Network::wake_later(Actor actor, uint64_t at) {
    events_.push({at, order_++, actor, {}, nullptr});
}

void Network::deliver(const Event& event) {
    Running& running = actors_[event.actor];
    if (!event.message) {
        release(event.actor);
        if (!running.machine || wakeup_of(running) > now_us_) return;
        Effects effects;
        running.machine->on_tick(now_of(running), effects);
        if (running.machine->next_wakeup_us() <= now_of(running).monotonic_us)
            fail("a tick leaves its timer due: it would never sleep again");
        take(event.actor, effects);
        return;
    }
    if (running.liar) return running.liar(event.from, *event.message);
    if (!running.machine) return;
    if (heard && running.honest) heard(running.participant, *event.message);
    Effects effects;
    if (const auto* lane = std::get_if<model::LaneCertificate>(event.message.get())) {
        if (check_lane_certificate(set_, *verifier_, *lane))
            running.machine->on_lane_certificate(*lane, now_of(running), effects);
    } else if (const auto* block = std::get_if<model::BlockCertificate>(event.message.get())) {
        if (check_block_certificate(set_, *verifier_, config({0}).provers[block->ledger.value],
                                    *block))
            running.machine->on_block_certificate(*block, now_of(running), effects);
    } else {
        running.machine->on_message(event.from, *event.message, now_of(running), effects);
    }
    take(event.actor, effects);
    catch_up(event.actor);
}

/// As node/ does: whoever is shown a later CommitQC fetches the decisions between.
void Network::catch_up(Actor actor) {
    Running& running = actors_[actor];
    if (!running.machine || now_us_ < running.catch_up_at) return;
    const auto elsewhere = running.machine->decided_elsewhere();
    if (!elsewhere || *elsewhere == running.machine->slot()) return;
    running.catch_up_at = now_us_ + 10'000;
    while (decisions_.contains(running.machine->slot()) && running.machine->slot() <= *elsewhere) {
        Effects effects;
        const Slot before = running.machine->slot();
        running.machine->on_decision(decisions_.at(before), now_of(running), effects);
        take(actor, effects);
        if (running.machine->slot() == before) {
            // A mutant's quorum is too small for the real check: not what its test looks for.
            if (options_.canaries == Canaries{}) fail("a true decision was refused");
            return;
        }
    }
}

bool Network::deliver_some(const std::function<bool(const Sent&)>& may_pass) {
    for (int attempt = 0; attempt < 40 && !waiting_.empty(); ++attempt) {
        const size_t index = dice.below(waiting_.size());
        if (!may_pass(waiting_[index].sent)) continue;
        std::swap(waiting_[index], waiting_.back());
        const Waiting waiting = waiting_.back();
        if (!dice.chance(options_.doubled_percent)) waiting_.pop_back();
        if (dice.chance(options_.lost_percent)) return true;
        deliver({now_us_, order_++, waiting.actor, waiting.sender, waiting.sent.message});
        return true;
    }
    return false;
}

void Network::let_go() {
    options_.by_hand = false;
    for (const Waiting& waiting : std::exchange(waiting_, {}))
        events_.push({now_us_, order_++, waiting.actor, waiting.sender, waiting.sent.message});
}

void Network::jump(Participant participant, uint64_t us) {
    for (Actor actor = 0; actor < actors_.size(); ++actor) {
        if (actors_[actor].participant != participant) continue;
        actors_[actor].ahead_us += us;
        wake_later(actor, now_us_);
    }
}

void Network::run_for(uint64_t us) {
    run_until([] { return false; }, us);
}

bool Network::run_until(const std::function<bool()>& done, uint64_t us_max) {
    const uint64_t end = now_us_ + us_max;
    while (!done()) {
        if (events_.empty() || events_.top().at > end || !violation_.empty()) {
            now_us_ = end;
            return done();
        }
        const Event event = events_.top();
        events_.pop();
        now_us_ = std::max(now_us_, event.at);
        deliver(event);
    }
    return true;
}

void Network::crash(Participant participant) {
    for (Running& running : actors_) {
        if (running.participant != participant || !running.machine) continue;
        running.machine.reset();
        running.offered.clear();
        // What was queued may or may not have reached the disk: some first part of it has.
        for (const Pending& pending : running.queue) {
            const auto* save = std::get_if<model::Save>(&pending.effect);
            if (save && dice.chance(50)) break;
            if (save) running.journal.push_back(*save->record);
        }
        running.queue.clear();
    }
}

void Network::restart(Participant participant) {
    for (Running& running : actors_) {
        if (running.participant == participant && !running.machine && !running.liar) start(running);
    }
}

void Network::link(Participant a, Participant b, bool up) {
    if (up) {
        cut_links_.erase(std::minmax(a, b));
    } else {
        cut_links_.insert(std::minmax(a, b));
    }
}

void Network::isolate(Participant participant, bool cut_off) {
    for (uint32_t i = 0; i < options_.participants; ++i) {
        if (Participant{uint8_t(i)} != participant) link(participant, {uint8_t(i)}, !cut_off);
    }
}

void Network::replace(Participant participant, Liar liar) {
    Running& running = actors_[participant.value];
    running.machine.reset();
    running.queue.clear();
    running.liar = std::move(liar);
    running.honest = false;
}

void Network::say(Participant as, Participant to, const model::Message& message) {
    if (as != to) transmit(as.value, to, std::make_shared<const model::Message>(message));
}

void Network::twin(Participant participant, std::set<Participant> with) {
    std::set<Participant> others;
    for (uint32_t i = 0; i < options_.participants; ++i) {
        if (!with.contains({uint8_t(i)})) others.insert({uint8_t(i)});
    }
    actors_[participant.value].with = others;
    actors_[participant.value].honest = false;
    actors_.emplace_back();
    Running& copy = actors_.back();
    copy.participant = participant;
    copy.with = std::move(with);
    copy.honest = false;
    start(copy);
}

// --- work ---

model::LaneCertificate Network::certificate(Participant lane, LaneHeight height) {
    Bytes name{lane.value};
    append_u64(name, height.value);
    const Hash header = sha256(name);
    model::LaneCertificate made{lane, height, header, {}, {}};
    const model::BatchClaim claim{lane, height, header};
    made.author = model::sign(set_, lane, signer(lane), claim).signature;
    for (uint32_t i = 0; i < set_.quorum().votes_min; ++i) {
        const Participant by{uint8_t(i)};
        const model::Acknowledgement ack{lane, height, header, now().wall};
        made.parts.push_back({by, ack.time, model::sign(set_, by, signer(by), ack).signature});
    }
    return made;
}

model::BlockCertificate Network::block_certificate(LedgerIndex ledger, Height height) {
    Bytes name{uint8_t(ledger.value)};
    append_u64(name, height.value);
    model::BlockCertificate made{ledger, height, 0, sha256(name), {}};
    for (uint32_t i = 0; i < majority_of(options_.participants); ++i) {
        const Participant by{uint8_t(i)};
        const model::Attestation attestation{ledger, height, 0, made.header, {}};
        made.parts.push_back({by, {}, model::sign(set_, by, signer(by), attestation).signature});
    }
    return made;
}

model::Signed<model::Dispute> Network::dispute(Participant prover, LedgerIndex ledger,
                                               Height height) {
    return model::sign(set_, prover, signer(prover),
                       model::Dispute{ledger, height, sha256(view_of("another result"))});
}

void Network::give(const model::LaneCertificate& certificate, std::set<Participant> to) {
    auto& given = given_[certificate.lane.value];
    given = std::max(given, certificate.height);
    for (Actor actor = 0; actor < actors_.size(); ++actor) {
        if (!actors_[actor].machine || !to.contains(actors_[actor].participant)) continue;
        Effects effects;
        actors_[actor].machine->on_lane_certificate(certificate, now_of(actors_[actor]), effects);
        take(actor, effects);
    }
}

void Network::batch(Participant lane) {
    std::set<Participant> all;
    for (const Running& running : actors_) all.insert(running.participant);
    certificates_.push_back(certificate(lane, given_[lane.value].next()));
    give(certificates_.back(), all);
}

// --- what happened ---

Machine& Network::machine(Participant participant) {
    return *actors_[participant.value].machine;
}

bool Network::up(Participant participant) const {
    return actors_[participant.value].machine != nullptr;
}

bool Network::honest(Participant participant) const {
    return actors_[participant.value].honest;
}

Slot Network::decided(Participant participant) const {
    return actors_[participant.value].decided;
}

bool Network::all_decided(Slot slot) const {
    return std::all_of(actors_.begin(), actors_.end(), [&](const Running& running) {
        return !running.honest || !running.machine || running.decided >= slot;
    });
}

bool Network::all_ordered() const {
    return std::all_of(actors_.begin(), actors_.end(), [&](const Running& running) {
        if (!running.honest || !running.machine) return true;
        const model::Block* last = running.machine->last_block();
        for (size_t lane = 0; lane < given_.size(); ++lane) {
            if (given_[lane] > (last ? last->cut[lane].height : LaneHeight{0})) return false;
        }
        return true;
    });
}

const std::vector<model::Record>& Network::journal(Participant participant) const {
    return actors_[participant.value].journal;
}

void Network::fail(std::string what) {
    if (violation_.empty()) violation_ = std::move(what);
}

void Network::on_decided(Running& running, const model::Decision& decision) {
    const model::Block& block = decision.block;
    if (!running.honest) return;
    if (block.slot != running.decided.next()) fail("decisions out of order");
    running.decided = block.slot;
    const auto [first, is_new] = blocks_.try_emplace(block.slot, block);
    if (!is_new && !(first->second == block)) fail("two blocks decided in one slot");
    decisions_.try_emplace(block.slot, decision);
}

/// No honest key signs two statements of one kind in one place, across its restarts, and what is
/// signed is saved before it is sent.
void Network::check_sent(const Running& running, const model::Message& message) {
    if (!running.honest) return;
    std::visit(
        [&](const auto& sent) {
            using M = std::decay_t<decltype(sent)>;
            const auto once = [&](const auto& statement) {
                if (statement.signer != running.participant) return;
                const auto [first, is_new] =
                    said_.try_emplace({running.participant, message.index(), statement.body.slot,
                                       statement.body.view},
                                      cbor::encode(statement.body));
                if (!is_new && first->second != cbor::encode(statement.body))
                    fail("an honest participant signed two statements in one place");
            };
            if constexpr (requires {
                              sent.body.view;
                              sent.signer;
                          }) {
                once(sent);
            } else if constexpr (std::is_same_v<M, model::ProposalMessage>) {
                once(sent.proposal);
            } else if constexpr (std::is_same_v<M, model::TimeoutMessage>) {
                once(sent.timeout);
            }
        },
        message);
}

}  // namespace tally::ordering::testing
