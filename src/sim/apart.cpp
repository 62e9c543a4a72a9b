#include "sim/apart.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "model/cbor.hpp"

namespace tally::sim {
namespace {

constexpr unsigned run_seconds_max = 120;

using Line = cbor::Text<100'000>;

/// What the child tells its parent.
struct Told {
    Hash hash;
    Line invariant, what;  ///< empty: no violation
    cbor::List<Line, 10'000> story;
    static constexpr auto fields() {
        return std::tuple{&Told::hash, &Told::invariant, &Told::what, &Told::story};
    }
};

/// All that is counted.
std::vector<uint64_t*> counts_of(SeedReport& report) {
    std::vector<uint64_t*> counts{&report.events,
                                  &report.messages,
                                  &report.virtual_us,
                                  &report.healed_after_us,
                                  &report.slots,
                                  &report.blocks,
                                  &report.transactions,
                                  &report.acknowledged,
                                  &report.paused_by_lag,
                                  &report.paused_by_disputes,
                                  &report.equivocators_named,
                                  &report.late_batches};
    counts.push_back(&report.coverage.batches_dropped);
    counts.push_back(&report.coverage.batches_restored);
    counts.push_back(&report.coverage.censors_named);
    counts.push_back(&report.coverage.sealed_opened);
    counts.push_back(&report.coverage.sealed_void);
    counts.push_back(&report.coverage.held_back);
    counts.push_back(&report.coverage.audits_passed);
    counts.push_back(&report.coverage.audits_missed);
    counts.push_back(&report.coverage.discarders_named);
    for (uint64_t& count : report.coverage.strikes) counts.push_back(&count);
    for (uint64_t& count : report.coverage.acts) counts.push_back(&count);
    return counts;
}

Bytes pack(SeedReport report) {
    Told told;
    told.hash = report.hash;
    if (report.violation) {
        told.invariant = {report.violation->invariant};
        told.what = {report.violation->what.substr(0, Line::bytes_max)};
    }
    for (const std::string& line : report.story) told.story.push_back({line});
    Bytes packed;
    for (const uint64_t* count : counts_of(report)) append_u64(packed, *count);
    append(packed, cbor::encode(told));
    return packed;
}

bool unpack(ByteView packed, SeedReport& report) {
    const auto counts = counts_of(report);
    if (packed.size() < 8 * counts.size()) return false;
    for (uint64_t* count : counts) {
        *count = read_u64(packed);
        packed = packed.subspan(8);
    }
    auto told = cbor::decode<Told>(packed);
    if (!told.ok()) return false;
    report.hash = told->hash;
    if (!told->invariant.empty()) report.violation = Violation{told->invariant, told->what};
    report.story.assign(told->story.begin(), told->story.end());
    return true;
}

void write_all(int file, const Bytes& bytes) {
    size_t at = 0;
    while (at < bytes.size()) {
        const ssize_t wrote = ::write(file, bytes.data() + at, bytes.size() - at);
        if (wrote <= 0) return;
        at += size_t(wrote);
    }
}

Bytes read_all(int file) {
    Bytes all;
    std::array<uint8_t, 65'536> part;
    for (;;) {
        const ssize_t got = ::read(file, part.data(), part.size());
        if (got <= 0) return all;
        append(all, ByteView(part).first(size_t(got)));
    }
}

/// What the child said on its way down: the end of it is enough.
std::string last_words(std::FILE* file) {
    std::string text;
    std::rewind(file);
    std::array<char, 4'096> part;
    while (const size_t got = std::fread(part.data(), 1, part.size(), file))
        text.append(part.data(), got);
    constexpr size_t most = 4'000;
    return text.size() > most ? "… " + text.substr(text.size() - most) : text;
}

uint64_t children_cpu_us() {
    rusage usage{};
    ::getrusage(RUSAGE_CHILDREN, &usage);
    const auto micros = [](const timeval& time) {
        return uint64_t(time.tv_sec) * 1'000'000 + uint64_t(time.tv_usec);
    };
    return micros(usage.ru_utime) + micros(usage.ru_stime);
}

}  // namespace

SeedReport run_apart(const Scenario& scenario, const node::Canaries& canaries,
                     const RunLimits& limits) {
    SeedReport report;
    report.scenario = scenario;
    int ends[2];
    std::FILE* const words = std::tmpfile();
    if (!words || ::pipe(ends) != 0) {
        report.violation = Violation{"the simulator can run", "no pipe or no temporary file"};
        if (words) std::fclose(words);
        return report;
    }
    const uint64_t cpu_before_us = children_cpu_us();
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        ::dup2(::fileno(words), STDERR_FILENO);
        ::alarm(run_seconds_max);
        write_all(ends[1], pack(run_scenario(scenario, canaries, limits)));
        ::_exit(0);
    }
    ::close(ends[1]);
    const Bytes packed = child > 0 ? read_all(ends[0]) : Bytes{};
    ::close(ends[0]);
    int status = 0;
    if (child > 0) ::waitpid(child, &status, 0);
    report.cpu_us = children_cpu_us() - cpu_before_us;
    if (child < 0 || !WIFEXITED(status) || !unpack(packed, report))
        report.violation =
            Violation{"no participant crashes",
                      "signal " + std::to_string(WIFSIGNALED(status) ? WTERMSIG(status) : 0) +
                          ": " + last_words(words)};
    std::fclose(words);
    return report;
}

}  // namespace tally::sim
