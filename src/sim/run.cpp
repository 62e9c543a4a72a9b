#include "sim/run.hpp"

#include <algorithm>

#include "sim/apart.hpp"

namespace tally::sim {
namespace {

using SetCanary = void (*)(node::Canaries&);
struct NamedCanary {
    const char* name;
    SetCanary set;
};

const std::vector<NamedCanary>& canaries() {
    static const std::vector<NamedCanary> all{
        {"quorum_one_short", [](node::Canaries& c) { c.ordering.quorum_one_short = true; }},
        {"quorum_two_f_plus_one",
         [](node::Canaries& c) { c.ordering.quorum_two_f_plus_one = true; }},
        {"send_before_save", [](node::Canaries& c) { c.ordering.send_before_save = true; }},
        {"forget_qc_on_restart", [](node::Canaries& c) { c.ordering.forget_qc_on_restart = true; }},
        {"votes_depend_on_execution",
         [](node::Canaries& c) { c.ordering.votes_depend_on_execution = true; }},
        {"skip_justification_check",
         [](node::Canaries& c) { c.ordering.skip_justification_check = true; }},
        {"vote_after_timeout", [](node::Canaries& c) { c.ordering.vote_after_timeout = true; }},
        {"digest_without_block", [](node::Canaries& c) { c.ordering.digest_without_block = true; }},
        {"first_qc_in_tc", [](node::Canaries& c) { c.ordering.first_qc_in_tc = true; }},
        {"wrong_root", [](node::Canaries& c) { c.wrong_root_at = 2; }},
        {"ignore_failed_sync", [](node::Canaries& c) { c.ignore_failed_sync = true; }},
        {"ignore_failed_write", [](node::Canaries& c) { c.ignore_failed_write = true; }},
        {"forget_votes_on_restart", [](node::Canaries& c) { c.forget_votes_on_restart = true; }},
        {"acknowledge_at_once", [](node::Canaries& c) { c.acknowledge_at_once = true; }},
        {"lose_submitted", [](node::Canaries& c) { c.lose_submitted = true; }},
        {"never_rest", [](node::Canaries& c) { c.never_rest = true; }},
        {"drop_early", [](node::Canaries& c) { c.drop_early = true; }},
        {"believe_the_disk", [](node::Canaries& c) { c.believe_the_disk = true; }},
        {"serve_unchecked", [](node::Canaries& c) { c.serve_unchecked = true; }},
        {"believe_audits", [](node::Canaries& c) { c.believe_audits = true; }},
        {"skip_cell_check", [](node::Canaries& c) { c.coding.skip_cell_check = true; }},
        {"skip_coding_check", [](node::Canaries& c) { c.coding.skip_coding_check = true; }},
        {"execute_duplicates", [](node::Canaries& c) { c.execute_duplicates = true; }},
        {"open_copies", [](node::Canaries& c) { c.open_copies = true; }},
        {"forget_that_the_journal_is_lost", [](node::Canaries& c) { c.skip_asking = true; }},
    };
    return all;
}

RunLimits limits_of(const Options& options) {
    RunLimits limits;
    if (options.steps > 0) limits.events_max = options.steps;
    if (options.verbose) limits.story_lines = 100'000;
    return limits;
}

uint64_t median(std::vector<uint64_t> values) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void print_indented(std::ostream& out, const std::string& text) {
    size_t from = 0;
    while (from < text.size()) {
        const size_t to = std::min(text.find('\n', from), text.size());
        out << "    " << text.substr(from, to - from) << '\n';
        from = to + 1;
    }
}

void print_failure(const SeedReport& report, const Options& options, std::ostream& out) {
    const Scenario& scenario = report.scenario;
    out << "seed " << scenario.seed << " FAILS: " << report.violation->invariant << "\n  "
        << report.violation->what << "\n  the last events:\n";
    for (const std::string& line : report.story) out << "    " << line << '\n';
    out << "  replay: tally sim --seed " << scenario.seed;
    if (options.participants) out << " --participants " << options.participants;
    if (options.steps > 0) out << " --steps " << options.steps;
    if (!options.canary.empty()) out << " --canary " << options.canary;
    out << '\n';
}

void print_shrunk(const SeedReport& failed, const node::Canaries& mistakes, const Options& options,
                  std::ostream& out) {
    const SeedReport small = shrink(failed, mistakes, limits_of(options));
    out << "  it fails alike in this scenario of " << small.scenario.faults.size() << " of "
        << failed.scenario.faults.size() << " faults (keep it: tally sim --scenario FILE):\n";
    print_indented(out, to_text(small.scenario));
}

void print_seed(const SeedReport& report, std::ostream& out) {
    out << "seed " << report.scenario.seed << ": " << report.scenario.participants
        << " participants, " << report.scenario.liars.size() << " liars, "
        << report.scenario.faults.size() << " faults, " << report.slots << " slots, "
        << report.blocks << " blocks, " << report.transactions << " transactions, "
        << report.acknowledged << " acknowledged, " << report.messages << " messages, "
        << report.events << " events, " << report.virtual_us / 1'000 << " ms simulated, healed in "
        << report.healed_after_us / 1'000 << " ms, " << report.paused_by_lag << " pauses by lag, "
        << report.paused_by_disputes << " by disputes, " << report.late_batches << " late batches, "
        << report.coverage.held_back << " held back, " << report.coverage.sealed_opened
        << " sealed (" << report.coverage.sealed_void << " void), " << report.equivocators_named
        << " equivocators named, " << report.cpu_us / 1'000 << " ms CPU\n";
}

template <class Kind, size_t count>
void print_counts(std::ostream& out, const std::array<uint64_t, count>& counts) {
    for (size_t i = 0; i < count; ++i)
        out << (i == 0 ? " " : ", ") << name_of(Kind(i)) << ' ' << counts[i];
    out << '\n';
}

void print_summary(const Summary& summary, const Options& options, std::ostream& out) {
    if (summary.seeds > 1 || options.verbose) {
        out << "faults struck:";
        print_counts<FaultKind>(out, summary.coverage.strikes);
        out << "liars lied:";
        print_counts<LiarKind>(out, summary.coverage.acts);
        out << "batches dropped: " << summary.coverage.batches_dropped
            << ", got back: " << summary.coverage.batches_restored
            << ", held back: " << summary.coverage.held_back << '\n';
        out << "sealed transactions executed: " << summary.coverage.sealed_opened
            << ", void: " << summary.coverage.sealed_void << '\n';
        out << "audits passed: " << summary.coverage.audits_passed
            << ", missed: " << summary.coverage.audits_missed
            << ", discarders named: " << summary.coverage.discarders_named << '\n';
    }
    out << summary.seeds << " seeds from " << options.seed << ", " << summary.failures
        << " failures, median CPU " << summary.cpu_us_median / 1'000 << " ms a seed\n";
}

}  // namespace

const std::vector<std::string>& canary_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> made;
        for (const NamedCanary& canary : canaries()) made.emplace_back(canary.name);
        return made;
    }();
    return names;
}

