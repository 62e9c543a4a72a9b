// Workload: the charter of a simulated network, and the transactions that its clients send.
//
// Clients are like real ones: they submit to one participant or to several, some submit twice, some
// send nonsense, some a copy whose signature was bent, and who hears nothing asks again elsewhere.
#pragma once

#include "model/charter.hpp"
#include "model/envelope.hpp"
#include "model/sealed.hpp"
#include "sim/scenario.hpp"

namespace tally::sim {

inline constexpr uint16_t ledger_count = 2;
/// `items` has a schema that the workload knows; `other` the same, and its own blocks.
inline constexpr std::string_view ledger_names[ledger_count] = {"items", "trade/other"};

/// Who may write, with real keys: envelopes are checked as in life.
struct Users {
    Users();
    static constexpr size_t known = 3;  ///< of ES256K the last of these; one more is unknown
    std::vector<model::SecretKey> secrets;
    std::vector<std::string> dids;
};

/// Of everybody, founder or not.
[[nodiscard]] model::ParticipantEntry make_entry(Participant who, const Ed25519Public& identity,
                                                 const Ed25519Public& signing,
                                                 const X25519Public& opening);
/// The founders'; nobody here looks at their signatures.
[[nodiscard]] model::Charter make_charter(const Scenario& scenario, const Users& users,
                                          const std::vector<model::ParticipantEntry>& entries);

enum class Wish : uint8_t {
    insert,   ///< a new item
    collide,  ///< an item whose key another one may have
    update,   ///< of an item that may not exist
    unknown_signer,
    too_late,   ///< expired when it is sent
    garbage,    ///< no envelope at all
    bent,       ///< a valid envelope, and before it a copy with another signature
    misplaced,  ///< an insert that liars also put under the other ledger
};

/// How a transaction is sealed.
enum class Sealing : uint8_t {
    none,
    right,
    copied,         ///< well, and somebody else makes a transaction of its own of it
    bad_boxes,      ///< one or more do not open
    wrongly_dealt,  ///< a share is of another secret
    no_changes,     ///< what it hides is no list of changes
};

/// What a client wants, drawn from the seed and its number.
struct Order {
    uint32_t number = 0;
    uint64_t at_us = 0;
    Wish wish = Wish::insert;
    LedgerIndex ledger;
    std::string key;
    int64_t value = 0;
    ParticipantSet to = 0;  ///< to whom it is first submitted
    Bytes envelope;
    Bytes bent_copy;  ///< sent first, of `bent`
    Hash id;
    Sealing sealing = Sealing::none;
    Bytes copy;  ///< sent first, of `copied`
    Hash copy_id;
};
/// `keys`: for whom it is sealed, if it is.
[[nodiscard]] Order draw_order(const Scenario& scenario, const Users& users, const Hash& network,
                               const model::SealingKeys& keys, uint32_t number, uint64_t at_us);

}  // namespace tally::sim
