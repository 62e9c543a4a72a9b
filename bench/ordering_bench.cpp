// ordering_bench: how many payloads a network orders, without transactions, their signatures, their
// execution and a database: what availability, agreement, the journal and the network cost alone.
// One process; each participant has the threads that it has in a process of its own.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json/object.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "cli/clock.hpp"
#include "cli/folders.hpp"
#include "cli/output.hpp"
#include "io/entropy.hpp"
#include "io/thread_name.hpp"
#include "orderer.hpp"

namespace tally::bench {
namespace {

namespace bj = boost::json;

constexpr int connect_tries = 1'000;
constexpr auto look_again = std::chrono::milliseconds(10);

struct Options {
    size_t participants = 4;
    double warm_up_s = 3, seconds = 20;
    std::string journal = "disk", network = "tls", folder;
    size_t payload_bytes = 512;
    size_t outstanding = 32'768;
    uint64_t rate = 0;
    bool json = false;
};

/// Of a whole network; times of processors in microseconds.
struct Moment {
    uint64_t at_us = 0;
    double process_us = 0;
    std::map<std::string, double> thread_us;  ///< by name
    std::vector<Counted> counted;
};

double cpu_us_of_process() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto us = [](const timeval& time) {
        return double(time.tv_sec) * 1e6 + double(time.tv_usec);
    };
    return us(usage.ru_utime) + us(usage.ru_stime);
}

std::map<std::string, double> cpu_us_of_threads() {
    std::map<std::string, double> by_name;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream name_file(task.path() / "comm");
        std::ifstream time_file(task.path() / "schedstat");
        std::string name;
        double ns = 0;
        if (name_file >> name && time_file >> ns) by_name[name] += ns / 1'000;
    }
    return by_name;
}

using Network = std::vector<std::unique_ptr<Orderer>>;

Moment look(const Network& network) {
    Moment moment;
    moment.at_us = cli::steady_now_us();
    moment.process_us = cpu_us_of_process();
    moment.thread_us = cpu_us_of_threads();
    for (const auto& one : network) moment.counted.push_back(one->counted());
    return moment;
}

Ed25519Secret new_key() {
    std::array<uint8_t, 32> seed{};
    io::fill_random(seed);
    return Ed25519Secret::from_seed(seed);
}

void prepare(Common& common, const Options& options) {
    for (size_t i = 0; i < options.participants; ++i) {
        common.signing.push_back(new_key());
        common.identity.push_back(new_key());
        common.signatories.keys.push_back(common.signing.back().public_key());
    }
    common.network = sha256(common.signatories.keys.front());
    common.signatories.network = common.network;
    common.genesis_time = cli::wall_now();
    common.payload_bytes = options.payload_bytes;
    common.outstanding_max = options.outstanding / options.participants;
    common.rate_per_s = options.rate / options.participants;
}

Result<void> open(Network& network, Common& common, const Options& options,
                  const std::string& folder) {
    for (size_t i = 0; i < options.participants; ++i) {
        const std::string journal =
            options.journal == "disk" ? folder + "/" + std::to_string(i) : std::string();
        network.push_back(std::make_unique<Orderer>(common, Participant{uint8_t(i)}, journal));
        CHECK(network.back()->open_journal());
        if (options.network == "tls") CHECK(network.back()->open_peers());
    }
    if (options.network != "tls") {
        for (const auto& one : network) one->join(network);
        return success();
    }
    for (size_t self = 0; self < network.size(); ++self) {
        io::PeerTable table;
        table.network = common.network;
        table.self = Participant{uint8_t(self)};
        for (size_t i = 0; i < network.size(); ++i)
            table.peers.push_back({Participant{uint8_t(i)}, common.identity[i].public_key(),
                                   "127.0.0.1:" + std::to_string(network[i]->port())});
        network[self]->set_peers(std::move(table));
    }
    return success();
}

bool wait_connected(const Network& network) {
    for (int tries = 0; tries < connect_tries; ++tries) {
        if (std::all_of(network.begin(), network.end(),
                        [](const auto& one) { return one->is_connected(); }))
            return true;
        std::this_thread::sleep_for(look_again);
    }
    return false;
}

/// The latency that this share of all payloads does not exceed, in milliseconds. Requires them
/// ascending.
double latency_ms(const std::vector<Latency>& latencies, double share) {
    uint64_t all = 0;
    for (const auto& one : latencies) all += one.payloads;
    const auto wanted = uint64_t(std::ceil(share * double(all)));
    uint64_t so_far = 0;
    for (const auto& one : latencies) {
        so_far += one.payloads;
        if (so_far >= wanted) return double(one.us) / 1'000;
    }
    return 0;
}

/// What all participants together did between two moments; of payloads, batches and slots what the
/// slowest did.
Counted between(const Moment& begin, const Moment& end) {
    Counted sum;
    sum.payloads = sum.batches = sum.slots = UINT64_MAX;
    for (size_t i = 0; i < end.counted.size(); ++i) {
        const Counted& from = begin.counted[i];
        const Counted& to = end.counted[i];
        sum.payloads = std::min(sum.payloads, to.payloads - from.payloads);
        sum.batches = std::min(sum.batches, to.batches - from.batches);
        sum.slots = std::min(sum.slots, to.slots - from.slots);
        sum.timeouts += to.timeouts - from.timeouts;
        sum.verifications += to.verifications - from.verifications;
        sum.verify_ns += to.verify_ns - from.verify_ns;
        sum.signatures += to.signatures - from.signatures;
        sum.sign_ns += to.sign_ns - from.sign_ns;
        sum.journal_bytes += to.journal_bytes - from.journal_bytes;
        sum.syncs += to.syncs - from.syncs;
        sum.sync_us += to.sync_us - from.sync_us;
        sum.messages_dropped += to.messages_dropped - from.messages_dropped;
    }
    return sum;
}

