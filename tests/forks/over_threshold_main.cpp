// over_threshold [--participants N] [--liars L] [--seeds S] [--seed FIRST] [--verbose yes]: forks
// by more liars than are survived, and who is named for them. Ends with 1 if too few were, or
// anyone honest.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "over_threshold.hpp"

namespace tally::forks {
namespace {

int run_all(Setup setup, uint64_t first, uint64_t seeds, bool is_verbose) {
    bool all_right = true;
    for (const Kind kind : all_kinds) {
        uint64_t forks = 0, named_least = UINT64_MAX, amnesia = 0, honest = 0, wrong = 0;
        setup.kind = kind;
        for (setup.seed = first; setup.seed < first + seeds; ++setup.seed) {
            const Fork fork = run(setup);
            honest += fork.honest_named;
            if (!is_right(setup, fork)) ++wrong;
            if (is_verbose && fork.forked) {
                std::printf("%s, seed %llu:\n", std::string(name_of(kind)).c_str(),
                            (unsigned long long)setup.seed);
                for (const std::string& one : fork.evidence) std::printf("    %s\n", one.c_str());
            }
            if (!fork.forked) continue;
            ++forks;
            named_least = std::min<uint64_t>(named_least, fork.liars_named);
            amnesia += fork.amnesia;
        }
        std::printf(
            "%u of %u are %s: %llu seeds, %llu forks, at least %llu liars named in each (f + 1 is "
            "%u), %llu of them by amnesia, %llu honest named, %llu wrong\n",
            setup.liars, setup.participants, std::string(name_of(kind)).c_str(),
            (unsigned long long)seeds, (unsigned long long)forks,
            (unsigned long long)(forks == 0 ? 0 : named_least),
            Quorum::of(setup.participants).liars_max + 1, (unsigned long long)amnesia,
            (unsigned long long)honest, (unsigned long long)wrong);
        std::fflush(stdout);
        all_right = all_right && wrong == 0;
    }
    return all_right ? 0 : 1;
}

}  // namespace
}  // namespace tally::forks

int main(int count, char** words) {
    tally::forks::Setup setup;
    uint64_t first = 1, seeds = 200;
    bool is_verbose = false;
    for (int i = 1; i + 1 < count; i += 2) {
        const std::string_view word = words[i];
        const uint64_t number = std::strtoull(words[i + 1], nullptr, 10);
        if (word == "--participants") setup.participants = uint32_t(number);
        if (word == "--liars") setup.liars = uint32_t(number);
        if (word == "--seeds") seeds = number;
        if (word == "--seed") first = number;
        if (word == "--verbose") is_verbose = std::string_view(words[i + 1]) == "yes";
    }
    const auto quorum = tally::Quorum::of(setup.participants == 0 ? 1 : setup.participants);
    // A quorum of liars needs no honest one, whose journal could convict it.
    if (setup.participants < 2 || setup.participants > 100 || setup.liars == 0 ||
        setup.liars >= quorum.votes_min) {
        std::fprintf(stderr, "1 to 100 participants, and fewer liars than a quorum\n");
        return 2;
    }
    return tally::forks::run_all(setup, first, seeds, is_verbose);
}
