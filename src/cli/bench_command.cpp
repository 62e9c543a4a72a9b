#include "cli/bench_command.hpp"

#include <signal.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <sstream>
#include <thread>

#include "cli/folders.hpp"
#include "cli/key_file.hpp"
#include "cli/load.hpp"
#include "cli/local_network.hpp"
#include "cli/memory_watch.hpp"
#include "cli/signals.hpp"

namespace tally::cli {
namespace {

namespace bj = boost::json;
using Clock = std::chrono::steady_clock;

constexpr double warm_up_s = 3;
constexpr double transactions_s_max = 3'600;
constexpr size_t memory_samples = 20;
constexpr int verifications = 2'000;

/// Of one Ed25519 signature over as many bytes as a transaction has, in microseconds.
double measure_verification(size_t message_bytes) {
    const auto key = Ed25519Secret::from_seed(random_secret());
    const Bytes message(message_bytes, 'x');
    const Signature signature = key.sign(message);
    const auto start = Clock::now();
    bool good = true;
    for (int i = 0; i < verifications; ++i)
        good = ed25519_verify(key.public_key(), message, signature) && good;
    ENSURE(good);
    return std::chrono::duration<double, std::micro>(Clock::now() - start).count() / verifications;
}

/// utime + stime (proc(5), fields 14 and 15).
double cpu_us_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    const size_t name_end = text.rfind(')');
    if (name_end == text.npos) return 0;
    std::istringstream fields(text.substr(name_end + 2));
    std::string skipped;
    for (int i = 3; i < 14; ++i) fields >> skipped;
    double user = 0, system = 0;
    fields >> user >> system;
    return (user + system) * 1e6 / double(::sysconf(_SC_CLK_TCK));
}

double peak_memory_mb_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
    }
    return 0;
}