Result<node::Canaries> canaries_of(const std::string& name) {
    node::Canaries made;
    if (name.empty()) return made;
    for (const NamedCanary& canary : canaries()) {
        if (name != canary.name) continue;
        canary.set(made);
        return made;
    }
    std::string known;
    for (const std::string& one : canary_names()) known += " " + one;
    return fail(SimError::bad_option, "no canary '" + name + "'; there are" + known);
}

SeedReport run_seed(uint64_t seed, const Options& options) {
    const auto mistakes = canaries_of(options.canary);
    return run_scenario(draw_scenario(seed, options.participants),
                        mistakes.ok() ? *mistakes : node::Canaries{}, limits_of(options));
}

SeedReport shrink(const SeedReport& failed, const node::Canaries& mistakes, const RunLimits& limits,
                  uint32_t tries_max) {
    SeedReport best = failed;
    uint32_t tries = 0;
    const auto fails_too = [&](const Scenario& smaller) {
        if (++tries > tries_max) return false;
        SeedReport report = run_apart(smaller, mistakes, limits);
        if (!report.violation || report.violation->invariant != failed.violation->invariant)
            return false;
        best = std::move(report);
        return true;
    };
    // Faults in ever smaller groups, as in delta debugging (Zeller, 1999).
    for (size_t group = (best.scenario.faults.size() + 1) / 2; group > 0; group /= 2) {
        for (size_t at = 0; at < best.scenario.faults.size();) {
            Scenario smaller = best.scenario;
            const size_t end = std::min(at + group, smaller.faults.size());
            smaller.faults.erase(smaller.faults.begin() + ptrdiff_t(at),
                                 smaller.faults.begin() + ptrdiff_t(end));
            if (!fails_too(smaller)) at += group;
        }
    }
    for (size_t at = 0; at < best.scenario.liars.size();) {
        Scenario smaller = best.scenario;
        smaller.liars.erase(smaller.liars.begin() + ptrdiff_t(at));
        if (!fails_too(smaller)) ++at;
    }
    if (best.scenario.mixed) {
        Scenario smaller = best.scenario;
        smaller.mixed = false;
        static_cast<void>(fails_too(smaller));
    }
    while (best.scenario.requests > 0) {
        Scenario smaller = best.scenario;
        smaller.requests /= 2;
        if (!fails_too(smaller)) break;
    }
    return best;
}

Result<Summary> run_sim(const Options& options, std::ostream& out) {
    TRY(mistakes, canaries_of(options.canary));
    std::vector<Scenario> scenarios;
    if (!options.scenario.empty()) {
        TRY(read, from_text(options.scenario));
        scenarios.push_back(std::move(read));
    }
    Summary summary;
    summary.seeds = scenarios.empty() ? options.seeds : 1;
    std::vector<uint64_t> cpu_us;
    for (uint64_t i = 0; i < summary.seeds; ++i) {
        const Scenario scenario = scenarios.empty()
                                      ? draw_scenario(options.seed + i, options.participants)
                                      : scenarios.front();
        const SeedReport report = run_apart(scenario, mistakes, limits_of(options));
        cpu_us.push_back(report.cpu_us);
        summary.coverage += report.coverage;
        if (options.hashes) out << scenario.seed << ' ' << report.hash.hex() << '\n';
        if (options.verbose) print_seed(report, out);
        if (report.violation) {
            ++summary.failures;
            print_failure(report, options, out);
            if (options.shrink) print_shrunk(report, mistakes, options, out);
        }
        if (!options.hashes && (i + 1) % 50 == 0)
            out << i + 1 << " of " << summary.seeds << " seeds, " << summary.failures
                << " failures\n";
        out.flush();
    }
    summary.cpu_us_median = median(std::move(cpu_us));
    if (!options.hashes) print_summary(summary, options, out);
    return summary;
}

}  // namespace tally::sim
