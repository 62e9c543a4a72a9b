// ordering_explore: every run of four real ordering machines, one of them a Twin, within bounds
// (exhaustive.hpp says which runs those are).
//
//   ordering_explore [--slots S] [--views V] [--crashes C] [--minutes M] [--twin-leads K]
//                    [--twin-forks] [--canary NAME]
//
// Without --twin-leads each of the four places of the Twin among the leaders is explored, with and
// without the Twin leading against its TC. Ends with 0 if nothing was found and all was explored,
// 1 if an invariant was violated, 3 if time ran out. Crashes are explored in one slot alone.
#include <chrono>
#include <cstdio>
#include <cstring>

#include "ordering/testing/exhaustive.hpp"

namespace tally::ordering::testing {
namespace {

struct Wanted {
    Bounds bounds;
    double minutes = 1e9;
    std::optional<uint32_t> twin_leads;
    std::optional<bool> twin_forks;
};

bool* canary_of(Canaries& canaries, std::string_view name) {
    const std::pair<std::string_view, bool*> known[] = {
        {"quorum_one_short", &canaries.quorum_one_short},
        {"send_before_save", &canaries.send_before_save},
        {"forget_qc_on_restart", &canaries.forget_qc_on_restart},
        {"skip_justification_check", &canaries.skip_justification_check},
        {"vote_after_timeout", &canaries.vote_after_timeout},
        {"digest_without_block", &canaries.digest_without_block},
        {"first_qc_in_tc", &canaries.first_qc_in_tc}};
    for (const auto& [known_name, flag] : known) {
        if (known_name == name) return flag;
    }
    return nullptr;
}

/// 0, 1 or 3, as the program ends.
int explore_one(const Bounds& bounds, std::chrono::steady_clock::time_point ends_at) {
    const auto begun = std::chrono::steady_clock::now();
    const Explored explored =
        explore_all(bounds, [&] { return std::chrono::steady_clock::now() < ends_at; });
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    std::printf(
        "slots %u, views %u, crashes %u, the Twin leads view %u%s: %llu states, %llu machines, "
        "%llu choices, "
        "longest run %u, %llu ends of views with a decision, %.1f s: %s\n",
        bounds.slots, bounds.views, bounds.crashes, bounds.twin_leads,
        bounds.twin_forks ? " against its TC" : "", (unsigned long long)explored.states,
        (unsigned long long)explored.machines, (unsigned long long)explored.choices, explored.depth,
        (unsigned long long)explored.decidable, seconds,
        !explored.violation.empty() ? explored.violation.c_str()
        : explored.exhausted        ? "exhausted, no violation"
                                    : "time ran out, no violation so far");
    for (const std::string& step : explored.way) std::printf("    %s\n", step.c_str());
    std::fflush(stdout);
    if (!explored.violation.empty()) return 1;
    return explored.exhausted ? 0 : 3;
}

int explore(const Wanted& wanted) {
    const auto ends_at = std::chrono::steady_clock::now() +
                         std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                             std::chrono::duration<double>(std::min(wanted.minutes, 1e6) * 60));
    int worst = 0;
    for (uint32_t leads = 0; leads < 4; ++leads) {
        if (wanted.twin_leads && *wanted.twin_leads != leads) continue;
        for (const bool forks : {false, true}) {
            if (wanted.twin_forks && *wanted.twin_forks != forks) continue;
            Bounds bounds = wanted.bounds;
            bounds.twin_leads = leads;
            bounds.twin_forks = forks;
            const int result = explore_one(bounds, ends_at);
            if (result == 1) return 1;
            worst = std::max(worst, result);
        }
    }
    return worst;
}

int usage() {
    std::fprintf(
        stderr,
        "usage: ordering_explore [--slots S] [--views V] [--crashes C] [--minutes M]\n"
        "                        [--twin-leads K] [--twin-forks yes|no] [--canary NAME]\n");
    return 2;
}

}  // namespace
}  // namespace tally::ordering::testing

int main(int count, char** words) {
    using namespace tally::ordering::testing;
    Wanted wanted;
    for (int i = 1; i < count; i += 2) {
        const std::string_view word = words[i];
        if (i + 1 == count) return usage();
        const char* value = words[i + 1];
        const auto number = [&] { return uint32_t(std::strtoul(value, nullptr, 10)); };
        if (word == "--slots") {
            wanted.bounds.slots = number();
        } else if (word == "--views") {
            wanted.bounds.views = number();
        } else if (word == "--crashes") {
            wanted.bounds.crashes = number();
        } else if (word == "--minutes") {
            wanted.minutes = std::strtod(value, nullptr);
        } else if (word == "--twin-leads") {
            wanted.twin_leads = number();
        } else if (word == "--twin-forks") {
            wanted.twin_forks = std::strcmp(value, "yes") == 0;
        } else if (word == "--canary") {
            bool* canary = canary_of(wanted.bounds.canaries, value);
            if (canary == nullptr) return usage();
            *canary = true;
        } else {
            return usage();
        }
    }
    const Bounds& bounds = wanted.bounds;
    if ((bounds.slots > 1 && bounds.crashes > 0) || bounds.slots == 0 || bounds.views == 0 ||
        bounds.views > 7 || bounds.slots > 7)
        return usage();
    return explore(wanted);
}