/// Tries again while processes that were just killed may still write.
void remove_folder(const std::string& path) {
    for (int tries = 0; tries < 50; ++tries) {
        std::error_code failed;
        std::filesystem::remove_all(path, failed);
        if (!failed && !std::filesystem::exists(path, failed)) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

struct Figures {
    LoadReport load;
    double cpu_us = 0;  ///< all participants, while measuring
    double peak_memory_mb = 0;
    std::vector<uint64_t> memory_mib;  ///< of the largest participant, from begin to end
    double verify_us = 0;
    size_t envelope_bytes = 0;
};

Result<Figures> measure(const BenchOptions& options, LocalNetwork& network,
                        const std::vector<std::string>& envelopes,
                        const std::function<void()>& started) {
    Figures figures;
    figures.envelope_bytes = envelopes.front().size();
    figures.verify_us = measure_verification(figures.envelope_bytes);
    for (size_t i = 0; i < network.size(); ++i) CHECK(network.start(i));
    started();
    for (size_t i = 0; i < network.size(); ++i) CHECK(network.wait_ready(i, 30'000));
    LoadPlan plan;
    for (size_t i = 0; i < network.size(); ++i) plan.participants.push_back(network.url(i));
    plan.ledger = bench_ledger;
    plan.envelopes = envelopes;
    plan.connections = options.clients;
    plan.rate_per_s = options.rate;
    plan.warm_up_s = options.transactions > 0 ? 0 : warm_up_s;
    plan.measure_s = options.transactions > 0 ? transactions_s_max : options.seconds;
    plan.on_window = [&](bool begins) {
        double cpu_us = 0;
        for (size_t i = 0; i < network.size(); ++i) cpu_us += cpu_us_of(network.pid(i));
        figures.cpu_us = begins ? cpu_us : cpu_us - figures.cpu_us;
    };
    std::vector<pid_t> processes;
    for (size_t i = 0; i < network.size(); ++i) processes.push_back(network.pid(i));
    MemoryWatch memory(processes);
    TRY(load, run_load(plan));
    memory.stop();
    figures.memory_mib = memory.largest_mib(memory_samples);
    figures.load = std::move(load);
    for (size_t i = 0; i < network.size(); ++i)
        figures.peak_memory_mb =
            std::max(figures.peak_memory_mb, peak_memory_mb_of(network.pid(i)));
    return figures;
}

bj::object figures_json(const BenchOptions& options, const Figures& figures) {
    const auto& load = figures.load;
    const double applied = double(std::max<uint64_t>(load.applied, 1));
    const double cpu_us = figures.cpu_us / applied / double(options.participants);
    return {{"certified_tx_per_s", load.seconds > 0 ? double(load.applied) / load.seconds : 0},
            {"latency_ms_p50", load.latency_ms(0.50)},
            {"latency_ms_p99", load.latency_ms(0.99)},
            {"cpu_us_per_tx_per_participant", cpu_us},
            {"verify_us", figures.verify_us},
            {"ratio", cpu_us / figures.verify_us},
            {"peak_rss_mb", figures.peak_memory_mb},
            {"rss_mb_over_time", bj::value_from(figures.memory_mib)},
            {"participants", options.participants},
            {"clients", options.clients},
            {"rate", options.rate},
            {"seconds", load.seconds},
            {"envelope_bytes", figures.envelope_bytes},
            {"applied", load.applied},
            {"rejected", load.rejected},
            {"unknown", load.unknown},
            {"refused", load.refused},
            {"ran_out_of_prepared", load.ran_out}};
}

}  // namespace

ErrorText describe(BenchError error) {
    switch (error) {
    case BenchError::interrupted:
        return {"interrupted", "the measurement was interrupted", "Run it again"};
    }
    std::abort();
}

Result<Exit> run_bench(const BenchOptions& options, const Output& output) {
    hold_stop_signals();
    TRY(folder, WorkFolder::make(options.folder, "tally-bench"));
    // The load knows no way to stop before its time: the process ends here, its children with it.
    std::mutex children;
    std::vector<pid_t> running;
    const StopWatch watch([&] {
        const std::lock_guard lock(children);
        for (const pid_t pid : running) ::kill(pid, SIGKILL);
        if (folder.temporary()) remove_folder(folder.path());
        ::_exit(int(output.error(fail(BenchError::interrupted))));
    });
    TRY(key, new_identity_key(folder.path() + ".key", "EdDSA"));
    std::filesystem::remove(folder.path() + ".key");
    LocalPlan plan;
    plan.program = own_program();
    plan.folder = folder.path();
    plan.name = "Benchmark";
    plan.participants.clear();
    for (size_t i = 0; i < options.participants; ++i)
        plan.participants.push_back("p" + std::to_string(i + 1));
    plan.ledger = bench_ledger;
    plan.genesis = bench_genesis(model::public_key_of(key).did());
    plan.peer_port = 7301;
    plan.http_port = 7381;
    plan.quiet = true;
    const double run_s =
        options.transactions > 0 ? transactions_s_max : options.seconds + warm_up_s;
    const uint64_t lives_s = uint64_t(run_s) + 300;
    plan.expire_ahead_ms = (lives_s + 300) * 1'000;
    TRY(network, LocalNetwork::make(std::move(plan)));

    const uint64_t per_s = options.rate > 0 ? options.rate + 1 : options.prepared;
    const auto count = options.transactions > 0 ? size_t(options.transactions)
                                                : size_t(run_s * double(per_s)) + options.clients;
    output.note("signing " + std::to_string(count) + " transactions");
    const auto envelopes = signed_envelopes(network.network(), key, count, lives_s);
    output.note(options.transactions > 0
                    ? "measuring until all are answered"
                    : "measuring for " + std::to_string(int(options.seconds)) + " s");
    const auto started = [&] {
        const std::lock_guard lock(children);
        for (size_t i = 0; i < network.size(); ++i) running.push_back(network.pid(i));
    };
    auto figures = measure(options, network, envelopes, started);
    {
        const std::lock_guard lock(children);
        running.clear();
    }
    if (!figures.ok()) {
        for (size_t i = 0; i < network.size(); ++i) output.note(network.log_end(i));
        return std::move(figures).error();
    }
    network.stop_all();
    output.value(figures_json(options, *figures));
    if (!figures->load.first_refusal.empty())
        output.note("the first that was not applied: " + figures->load.first_refusal);
    return figures->load.applied > 0 ? Exit::applied : Exit::rejected;
}

}  // namespace tally::cli
