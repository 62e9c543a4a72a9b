// Order: how far the order of execution is from the order in which transactions came, under the
// liars who try to bend it, and how far a single leader could bend it under the same load.
//
// Real nodes run in the simulator (src/sim), whose clocks differ by up to 20 ms. A pair of
// transactions of one ledger that came within a second of each other is inverted if the later one
// stands before the earlier one. Counted are pairs that came to honest participants, and pairs of
// which the earlier one did and the later one came to a liar: those show what a liar wins for its
// own. (What it loses for its own, by holding it back, is its clients' to notice.) A single leader
// orders each of its blocks as it likes: every pair that met in one block it could have inverted,
// and by holding a transaction back any other pair too. So what it is counted with here is the
// least that it can do.
//
//   build/bench/order_bench [--json] [--seeds N] [--requests N] [--seconds N] [--latency MS]
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

#include "base/quorum.hpp"
#include "sim/seed_run.hpp"

namespace tally::order {
namespace {

constexpr uint64_t near_us = 1'000'000;
/// Participants are still starting until then, and refuse what comes.
constexpr uint64_t started_us = 1'000'000;
/// So long a batch waits for more transactions, by default.
constexpr uint64_t batch_delay_us = 20'000;

struct Options {
    bool json = false;
    uint64_t seeds = 5, requests = 1'500, seconds = 15, latency_ms = 20;
};

/// Pairs, and those of them that are in the wrong order, or could be.
struct Pairs {
    uint64_t all = 0, inverted = 0;
    uint64_t far = 0, far_inverted = 0;  ///< apart by more than a batch's delay and two messages
    uint64_t gap_us_max = 0;             ///< of those inverted
    void add(uint64_t gap_us, uint64_t far_us, bool is_inverted) {
        const uint64_t is_far = gap_us > far_us ? 1 : 0;
        ++all;
        far += is_far;
        if (!is_inverted) return;
        ++inverted;
        far_inverted += is_far;
        gap_us_max = std::max(gap_us_max, gap_us);
    }
};
struct Row {
    uint32_t participants = 0, liars = 0;
    const char* kind = "none";
    uint64_t transactions = 0, blocks = 0;
    Pairs honest, won, by_leader;
    std::string violation;
};

void count(std::vector<sim::Arrival> arrivals, uint64_t far_us, Row& row) {
    std::sort(arrivals.begin(), arrivals.end(), [](const auto& a, const auto& b) {
        return std::tie(a.ledger, a.at_us) < std::tie(b.ledger, b.at_us);
    });
    row.transactions += arrivals.size();
    for (size_t i = 0; i < arrivals.size(); ++i) {
        const sim::Arrival& first = arrivals[i];
        for (size_t j = i + 1; j < arrivals.size(); ++j) {
            const sim::Arrival& second = arrivals[j];
            const uint64_t gap_us = second.at_us - first.at_us;
            if (second.ledger != first.ledger || gap_us > near_us) break;
            const auto lies = [&](Participant one) {
                return one.value >= row.participants - row.liars;
            };
            if (gap_us == 0 || first.at_us < started_us || lies(first.to)) continue;
            const bool is_inverted =
                std::tie(second.height, second.index) < std::tie(first.height, first.index);
            (lies(second.to) ? row.won : row.honest).add(gap_us, far_us, is_inverted);
            row.by_leader.add(gap_us, far_us, second.height == first.height);
        }
    }
}

Row measure(const Options& options, uint32_t participants, std::optional<sim::LiarKind> kind) {
    Row row;
    row.participants = participants;
    if (kind) {
        row.liars = Quorum::of(participants).liars_max;
        row.kind = sim::name_of(*kind).data();
    }
    const uint64_t far_us = batch_delay_us + 2 * options.latency_ms * 1'000;
    for (uint64_t seed = 1; seed <= options.seeds; ++seed) {
        sim::Scenario scenario;
        scenario.seed = seed;
        scenario.participants = participants;
        scenario.view_timer_us = 1'000'000;
        scenario.latency_us_max = options.latency_ms * 1'000;
        scenario.unquiet_us = options.seconds * 1'000'000;
        scenario.requests = uint32_t(options.requests);
        for (uint32_t i = 0; i < row.liars; ++i)
            scenario.liars.push_back({{uint8_t(participants - row.liars + i)}, *kind});
        sim::RunLimits limits;
        limits.events_max = 100'000'000;
        const sim::SeedReport report = sim::run_scenario(scenario, {}, limits);
        if (report.violation) row.violation = report.violation->invariant;
        row.blocks += report.blocks;
        count(report.arrivals, far_us, row);
    }
    return row;
}

double percent(uint64_t part, uint64_t whole) {
    return whole == 0 ? 0 : 100.0 * double(part) / double(whole);
}

std::string text_of(const Pairs& pairs, bool json) {
    char text[160];
    std::snprintf(text, sizeof text,
                  json ? "{\"all_percent\": %.4f, \"far_percent\": %.4f, \"gap_ms_max\": %.1f}"
                       : "  %7.2f%% %7.3f%% %6.0f",
                  percent(pairs.inverted, pairs.all), percent(pairs.far_inverted, pairs.far),
                  double(pairs.gap_us_max) / 1'000);
    return text;
}

void print(const Options& options, const Row& row) {
    std::printf(options.json ? "{\"participants\": %u, \"liars\": %u, \"kind\": \"%s\", "
                               "\"transactions\": %llu, \"blocks\": %llu, "
                               "\"honest\": %s, \"won\": %s, \"leader\": %s}\n"
                             : "%3u  %u %-22s %6llu %6llu%s%s%s\n",
                row.participants, row.liars, row.kind, (unsigned long long)row.transactions,
                (unsigned long long)row.blocks, text_of(row.honest, options.json).c_str(),
                text_of(row.won, options.json).c_str(),
                text_of(row.by_leader, options.json).c_str());
    std::fflush(stdout);
}

void print_head(const Options& options) {
    if (options.json) return;
    std::printf(
        "Pairs of transactions of a ledger that came within a second of each other, in %llu "
        "runs of %llu s.\nfar: of those apart by more than %llu ms, a batch's delay and two "
        "messages; max: the widest gap inverted, in ms.\n\n",
        (unsigned long long)options.seeds, (unsigned long long)options.seconds,
        (unsigned long long)(batch_delay_us / 1'000 + 2 * options.latency_ms));
    std::printf("%42s  %-24s  %-24s  %-24s\n", "", "inverted, of honest ones",
                "won by a liar for its own", "a single leader could");
    std::printf("%3s  %-24s %6s %6s", "n", "liars", "tx", "blocks");
    for (int i = 0; i < 3; ++i) std::printf("  %8s %8s %6s", "all", "far", "max");
    std::printf("\n");
}

int run(const Options& options) {
    print_head(options);
    bool is_ok = true;
    using enum sim::LiarKind;
    for (const uint32_t participants : {4u, 7u}) {
        for (const auto kind : {std::optional<sim::LiarKind>(), std::optional(backdater),
                                std::optional(cherry_picker), std::optional(certificate_withholder),
                                std::optional(censor)}) {
            const Row row = measure(options, participants, kind);
            print(options, row);
            if (row.violation.empty()) continue;
            is_ok = false;
            std::fprintf(stderr, "a run broke an invariant: %s\n", row.violation.c_str());
        }
    }
    return is_ok ? 0 : 1;
}

int main_of(int argc, char** argv) {
    Options options;
    const auto usage = [&] {
        std::fprintf(stderr,
                     "usage: %s [--json] [--seeds N] [--requests N] [--seconds N] "
                     "[--latency MS]\n",
                     argv[0]);
        return 2;
    };
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--json") == 0) {
            options.json = true;
            continue;
        }
        uint64_t* value = std::strcmp(argv[i], "--seeds") == 0      ? &options.seeds
                          : std::strcmp(argv[i], "--requests") == 0 ? &options.requests
                          : std::strcmp(argv[i], "--seconds") == 0  ? &options.seconds
                          : std::strcmp(argv[i], "--latency") == 0  ? &options.latency_ms
                                                                    : nullptr;
        if (value == nullptr || i + 1 == argc) return usage();
        char* end = nullptr;
        *value = std::strtoull(argv[++i], &end, 10);
        if (*end != 0 || *value == 0 || *value > 100'000) return usage();
    }
    return run(options);
}

}  // namespace
}  // namespace tally::order

int main(int argc, char** argv) {
    return tally::order::main_of(argc, argv);
}
