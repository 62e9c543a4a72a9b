#include "cli/read_command.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "cli/table.hpp"

namespace tally::cli {

namespace bj = boost::json;

namespace {

std::string cell_of(const bj::value& value) {
    if (value.is_string()) return std::string(value.get_string());
    if (value.is_null()) return {};
    return bj::serialize(value);
}

std::string at_query(const std::optional<uint64_t>& at) {
    return at ? "?at=" + std::to_string(*at) : std::string();
}

const bj::array& list_in(const bj::object& object, std::string_view name) {
    static const bj::array none;
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_array() ? value->get_array() : none;
}

std::string joined_cells(const bj::array& names) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : ", ") + cell_of(name);
    return text;
}

/// Columns in the order in which rows first name them.
std::vector<std::vector<std::string>> columns_of(const bj::array& rows) {
    std::vector<std::string> names;
    for (const auto& row : rows) {
        if (!row.is_object()) continue;
        for (const auto& [name, value] : row.get_object()) {
            if (std::find(names.begin(), names.end(), std::string(name)) == names.end())
                names.emplace_back(name);
        }
    }
    std::vector<std::vector<std::string>> cells{names};
    for (const auto& row : rows) {
        if (!row.is_object()) continue;
        cells.emplace_back();
        for (const auto& name : names) {
            const auto* value = row.get_object().if_contains(name);
            cells.back().push_back(value == nullptr ? std::string() : cell_of(*value));
        }
    }
    return cells;
}

/// What was altered on the own disk, and who says so of its own.
void tell_altered(const bj::object& status, const Output& output) {
    std::vector<std::vector<std::string>> altered{
        {"altered on this disk", "block", "what", "state"}};
    for (const auto* ledger : objects_in(status, "ledgers")) {
        const auto& one = *ledger;
        for (const auto* entry : objects_in(one, "altered")) {
            const auto& part = *entry;
            altered.push_back(
                {std::string(text_in(one, "name")) + ": " + std::string(text_in(part, "subject")),
                 std::to_string(number_in(part, "block")), std::string(text_in(part, "what")),
                 flag_in(part, "healed") ? "healed" : "quarantined"});
        }
    }
    if (altered.size() > 1) output.line("\n" + table(altered));
    for (const auto* peer : objects_in(status, "peers")) {
        const auto& one = *peer;
        const auto& ledgers = list_in(one, "quarantined");
        if (ledgers.empty() || text_in(one, "name") == text_in(status, "participant")) continue;
        output.line("\n" + std::string(text_in(one, "name")) +
                    " says that its own copy was altered, and is quarantined until it is healed: " +
                    joined_cells(ledgers));
    }
}

void tell_scrub(const bj::object& status, const Output& output) {
    const auto* found = status.if_contains("scrub");
    if (found == nullptr || !found->is_object()) return;
    const auto& scrub = found->get_object();
    const uint64_t passes = number_in(scrub, "passes");
    std::string line = passes == 0
                           ? std::string("the disk was not scrubbed yet")
                           : "the disk was scrubbed in " +
                                 lasting(double(number_in(scrub, "last_ms")) / 1e3) + ", " +
                                 std::to_string(number_in(scrub, "last_found")) + " altered";
    if (flag_in(scrub, "running"))
        line += "; a pass is under way: " + std::string(text_in(scrub, "doing")) + ", " +
                std::to_string(number_in(scrub, "bytes") / 1'000'000) + " MB so far";
    output.line("\n" + line);
    for (const auto& one : list_in(scrub, "altered"))
        output.line(cell_of(one) + " is altered, and not healed yet");
    if (!text_in(scrub, "journal_damage").empty())
        output.line("THE JOURNAL IS DAMAGED: " + std::string(text_in(scrub, "journal_damage")));
}

void tell_storage(const bj::object& status, const Output& output) {
    const auto* found = status.if_contains("storage");
    if (found == nullptr || !found->is_object()) return;
    const auto& storage = found->get_object();
    std::string line = "transactions as they were signed are kept from slot " +
                       std::to_string(number_in(storage, "cells_since_slot")) + " on";
    if (flag_in(storage, "restoring"))
        line += "; what this participant lost of them is got back from the others: " +
                std::to_string(number_in(storage, "slots_to_go")) + " slot(s) to go, " +
                std::to_string(number_in(storage, "restored_batches")) + " batches and " +
                std::to_string(number_in(storage, "restored_bytes") / 1'000'000) + " MB so far";
    output.line("\n" + line);
}

const bj::object* audits_in(const bj::object& peer) {
    const auto* audits = peer.if_contains("audits");
    return audits ? audits->if_object() : nullptr;
}

/// Of those with a result; of the participant itself there are none.
std::string audits_text(const bj::object& peer) {
    const auto* audits = audits_in(peer);
    if (audits == nullptr) return "";
    const uint64_t passed = number_in(*audits, "passed"), missed = number_in(*audits, "missed");
    return passed + missed == 0 ? "none yet"
                                : std::to_string(passed) + " of " + std::to_string(passed + missed);
}