bj::object figures_of(const Options& options, const Moment& begin, const Moment& end,
                      const std::vector<Latency>& latencies) {
    const Counted did = between(begin, end);
    const double seconds = double(end.at_us - begin.at_us) / 1e6;
    const auto n = double(options.participants);
    const double payloads = std::max(1.0, double(did.payloads));
    const double cpu_us = end.process_us - begin.process_us;
    bj::object threads;
    for (const auto& [name, us] : end.thread_us) {
        const auto before = begin.thread_us.find(name);
        const double spent = us - (before == begin.thread_us.end() ? 0 : before->second);
        threads[name] = spent / payloads / n;
    }
    return {{"payloads_per_s", double(did.payloads) / seconds},
            {"latency_ms_p50", latency_ms(latencies, 0.5)},
            {"latency_ms_p99", latency_ms(latencies, 0.99)},
            {"cpu_us_per_payload_per_participant", cpu_us / payloads / n},
            {"cpu_us_by_thread", std::move(threads)},
            {"cpu_us_verifying", double(did.verify_ns) / 1e3 / payloads / n},
            {"cpu_us_signing", double(did.sign_ns) / 1e3 / payloads / n},
            {"processors_used", cpu_us / 1e6 / seconds},
            {"participants", options.participants},
            {"payload_bytes", options.payload_bytes},
            {"journal", options.journal},
            {"network", options.network},
            {"outstanding", options.outstanding},
            {"rate", options.rate},
            {"seconds", seconds},
            {"payloads_per_batch", payloads / std::max(1.0, double(did.batches))},
            {"batches_per_s", double(did.batches) / seconds},
            {"slots_per_s", double(did.slots) / seconds},
            {"timeouts", did.timeouts},
            {"verifications_per_batch",
             double(did.verifications) / n / std::max(1.0, double(did.batches))},
            {"journal_mb_per_s_per_participant", double(did.journal_bytes) / 1e6 / seconds / n},
            {"sync_ms_mean", did.syncs == 0 ? 0 : double(did.sync_us) / 1e3 / double(did.syncs)},
            {"messages_dropped", did.messages_dropped}};
}

Result<bj::object> measure(const Options& options) {
    TRY(folder, cli::WorkFolder::make(options.folder, "tally-ordering-bench"));
    Common common;
    prepare(common, options);
    Network network;
    CHECK(open(network, common, options, folder.path()));
    const auto stop = [&] {
        for (const auto& one : network) one->stop();
    };
    for (const auto& one : network) one->start();
    if (!wait_connected(network)) {
        stop();
        return fail(ports::NetError::bad_address, "the participants did not connect");
    }
    const auto wait = [](double seconds) {
        std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    };
    common.loading = true;
    wait(options.warm_up_s);
    const Moment begin = look(network);
    common.measuring = true;
    wait(options.seconds);
    common.measuring = false;
    const Moment end = look(network);
    stop();
    std::vector<Latency> latencies;
    for (const auto& one : network)
        latencies.insert(latencies.end(), one->latencies().begin(), one->latencies().end());
    std::sort(latencies.begin(), latencies.end(),
              [](const auto& a, const auto& b) { return a.us < b.us; });
    return figures_of(options, begin, end, latencies);
}

int run(int argc, char** argv) {
    Options options;
    CLI::App app(
        "Orders opaque payloads among participants of one process, over loopback, and measures it");
    app.add_option("--participants", options.participants)
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    app.add_option("--seconds", options.seconds, "how long it is measured")->capture_default_str();
    app.add_option("--warm-up", options.warm_up_s, "seconds before")->capture_default_str();
    app.add_option("--journal", options.journal,
                   "disk: synced before what depends on it leaves; memory")
        ->check(CLI::IsMember({"disk", "memory"}))
        ->capture_default_str();
    app.add_option("--network", options.network,
                   "tls: as participants connect; queues: messages are handed over in the process")
        ->check(CLI::IsMember({"tls", "queues"}))
        ->capture_default_str();
    app.add_option("--payload-bytes", options.payload_bytes)
        ->check(CLI::Range(size_t{128}, limits::envelope_bytes_max))
        ->capture_default_str();
    app.add_option("--outstanding", options.outstanding,
                   "payloads that are under way at once, of all participants")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_option("--rate", options.rate,
                   "payloads a second, of all participants; 0: as fast as they are ordered")
        ->capture_default_str();
    app.add_option("--data", options.folder, "keeps the journals in this folder");
    app.add_flag("--json", options.json, "one line of JSON");
    app.footer(
        "Examples:\n"
        "  ordering_bench --json                     # four participants, synced journals\n"
        "  ordering_bench --journal memory --json\n"
        "  ordering_bench --rate 20000               # latencies below the full load");
    CLI11_PARSE(app, argc, argv);
    crypto_start();
    const cli::Output output(options.json);
    const auto figures = measure(options);
    if (!figures.ok()) return int(output.error(figures.error()));
    output.value(*figures);
    return 0;
}

}  // namespace
}  // namespace tally::bench

int main(int argc, char** argv) {
    return tally::bench::run(argc, argv);
}
