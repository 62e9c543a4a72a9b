// What one transaction costs a participant before ordering and after: the check of its envelope,
// beside one Ed25519 verification, and its execution (one subject with six fields, one of them
// unique), tree included.
#include <benchmark/benchmark.h>

#include "ledger/ledger_testing.hpp"

namespace tally::ledger::testing {
namespace {

std::string package(uint64_t number) {
    const std::string digits = std::to_string(number);
    return R"([{"_id":"package$1","name":"package-)" + digits + R"(","version":"1:)" + digits +
           R"(-2","size":)" + digits +
           R"(,"sha256":"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU","essential":false,)"
           R"("built":"2023-05-01T10:20:30Z"}])";
}

void verify_ed25519(benchmark::State& run) {
    crypto_start();
    const auto secret = Ed25519Secret::from_seed({1});
    const Bytes message(400, 7);
    const Signature signature = secret.sign(message);
    const Ed25519Public key = secret.public_key();
    for (auto _ : run) benchmark::DoNotOptimize(ed25519_verify(key, message, signature));
}
BENCHMARK(verify_ed25519)->Unit(benchmark::kMicrosecond);

void check_an_envelope(benchmark::State& run) {
    Ledger ledger;
    const std::string envelope = ledger.envelope_of({package(1)});
    for (auto _ : run)
        benchmark::DoNotOptimize(model::check_envelope(view_of(envelope), ledger.network, {}));
    run.counters["bytes"] = double(envelope.size());
}
BENCHMARK(check_an_envelope)->Unit(benchmark::kMicrosecond);

/// Blocks of `range` inserts each, into a ledger that grows.
void execute_inserts(benchmark::State& run) {
    Ledger ledger;
    const auto block_size = size_t(run.range(0));
    uint64_t number = 0;
    for (auto _ : run) {
        run.PauseTiming();
        std::vector<model::CheckedEnvelope> checked;
        std::vector<Entry> entries;
        for (size_t i = 0; i < block_size; ++i) {
            const std::string envelope = ledger.envelope_of({package(++number)});
            checked.push_back(model::check_envelope(view_of(envelope), ledger.network, {}));
        }
        for (const auto& one : checked) entries.push_back({&one, 600});
        ledger.now_ms += 1'000;
        BlockContext context;
        context.time = {ledger.now_ms * 1'000};
        context.ahead_ms = 600'000;
        run.ResumeTiming();
        auto executed = execute(ledger.state, ledger.tree, context, entries);
        run.PauseTiming();
        ENSURE(executed.ok() && executed->results.back().applied());
        ledger.state.apply(executed->writes);
        run.ResumeTiming();
    }
    run.counters["us_per_transaction"] =
        benchmark::Counter(double(run.iterations()) * double(block_size) / 1e6,
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(execute_inserts)->Arg(1)->Arg(100)->Arg(1000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace tally::ledger::testing

BENCHMARK_MAIN();
