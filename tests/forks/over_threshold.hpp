// More than f liars: the network forks, and what honest participants received and saved names at
// least f + 1 of the liars, and nobody honest (docs/protocol.md, section 7).
//
// Runs the real ordering machines over src/ordering/test_network.hpp, by hand: an adversary who
// works with the liars delivers what it likes when it likes. proving/culprits.hpp is given what the
// honest ones received, and their journals at the end.
#pragma once

#include "ordering/test_network.hpp"
#include "proving/culprits.hpp"

namespace tally::forks {

enum class Kind {
    twins,         ///< two copies with one key: one for each half of the honest
    equivocators,  ///< sign whatever suits, report whichever QC suits (ordering/test_liar.hpp)
    amnesiacs,     ///< vote after a Timeout, forget their QCs in a crash, lead and vote over a TC
};
inline constexpr Kind all_kinds[] = {Kind::twins, Kind::equivocators, Kind::amnesiacs};
std::string_view name_of(Kind kind);

struct Setup {
    uint32_t participants = 4;
    uint32_t liars = 2;
    Kind kind = Kind::twins;
    uint64_t seed = 1;
};

struct Fork {
    bool forked = false;          ///< two honest participants decided differently
    std::string other_violation;  ///< of an honest one; always empty
    uint32_t liars_named = 0;
    uint32_t honest_named = 0;
    uint32_t amnesia = 0;  ///< of those named, by a CommitVote and a Timeout
    bool evidence_holds = true;
    std::vector<std::string> evidence;  ///< in words
};
Fork run(const Setup& setup);

/// Nothing honest is named, all evidence holds, and if it forked f + 1 liars are named.
bool is_right(const Setup& setup, const Fork& fork);

}  // namespace tally::forks
