#include "node/node.hpp"

#include <bit>

#include "node/parts.hpp"

namespace tally::node {
namespace {

/// So that a participant which starts again and again does not read its disk each time.
constexpr uint64_t scrub_after_start_us = 60'000'000;

}  // namespace

Result<std::unique_ptr<Node>> Node::open(Config config, const Signer& signer,
                                         const Verifier& verifier, ports::Disk& disk,
                                         ports::KeyValue& key_value, model::Now now,
                                         const Canaries& canaries) {
    auto parts =
        std::make_unique<Parts>(std::move(config), signer, verifier, disk, key_value, canaries);
    CHECK(parts->open(now));
    return std::unique_ptr<Node>(new Node(std::move(parts)));
}

Node::Node(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Node::~Node() = default;

void Node::start(model::Now now, Effects& effects) {
    Parts& parts = *parts_;
    parts.now = now;
    parts.effects = &effects;
    parts.copy_history();
    parts.take_signer();
    for (auto& note : parts.opening_notes) {
        ++parts.counters["damages_found"];
        parts.log(Log::Level::error, std::move(note), "disk_altered");
    }
    {
        proving::Effects out;
        parts.proving->start(now, out);
        parts.take(out);
    }
    parts.resume_sync();
    parts.resume_restoring();
    parts.remake_what_is_gone();
    for (size_t i = 0; i < parts.charter->body.ledgers.size(); ++i) {
        if (const auto checked = parts.check_newest({uint16_t(i)}); !checked.ok())
            parts.log(Log::Level::error, checked.error().message(), "database_unreadable");
    }
    if (const auto compared = parts.compare_stored(); !compared.ok())
        parts.log(Log::Level::error, compared.error().message(), "database_behind");
    if (const auto attested = parts.attest_again(now); !attested.ok())
        parts.log(Log::Level::error, attested.error().message(), "database_unreadable");
    {
        availability::Effects out;
        parts.availability->start(now, out);
        parts.take(out);
    }
    {
        ordering::Effects out;
        parts.ordering->start(now, out);
        parts.take(out);
    }
    {
        PipelineOutput out;
        parts.pipeline.on_decided(parts.followed, out);
        parts.take(out);
    }
    parts.begin_epoch_if_reached();
    parts.want_slot();
    parts.start_signing_or_ask();
    parts.submit_again();
    parts.end_epoch_if_over();
    parts.tell_guests();
    parts.speak_of_next_epoch();
    if (parts.config.scrub_period_us > 0)
        parts.scrubbing.next_at_us = now.monotonic_us + scrub_after_start_us;
    parts.settle();
    parts.effects = nullptr;
}

void Node::step(model::Now now, Input input, Effects& effects) {
    parts_->effects = &effects;
    parts_->step(now, std::move(input));
    parts_->effects = nullptr;
}

uint64_t Node::next_wakeup_us() const {
    return parts_->next_wakeup_us();
}

uint64_t Node::starts() const {
    return parts_->starts;
}

Status Node::status() const {
    return parts_->status();
}

void Node::Parts::step(model::Now at, Input input) {
    now = at;
    if (halted) return answer_halted(input);
    if (ended) return;
    std::visit([&](auto& one) { on_input(one); }, input);
    settle();
}

void Node::Parts::settle() {
    if (!halted && availability->own_lane_unknown())
        lose_journal("others hold a batch of its lane that the journal lacks");
    // What the last step let out may have left; from here on memory is ahead of the disks.
    while (!halted) {
        if (outbox.dirty()) outbox.on_sync_started(journal->sync());
        auto ready = outbox.take_ready();
        if (ready.empty()) return;
        for (auto& item : ready) {
            if (halted) return;
            if (auto* effect = std::get_if<Effect>(&item)) {
                effects->push_back(std::move(*effect));
            } else if (const auto* decision = std::get_if<1>(&item)) {
                follow(**decision);
            } else {
                store_certificate(*std::get<2>(item));
            }
        }
    }
}

/// An operator learns of the first, and then ever less often: a liar must not fill the log.
void Node::Parts::refuse_bytes(Participant from, ByteView bytes, const Error& why) {
    const uint64_t count = ++counters["refused_undecodable"];
    if (!std::has_single_bit(count)) return;
    const std::string name = is_guest(from)
                                 ? std::string("a guest")
                                 : std::string(charter->now().participants[from.value].name);
    log(Log::Level::warning,
        "refused a message of " + std::to_string(bytes.size()) + " bytes from " + name + ": " +
            std::string(why.cause) + " (" + std::to_string(count) +
            " refused since the start). It breaks the protocol or speaks another version: compare "
            "versions with the operator of " +
            name,
        "message_refused",
        {{"peer", name},
         {"code", std::string(why.code)},
         {"bytes", std::to_string(bytes.size())},
         {"count", std::to_string(count)}});
}

void Node::Parts::on_input(PeerMessage& input) {
    if (input.from == self.index) return;
    const auto message = model::decode_message(*input.bytes);
    if (!message.ok()) return refuse_bytes(input.from, *input.bytes, message.error());
    if (is_guest(input.from)) return on_guest(input.from, *message);
    hear(input.from, *message);
    if (const auto* request = std::get_if<model::FetchDecisions>(&*message))
        return on_fetch(input.from, *request);
    if (const auto* request = std::get_if<model::FetchBatch>(&*message))
        return on_fetch(input.from, *request);
    if (const auto* request = std::get_if<model::FetchCells>(&*message))
        return on_fetch(input.from, *request);
    if (const auto* request = std::get_if<model::FetchCellLeaf>(&*message))
        return on_fetch(input.from, *request);
    if (const auto* decisions = std::get_if<model::Decisions>(&*message))
        return on_decisions(*decisions);
    if (const auto* request = std::get_if<model::FetchBlockCertificate>(&*message)) {
        if (request->ledger.value >= charter->body.ledgers.size() || !may_ask(input.from)) return;
        if (on_fetch(input.from, *request)) return;
    }
    if (const auto* request = std::get_if<model::FetchOwnMessages>(&*message))
        return on_fetch(input.from, *request);
    if (const auto* own = std::get_if<model::OwnMessages>(&*message))
        return on_own_messages(input.from, *own);
    if (const auto* request = std::get_if<model::FetchStands>(&*message))
        return on_fetch(input.from, *request);
    if (const auto* request = std::get_if<model::FetchState>(&*message))
        return on_fetch(input.from, *request);
    if (const auto* shares = std::get_if<model::SharesOfBlock>(&*message))
        return on_shares(input.from, *shares);
    if (const auto* request = std::get_if<model::FetchShares>(&*message))
        return on_fetch(input.from, *request);
    if (sync.active()) tell_sync(input.from, *message);
    if (const auto* chunk = std::get_if<model::StateChunk>(&*message)) on_state_chunk(*chunk);
    on_audited(input.from, *message);
    if (on_rebuilding(input.from, *message)) return;
    {
        availability::Effects out;
        availability->on_message(input.from, *message, now, out);
        take(out);
    }
    {
        proving::Effects out;
        proving->on_message(input.from, *message, now, out);
        take(out);
    }
    {
        ordering::Effects out;
        ordering->on_message(input.from, *message, now, out);
        take(out);
    }
    fetch_if_behind();
}

void Node::Parts::on_input(Tick&) {
    if (now.monotonic_us >= availability->next_wakeup_us()) {
        availability::Effects out;
        availability->on_tick(now, out);
        take(out);
    }
    if (now.monotonic_us >= proving->next_wakeup_us()) {
        proving::Effects out;
        proving->on_tick(now, out);
        take(out);
    }
    if (now.monotonic_us >= ordering->next_wakeup_us()) {
        ordering::Effects out;
        ordering->on_tick(now, out);
        take(out);
    }
    if (now.monotonic_us >= sync.next_wakeup_us()) {
        SyncOutput out;
        sync.on_tick(followed, now.monotonic_us, out);
        take(out);
    }
    Effects answers;
    waiters.on_time(now.monotonic_us, answers);
    for (auto& answer : answers) outbox.put(std::move(answer));
    ask_if_due();
    fetch_if_behind();
    speak_of_next_epoch();
    help_to_begin();
    begin_epoch_if_reached();
    ask_for_shares();
    heal();
    audit();
    scrub();
}

uint64_t Node::Parts::next_wakeup_us() const {
    uint64_t next = std::min(
        {availability->next_wakeup_us(), proving->next_wakeup_us(), ordering->next_wakeup_us()});
    next = std::min({next, sync.next_wakeup_us(), next_heal_us(), next_audit_us()});
    if (const auto deadline = waiters.next_deadline()) next = std::min(next, *deadline);
    if (signing == Signing::asking) next = std::min(next, asking.at_us);
    next = std::min(next, std::min(say_ready_at_us, ask_shares_at_us));
    if (!epoch_begun && now.monotonic_us < open_shares_until_us)
        next = std::min(next, open_shares_until_us);
    if (leaving && !ended) next = std::min(next, leaving->say_at_us);
    const auto elsewhere = ordering->decided_elsewhere();
    const bool is_behind =
        (elsewhere && *elsewhere >= ordering->slot()) || (newer_slot > ordering->slot() && !ended);
    if (is_behind) next = std::min(next, fetch_at_us);
    return next;
}

void Node::Parts::on_input(Synced& input) {
    journal->on_synced(input.ticket);
    outbox.on_synced(input.ticket);
    if (epoch_stored) return;
    // The journal has its first records, so that it cannot be missing from now on.
    epoch_stored = true;
    ports::WriteBatch writes;
    put_epoch(writes, signatories.epoch);
    write(writes);
}

void Node::Parts::on_input(SyncFailed& input) {
    if (!canaries.ignore_failed_sync) halt(input.why);
}

void Node::Parts::on_input(WorkDone& input) {
    if (on_served(input.work)) return;
    if (on_scrubbed(input.work)) return;
    PipelineOutput out;
    if (!pipeline.on_work_done(input.work, out)) return;
    take(out);
    load_remade();
    sync_if_far_behind();
}

void Node::Parts::on_input(ClientRequest& input) {
    std::visit([&](auto& request) { on_request(input.id, request); }, input.request);
}

}  // namespace tally::node
