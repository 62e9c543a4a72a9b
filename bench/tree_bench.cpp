// Updates of the state's tree a second, with a root after every 32, in a tree of a million keys;
// beside RocksDB writes of the same keys without write-ahead log, 32 to a batch.
//
// An update puts a new value to a random key that exists. The ratio of the two rates is what
// counts: the machine cancels out.
#include <benchmark/benchmark.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "tree/tree_testing.hpp"

namespace tally::tree {
namespace {

constexpr uint64_t keys_count = 1'000'000;
constexpr uint64_t updates_per_root = 32;
constexpr uint64_t updates_per_commit = 4096;
constexpr size_t value_bytes = 100;

/// The keys' order is not that of their numbers, as with hashes and ids.
Bytes key_at(uint64_t number) {
    Bytes key;
    append_u64(key, Random(number).next());
    append_u64(key, number);
    return key;
}

struct Million {
    MapPages pages;
    Tree tree{pages, RootRef::empty(), 4 * keys_count};
    uint64_t height = 1;
};

Million& million() {
    static const auto made = [] {
        auto fresh = std::make_unique<Million>();
        for (uint64_t i = 0; i < keys_count; ++i) {
            ENSURE(fresh->tree.put(key_at(i), value_bytes, {}).ok());
        }
        fresh->pages.store(fresh->tree.commit(0).second);
        return fresh;
    }();
    return *made;
}

void update(Million& state, Random& random, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
        Hash value;
        value.bytes[0] = uint8_t(random.next());
        value.bytes[1] = uint8_t(i);
        ENSURE(state.tree.put(key_at(random.below(keys_count)), value_bytes, value).ok());
        if (i % updates_per_root == updates_per_root - 1) {
            benchmark::DoNotOptimize(state.tree.root());
        }
    }
}

void tree_updates_root_every_32(benchmark::State& bench) {
    Million& state = million();
    Random random(1);
    for (auto _ : bench) update(state, random, updates_per_root);
    state.tree.rollback();
    bench.SetItemsProcessed(int64_t(bench.iterations() * updates_per_root));
}
BENCHMARK(tree_updates_root_every_32);

/// As a node runs it: the new nodes become pages too. `page_bytes` is what one update adds to the
/// disk.
void tree_updates_with_commit_every_4096(benchmark::State& bench) {
    Million& state = million();
    Random random(2);
    size_t page_bytes = 0;
    for (auto _ : bench) {
        update(state, random, updates_per_commit);
        const auto written = state.tree.commit(state.height++).second;
        for (const Page& page : written) page_bytes += page.bytes.size();
    }
    const double updates = double(bench.iterations()) * double(updates_per_commit);
    bench.SetItemsProcessed(int64_t(updates));
    bench.counters["page_bytes"] = double(page_bytes) / updates;
}
BENCHMARK(tree_updates_with_commit_every_4096)->Iterations(100);

/// A tree of sorted keys, with its root: one by one, and all at once.
std::vector<RangeEntry> sorted_entries() {
    std::vector<RangeEntry> entries;
    for (uint64_t i = 0; i < 100'000; ++i) {
        entries.push_back({key_at(i), {value_bytes, {}}});
    }
    std::sort(entries.begin(), entries.end(),
              [](const RangeEntry& a, const RangeEntry& b) { return a.key < b.key; });
    return entries;
}

void tree_build_one_by_one(benchmark::State& bench) {
    const auto entries = sorted_entries();
    const MapPages pages;
    for (auto _ : bench) {
        Tree tree(pages);
        for (const auto& [key, value] : entries)
            ENSURE(tree.put(key, value.length, value.hash).ok());
        if (bench.range(0) != 0) benchmark::DoNotOptimize(tree.root());
    }
    bench.SetItemsProcessed(int64_t(bench.iterations() * entries.size()));
}
BENCHMARK(tree_build_one_by_one)->ArgName("root")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

void tree_build_sorted(benchmark::State& bench) {
    const auto entries = sorted_entries();
    const MapPages pages;
    for (auto _ : bench) {
        Tree tree(pages);
        ENSURE(tree.append(entries).ok());
        if (bench.range(0) != 0) benchmark::DoNotOptimize(tree.root());
    }
    bench.SetItemsProcessed(int64_t(bench.iterations() * entries.size()));
}
BENCHMARK(tree_build_sorted)->ArgName("root")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

void tree_prove(benchmark::State& bench) {
    Million& state = million();
    Random random(3);
    for (auto _ : bench) {
        benchmark::DoNotOptimize(state.tree.prove(key_at(random.below(keys_count))));
    }
    bench.SetItemsProcessed(int64_t(bench.iterations()));
}
BENCHMARK(tree_prove);

void tree_check_proof(benchmark::State& bench) {
    Million& state = million();
    const Bytes key = key_at(7);
    const Hash root = state.tree.root();
    const Proof proof = *state.tree.prove(key);
    for (auto _ : bench) ENSURE(check(root, key, proof).ok());
    bench.SetItemsProcessed(int64_t(bench.iterations()));
}
BENCHMARK(tree_check_proof);

void rocksdb_writes_of_the_same_keys(benchmark::State& bench) {
    std::string folder = (std::filesystem::temp_directory_path() / "tree_bench_XXXXXX").string();
    ENSURE(mkdtemp(folder.data()) != nullptr);
    {
        rocksdb::Options options;
        options.create_if_missing = true;
        rocksdb::DB* opened = nullptr;
        ENSURE(rocksdb::DB::Open(options, folder, &opened).ok());
        const std::unique_ptr<rocksdb::DB> db(opened);
        rocksdb::WriteOptions without_log;
        without_log.disableWAL = true;
        const std::string value(value_bytes, 'v');
        const auto write = [&](auto&& number_of) {
            rocksdb::WriteBatch batch;
            for (uint64_t i = 0; i < updates_per_root; ++i) {
                const Bytes key = key_at(number_of(i));
                ENSURE(batch.Put(std::string(text_of(key)), value).ok());
            }
            ENSURE(db->Write(without_log, &batch).ok());
        };
        for (uint64_t from = 0; from < keys_count; from += updates_per_root) {
            write([&](uint64_t i) { return from + i; });
        }
        Random random(1);
        for (auto _ : bench) write([&](uint64_t) { return random.below(keys_count); });
        bench.SetItemsProcessed(int64_t(bench.iterations() * updates_per_root));
    }
    std::filesystem::remove_all(folder);
}
BENCHMARK(rocksdb_writes_of_the_same_keys);

}  // namespace
}  // namespace tally::tree

BENCHMARK_MAIN();
