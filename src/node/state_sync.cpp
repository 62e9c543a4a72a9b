#include "node/state_sync.hpp"

#include <algorithm>

#include "node/checked_state.hpp"
#include "node/retained.hpp"
#include "node/stored_decision.hpp"

namespace tally::node {
namespace {

using ports::Map;

constexpr uint64_t ask_again_us_min = 300'000;
constexpr uint64_t ask_again_us_max = 3'000'000;
/// A chunk is read from a database and may cross a slow line.
constexpr uint64_t chunk_wait_us = 2'000'000;
/// So long it is waited for a slot up to which everything is certified and carried; then what is
/// not is executed here.
constexpr uint64_t patience_us = 5'000'000;
/// So long it is waited for f + 1 to say in which slot such a block was made.
constexpr uint64_t hearing_us = 15'000'000;
/// So long nobody could say where the ledgers stood.
constexpr uint64_t give_up_after_us = 30'000'000;
/// Before what failed is tried again.
constexpr uint64_t anew_pause_us = 1'000'000;
/// So long no piece came of what everybody should have.
constexpr uint64_t anew_after_us = 60'000'000;

Bytes goal_key() {
    return copy_of(view_of("sync/goal"));
}

}  // namespace

Result<std::optional<SyncGoal>> stored_sync_goal(const ports::Reader& reader) {
    TRY(bytes, get_sealed(reader, goal_key()));
    if (!bytes) return std::optional<SyncGoal>{};
    auto goal = cbor::decode<SyncGoal>(*bytes);
    if (!goal.ok()) return fail(ports::KeyValueError::damaged, "a sync goal does not decode");
    return std::optional<SyncGoal>{std::move(*goal)};
}

void put_sync_goal(ports::WriteBatch& to, const SyncGoal& goal) {
    put_sealed(to, goal_key(), cbor::encode(goal));
}

void erase_sync_goal(ports::WriteBatch& to) {
    to.erase(Map::meta, goal_key());
}

bool is_as_decided(const SyncGoal& goal, ports::KeyValue& key_value, size_t ledger_count,
                   Slot decided) {
    if (goal.ledgers.empty() || goal.slot > decided) return false;
    const auto decision = ChainReader(key_value).decision(goal.slot);
    if (!decision.ok() || !*decision) return false;
    const auto& carried = (*decision)->decision.block.highest_carried;
    size_t known = 0;  // Ledgers ascend from here.
    for (const LedgerGoal& stand : goal.ledgers) {
        const size_t ledger = stand.ledger.value;
        if (ledger < known || ledger >= std::min(ledger_count, carried.size())) return false;
        known = ledger + 1;
        if (stand.height != carried[ledger]) return false;
        if (stand.height.value == 0) continue;
        const auto certificate =
            carried_certificate(key_value, stand.ledger, stand.height, goal.slot);
        if (!certificate.ok() || !*certificate || (*certificate)->header != stand.header)
            return false;
    }
    return true;
}

std::string text_of(const SyncProgress& progress) {
    switch (progress.doing) {
    case SyncProgress::Doing::following:
        return "following decisions: slot " + std::to_string(progress.decided.value) + " of " +
               std::to_string(progress.goal.value);
    case SyncProgress::Doing::asking:
        return "asking the others where the ledgers stood after slot " +
               std::to_string(progress.goal.value);
    case SyncProgress::Doing::gathering:
        return "fetching the batches of slot " + std::to_string(progress.goal.value);
    case SyncProgress::Doing::loading:
        return "loading the state of " + progress.ledger + " at block " +
               std::to_string(progress.height.value) + ": " +
               std::to_string(progress.bytes / 1024) + " KiB here, " +
               std::to_string(progress.ledgers) + " ledger(s) to go";
    }
    std::abort();
}

void StateSync::start(Slot slot, std::set<LedgerIndex> ledgers, bool whole, uint64_t now_us,
                      SyncOutput& out) {
    begin(slot, std::move(ledgers), whole, now_us);
    hope(now_us);
    ask(now_us, out);
}

void StateSync::begin(Slot slot, std::set<LedgerIndex> ledgers, bool whole, uint64_t now_us) {
    ENSURE(!ledgers.empty());
    loader_.reset();
    loading_.reset();
    goal_ = {slot, whole, {}};
    floor_ = {};
    wanted_.clear();
    waiting_ = std::move(ledgers);
    said_.clear();
    false_peers_.clear();
    phase_ = Phase::asking;
    slot_us_ = now_us;
    came_forward(now_us);
}

void StateSync::resume(SyncGoal goal, uint64_t now_us, SyncOutput& out) {
    goal_ = std::move(goal);
    waiting_.clear();
    for (const auto& ledger : goal_.ledgers) waiting_.insert(ledger.ledger);
    false_peers_.clear();
    phase_ = Phase::loading;
    hope(now_us);
    came_forward(now_us);
    go_on(now_us, out);
}

std::string StateSync::name_of(LedgerIndex ledger) const {
    return config_.charter->body.ledgers[ledger.value].name;
}

std::vector<Participant> StateSync::peers() const {
    std::vector<Participant> all;
    const auto& entries = config_.charter->now().participants;
    for (uint32_t i = 0; i < entries.size(); ++i) {
        const Participant peer{uint8_t(i)};
        if (!entries[i].is_vacant() && peer != config_.self && !false_peers_.contains(peer))
            all.push_back(peer);
    }
    return all;
}

Participant StateSync::next_peer() {
    auto all = peers();
    if (all.empty()) {  // Each sent something false: some of it may have been of an older version.
        false_peers_.clear();
        all = peers();
    }
    return all.empty() ? config_.self : all[turn_++ % all.size()];
}

/// From now on it is counted how long nothing helps.
void StateSync::hope(uint64_t now_us) {
    asked_us_ = now_us;
    was_set_ = false;
}

void StateSync::came_forward(uint64_t now_us) {
    forward_us_ = now_us;
    ask_again_us_ = ask_again_us_min;
    ask_at_us_ = now_us;
}

void StateSync::on_stands(Participant from, const model::Stands& stands, uint64_t now_us,
                          SyncOutput& out) {
    if (phase_ != Phase::asking || stands.slot != goal_.slot) return;
    auto& said = said_[from];
    said.clear();
    for (const auto& stand : stands.ledgers) said.emplace(stand.ledger, stand);
    agree(now_us < asked_us_ + patience_us, now_us, out);
}

/// What f + 1 say alike at least one honest participant says. Null: they do not.
const model::LedgerStand* StateSync::agreed_stand(LedgerIndex ledger) const {
    std::map<model::LedgerStand, uint32_t> votes;
    for (const auto& [from, said] : said_) {
        const auto stand = said.find(ledger);
        if (stand != said.end() && ++votes[stand->second] > config_.liars_max)
            return &stand->second;
    }
    return nullptr;
}

/// Nothing while it is not known; it needs no agreement where a carried certificate says enough.
Result<std::optional<LedgerGoal>> StateSync::goal_of(LedgerIndex ledger) {
    TRY(decision, ChainReader(key_value_).decision(goal_.slot));
    if (!decision || ledger.value >= decision->decision.block.highest_carried.size())
        return fail(ports::KeyValueError::damaged, "a decided slot is missing");
    const auto* stand = agreed_stand(ledger);
    LedgerGoal goal{ledger, decision->decision.block.highest_carried[ledger.value], {}, false, {}};
    if (stand != nullptr && stand->height == goal.height) {
        goal.is_last = stand->next.value == 0;
        if (stand->next <= goal_.slot) goal.next = stand->next;
    } else {
        stand = nullptr;
    }
    if (goal.height.value == 0) {  // Genesis is in the charter: nobody votes on it.
        if (stand == nullptr) return std::optional<LedgerGoal>{};
        goal.header = stand->header;
        return std::optional(goal);
    }
    TRY(certificate, carried_certificate(key_value_, ledger, goal.height, goal_.slot));
    if (!certificate)
        return fail(ports::KeyValueError::damaged, "a carried certificate is missing");
    goal.header = certificate->header;
    return std::optional(goal);
}

/// While `patient`, only a slot will do up to which every block is carried.
void StateSync::agree(bool patient, uint64_t now_us, SyncOutput& out) {
    decltype(goal_.ledgers) agreed;
    is_hearing_ = false;
    for (const LedgerIndex ledger : waiting_) {
        const auto goal = goal_of(ledger);
        if (!goal.ok() && !is_own_damage(goal.error())) return fail_with(goal.error(), now_us, out);
        // What is damaged here may be healed meanwhile, or a later slot may do.
        if (!goal.ok() || !*goal || (patient && !(*goal)->is_last)) return;
        // The batches up to the next block may be gone everywhere, and soon f + 1 say where it is.
        is_hearing_ =
            !(*goal)->is_last && (*goal)->next.value == 0 && now_us < asked_us_ + hearing_us;
        if (is_hearing_) return;
        agreed.push_back(**goal);
    }
    goal_.ledgers = std::move(agreed);
    out.lines.push_back("catching up: loading " + std::to_string(waiting_.size()) +
                        " ledger(s) as they stood after slot " + std::to_string(goal_.slot.value));
    came_forward(now_us);
    set_goal(now_us, out);
}

void StateSync::set_goal(uint64_t now_us, SyncOutput& out) {
    ports::WriteBatch batch;
    put_sync_goal(batch, goal_);
    // What is jumped over is got back, whatever becomes of this process.
    RestoreMark mark{goal_.slot, goal_.slot};
    if (const auto known = stored_restore_mark(key_value_); known.ok() && *known)
        mark = {std::max(mark.top, (*known)->top), std::max(mark.next, (*known)->next)};
    put_restore_mark(batch, mark);
    if (const auto written = key_value_.write(batch); !written.ok())
        return fail_with(written.error(), now_us, out);
    was_set_ = true;
    phase_ = Phase::loading;
    go_on(now_us, out);
}

/// Everything that is here already is used; what is missing is asked for.
void StateSync::go_on(uint64_t now_us, SyncOutput& out) {
    const auto failed = [&](const Error& error) { fail_with(error, now_us, out); };
    if (phase_ == Phase::loading) {
        const auto complete = load(out);
        if (!complete.ok()) return failed(complete.error());
        if (!*complete) {
            ask_for_chunk(out);
            ask_at_us_ = now_us + chunk_wait_us;
            return;
        }
        phase_ = Phase::gathering;
        came_forward(now_us);
    }
    const auto complete = goal_.whole ? gather() : Result<bool>(true);
    if (!complete.ok()) return failed(complete.error());
    if (!*complete) {
        ask_at_us_ = now_us + ask_again_us_;
        ask_again_us_ = std::min(2 * ask_again_us_, ask_again_us_max);
        return;
    }
    ports::WriteBatch batch;
    erase_sync_goal(batch);
    if (goal_.whole) put_held_slot(batch, floor_);
    auto ended = key_value_.write(batch);
    if (ended.ok()) ended = key_value_.flush();
    if (!ended.ok()) return failed(ended.error());
    phase_ = Phase::idle;
    ask_at_us_ = UINT64_MAX;
    said_.clear();
    out.finished = true;
}

void StateSync::ask(uint64_t now_us, SyncOutput& out) {
    for (const Participant peer : peers())
        out.sends.emplace_back(peer, model::FetchStands{goal_.slot});
    ask_at_us_ = now_us + ask_again_us_;
    ask_again_us_ = std::min(2 * ask_again_us_, ask_again_us_max);
}

/// Where nothing can be written, beginning anew does not help.
void StateSync::fail_with(const Error& error, uint64_t now_us, SyncOutput& out) {
    if (error.is(ports::KeyValueError::io_failed)) {
        out.cannot_store = error;
        hope(now_us);  // No answer helps before there is room.
    }
    begin_anew(error.message(), now_us, out);
}

/// What is loaded stays; the goal is forgotten, and the caller sets another.
void StateSync::begin_anew(const std::string& why, uint64_t now_us, SyncOutput& out) {
    out.lines.push_back("catching up begins anew: " + why);
    ports::WriteBatch batch;
    erase_sync_goal(batch);
    if (const auto written = key_value_.write(batch); !written.ok())
        out.cannot_store = written.error();
    for (const auto& ledger : goal_.ledgers) waiting_.insert(ledger.ledger);
    begin(goal_.slot, std::set<LedgerIndex>(waiting_), goal_.whole, now_us);
    slot_us_ = asked_us_;  // Another slot may do at once.
    ask_at_us_ = now_us + anew_pause_us;
}

/// What is half loaded must not be taken for what execution from the charter wrote. False: it could
/// not be erased, and is to be tried again.
bool StateSync::leave(const std::set<LedgerIndex>& ledgers, const std::string& why,
                      SyncOutput& out) {
    for (const LedgerIndex ledger : ledgers) {
        const auto mark = checked_mark(ChainReader(key_value_), ledger);
        if (mark.ok() && *mark) continue;
        if (const auto erased = erase_ledger(key_value_, ledger); !erased.ok()) {
            ask_at_us_ += anew_pause_us;
            out.lines.push_back(erased.error().message());
            if (erased.error().is(ports::KeyValueError::io_failed))
                out.cannot_store = erased.error();
            return false;
        }
    }
    for (const LedgerIndex ledger : ledgers) {
        waiting_.erase(ledger);
        if (loading_ == ledger) loading_.reset();
        out.left.push_back(ledger);
        out.lines.push_back(name_of(ledger) + ": " + why +
                            ": executing it from what is here instead");
    }
    std::erase_if(goal_.ledgers,
                  [&](const LedgerGoal& goal) { return ledgers.contains(goal.ledger); });
    return true;
}

void StateSync::give_up(const std::string& why, SyncOutput& out) {
    if (!leave(std::set<LedgerIndex>(waiting_), why, out)) return;
    phase_ = Phase::idle;
    wanted_.clear();
    ask_at_us_ = UINT64_MAX;
    out.given_up = true;
}

/// The ledgers that somebody can say something of do not wait for the others.
void StateSync::leave_unknown(uint64_t now_us, SyncOutput& out) {
    const char* const why = "nobody says where it stood";
    std::set<LedgerIndex> unknown;
    for (const LedgerIndex ledger : waiting_) {
        const auto goal = goal_of(ledger);
        if (!goal.ok() || !*goal) unknown.insert(ledger);
    }
    if (was_set_ || unknown.size() == waiting_.size()) return give_up(why, out);
    if (leave(unknown, why, out)) agree(false, now_us, out);
}

/// Nobody holds the state that is to be loaded next, and nothing of it is here: perhaps all lost
/// theirs.
void StateSync::leave_unserved(uint64_t now_us, SyncOutput& out) {
    const char* const why = "nobody has its state";
    const bool is_last = goal_.ledgers.size() == 1 || !loading_;
    ports::WriteBatch batch;
    if (is_last) erase_sync_goal(batch);
    if (const auto written = key_value_.write(batch); !written.ok())
        return fail_with(written.error(), now_us, out);
    if (is_last) return give_up(why, out);
    if (!leave({*loading_}, why, out)) return;
    came_forward(now_us);
    set_goal(now_us, out);
}

void StateSync::on_tick(Slot decided, uint64_t now_us, SyncOutput& out) {
    if (!active() || now_us < ask_at_us_) return;
    const uint64_t still_us = now_us - forward_us_;
    const bool untouched = phase_ == Phase::loading && loader_ == nullptr;
    if (untouched && still_us > give_up_after_us / 2) return leave_unserved(now_us, out);
    if (phase_ != Phase::asking) {
        if (still_us > anew_after_us) {
            hope(now_us);
            return begin_anew("no answer for a minute", now_us, out);
        }
        return go_on(now_us, out);
    }
    if (now_us > asked_us_ + give_up_after_us) return leave_unknown(now_us, out);
    const bool patient = now_us < asked_us_ + patience_us;
    agree(patient, now_us, out);
    if (phase_ != Phase::asking) return;
    // By now more may be carried, and a ledger of which nothing can be said may have a certificate.
    // Each slot is asked about for as long as all before it together: the others say nothing of a
    // slot that they have yet to execute. Nor does it change while it is waited for what they say.
    if (!is_hearing_ && decided > goal_.slot && now_us + asked_us_ >= 2 * slot_us_) {
        goal_.slot = decided;
        slot_us_ = now_us;
        said_.clear();
    }
    ask(now_us, out);
}

SyncProgress StateSync::progress() const {
    SyncProgress progress;
    progress.goal = goal_.slot;
    progress.ledgers = uint32_t(waiting_.size());
    progress.doing = phase_ == Phase::asking      ? SyncProgress::Doing::asking
                     : phase_ == Phase::gathering ? SyncProgress::Doing::gathering
                                                  : SyncProgress::Doing::loading;
    if (phase_ == Phase::loading && loading_) {
        progress.ledger = name_of(*loading_);
        progress.height = loading_goal().height;
        progress.bytes = bytes_;
    }
    return progress;
}

}  // namespace tally::node
