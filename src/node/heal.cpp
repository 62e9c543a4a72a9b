// What was altered on the own disk: noted, named, healed from the peers by proof, or made again.
#include "availability/dispersal.hpp"
#include "ledger/checked_view.hpp"
#include "node/checked_state.hpp"
#include "node/parts.hpp"
#include "node/repair.hpp"
#include "node/stored_decision.hpp"

namespace tally::node {
namespace {

constexpr uint64_t say_again_us = 1'000'000;
constexpr uint64_t again_after_us = 1'000'000;
/// How often every peer is asked for a value before the ledger is made again.
constexpr uint32_t rounds_max = 20;
/// Before a load that nobody could help with is tried again.
constexpr uint64_t load_again_us = 60'000'000;

}  // namespace

void Node::Parts::on_input(DamageSeen& input) {
    on_damage(input.damage);
    heal();
}

/// Words for people; the schema may be damaged itself.
std::string Node::Parts::subject_of(const Damage& damage) const {
    if (damage.kind != Damage::Kind::value) return "what belongs to it";
    std::shared_ptr<const ledger::Schema> schema;
    const auto state = open_checked_state(key_value, damage.ledger, damage.height);
    if (state.ok() && *state != nullptr) {
        if (auto loaded = ledger::Schema::load(**state); loaded.ok()) schema = *loaded;
    }
    return describe_key(damage.key, schema.get());
}

/// Execution met it, and that ledger stands still until it is resumed or restarted.
void Node::Parts::on_stopped(const Damage& damage) {
    auto& ledger = quarantine.of(damage.ledger);
    if (ledger.remade_at) {
        // What was made again is damaged too. Not at once, for it may come to be so every time.
        ledger.again_at_us = now.monotonic_us + again_after_us;
        return;
    }
    on_damage(damage, true);
    if (ledger.quarantined) return;
    PipelineOutput out;
    pipeline.resume(damage.ledger, out);
    take(out);
}

void Node::Parts::on_damage(const Damage& damage, bool is_met_by_execution) {
    if (damage.ledger.value >= charter->body.ledgers.size() || sync.owns(damage.ledger)) return;
    // A ledger that diverged is being made again already, and its blocks are not the certified
    // ones.
    if (damage.kind != Damage::Kind::value && proving->diverged(damage.ledger) &&
        !is_met_by_execution)
        return;
    const auto& ledger = quarantine.of(damage.ledger);
    if (ledger.remade_at || ledger.values.contains({damage.key, damage.height})) return;
    // A false certificate makes a true block look altered; execution looks at none.
    if (damage.kind != Damage::Kind::value && mend_certificates(damage.ledger, damage.height) &&
        !is_met_by_execution)
        return;
    begin_quarantine(damage);
    if (damage.kind != Damage::Kind::value || ledger.values.size() > Quarantine::values_max) {
        remake(damage.ledger);
    } else {
        repair({damage.key, damage.height}, damage.ledger, {});
    }
}

void Node::Parts::begin_quarantine(const Damage& damage) {
    const std::string subject = subject_of(damage);
    if (!quarantine.add(damage, subject, now.monotonic_us)) return;
    pipeline.set_aside(damage.ledger);
    ++counters["damages_found"];
    const bool is_value = damage.kind == Damage::Kind::value;
    log(Log::Level::error,
        "ledger " + charter->body.ledgers[damage.ledger.value].name + ", block " +
            std::to_string(damage.height.value) + ": " + subject + " is " +
            (is_value ? std::string(text_of(damage.how)) : "damaged (" + damage.detail + ")") +
            " on this disk. The ledger is quarantined: nothing of it is attested until it is "
            "healed from the others",
        "ledger_altered",
        {{"ledger", charter->body.ledgers[damage.ledger.value].name},
         {"height", std::to_string(damage.height.value)},
         {"subject", subject}});
    say_quarantined_at_us = now.monotonic_us;
}

/// More than single values is damaged: everything of this ledger is made again, from a state that
/// the others give where there are any, for old batches may be nowhere any more.
void Node::Parts::remake(LedgerIndex ledger) {
    if (quarantine.of(ledger).remade_at) return;
    ++counters["ledgers_made_again"];
    log(Log::Level::error,
        "ledger " + charter->body.ledgers[ledger.value].name +
            " cannot be healed value by value: it is made again",
        "ledger_altered", {{"ledger", charter->body.ledgers[ledger.value].name}});
    quarantine.remake(ledger, pipeline.mark(ledger).height);
    make_again(ledger);
}

void Node::Parts::make_again(LedgerIndex ledger) {
    quarantine.of(ledger).again_at_us.reset();
    quarantine.of(ledger).is_load_due = has_peers() && followed.value > 0;
    restart(ledger);
}

/// From the beginning, or, if a load is due, from where that will end. Where what came first may be
/// nowhere any more, a load is.
void Node::Parts::restart(LedgerIndex ledger) {
    if (!quarantine.of(ledger).remade_at && may_be_gone({1})) {
        Damage damage;
        damage.kind = Damage::Kind::ledger;
        damage.ledger = ledger;
        damage.height = pipeline.mark(ledger).height;
        damage.detail = "its result is not the certified one";
        begin_quarantine(damage);
        return remake(ledger);
    }
    scrub_anew(ledger);
    hold_due();
    PipelineOutput out;
    pipeline.restart_ledger(ledger, out);
    take(out);
}

void Node::Parts::hold_due() {
    for (const LedgerIndex index : quarantine.quarantined()) {
        if (quarantine.of(index).is_load_due) pipeline.hold(index);
    }
}

/// What an earlier process lost or was about to make again.
void Node::Parts::remake_what_is_gone() {
    // One that is damaged was there.
    const auto held = ChainReader(key_value).held_slot();
    if (held.ok() && held->value == 0) return;
    for (size_t i = 0; i < charter->body.ledgers.size(); ++i) {
        Damage damage;
        damage.kind = Damage::Kind::ledger;
        damage.ledger = {uint16_t(i)};
        damage.detail = "where it stood is not here";
        if (pipeline.has_genesis(damage.ledger) || sync.owns(damage.ledger)) continue;
        begin_quarantine(damage);
        remake(damage.ledger);
    }
}

/// Begins the loads that are due, once nothing else is loaded. Far behind, the load of all ledgers
/// that comes next brings these as well.
void Node::Parts::load_remade() {
    if (sync.active() || following_only) return;
    std::set<LedgerIndex> due;
    for (const LedgerIndex index : quarantine.quarantined()) {
        const bool is_due = quarantine.of(index).is_load_due && !pipeline.in_flight(index);
        if (is_due && has_base_for_load(index)) due.insert(index);
    }
    if (due.empty()) return;
    for (const LedgerIndex index : due) quarantine.of(index).is_load_due = false;
    SyncOutput out;
    sync.start(followed, std::move(due), false, now.monotonic_us, out);
    take(out);
}

/// What says which state is loaded is as it was decided and certified.
bool Node::Parts::has_base_for_load(LedgerIndex ledger) {
    if (!is_decided(followed)) {
        if (!decisions_to_heal.empty()) return false;
        if (followed.value > 1) want_decision({followed.value - 1});
        want_decision(followed);
        return false;
    }
    const auto decision = ChainReader(key_value).decision(followed);
    if (!decision.ok() || !*decision) return false;
    const Height height = (*decision)->decision.block.highest_carried[ledger.value];
    mend_certificates(ledger, height);
    // If it cannot be put back the load says so.
    if (const auto put_back = carried_certificate(key_value, ledger, height, followed);
        !put_back.ok())
        log(Log::Level::error, put_back.error().message(), "database_unreadable");
    return true;
}

/// Nobody could help with its load. It is executed from the beginning, as far as what is needed for
/// that is still somewhere; a while later the load is tried again.
void Node::Parts::on_load_left(LedgerIndex ledger) {
    if (!quarantine.of(ledger).remade_at || !may_be_gone({1})) return;
    quarantine.of(ledger).again_at_us = now.monotonic_us + load_again_us;
}

/// Heals what it can from the tree alone; else the value is asked for.
void Node::Parts::repair(const std::pair<Bytes, Height>& place, LedgerIndex ledger,
                         const std::optional<Bytes>& value) {
    const auto& [key, height] = place;
    const auto root = checked_root(ChainReader(key_value), ledger, height);
    auto repaired = root.ok() && *root && !key.empty()
                        ? repair_key(key_value, ledger, height, key, value)
                        : Result<Repair>(StateViewError::altered);
    if (!repaired.ok()) return remake(ledger);
    if (repaired->wanted) return;
    const bool changed = !repaired->writes.writes().empty();
    write(repaired->writes);
    const auto state = open_checked_state(key_value, ledger, height);
    if (!state.ok() || *state == nullptr || !(*state)->get(key).ok()) return remake(ledger);
    auto& values = quarantine.of(ledger).values;
    if (const auto found = values.find(place); found != values.end() && changed) {
        ++counters["values_healed"];
        log(Log::Level::info,
            "ledger " + charter->body.ledgers[ledger.value].name + ", block " +
                std::to_string(height.value) + ": " + found->second.subject + " is healed",
            "ledger_healed",
            {{"ledger", charter->body.ledgers[ledger.value].name},
             {"height", std::to_string(height.value)},
             {"subject", found->second.subject}});
    }
    quarantine.heal(ledger, place);
}

void Node::Parts::on_state_chunk(const model::StateChunk& message) {
    const LedgerIndex ledger = message.header.ledger;
    const Height height = message.header.height;
    if (ledger.value >= charter->body.ledgers.size()) return;
    auto& values = quarantine.of(ledger).values;
    if (values.empty() || quarantine.of(ledger).remade_at) return;
    const auto chunk = ledger::decode_snapshot_chunk(message.chunk);
    const bool is_wanted = chunk.ok() && values.contains({Bytes(chunk->from), height});
    if (!is_wanted) return;
    const auto root = checked_root(ChainReader(key_value), ledger, height);
    if (!root.ok() || !*root) return remake(ledger);
    const auto entries = ledger::check_snapshot_chunk((*root)->hash, *chunk);
    if (!entries.ok()) {
        ++counters["state_chunks_refused"];
        return;
    }
    // Whatever else is known to be damaged at this height may be in it as well.
    for (size_t i = 0; i < entries->size(); ++i) {
        const std::pair<Bytes, Height> place{(*entries)[i].key, height};
        if (values.contains(place)) repair(place, ledger, Bytes(chunk->values[i]));
    }
    quarantine.of(ledger).asks_in_vain = 0;
    quarantine.of(ledger).ask_at_us = now.monotonic_us;
    heal();
}

void Node::Parts::ask_for_values(LedgerIndex index) {
    auto& ledger = quarantine.of(index);
    if (ledger.remade_at || ledger.values.empty() || now.monotonic_us < ledger.ask_at_us) return;
    ledger.ask_at_us = now.monotonic_us + ask_again_us;
    if (!has_peers() || ++ledger.asks_in_vain > rounds_max * signatories.count())
        return remake(index);
    const Participant to = other_in_turn(ledger.turn);
    // One at a time: its chunk may well hold others.
    const auto& place = ledger.values.begin()->first;
    send(to, model::FetchState{index, place.second, place.first});
}

Participant Node::Parts::next_to_ask() {
    return other_in_turn(fetch_turn);
}

/// Everything that time brings: asks again, says so again, ends what is over.
void Node::Parts::heal() {
    ask_for_batches();
    tick_rebuilder();
    if (now.monotonic_us >= restoring.at_us) restore_cells();
    ask_for_decisions();
    load_remade();
    for (const LedgerIndex index : quarantine.quarantined()) {
        auto& ledger = quarantine.of(index);
        ask_for_values(index);
        if (ledger.again_at_us && now.monotonic_us >= *ledger.again_at_us && !sync.owns(index))
            make_again(index);
        const bool is_remade = ledger.remade_at && !ledger.is_load_due && !sync.owns(index) &&
                               !pipeline.is_restarting(index) && pipeline.has_genesis(index) &&
                               pipeline.mark(index).height >= *ledger.remade_at;
        if (is_remade) {
            ledger.remade_at.reset();
            ledger.again_at_us.reset();
            std::vector<std::pair<Bytes, Height>> places;
            for (const auto& [place, item] : ledger.values) places.push_back(place);
            for (const auto& place : places) quarantine.heal(index, place);
        }
        const bool is_whole = ledger.values.empty() && !ledger.remade_at;
        if (!is_whole || now.monotonic_us < ledger.since_us + Quarantine::lasts_us_min) continue;
        ledger.quarantined = false;
        say_quarantined_at_us = now.monotonic_us;
        log(Log::Level::info,
            "ledger " + charter->body.ledgers[index.value].name +
                " is whole again and leaves quarantine",
            "ledger_healed", {{"ledger", charter->body.ledgers[index.value].name}});
        // What was executed before it began, and not attested meanwhile.
        if (const auto attested = attest_again(index); !attested.ok())
            log(Log::Level::error, attested.error().message(), "database_unreadable");
        if (ledger.quarantined) continue;  // Its newest blocks were altered as well.
        PipelineOutput out;
        pipeline.resume(index, out);
        take(out);
    }
    if (now.monotonic_us < say_quarantined_at_us) return;
    model::Quarantined message;
    for (const LedgerIndex ledger : quarantine.quarantined()) message.ledgers.push_back(ledger);
    say_quarantined_at_us = message.ledgers.empty() ? UINT64_MAX : now.monotonic_us + say_again_us;
    for (const Participant to : others) send(to, message);
}

uint64_t Node::Parts::next_heal_us() const {
    uint64_t next = say_quarantined_at_us;
    if (!scrubbing.in_flight) next = std::min(next, scrubbing.next_at_us);
    if (!pipeline.wanted().empty() || !batches_to_heal.empty() || !sync.wanted().empty())
        next = std::min(next, ask_batches_at_us);
    next = std::min({next, rebuilder.next_wakeup_us(), restoring.at_us});
    if (pipeline.damaged_slot() || !decisions_to_heal.empty())
        next = std::min(next, ask_decisions_at_us);
    for (const LedgerIndex index : quarantine.quarantined()) {
        const auto& ledger = quarantine.of(index);
        if (ledger.remade_at) continue;  // Looked at whenever it is said again.
        next = std::min(next, ledger.values.empty() ? ledger.since_us + Quarantine::lasts_us_min
                                                    : ledger.ask_at_us);
    }
    return next;
}

}  // namespace tally::node
