#include "api/answers.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "model/utf8.hpp"

namespace tally::api {

namespace bj = boost::json;

namespace {

/// How long to stay away from a participant that has enough waiting.
constexpr uint64_t busy_ms = 1'000;
constexpr uint64_t wait_ms_max = 3'600'000;

/// What a client can mend by sending something else is 400; the rest has its own number.
int status_of(std::string_view code) {
    static const std::map<std::string_view, int> statuses{
        {"not_found", 404},
        {"method_not_allowed", 405},
        {"unknown_ledger", 404},
        {"unknown_block", 404},
        {"unknown_subject", 404},
        {"unknown_transaction", 404},
        {"unknown_lane", 404},
        {"unknown_batch", 404},
        {"not_my_cell", 404},
        {"participant_behind", 503},
        {"unknown_collection", 404},
        {"not_permitted", 403},
        {"not_a_token", 401},
        {"token_bad_signature", 401},
        {"token_wrong_network", 401},
        {"token_wrong_participant", 401},
        {"token_not_now", 401},
        {"token_too_long", 401},
        {"busy", 429},
        {"too_many_waiting", 429},
        {"participant_stopped", 503},
        {"own_lane_unknown", 503},
        {"journal_lost", 503},
        {"epoch_over", 503},
        {"no_participant_yet", 503},
        {"bad_epoch_proposal", 409},
        {"epoch_too_few_votes", 409},
        {"state_altered", 503},
        {"not_certified", 425},
        {"envelope_too_large", 413},
        {"database_damaged", 500},
        {"database_io", 500},
    };
    const auto found = statuses.find(code);
    return found == statuses.end() ? 400 : found->second;
}

}  // namespace

// An error quotes what was asked, which may be any bytes.
ports::HttpResponse json_response(int status, const bj::value& body) {
    return {status, "application/json", model::valid_utf8(bj::serialize(body)) + "\n", {}};
}

ports::HttpResponse error_response(int status, std::string_view code, std::string_view message,
                                   std::string_view next) {
    bj::object error{{"code", code}, {"message", message}, {"next", next}};
    if (status == 429) error["retry_after_ms"] = busy_ms;
    auto response = json_response(status, bj::object{{"error", std::move(error)}});
    if (status == 429) response.headers["Retry-After"] = std::to_string(busy_ms / 1000);
    if (status == 401) response.headers["WWW-Authenticate"] = "Bearer";
    return response;
}

ports::HttpResponse too_fast_response(std::string_view message, uint64_t wait_us) {
    const uint64_t wait_ms = std::clamp<uint64_t>(wait_us / 1000 + 1, 1, wait_ms_max);
    const std::string next = "Wait " + std::to_string(wait_ms) +
                             " ms, then send it again, or submit through another participant";
    auto response = json_response(429, bj::object{{"error",
                                                   {{"code", "too_fast"},
                                                    {"message", message},
                                                    {"next", next},
                                                    {"retry_after_ms", wait_ms}}}});
    response.headers["Retry-After"] = std::to_string((wait_ms + 999) / 1000);
    return response;
}

ports::HttpResponse error_response(const Error& error) {
    std::string message(error.cause);
    if (!error.detail.empty()) message += ": " + error.detail;
    return error_response(status_of(error.code), error.code, message, error.next);
}

std::string_view name_of(node::Level level) {
    switch (level) {
    case node::Level::submitted: return "submitted";
    case node::Level::ordered: return "ordered";
    case node::Level::certified: return "certified";
    case node::Level::final_: return "final";
    }
    std::abort();
}

std::optional<node::Level> level_of(std::string_view name) {
    for (const auto level : {node::Level::submitted, node::Level::ordered, node::Level::certified,
                             node::Level::final_}) {
        if (name_of(level) == name) return level;
    }
    return {};
}

bj::object transaction_json(const node::TransactionStatus& status) {
    bj::object json{{"transaction", status.transaction.hex()}, {"level", name_of(status.level)}};
    if (!status.executed) {
        json["outcome"] = "unknown";
        json["next"] = "ask by id: it may still be ordered until it expires";
        return json;
    }
    json["outcome"] = status.code == 0 ? "applied" : "rejected";
    json["height"] = status.height.value;
    json["index"] = status.index;
    json["code"] = status.code;
    if (status.code != 0) json["explanation"] = status.explanation;
    if (!status.assigned.empty()) {
        bj::object assigned;
        for (const auto& [name, subject] : status.assigned) assigned[name] = subject;
        json["assigned"] = std::move(assigned);
    }
    return json;
}

ports::HttpResponse transaction_response(const node::TransactionStatus& status,
                                         node::Level wanted) {
    const bool reached =
        status.level >= wanted && (status.executed || wanted == node::Level::submitted);
    const int code = !reached || !status.executed ? 202 : status.code == 0 ? 200 : 409;
    return json_response(code, transaction_json(status));
}

namespace {

bj::object audits_json(const node::Status& status, const node::AuditStatus& audits) {
    bj::object json{{"keeps", audits.keeps},
                    {"asked", audits.asked},
                    {"passed", audits.passed},
                    {"missed", audits.missed},
                    {"unanswered", audits.unanswered}};
    if (audits.missed_height.value == 0) return json;
    bj::object batch{{"height", audits.missed_height.value}};
    for (const auto& peer : status.peers) {
        if (peer.number == audits.missed_lane) batch["lane"] = peer.name;
    }
    json["newest_missed"] = std::move(batch);
    return json;
}

bj::array peers_json(const node::Status& status, const std::vector<ports::PeerState>& connections) {
    bj::array peers;
    for (const auto& peer : status.peers) {
        const bool is_self = peer.name == status.participant;
        bj::array quarantined;
        for (const auto& ledger : peer.quarantined) quarantined.emplace_back(ledger);
        bj::object one{{"name", peer.name},
                       {"connected", is_self},
                       {"heard", peer.heard},
                       {"signing", peer.signing},
                       {"quarantined", std::move(quarantined)}};
        if (peer.heard) {
            one["slot"] = peer.slot.value;
            one["silent_ms"] = peer.silent_us / 1000;
        }
        if (!is_self) one["audits"] = audits_json(status, peer.audits);
        if (peer.epoch) one["epoch"] = peer.epoch->value;
        if (peer.clock_ahead_us) one["clock_ahead_ms"] = *peer.clock_ahead_us / 1000;
        for (const auto& connection : connections) {
            if (is_self || connection.peer != peer.number) continue;
            one["connected"] = connection.connected;
            if (!connection.connected && !connection.last_refusal.empty())
                one["refusal"] = connection.last_refusal;
        }
        peers.push_back(std::move(one));
    }
    return peers;
}

bj::array altered_json(const node::QuarantineStatus& quarantine) {
    bj::array list;
    for (const auto& one : quarantine.altered)
        list.push_back({{"block", one.block.value},
                        {"subject", one.subject},
                        {"what", one.what},
                        {"healed", one.healed}});
    return list;
}

bj::array lanes_json(const node::Status& status) {
    bj::array lanes;
    for (const auto& lane : status.lanes) {
        bj::array left_behind_by;
        for (const auto& name : lane.left_behind_by) left_behind_by.emplace_back(name);
        lanes.push_back({{"participant", lane.participant},
                         {"height", lane.height.value},
                         {"time_us", lane.time.value},
                         {"held", lane.held.value},
                         {"kept_from", lane.kept_from.value},
                         {"certified", lane.certified.value},
                         {"waiting_ms", lane.waiting_us / 1000},
                         {"left_behind_by", std::move(left_behind_by)}});
    }
    return lanes;
}

bj::value catching_up_json(const std::optional<node::SyncProgress>& progress) {
    if (!progress) return nullptr;
    return bj::object{{"text", node::text_of(*progress)}, {"slot", progress->decided.value},
                      {"goal", progress->goal.value},     {"ledger", progress->ledger},
                      {"block", progress->height.value},  {"bytes", progress->bytes},
                      {"ledgers", progress->ledgers}};
}

}  // namespace

bj::object scrub_json(const node::ScrubStatus& scrub) {
    bj::array altered;
    for (const auto& one : scrub.log_altered) altered.emplace_back(one);
    return {{"period_s", scrub.period_us / 1'000'000},
            {"running", scrub.running},
            {"doing", scrub.doing},
            {"bytes", scrub.bytes},
            {"passes", scrub.passes},
            {"last_time_us", scrub.last_time.value},
            {"last_ms", scrub.last_us / 1000},
            {"last_bytes", scrub.last_bytes},
            {"last_found", scrub.last_found},
            {"altered", std::move(altered)},
            {"journal_damage", scrub.journal_damage}};
}

namespace {

bj::object storage_json(const node::StorageStatus& storage) {
    return {{"cells_since_slot", storage.cells_since.value},
            {"whole_since_slot", storage.whole_since.value},
            {"restoring", storage.restoring},
            {"slots_to_go", storage.slots_to_go},
            {"restored_batches", storage.restored_batches},
            {"restored_bytes", storage.restored_bytes}};
}

}  // namespace

bj::object sealing_json(const model::Charter& charter) {
    const auto& body = charter.now();
    const auto keys = model::sealing_keys_of(charter.epoch(), body);
    bj::array holders;
    for (const auto& [participant, key] : keys.holders)
        holders.push_back({{"number", participant.value},
                           {"name", body.participants[participant.value].name},
                           {"opening_key", to_hex(key)}});
    return {{"network", model::network_id_of(charter.body).hex()},
            {"epoch", keys.epoch.value},
            {"threshold", keys.threshold},
            {"holders", std::move(holders)}};
}

bj::object status_json(const node::Status& status,
                       const std::vector<ports::PeerState>& connections) {
    bj::array ledgers;
    for (const auto& ledger : status.ledgers) {
        bj::array missing;
        for (const auto& name : ledger.missing) missing.emplace_back(name);
        bj::array holders;
        for (const auto& name : ledger.shares_missing) holders.emplace_back(name);
        ledgers.push_back({{"name", ledger.name},
                           {"slot", ledger.slot.value},
                           {"executed", ledger.executed.value},
                           {"certified", ledger.certified.value},
                           {"final", ledger.carried.value},
                           {"header", ledger.header.hex()},
                           {"history", ledger.history.value},
                           {"paused", ledger.paused},
                           {"diverged", ledger.diverged},
                           {"failure", ledger.failure},
                           {"quarantined", ledger.quarantine.quarantined},
                           {"made_again", ledger.quarantine.remade},
                           {"altered", altered_json(ledger.quarantine)},
                           {"altered_found", ledger.quarantine.found},
                           {"altered_healed", ledger.quarantine.healed},
                           {"not_yet_signed_by", std::move(missing)},
                           {"sealed_waiting", ledger.sealed_waiting},
                           {"shares_missing", std::move(holders)}});
    }
    return {{"network_name", status.network_name},
            {"network", status.network.hex()},
            {"participant", status.participant},
            {"participants", status.participants},
            {"losses_survived", status.losses_survived},
            {"epoch", status.epoch.value},
            {"slot", status.decided.value},
            {"view", status.view.value},
            {"time_us", status.decided_time.value},
            {"signing", status.signing},
            {"journal_lost", status.journal_lost},
            {"newer_epoch",
             status.newer_epoch ? bj::value(status.newer_epoch->value) : bj::value(nullptr)},
            {"takes_part", status.takes_part},
            {"next_epoch", next_epoch_json(status.next_epoch)},
            {"heard", status.heard},
            {"needed", status.needed},
            {"ordering", status.ordering()},
            {"note", status.note},
            {"catching_up", catching_up_json(status.catching_up)},
            {"peers", peers_json(status, connections)},
            {"lanes", lanes_json(status)},
            {"scrub", scrub_json(status.scrub)},
            {"storage", storage_json(status.storage)},
            {"ledgers", std::move(ledgers)}};
}

bj::value next_epoch_json(const node::NextEpochStatus& next) {
    if (!next.proposal) return nullptr;
    const auto names = [](const std::vector<std::string>& list) {
        bj::array array;
        for (const auto& name : list) array.emplace_back(name);
        return array;
    };
    return bj::object{{"proposal", next.proposal->hex()},
                      {"epoch", next.epoch.value},
                      {"attempt", next.attempt},
                      {"slot", next.slot.value},
                      {"ready", names(next.ready)},
                      {"missing", names(next.missing)},
                      {"needed", next.needed}};
}

}  // namespace tally::api
