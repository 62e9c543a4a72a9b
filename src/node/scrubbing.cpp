// The scrubber's pace, and healing what all ledgers share.
#include "node/parts.hpp"
#include "node/stored_decision.hpp"
#include "ordering/decision.hpp"

namespace tally::node {
namespace {

/// Between two passes that something altered was met for.
constexpr uint64_t scrub_pause_us = 60'000'000;
/// Read by one slice.
constexpr size_t slice_bytes_max = size_t{1} << 20;
/// A slice is followed by so many times its own duration: at most a twentieth of one processor.
constexpr uint64_t rest_of_slices = 19;
constexpr uint64_t rest_us_min = 20'000;
/// More is found by the next pass.
constexpr size_t log_damages_max = 1'000;
constexpr size_t shown_max = 32;

std::string_view text_of(ScrubPlace::Phase phase) {
    switch (phase) {
    case ScrubPlace::Phase::blocks: return "blocks, trees and values";
    case ScrubPlace::Phase::versions: return "versions";
    case ScrubPlace::Phase::decisions: return "decisions";
    case ScrubPlace::Phase::bodies: return "batches";
    case ScrubPlace::Phase::files: return "the database's files";
    case ScrubPlace::Phase::journal: return "journal";
    case ScrubPlace::Phase::over: return "nothing";
    }
    std::abort();
}

void put_all_carried(ports::WriteBatch& to, const model::Decision& decision) {
    for (const auto& certificate : decision.block.carried) {
        put_certificate(to, certificate);
        put_carried(to, certificate.ledger, certificate.height, decision.block.slot);
    }
}

std::string batch_text(const model::Charter& charter, BatchPlace place) {
    return "batch " + std::to_string(place.height.value) + " of lane " +
           std::string(charter.now().participants[place.lane.value].name);
}

}  // namespace

void Node::Parts::scrub() {
    if (scrubbing.in_flight || now.monotonic_us < scrubbing.next_at_us) return;
    if (!scrubbing.running) {
        scrubbing.running = true;
        scrubbing.place = {};
        scrubbing.found = 0;
        scrubbing.status.bytes = 0;
        scrubbing.pass_began_us = now.monotonic_us;
    }
    start_scrub_slice();
}

/// Something was met that is altered: what else is, is wanted soon, and that it heals. But nobody
/// who asks for it makes this participant read all the time.
void Node::Parts::scrub_now() {
    const bool was_lately =
        scrubbing.pass_began_us > 0 && now.monotonic_us < scrubbing.pass_began_us + scrub_pause_us;
    if (was_lately && !scrubbing.running) return;
    scrubbing.hurried = true;
    scrubbing.next_at_us = std::min(scrubbing.next_at_us, now.monotonic_us);
    scrub();
}

void Node::Parts::start_scrub_slice() {
    scrubbing.in_flight = true;
    scrubbing.slice_began_us = now.monotonic_us;
    effects->push_back(StartWork{
        next_work++, std::make_shared<ScrubWork>(ScrubWork::Task{
                         scrubbing.place, charter, self.index, epochs, coder,
                         config.work_verifier != nullptr ? config.work_verifier : self.verifier,
                         &disk, journal->end().segment, key_value.snapshot(), followed,
                         slice_bytes_max, Slot{pipeline.next_slot().value - 1}, scrub_floors()})});
}

/// What was dropped is not missing, nor what is being got back.
LaneHeights Node::Parts::scrub_floors() const {
    LaneHeights floors = gone_through().lanes;
    if (!restoring.mark) return floors;
    floors.resize(signatories.places());
    const auto decision = ChainReader(key_value).decision(restoring.mark->next);
    for (size_t i = 0; i < floors.size(); ++i) {
        const bool is_known = decision.ok() && *decision;
        const LaneHeight tip =
            is_known ? model::tip_of((*decision)->decision.block.cut, {uint8_t(i)}).height.next()
                     : LaneHeight{UINT64_MAX};
        floors[i] = std::max(floors[i], tip);
    }
    return floors;
}

/// A ledger is replaced: what was seen of it is void.
void Node::Parts::scrub_anew(LedgerIndex ledger) {
    scrubbing.is_void = scrubbing.in_flight;
    auto& place = scrubbing.place;
    const bool is_in =
        place.phase == ScrubPlace::Phase::blocks || place.phase == ScrubPlace::Phase::versions;
    if (!is_in || place.ledger != ledger) return;
    place = {};
    place.ledger = ledger;
}

bool Node::Parts::on_scrubbed(const std::shared_ptr<Work>& work) {
    const auto slice = std::dynamic_pointer_cast<ScrubWork>(work);
    if (slice == nullptr) return false;
    scrubbing.in_flight = false;
    scrubbing.status.bytes += slice->bytes();
    counters["scrubbed_bytes"] += slice->bytes();
    if (!std::exchange(scrubbing.is_void, false)) {
        scrubbing.place = slice->next();
        scrubbing.found += slice->damages().size() + slice->log_damages().size();
        for (const Damage& damage : slice->damages()) on_damage(damage);
        for (const LogDamage& damage : slice->log_damages()) on_log_damage(damage);
    }
    const uint64_t lasted = now.monotonic_us - scrubbing.slice_began_us;
    const uint64_t rest = scrubbing.hurried ? 0 : std::max(lasted * rest_of_slices, rest_us_min);
    scrubbing.next_at_us = now.monotonic_us + rest;
    if (scrubbing.place.phase == ScrubPlace::Phase::over) {
        auto& status = scrubbing.status;
        ++status.passes;
        status.last_time = now.wall;
        status.last_us = now.monotonic_us - scrubbing.pass_began_us;
        status.last_bytes = status.bytes;
        status.last_found = scrubbing.found;
        scrubbing.running = scrubbing.hurried = false;
        const uint64_t period = config.scrub_period_us;
        scrubbing.next_at_us =
            period == 0 ? UINT64_MAX : std::max(now.monotonic_us, scrubbing.pass_began_us + period);
    }
    heal();
    scrub();
    return true;
}

ScrubStatus Node::Parts::scrub_status() const {
    ScrubStatus status = scrubbing.status;
    status.period_us = config.scrub_period_us;
    status.running = scrubbing.running;
    if (status.running) status.doing = text_of(scrubbing.place.phase);
    for (const auto& [place, hash] : batches_to_heal) {
        if (status.log_altered.size() < shown_max)
            status.log_altered.push_back(batch_text(*charter, place));
    }
    for (const Slot slot : decisions_to_heal) {
        if (status.log_altered.size() < shown_max)
            status.log_altered.push_back("decision of slot " + std::to_string(slot.value));
    }
    return status;
}

void Node::Parts::want_decision(Slot slot) {
    if (decisions_to_heal.size() >= log_damages_max || !decisions_to_heal.insert(slot).second)
        return;
    ++counters["damages_found"];
    log(Log::Level::error,
        "the decision of slot " + std::to_string(slot.value) +
            " is missing or altered on this disk; it is fetched again",
        "disk_altered");
}

void Node::Parts::on_log_damage(const LogDamage& damage) {
    const auto found = [&](const std::string& what) {
        ++counters["damages_found"];
        log(Log::Level::error,
            what +
                " is missing or altered on this disk; it is healed from "
                "what else is here, or from the others",
            "disk_altered");
    };
    const bool is_held =
        damage.batch && availability->held_through(damage.batch->lane) >= damage.batch->height;
    if (is_held && batches_to_heal.size() < log_damages_max &&
        batches_to_heal.try_emplace(*damage.batch, damage.batch_header).second)
        found(batch_text(*charter, *damage.batch));
    if (damage.cells && mend_cells(*damage.cells))
        found("the own cells of " + batch_text(*charter, *damage.cells));
    if (damage.decision) want_decision(*damage.decision);
    if (damage.carried) {
        const auto decision = ChainReader(key_value).decision(*damage.carried);
        if (!decision.ok() || !*decision) return;
        if (!is_intact((*decision)->decision)) return want_decision(*damage.carried);
        found("a certificate that slot " + std::to_string(damage.carried->value) + " carries");
        ports::WriteBatch writes;
        put_all_carried(writes, (*decision)->decision);
        write(writes);
    }
    if (damage.certificate)
        mend_certificates(damage.certificate->first, damage.certificate->second);
    if (damage.transaction) {
        const auto& [id, place] = *damage.transaction;
        found("where transaction " + id.hex() + " is");
        ports::WriteBatch writes;
        put_transaction(writes, id, place);
        write(writes);
    }
    if (!damage.file.empty()) {
        ++counters["damages_found"];
        halt(damage.file);
    }
    if (!damage.journal.empty() && scrubbing.status.journal_damage.empty()) {
        scrubbing.status.journal_damage = damage.journal;
        ++counters["damages_found"];
        log(Log::Level::error,
            damage.journal +
                ". This participant still knows what it signed, but would not after a "
                "restart: do not restart it before reading docs/altered-data.md",
            "journal_damaged");
    }
}

/// Makes the own cells of a batch again; of one that is void, they are taken away if they cannot
/// be.
bool Node::Parts::mend_cells(BatchPlace place) {
    const auto body = ChainReader(key_value).body(place);
    if (!body.ok() || !*body) return false;
    const auto batch = coder->rebuild((*body)->header, (*body)->bytes);
    if (!batch) return false;
    ports::WriteBatch writes;
    erase_cells(writes, place);
    put_batch(writes, *batch, *coder, self.index);
    write(writes);
    return true;
}

/// Takes away certificates that nobody signed so. True if there were any: what they said of blocks
/// is void then. One that a decision carries is taken from there.
bool Node::Parts::mend_certificates(LedgerIndex ledger, Height from) {
    constexpr int looked_at_max = 256;
    const ChainReader stored(key_value);
    ports::WriteBatch writes;
    for (int i = 0; i < looked_at_max; ++i) {
        const auto height = stored.next_certificate(ledger, from);
        if (!height.ok() || !*height) break;
        from = (*height)->next();
        const auto certificate = stored.certificate(ledger, **height);
        if (certificate.ok() && *certificate && (*certificate)->ledger == ledger &&
            (*certificate)->height == **height &&
            model::epoch_of_certificate(epochs, Slot{}, *self.verifier, **certificate))
            continue;
        ++counters["damages_found"];
        log(Log::Level::error,
            "ledger " + charter->body.ledgers[ledger.value].name + ": the certificate of block " +
                std::to_string((*height)->value) + " was altered on this disk, and is taken away",
            "disk_altered");
        erase_certificate(writes, ledger, **height);
        const auto place = stored.carried_from(ledger, **height);
        if (!place.ok() || !*place || (*place)->first != **height) continue;
        const auto decision = stored.decision((*place)->second);
        if (!decision.ok() || !*decision || !is_intact((*decision)->decision)) continue;
        for (const auto& one : (*decision)->decision.block.carried) {
            if (one.ledger == ledger && one.height == **height) put_certificate(writes, one);
        }
    }
    if (writes.writes().empty()) return false;
    write(writes);
    return true;
}

void Node::Parts::ask_for_decisions() {
    if (now.monotonic_us < ask_decisions_at_us) return;
    if (const auto slot = pipeline.damaged_slot(); slot && decisions_to_heal.empty()) {
        if (is_decided(*slot)) {
            pipeline.on_slot_healed();
        } else {  // Either of the two may be the damaged one.
            if (slot->value > 1) want_decision({slot->value - 1});
            want_decision(*slot);
        }
    }
    if (decisions_to_heal.empty()) return;
    ask_decisions_at_us = now.monotonic_us + ask_again_us;
    // The lowest first: what is stored with the others follows from it.
    send(next_to_ask(), model::FetchDecisions{*decisions_to_heal.begin(), 1});
}

/// The block before a slot's.
model::Block Node::Parts::previous_of(const StoredDecision* before) const {
    if (before != nullptr) return before->decision.block;
    return ordering::genesis_block(charter->body.genesis_time, epochs.at(Slot{1}).places(),
                                   uint32_t(charter->body.ledgers.size()));
}

/// The slot's decision lies here as it was decided.
bool Node::Parts::is_decided(Slot slot) const {
    const ChainReader stored(key_value);
    std::optional<StoredDecision> before;
    if (slot.value > 1) {
        auto found = stored.decision({slot.value - 1});
        if (!found.ok() || !*found) return false;
        before = std::move(**found);
    }
    const StoredDecision* known = before ? &*before : nullptr;
    const auto decision = stored.decision(slot);
    return decision.ok() && *decision &&
           ordering::check_decision(epochs.at(slot), *self.verifier, previous_of(known),
                                    (*decision)->decision)
               .ok() &&
           is_as_decided(epochs, known, **decision);
}

/// True if it was the one that is to be healed.
bool Node::Parts::heal_decision(const model::Decision& decision) {
    const Slot slot = decision.block.slot;
    if (decisions_to_heal.empty() || slot != *decisions_to_heal.begin() || slot > followed)
        return false;
    std::optional<StoredDecision> before;
    if (slot.value > 1) {
        const auto stored = ChainReader(key_value).decision({slot.value - 1});
        if (!stored.ok() || !*stored) {
            decisions_to_heal.insert({slot.value - 1});
            return true;
        }
        before = **stored;
    }
    const StoredDecision* known = before ? &*before : nullptr;
    if (!ordering::check_decision(epochs.at(slot), *self.verifier, previous_of(known), decision)
             .ok()) {
        // What was sent is false, or the one before it is altered as well.
        const Slot earlier{slot.value - 1};
        if (earlier.value > 0 && !is_decided(earlier)) decisions_to_heal.insert(earlier);
        return true;
    }
    const auto derived = derive_stored(epochs, known, decision);
    if (!derived.ok()) {
        decisions_to_heal.insert({slot.value - 1});
        return true;
    }
    ports::WriteBatch writes;
    put_decision(writes, *derived);
    put_all_carried(writes, decision);
    write(writes);
    decisions_to_heal.erase(slot);
    ++counters["decisions_healed"];
    log(Log::Level::info, "the decision of slot " + std::to_string(slot.value) + " is healed",
        "disk_healed");
    ask_decisions_at_us = now.monotonic_us;
    PipelineOutput out;
    pipeline.on_decided(followed, out);
    take(out);
    heal();
    return true;
}

}  // namespace tally::node