std::string peer_alarm(const bj::object& peer) {
    const auto* audits = audits_in(peer);
    std::string alarm = flag_in(peer, "signing") ? "" : "SIGNS NOTHING";
    if (audits == nullptr || flag_in(*audits, "keeps")) return alarm;
    return alarm + (alarm.empty() ? "" : ", ") + "DOES NOT KEEP WHAT IT SHOULD";
}

void tell_status(const bj::object& status, const Output& output) {
    output.line(std::string(text_in(status, "participant")) + " of network \"" +
                std::string(text_in(status, "network_name")) + "\" (" +
                std::string(text_in(status, "network")) + ")");
    const uint64_t survived = number_in(status, "losses_survived");
    const bool ordering = flag_in(status, "ordering");
    output.line(std::to_string(number_in(status, "participants")) + " participants; " +
                (!ordering       ? std::string("too few are heard that sign")
                 : survived == 0 ? std::string("no loss is survived")
                                 : std::to_string(survived) + " may stop or lie"));
    const uint64_t epoch = number_in(status, "epoch");
    output.line((epoch > 0 ? "epoch " + std::to_string(epoch) + ", " : std::string()) + "slot " +
                std::to_string(number_in(status, "slot")) +
                (flag_in(status, "signing") ? ", signing" : ", NOT SIGNING") +
                (ordering ? "" : ", NOTHING IS ORDERED"));
    if (!text_in(status, "note").empty()) output.line(std::string(text_in(status, "note")));
    if (const auto* progress = status.if_contains("catching_up"); progress && progress->is_object())
        output.line("catching up: " + std::string(text_in(progress->get_object(), "text")));

    std::vector<std::vector<std::string>> peers{
        {"peer", "connected", "slot", "last heard", "audits passed", ""}};
    for (const auto* peer : objects_in(status, "peers")) {
        const auto& one = *peer;
        const bool heard = flag_in(one, "heard");
        peers.push_back({std::string(text_in(one, "name")),
                         flag_in(one, "connected") ? "yes" : "NO",
                         heard ? std::to_string(number_in(one, "slot")) : "",
                         heard ? std::to_string(number_in(one, "silent_ms")) + " ms ago" : "never",
                         audits_text(one), peer_alarm(one)});
    }
    output.line("\n" + table(peers));
    std::vector<std::vector<std::string>> lanes{{"lane of", "height", "held", "waits", ""}};
    for (const auto* lane : objects_in(status, "lanes")) {
        const auto& one = *lane;
        const uint64_t waits = number_in(one, "waiting_ms");
        const auto& left = list_in(one, "left_behind_by");
        lanes.push_back({std::string(text_in(one, "participant")),
                         std::to_string(number_in(one, "height")),
                         std::to_string(number_in(one, "held")),
                         waits == 0 ? "" : std::to_string(waits) + " ms",
                         left.empty() ? "" : "LEFT BEHIND by " + joined_cells(left)});
    }
    output.line("\n" + table(lanes));
    std::vector<std::vector<std::string>> ledgers{
        {"ledger", "executed", "certified", "final", "state", "not yet signed by"}};
    for (const auto* ledger : objects_in(status, "ledgers")) {
        const auto& one = *ledger;
        ledgers.push_back(
            {std::string(text_in(one, "name")), std::to_string(number_in(one, "executed")),
             std::to_string(number_in(one, "certified")), std::to_string(number_in(one, "final")),
             flag_in(one, "diverged")           ? "DIVERGED"
             : !text_in(one, "failure").empty() ? "FAILED"
             : flag_in(one, "quarantined")      ? "QUARANTINED"
             : flag_in(one, "paused")           ? "PAUSED"
             : number_in(one, "sealed_waiting") > 0
                 ? "waits for shares of " + joined_cells(list_in(one, "shares_missing"))
                 : "ok",
             joined_cells(list_in(one, "not_yet_signed_by"))});
    }
    output.line("\n" + table(ledgers));
    for (const auto* ledger : objects_in(status, "ledgers")) {
        const uint64_t history = number_in(*ledger, "history");
        if (history == 0) continue;
        output.line(std::string(text_in(*ledger, "name")) +
                    " was loaded from the others at block " + std::to_string(history) +
                    ": older blocks are not here, ask another participant for them");
    }
    tell_altered(status, output);
    tell_storage(status, output);
    tell_scrub(status, output);
}

