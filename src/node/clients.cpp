// What clients ask of a node.
#include <set>

#include "ledger/result_code.hpp"
#include "node/checked_state.hpp"
#include "node/parts.hpp"

namespace tally::node {

ErrorText describe(ClientError error) {
    switch (error) {
    case ClientError::unknown_ledger:
        return {"unknown_ledger", "this network has no such ledger",
                "`tally status` lists its ledgers"};
    case ClientError::stopped:
        return {"participant_stopped", "this participant has stopped signing",
                "Submit to another participant, and see this one's log"};
    case ClientError::too_many_waiting:
        return {"too_many_waiting", "too many clients are waiting here",
                "Try again in a second, or at another participant"};
    case ClientError::journal_lost:
        return {"journal_lost",
                "this participant has lost record of what it signed, and signs nothing in this "
                "epoch",
                "Submit to another participant; this one's log and `tally status` say why"};
    case ClientError::epoch_over:
        return {"epoch_over",
                "the others take part in a later epoch, which this participant has not entered",
                "Submit to another participant, and tell this one's operator to apply the recovery "
                "charter"};
    case ClientError::no_participant_yet:
        return {"no_participant_yet",
                "this one does not take part yet: it waits for an epoch in which it does",
                "Submit to a participant; `tally status` says what is missing"};
    }
    std::abort();
}

namespace {

constexpr size_t waiters_max = 100'000;
/// Who is there says something every second (Config::heartbeat_us).
constexpr uint64_t silence_us_max = 5'000'000;

Effect answer_of(uint64_t id, Result<TransactionStatus> result) {
    return Reply{id, std::move(result)};
}

}  // namespace

/// Whoever submitted it forgets the envelope when told that it is final: so the block says so, and
/// what vouches for that.
std::optional<TransactionStatus> Node::Parts::known_status(LedgerIndex ledger,
                                                           const Hash& transaction) {
    const ChainReader stored(key_value);
    const auto place = stored.transaction(ledger, transaction);
    if (place.ok() && !*place) return {};
    if (!place.ok()) {
        if (is_own_damage(place.error())) forget_place(ledger, transaction);
        return {};
    }
    const Height height = (*place)->height;
    const auto block = stored.block(ledger, height);
    const auto state = open_checked_state(key_value, ledger, height,
                                          [this](const Damage& damage) { on_damage(damage); });
    if (!state.ok() || !block.ok()) return {};
    const auto result = *block ? checked_result(**block, (*place)->index) : std::nullopt;
    const bool is_there = *state != nullptr && result && result->id == transaction &&
                          result->code == (*place)->code && (*place)->ledger == ledger;
    if (!is_there) {
        forget_place(ledger, transaction);
        return {};
    }
    TransactionStatus status;
    status.transaction = transaction;
    status.known = true;
    status.executed = true;
    status.level = Level::ordered;
    status.height = height;
    status.index = (*place)->index;
    status.code = result->code;
    if (!result->applied()) {
        const auto schema = ledger::Schema::load(**state);
        status.explanation = result->explanation(schema.ok() ? schema->get() : nullptr);
    }
    raise_level(ledger, status);
    return status;
}

/// If it was executed after all, the scrubber finds where.
void Node::Parts::forget_place(LedgerIndex ledger, const Hash& transaction) {
    ++counters["damages_found"];
    log(Log::Level::error,
        "ledger " + charter->body.ledgers[ledger.value].name + ": where transaction " +
            transaction.hex() + " is was altered on this disk, and is taken away",
        "disk_altered");
    ports::WriteBatch writes;
    erase_transaction(writes, ledger, transaction);
    write(writes);
}

/// What others certified says nothing of what this participant executed before both are compared.
void Node::Parts::raise_level(LedgerIndex ledger, TransactionStatus& status) const {
    if (proving->diverged(ledger)) return;
    const Height agreed = proving->agreed_height(ledger);
    if (status.height > agreed) return;
    status.level = status.height <= carried[ledger.value] ? Level::final_ : Level::certified;
}

void Node::Parts::raise_waiters(LedgerIndex ledger) {
    if (proving->diverged(ledger)) return;
    const Height agreed = proving->agreed_height(ledger);
    Effects answers;
    waiters.on_level(ledger, agreed, Level::certified, answers);
    waiters.on_level(ledger, std::min(agreed, carried[ledger.value]), Level::final_, answers);
    for (auto& answer : answers) outbox.put(std::move(answer));
}

void Node::Parts::answer_halted(const Input& input) {
    const auto* asked = std::get_if<ClientRequest>(&input);
    if (asked == nullptr) return;
    if (std::holds_alternative<GetStatus>(asked->request) ||
        std::holds_alternative<StartScrub>(asked->request)) {
        effects->push_back(Reply{asked->id, status()});
    } else {
        effects->push_back(answer_of(asked->id, fail(ClientError::stopped, halt_reason)));
    }
}

void Node::Parts::on_request(uint64_t id, Submit& request) {
    if (request.ledger.value >= charter->body.ledgers.size()) {
        outbox.put(answer_of(id, ClientError::unknown_ledger));
        return;
    }
    if (newer_epoch || leaving) {
        outbox.put(answer_of(id, ClientError::epoch_over));
        return;
    }
    if (signing == Signing::guest) {
        outbox.put(answer_of(id, ClientError::no_participant_yet));
        return;
    }
    if (signing == Signing::lost) {
        outbox.put(answer_of(id, ClientError::journal_lost));
        return;
    }
    if (waiters.size() >= waiters_max) {
        outbox.put(answer_of(id, ClientError::too_many_waiting));
        return;
    }
    TransactionStatus status;
    status.transaction = request.checked->id;
    if (auto known = known_status(request.ledger, status.transaction)) {
        status = std::move(*known);
        if (!is_skipped(status.code)) {
            Await await{request.ledger, status.transaction, request.wait, request.timeout_us};
            on_request(id, await);
            return;
        }
        status = {};
        status.transaction = request.checked->id;
    }
    const auto& signed_by = request.checked->transaction;
    // It was checked when the epoch was another.
    if (signed_by && signed_by->sealed && signed_by->sealed->epoch != signatories.epoch) {
        outbox.put(answer_of(id, model::EnvelopeError::wrong_epoch));
        return;
    }
    if (canaries.acknowledge_at_once) {
        const Height next = pipeline.mark(request.ledger).height.next();
        status.known = status.executed = true;
        status.level = Level::certified;
        status.height = next;
        outbox.put(answer_of(id, status));
    }
    if (canaries.lose_submitted && status.transaction.bytes[0] < 64) return;
    const Bytes bytes = request.envelope;
    availability::Effects out;
    const auto taken = availability->submit(request.ledger, std::move(request.envelope), now, out);
    if (!taken.ok()) {
        outbox.put(answer_of(id, taken.error()));
        return;
    }
    ++counters["transactions_submitted"];
    pipeline.add_known(bytes, std::move(request.checked));
    if (request.wait == Level::submitted) {
        outbox.put(answer_of(id, status));
    } else {
        waiters.add(id, request.ledger, status, request.wait,
                    now.monotonic_us + request.timeout_us);
    }
    take(out);
}

void Node::Parts::on_request(uint64_t id, Await& request) {
    if (request.ledger.value >= charter->body.ledgers.size()) {
        outbox.put(answer_of(id, ClientError::unknown_ledger));
        return;
    }
    TransactionStatus status;
    status.transaction = request.transaction;
    if (auto known = known_status(request.ledger, request.transaction)) status = std::move(*known);
    if ((status.executed && status.level >= request.wait) || request.timeout_us == 0) {
        outbox.put(answer_of(id, status));
        return;
    }
    if (waiters.size() >= waiters_max) {
        outbox.put(answer_of(id, ClientError::too_many_waiting));
        return;
    }
    waiters.add(id, request.ledger, status, request.wait, now.monotonic_us + request.timeout_us);
}

void Node::Parts::on_request(uint64_t id, GetStatus&) {
    effects->push_back(Reply{id, status()});
}

void Node::Parts::on_request(uint64_t id, StartScrub&) {
    scrubbing.hurried = true;
    scrubbing.next_at_us = std::min(scrubbing.next_at_us, now.monotonic_us);
    scrub();
    effects->push_back(Reply{id, status()});
}

/// Who takes part here and now, and what follows from it for everybody.
void Node::Parts::count_heard(Status& status) const {
    std::string silent;
    for (size_t i = 0; i < signatories.places(); ++i) {
        if (!signatories.has({uint8_t(i)})) continue;
        const bool is_self = i == self.index.value && config.guest.empty();
        const bool is_here = peers[i].epoch.value_or(signatories.epoch) == signatories.epoch;
        const bool recent =
            is_here && peers[i].heard && now.monotonic_us - peers[i].heard_us < silence_us_max;
        if (!is_self && !recent) continue;
        ++status.heard;
        if (is_self ? status.signing : peers[i].signing) continue;
        ++status.not_signing;
        silent += (silent.empty() ? "" : ", ") + charter->now().participants[i].name;
    }
    const uint32_t liars_max = signatories.quorum().liars_max;
    status.losses_survived = liars_max - std::min(liars_max, status.not_signing);
    status.note = halt_reason;
    if (halted) return;
    const auto count = [&](uint32_t of, const char* what) {
        return std::to_string(of) + " of " + std::to_string(status.participants) + what +
               std::to_string(status.needed) + " needed";
    };
    if (status.heard < status.needed)
        status.note = count(status.heard, " heard, ") + ": nothing is ordered";
    else if (!status.ordering())
        status.note = count(status.heard - status.not_signing, " sign, ") +
                      ": nothing is ordered. In this epoch these sign nothing: " + silent;
    else if (liars_max == 0)
        status.note = "a network of " + std::to_string(status.participants) +
                      " survives no loss: four participants survive one";
    else if (status.not_signing > 0)
        status.note = "signs nothing in this epoch: " + silent;
}

Status Node::Parts::status() const {
    Status status;
    status.scrub = scrub_status();
    status.storage = storage_status();
    status.network_name = charter->body.name;
    status.network = network;
    status.participant = own_name();
    status.participants = signatories.count();
    status.decided = followed;
    status.view = ordering->view();
    status.decided_time = followed_time;
    status.epoch = signatories.epoch;
    status.signing = !halted && signing == Signing::allowed && epoch_begun;
    status.journal_lost = signing == Signing::lost;
    status.needed = signatories.quorum().votes_min;
    count_heard(status);
    status.newer_epoch = newer_epoch;
    status.next_epoch = next_epoch_status();
    status.takes_part = config.guest.empty();
    if (!halted && leaving)
        status.note = "takes no part in the next epoch: it ends once that has begun";
    else if (!halted && newer_epoch)
        status.note = newer_epoch_note();
    else if (!halted && !status.signing)
        status.note = (status.ordering() ? "" : status.note + "; ") + signing_note();
    if (sync.active()) {
        status.catching_up = sync.progress();
        status.catching_up->decided = followed;
    } else if (following_only) {
        const Slot newest = std::max(followed, ordering->decided_elsewhere().value_or(followed));
        status.catching_up =
            SyncProgress{SyncProgress::Doing::following, followed, newest, {}, {}, 0, 0};
    }
    for (size_t i = 0; i < signatories.places(); ++i) {
        if (!signatories.has({uint8_t(i)})) continue;
        const Peer& peer = peers[i];
        const bool is_self = i == self.index.value && config.guest.empty();
        const uint64_t silent = peer.heard ? now.monotonic_us - peer.heard_us : 0;
        status.peers.push_back({charter->now().participants[i].name,
                                {uint8_t(i)},
                                is_self ? ordering->slot() : peer.slot,
                                is_self ? 0 : silent,
                                is_self || peer.heard,
                                is_self ? signatories.epoch : peer.epoch,
                                is_self ? std::nullopt : peer.clock.us(),
                                {},
                                is_self ? status.signing : peer.signing});
        // It says so every second: the last word may have been lost.
        const bool still = now.monotonic_us - peer.quarantined_at_us < silence_us_max;
        const auto quarantined = is_self ? quarantine.quarantined()
                                 : still ? peer.quarantined
                                         : std::vector<LedgerIndex>();
        for (const LedgerIndex ledger : quarantined)
            status.peers.back().quarantined.push_back(charter->body.ledgers[ledger.value].name);
        status.peers.back().audits = audits.status({uint8_t(i)});
        const Participant lane{uint8_t(i)};
        status.lanes.push_back(
            {charter->now().participants[i].name,
             availability->decided_through(lane),
             i < tip_times.size() ? tip_times[i] : Micros{},
             availability->held_through(lane),
             std::max(retained.cells.of(lane), LaneHeight{1}),
             lanes_left.certified(lane),
             lanes_left.waiting_us(lane, availability->decided_through(lane), now.monotonic_us),
             {}});
        for (const Participant one : lanes_left.by(lane))
            status.lanes.back().left_behind_by.push_back(
                charter->now().participants[one.value].name);
    }
    for (size_t i = 0; i < charter->body.ledgers.size(); ++i) {
        const LedgerIndex index{uint16_t(i)};
        const LedgerMark& mark = pipeline.mark(index);
        LedgerStatus ledger{charter->body.ledgers[i].name,
                            mark.height,
                            certified[i],
                            carried[i],
                            mark.header,
                            pipeline.passed(index),
                            mark.history,
                            pipeline.is_paused(index),
                            proving->diverged(index),
                            pipeline.failure(index),
                            {},
                            0,
                            {},
                            quarantine.status(index)};
        if (const auto* wanted = pipeline.shares_wanted(index)) {
            const auto& then = epochs.body_at(wanted->slot()).participants;
            ledger.sealed_waiting = wanted->waiting();
            for (const Participant holder : wanted->missing())
                ledger.shares_missing.push_back(then[holder.value].name);
        }
        if (mark.height > carried[i]) {
            for (const Participant prover : proving->missing(index, mark.height))
                ledger.missing.push_back(charter->now().participants[prover.value].name);
        }
        status.ledgers.push_back(std::move(ledger));
    }
    status.counters = counters;
    status.counters["sends_dropped"] = outbox.dropped();
    status.counters["cells_refused_rebuilding"] = rebuilder.refused();
    status.counters["audits_refused_answers"] = audits.refused();
    for (const auto& [name, count] : ordering->counters())
        status.counters["ordering_" + name] += count;
    for (const auto& [reason, count] : availability->refusals())
        status.counters["availability_refused_" + std::string(name_of(reason.first))] += count;
    for (const auto& [reason, count] : proving->refusals())
        status.counters["proving_refused_" + std::string(name_of(reason.first))] += count;
    const auto lanes = availability->status();
    status.counters["batches_made"] = lanes.batches_made;
    status.counters["void_batches"] = lanes.void_batches;
    std::set<Participant> equivocators;
    for (const auto& evidence : proving->equivocations())
        equivocators.insert(evidence.first.signer);
    status.equivocators.assign(equivocators.begin(), equivocators.end());
    status.counters["equivocations_seen"] = proving->equivocations().size();
    return status;
}

}  // namespace tally::node
