// bad_network: throughput, latencies, views and recovery of real participants with a bad network
// between them (tests/e2e/relay.hpp says what it does to their streams), as one table.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <filesystem>
#include <mutex>
#include <thread>

#include "cli/clock.hpp"
#include "cli/folders.hpp"
#include "cli/key_file.hpp"
#include "cli/load.hpp"
#include "cli/local_network.hpp"
#include "cli/output.hpp"
#include "cli/signals.hpp"
#include "cli/table.hpp"
#include "relay.hpp"

namespace tally::bench {
namespace {

namespace bj = boost::json;
using namespace cli;

constexpr int ready_ms = 120'000;
constexpr auto look_again = std::chrono::milliseconds(20);
constexpr uint64_t recovery_us_max = 120'000'000;

enum class Storm { none, one_apart, halves_apart, flapping };
struct Condition {
    std::string_view name;
    Weather weather;
    Storm storm = Storm::none;
};

constexpr Weather slow{50'000, 0, 0, 0};
constexpr Condition conditions[] = {
    {"clear", {}},
    {"delay", slow},
    {"jitter", {50'000, 25'000, 0, 0}},
    {"loss", {50'000, 5'000, 0.001, 0}},
    {"heavy-loss", {50'000, 5'000, 0.01, 0}},
    {"one-apart", slow, Storm::one_apart},
    {"halves-apart", slow, Storm::halves_apart},
    {"flapping", slow, Storm::flapping},
};
constexpr const char* legend =
    "clear         the relay alone\n"
    "delay         50 ms one way, as in all below\n"
    "jitter        up to 25 ms more\n"
    "loss          one segment of 1,000 lost, up to 5 ms more\n"
    "heavy-loss    one of 100\n"
    "one-apart     the last participant is cut off for a third of the time\n"
    "halves-apart  no quorum is together for a third of the time\n"
    "flapping      the last participant is cut off and back again, each for 0.2 to 2 s";

struct Options {
    std::string program;
    std::vector<size_t> participants{4, 7};
    std::vector<std::string> names;
    double seconds = 24;
    uint64_t rate = 200;
    size_t clients = 512;
    uint64_t seed = 1;
    bool json = false;
};

struct Row {
    std::string_view condition;
    size_t participants = 0;
    LoadReport load;
    double slots = 0, view_changes = 0, timeouts = 0;  ///< while measured, of a participant
    std::optional<double> recovery_s;                  ///< none: there was nothing to recover from
    bool has_recovered = true;
    Relay::Counted relay;
};

// --- what participants say ---

struct Counters {
    double slots = 0, view_changes = 0, timeouts = 0;
};

double metric_in(const std::string& text, const std::string& name) {
    const size_t at = text.find("\n" + name + " ");
    if (at == text.npos) return 0;
    double value = 0;
    const char* from = text.data() + at + name.size() + 2;
    std::from_chars(from, text.data() + text.size(), value);
    return value;
}

/// On average.
Counters counters_of(const LocalNetwork& network) {
    Counters sum;
    for (size_t i = 0; i < network.size(); ++i) {
        Client client(network.url(i));
        client.set_timeout_ms(2'000);
        const auto bytes = client.get_bytes("/metrics");
        if (!bytes.ok()) continue;
        const std::string text(text_of(*bytes));
        const auto n = double(network.size());
        sum.slots += metric_in(text, "tally_slots_decided_total") / n;
        sum.view_changes += metric_in(text, "tally_view_changes_total") / n;
        sum.timeouts += metric_in(text, "tally_timeouts_total") / n;
    }
    return sum;
}

/// The newest block that each has executed; 0 of who does not answer.
std::vector<uint64_t> executed_by_all(const LocalNetwork& network) {
    std::vector<uint64_t> heights(network.size(), 0);
    for (size_t i = 0; i < network.size(); ++i) {
        Client client(network.url(i));
        client.set_timeout_ms(2'000);
        const auto status = client.get("/v1/status");
        if (status.ok())
            heights[i] = number_in(status->body.at("ledgers").at(0).as_object(), "executed");
    }
    return heights;
}

// --- a run ---

std::vector<size_t> groups_of(Storm storm, size_t participants) {
    std::vector<size_t> groups(participants, 0);
    if (storm == Storm::halves_apart) {
        for (size_t i = participants - participants / 2; i < participants; ++i) groups[i] = 1;
    } else {
        groups.back() = 1;
    }
    return groups;
}

void sleep_s(double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

/// Until everyone has executed a block that nobody had when the links were whole again.
void measure_recovery(const LocalNetwork& network, Row& row) {
    const uint64_t healed_us = steady_now_us();
    const auto then = executed_by_all(network);
    const uint64_t newest = *std::max_element(then.begin(), then.end());
    row.has_recovered = false;
    while (!row.has_recovered && steady_now_us() < healed_us + recovery_us_max) {
        const auto now = executed_by_all(network);
        row.has_recovered = *std::min_element(now.begin(), now.end()) > newest;
        if (!row.has_recovered) std::this_thread::sleep_for(look_again);
    }
    row.recovery_s = double(steady_now_us() - healed_us) / 1e6;
}

/// Begins as the measurement does, and is over when all have recovered.
void rage(const Options& options, Storm storm, const LocalNetwork& network, Relay& relay,
          Row& row) {
    if (storm == Storm::none) return;
    const std::vector<size_t> together(network.size(), 0);
    const auto apart = groups_of(storm, network.size());
    sleep_s(options.seconds / 6);
    const uint64_t until_us = steady_now_us() + uint64_t(options.seconds / 3 * 1e6);
    if (storm != Storm::flapping) {
        relay.set_groups(apart);
        sleep_s(options.seconds / 3);
    }
    std::mt19937_64 random(options.seed);
    while (storm == Storm::flapping && steady_now_us() < until_us) {
        const auto drawn_s = [&] { return 0.2 + double(random() % 1'800) / 1e3; };
        relay.set_groups(apart);
        sleep_s(drawn_s());
        relay.set_groups(together);
        if (steady_now_us() < until_us) sleep_s(drawn_s());
    }
    relay.set_groups(together);
    measure_recovery(network, row);
}

/// Ends with this process, and leaves nothing behind, also if it is interrupted.
struct Children {
    std::mutex mutex;
    std::vector<pid_t> running;
    std::string folder;
    void end() {
        const std::lock_guard lock(mutex);
        for (const pid_t pid : running) ::kill(pid, SIGKILL);
        sleep_s(0.2);
        std::error_code ignored;
        if (!folder.empty()) std::filesystem::remove_all(folder, ignored);
    }
};

Result<void> start_all(LocalNetwork& network, Relay& relay, Children& children) {
    for (size_t i = 0; i < network.size(); ++i) {
        CHECK(network.start(i));
        relay.set_process(i, network.pid(i));
        const std::lock_guard lock(children.mutex);
        children.running.push_back(network.pid(i));
    }
    for (size_t i = 0; i < network.size(); ++i) CHECK(network.wait_ready(i, ready_ms));
    return success();
}

Result<LocalNetwork> make_network(const Options& options, size_t participants,
                                  const std::string& folder, const model::SecretKey& key) {
    LocalPlan plan;
    plan.program = options.program;
    plan.folder = folder;
    plan.name = "Bad network";
    plan.participants.clear();
    for (size_t i = 0; i < participants; ++i)
        plan.participants.push_back("p" + std::to_string(i + 1));
    plan.ledger = bench_ledger;
    plan.genesis = bench_genesis(model::public_key_of(key).did());
    plan.peer_port = 7501;
    plan.http_port = 7581;
    plan.front_port = 7541;
    plan.quiet = true;
    plan.expire_ahead_ms = 3'600'000;
    return LocalNetwork::make(std::move(plan));
}

Result<Row> measure(const Options& options, const Condition& condition, size_t participants,
                    Children& children) {
    TRY(folder, WorkFolder::make("", "tally-bad-network"));
    {
        const std::lock_guard lock(children.mutex);
        children.folder = folder.path();
        children.running.clear();
    }
    const model::SecretKey key = Ed25519Secret::from_seed(random_secret());
    TRY(network, make_network(options, participants, folder.path() + "/network", key));
    std::vector<Relay::End> ends;
    for (size_t i = 0; i < participants; ++i)
        ends.push_back({network.front_port(i), network.peer_port(i)});
    TRY(relay, Relay::start(ends, options.seed));
    relay->set_weather(condition.weather);
    CHECK(start_all(network, *relay, children));

    Row row;
    row.condition = condition.name;
    row.participants = participants;
    constexpr double warm_up_s = 4;
    const uint64_t per_s = options.rate > 0 ? options.rate + 1 : 4'000;
    const auto count = size_t((warm_up_s + options.seconds) * double(per_s)) + options.clients;
    const auto envelopes = signed_envelopes(network.network(), key, count, 1'800);
    LoadPlan plan;
    for (size_t i = 0; i < participants; ++i) plan.participants.push_back(network.url(i));
    plan.ledger = bench_ledger;
    plan.envelopes = envelopes;
    plan.connections = options.clients;
    plan.rate_per_s = options.rate;
    plan.warm_up_s = warm_up_s;
    plan.measure_s = options.seconds;
    std::thread storm;
    Counters before;
    plan.on_window = [&](bool begins) {
        if (begins) {
            before = counters_of(network);
            storm = std::thread([&] { rage(options, condition.storm, network, *relay, row); });
            return;
        }
        const auto after = counters_of(network);
        row.slots = after.slots - before.slots;
        row.view_changes = after.view_changes - before.view_changes;
        row.timeouts = after.timeouts - before.timeouts;
    };
    auto load = run_load(plan);
    if (storm.joinable()) storm.join();
    CHECK(load);
    row.load = std::move(*load);
    row.relay = relay->counted();
    const std::lock_guard lock(children.mutex);
    children.running.clear();
    network.stop_all();
    return row;
}

// --- what is told ---

std::string text_of_number(double number, int places) {
    char text[32];
    std::snprintf(text, sizeof text, "%.*f", places, number);
    return text;
}

std::vector<std::string> cells_of(const Row& row) {
    const double slots = std::max(row.slots, 1.0);
    std::string recovery = row.recovery_s ? text_of_number(*row.recovery_s, 2) : "";
    if (!row.has_recovered) recovery = "over " + recovery;
    return {std::string(row.condition),
            std::to_string(row.participants),
            text_of_number(double(row.load.applied) / std::max(row.load.seconds, 1e-9), 0),
            text_of_number(row.load.latency_ms(0.5), 0),
            text_of_number(row.load.latency_ms(0.99), 0),
            text_of_number(row.slots / std::max(row.load.seconds, 1e-9), 1),
            text_of_number(1 + row.view_changes / slots, 2),
            text_of_number(row.timeouts, 1),
            recovery};
}

bj::object json_of(const Row& row) {
    bj::object object{
        {"condition", std::string(row.condition)},
        {"participants", row.participants},
        {"certified_tx_per_s", double(row.load.applied) / std::max(row.load.seconds, 1e-9)},
        {"latency_ms_p50", row.load.latency_ms(0.5)},
        {"latency_ms_p99", row.load.latency_ms(0.99)},
        {"slots", row.slots},
        {"view_changes", row.view_changes},
        {"timeouts", row.timeouts},
        {"applied", row.load.applied},
        {"rejected", row.load.rejected},
        {"unknown", row.load.unknown},
        {"refused", row.load.refused},
        {"relayed_bytes", row.relay.bytes},
        {"segments_lost", row.relay.segments_lost},
        {"connections", row.relay.connections}};
    if (row.recovery_s) object["recovery_s"] = *row.recovery_s;
    return object;
}

Result<void> run_all(const Options& options, const Output& output) {
    Children children;
    const StopWatch watch([&] {
        children.end();
        ::_exit(int(Exit::unknown));
    });
    std::vector<std::vector<std::string>> rows{{"condition", "n", "tx/s", "p50 ms", "p99 ms",
                                                "slots/s", "views/slot", "timeouts", "recovery s"}};
    for (const size_t participants : options.participants) {
        for (const Condition& condition : conditions) {
            const bool is_wanted =
                options.names.empty() || std::find(options.names.begin(), options.names.end(),
                                                   condition.name) != options.names.end();
            if (!is_wanted) continue;
            TRY(row, measure(options, condition, participants, children));
            rows.push_back(cells_of(row));
            output.json_only(json_of(row));
            if (row.load.applied + row.load.rejected + row.load.unknown + row.load.refused == 0)
                output.note("nothing was answered");
            if (!row.load.first_refusal.empty()) output.note(row.load.first_refusal);
        }
    }
    output.line(table(rows));
    return success();
}

int run(int argc, char** argv) {
    Options options;
    const auto self = std::filesystem::path(own_program());
    options.program = (self.parent_path().parent_path() / "tally").string();
    CLI::App app(
        "Real participants with a bad network between them: throughput, latencies until certified, "
        "views, and how long recovery takes");
    app.add_option("condition", options.names, "which; all if none is named")
        ->check(CLI::IsMember([] {
            std::vector<std::string> names;
            for (const Condition& one : conditions) names.emplace_back(one.name);
            return names;
        }()));
    app.add_option("--participants", options.participants)->delimiter(',')->capture_default_str();
    app.add_option("--seconds", options.seconds, "how long each is measured")
        ->capture_default_str();
    app.add_option("--rate", options.rate,
                   "transactions a second; 0: the next is sent when one is answered")
        ->capture_default_str();
    app.add_option("--clients", options.clients, "transactions that are under way at most")
        ->capture_default_str();
    app.add_option("--seed", options.seed, "of all that is drawn")->capture_default_str();
    app.add_option("--program", options.program, "the `tally` to run")->capture_default_str();
    app.add_flag("--json", options.json, "a line of JSON for each condition");
    app.footer(std::string("Conditions:\n") + legend +
               "\n\nExamples:\n"
               "  bad_network                               # all, at 200 transactions a second\n"
               "  bad_network --rate 0 delay loss           # at full load\n"
               "  bad_network --participants 4 flapping");
    CLI11_PARSE(app, argc, argv);
    hold_stop_signals();
    crypto_start();
    const Output output(options.json);
    const auto done = run_all(options, output);
    return done.ok() ? 0 : int(output.error(done.error()));
}

}  // namespace
}  // namespace tally::bench

int main(int argc, char** argv) {
    return tally::bench::run(argc, argv);
}
