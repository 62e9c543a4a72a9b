// What dispersing a batch costs, beside SHA-256 of the same bytes on one core.
#include <benchmark/benchmark.h>

#include <random>

#include "availability/dispersal.hpp"
#include "crypto/hash_many.hpp"

namespace tally::availability {
namespace {

constexpr size_t batch_bytes = 1024 * 1024;
const Place place{Epoch{}, Participant{1}, LaneHeight{1}};

/// Envelopes of 512 bytes, up to a mebibyte.
Bytes batch_of_bytes() {
    std::mt19937_64 random(1);
    model::Batch batch;
    for (size_t bytes = 0; bytes + 518 <= batch_bytes; bytes += 518) {
        Bytes envelope(512);
        for (auto& byte : envelope) byte = uint8_t(random());
        batch.push_back({LedgerIndex{1}, envelope});
    }
    return encode_batch(batch);
}

void report(benchmark::State& state) {
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(batch_bytes));
}

void plain_sha256(benchmark::State& state) {
    const Bytes bytes = batch_of_bytes();
    for (auto _ : state) benchmark::DoNotOptimize(sha256(bytes));
    report(state);
}
BENCHMARK(plain_sha256);

void many_sha256(benchmark::State& state) {
    const Bytes bytes = batch_of_bytes();
    std::vector<ByteView> leaves;
    for (size_t at = 0; at < bytes.size(); at += 1024)
        leaves.push_back(ByteView(bytes).subspan(at, std::min<size_t>(1024, bytes.size() - at)));
    for (auto _ : state) benchmark::DoNotOptimize(tagged_hashes(Tag::merkle_leaf, leaves));
    report(state);
}
BENCHMARK(many_sha256);

/// Parity alone.
void code(benchmark::State& state) {
    const Coder coder(uint32_t(state.range(0)), {});
    const auto shape = coder.shape_of(model::Forwarding::coded, batch_bytes);
    const erasure::Code by(shape.data_cells, shape.cells);
    Bytes data = batch_of_bytes();
    data.resize(size_t{shape.cells} * shape.cell_bytes);
    for (auto _ : state) by.encode(data);
    report(state);
}
BENCHMARK(code)->Arg(4)->Arg(16)->Arg(100);

/// What an author does: parity, every cell's hash, and the leaves of the batch.
void disperse(benchmark::State& state) {
    const Coder coder(uint32_t(state.range(0)), {});
    const Bytes bytes = batch_of_bytes();
    for (auto _ : state)
        benchmark::DoNotOptimize(coder.disperse(place, model::Forwarding::coded, bytes));
    report(state);
}
BENCHMARK(disperse)->Arg(4)->Arg(16)->Arg(100);

/// What a holder does before it acknowledges.
void verify_cells(benchmark::State& state) {
    const Coder coder(uint32_t(state.range(0)), {});
    const auto dispersal = coder.disperse(place, model::Forwarding::coded, batch_of_bytes());
    const auto cells = dispersal.cells_of(Participant{2});
    for (auto _ : state)
        benchmark::DoNotOptimize(coder.cells_verify(dispersal.da, Participant{2}, cells));
    report(state);
}
BENCHMARK(verify_cells)->Arg(4)->Arg(16)->Arg(100);

/// What a reader does: the batch of the last f + 1 holders' cells, with all that proves it.
void read(benchmark::State& state) {
    const auto n = uint32_t(state.range(0));
    const Coder coder(n, {});
    const auto dispersal = coder.disperse(place, model::Forwarding::coded, batch_of_bytes());
    model::BatchHeader header;
    header.da = dispersal.da;
    model::CellSets sets;
    for (uint32_t i = n - dispersal.shape.holders_needed(); i < n; ++i)
        sets.push_back(dispersal.cells_of(Participant{uint8_t(i)}));
    for (auto _ : state) benchmark::DoNotOptimize(coder.batch_of(header, sets));
    report(state);
}
BENCHMARK(read)->Arg(4)->Arg(16)->Arg(100);

}  // namespace
}  // namespace tally::availability

BENCHMARK_MAIN();