/// One line for each participant and ledger: do they agree?
Result<Exit> compare_status(const StatusOptions& options, const Output& output) {
    std::vector<std::vector<std::string>> rows{
        {"participant", "ledger", "executed", "certified", "final", "header", "signing"}};
    bj::array all;
    bool reached_all = true;
    for (const auto& url : options.all) {
        TRY(client, connect({url, {}}));
        client.set_timeout_ms(3'000);
        const auto answer = client.get("/v1/status");
        if (!answer.ok()) {
            reached_all = false;
            all.push_back({{"url", url}, {"error", answer.error().message()}});
            rows.push_back({url, "not reached: " + answer.error().message()});
            continue;
        }
        all.push_back(answer->body);
        for (const auto* ledger : objects_in(answer->body, "ledgers")) {
            const auto& one = *ledger;
            rows.push_back({std::string(text_in(answer->body, "participant")),
                            std::string(text_in(one, "name")),
                            std::to_string(number_in(one, "executed")),
                            std::to_string(number_in(one, "certified")),
                            std::to_string(number_in(one, "final")),
                            std::string(text_in(one, "header")).substr(0, 16),
                            flag_in(answer->body, "signing") ? "yes" : "NO"});
        }
    }
    output.json_only(bj::object{{"participants", std::move(all)}});
    output.line(table(rows));
    return reached_all ? Exit::applied : Exit::unreachable;
}

}  // namespace

Result<Exit> get_subject(const Get& options, const Output& output) {
    TRY(client, connect(options.connection));
    TRY(answer, client.get("/v1/ledgers/" + options.ledger + "/subjects/" +
                           percent_encoded(options.subject) + at_query(options.at)));
    output.value(answer.body);
    return Exit::applied;
}

Result<Exit> run_query(const QueryOptions& options, const Output& output) {
    bj::object query{{"from", options.collection}, {"limit", options.limit}};
    if (!options.filters.empty()) {
        bj::array where;
        for (const auto& filter : options.filters) where.emplace_back(filter);
        query["where"] = std::move(where);
    }
    if (!options.select.empty()) {
        bj::array select;
        for (const auto& name : options.select) select.emplace_back(name);
        query["select"] = std::move(select);
    }
    if (!options.order.empty()) query["order"] = options.order;
    if (options.descending) query["descending"] = true;
    TRY(client, connect(options.connection));
    TRY(answer, client.post("/v1/ledgers/" + options.ledger + "/query" + at_query(options.at),
                            "application/json", bj::serialize(query)));
    output.json_only(answer.body);
    const auto& rows = list_in(answer.body, "rows");
    if (!rows.empty()) output.line(table(columns_of(rows)));
    output.note(std::to_string(rows.size()) + " row(s) at block " +
                std::to_string(number_in(answer.body, "block")) +
                (flag_in(answer.body, "more") ? "; there are more: raise --limit" : ""));
    return Exit::applied;
}

namespace {

/// The first of the newest `count` blocks that are there.
Result<uint64_t> first_of_newest(Client& client, const Blocks& options, const Output& output) {
    TRY(status, client.get("/v1/status"));
    for (const auto* ledger : objects_in(status.body, "ledgers")) {
        if (text_in(*ledger, "name") != options.ledger) continue;
        const uint64_t next = number_in(*ledger, "executed") + 1;
        const uint64_t history = number_in(*ledger, "history");
        const uint64_t wanted = next > options.count ? next - options.count : 0;
        if (history == 0 || wanted > history) return wanted;
        output.note("Its history begins at block " + std::to_string(history) +
                    ": ask another participant for older blocks");
        return history + 1;
    }
    return 0;  // The participant says that there is no such ledger.
}

}  // namespace

Result<Exit> show_blocks(const Blocks& options, const Output& output) {
    TRY(client, connect(options.connection));
    const std::string base = "/v1/ledgers/" + options.ledger + "/blocks";
    std::optional<uint64_t> from = options.from;
    if (!from) {
        TRY(first, first_of_newest(client, options, output));
        from = first;
    }
    TRY(answer, client.get(base + "?from=" + std::to_string(*from) +
                           "&count=" + std::to_string(options.count)));
    output.json_only(answer.body);
    std::vector<std::vector<std::string>> rows{
        {"block", "slot", "transactions", "level", "state root", "signed by"}};
    for (const auto* block : objects_in(answer.body, "blocks")) {
        const auto& one = *block;
        rows.push_back(
            {std::to_string(number_in(one, "height")), std::to_string(number_in(one, "slot")),
             std::to_string(number_in(one, "transaction_count")),
             std::string(text_in(one, "level")), std::string(text_in(one, "state")).substr(0, 16),
             joined_cells(list_in(one, "signed_by"))});
    }
    output.line(table(rows));
    return Exit::applied;
}

Result<Exit> show_status(const StatusOptions& options, const Output& output) {
    if (!options.all.empty()) return compare_status(options, output);
    TRY(client, connect(options.connection));
    TRY(answer, client.get("/v1/status"));
    output.json_only(answer.body);
    tell_status(answer.body, output);
    return Exit::applied;
}

}  // namespace tally::cli
