// Scenario: everything that goes wrong in one simulated run, drawn first and then executed.
//
// A scenario is a list, kept as text (tests/scenarios), and every fault has a number under which
// its own randomness is drawn. So a fault can be taken out and all others stay as they were: this
// is how a failing run shrinks to a short story.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/strong.hpp"

namespace tally::sim {

enum class SimError { bad_scenario, bad_option };
ErrorText describe(SimError error);

enum class FaultKind : uint8_t {
    lose,        ///< messages vanish; amount: per mille
    delay,       ///< messages come later; amount: at most how many microseconds
    duplicate,   ///< messages come again; amount: per mille
    cut,         ///< nothing passes, in this direction
    mute,        ///< messages of one kind do not pass; amount: its place in model::Message
    crash,       ///< amount: effects of a step that still happen; restarts at `until`
    strike,      ///< as crash, in the middle of sending a message of a kind; amount: the kind
    relapse,     ///< as crash, and crashes again while it recovers; amount: how often
    jump,        ///< the wall clock jumps, and back at `until`; amount: microseconds, signed
    drift,       ///< the wall clock runs wrong; amount: microseconds a second, signed
    pause,       ///< the process stands still
    slow_disk,   ///< every sync takes longer; amount: microseconds
    fail_sync,   ///< the next sync fails, the process ends; restarts at `until`
    full_disk,   ///< no room; amount: bytes the journal still gets; 0: nor has the database any
    fail_write,  ///< the database takes nothing; the process ends, and again while it lasts
    amnesia,     ///< as crash, and the database is gone; the journal is not
    diverge,     ///< once computes a wrong state root; amount: at which height
    wipe,        ///< as crash, and journal and database are gone; restarts at `until` or later
    restore,     ///< as wipe, and the journal is what it was at a time; amount: that time; `to`: 0
                 ///< if the database is kept, else it is what it was then
    rot,         ///< entries of the database are altered or vanish; amount: how many
    change,   ///< the next epoch is proposed, with all votes, to those in `to`: those in `at` take
              ///< part in it; amount: by how many microseconds later a batch is late in it
    recover,  ///< the journals of all in `amount` are gone, databases are not; halfway to `until`
              ///< everybody stops, and then begins the next epoch, as those in `at` state it
};
inline constexpr FaultKind fault_kind_last = FaultKind::recover;
[[nodiscard]] std::string_view name_of(FaultKind kind);

/// A message's place in model::Message, read off its first bytes; nothing if it has none.
[[nodiscard]] std::optional<uint8_t> kind_of_message(ByteView message);

/// Participants as bits, so at most 32.
using ParticipantSet = uint32_t;
[[nodiscard]] constexpr bool contains(ParticipantSet set, Participant participant) {
    return (set >> participant.value & 1) != 0;
}

struct Fault {
    uint32_t number = 0;  ///< names its randomness; kept when others are taken out
    FaultKind kind = FaultKind::lose;
    uint64_t from_us = 0;
    uint64_t until_us = 0;
    ParticipantSet at = 0;  ///< whom it strikes; of a link: the senders
    ParticipantSet to = 0;  ///< of a link: the receivers
    int64_t amount = 0;
    bool operator==(const Fault&) const = default;

    [[nodiscard]] bool is_on(uint64_t now_us) const {
        return from_us <= now_us && now_us < until_us;
    }
};

enum class LiarKind : uint8_t {
    silent,             ///< sends nothing
    twin,               ///< two copies of one key, each seen by some
    mutator,            ///< changes what it sends and signs it again
    wrong_root,         ///< attests results that it did not compute
    usurper,            ///< leads later views with a block of its own, whatever was prepared before
    selective,          ///< sends only to some
    spammer,            ///< floods: questions, answers, wakes, statements, nonsense
    stale_certificate,  ///< says again, reports and proposes what was true long ago
    withholder,         ///< answers nobody; its batches go to a bare quorum
    miscoder,           ///< commits to cells that are no codeword, or gives others than its own
    censor,             ///< acknowledges, reports, serves and leads as if one lane had nothing
    backdater,          ///< its acknowledgements say early times
    cherry_picker,      ///< certifies with the acknowledgements that suit it, of more than a quorum
    certificate_withholder,  ///< shows its lane's certificates late
    false_opener,            ///< says that its boxes are bad, tells false shares or none
    discarder,               ///< keeps no cells: whoever asks for them gets none, or wrong ones
};
inline constexpr LiarKind liar_kind_last = LiarKind::discarder;
[[nodiscard]] std::string_view name_of(LiarKind kind);

struct Liar {
    Participant participant;
    LiarKind kind = LiarKind::silent;
    bool operator==(const Liar&) const = default;
};

struct Scenario {
    uint64_t seed = 0;
    uint32_t participants = 4;         ///< all of them, at whatever time they take part
    uint32_t founders = 0;             ///< the first of them, who do from the beginning; 0: all
    bool real_keys = false;            ///< Ed25519 in place of the registry's bookkeeping
    uint64_t view_timer_us = 300'000;  ///< τ0
    uint64_t latency_us_max = 5'000;   ///< of a message when nothing is wrong
    uint64_t unquiet_us = 8'000'000;   ///< then everything heals
    uint32_t requests = 60;            ///< of clients, while it is unquiet
    /// Every participant has its own settings, and another after each restart, in all that versions
    /// may differ in without a fork: how long batches wait, how often it is heard, what it keeps in
    /// memory and ahead of execution. Rules, formats and execution are those of one version.
    bool mixed = false;
    std::vector<Liar> liars;
    std::vector<Fault> faults;
    bool operator==(const Scenario&) const = default;

    [[nodiscard]] const Liar* liar(Participant participant) const;
    /// One of this kind is among the liars.
    [[nodiscard]] bool has(LiarKind kind) const {
        for (const Liar& one : liars) {
            if (one.kind == kind) return true;
        }
        return false;
    }
    /// The height at which this participant diverges; 0: never.
    [[nodiscard]] uint64_t diverges_at(Participant participant) const;
    /// Those whose journal is wiped or restored: they count among the liars that are survived.
    [[nodiscard]] ParticipantSet forgetful() const;
    /// How the network recovers from more lost journals than that in this epoch; null: it need not.
    [[nodiscard]] const Fault* recovery(Epoch epoch) const;
    [[nodiscard]] uint32_t founder_count() const { return founders == 0 ? participants : founders; }
    /// Some epoch is proposed.
    [[nodiscard]] bool changes() const;
    /// Something lies otherwise than it was written on somebody's disk.
    [[nodiscard]] bool rots() const;
};

/// The scenario of a seed: never more liars than the protocol claims to survive. `participants` 0:
/// drawn too, mostly 4.
[[nodiscard]] Scenario draw_scenario(uint64_t seed, uint32_t participants = 0);

/// One line each; `from_text(to_text(s)) == s`. Lines that begin with # are comments.
[[nodiscard]] std::string to_text(const Scenario& scenario);
[[nodiscard]] std::string to_text(const Fault& fault);
[[nodiscard]] Result<Scenario> from_text(std::string_view text);

}  // namespace tally::sim
