// Quarantine: what of this participant's own disk is known to be damaged, ledger by ledger, until
// it is healed. Bookkeeping only; node/heal.cpp acts on it.
#pragma once

#include <deque>
#include <map>

#include "node/client.hpp"
#include "node/damage.hpp"

namespace tally::node {

class Quarantine {
public:
    /// More values than this at once are not healed one by one: the ledger is made again.
    static constexpr size_t values_max = 1'000;
    /// Of these the status shows so many, and so many that are healed.
    static constexpr size_t shown_max = 32;
    /// A quarantine lasts at least so long, so that the others hear of it.
    static constexpr uint64_t lasts_us_min = 2'500'000;

    struct Item {
        Damage damage;
        std::string subject;
    };
    struct Ledger {
        bool quarantined = false;
        uint64_t since_us = 0;
        std::map<std::pair<Bytes, Height>, Item> values;  ///< not healed yet
        std::deque<AlteredStatus> healed;                 ///< the newest
        std::optional<Height> remade_at;  ///< it is being made again, and was at this height
        bool is_load_due = false;         ///< for that its state is to be loaded from the others
        std::optional<uint64_t> again_at_us;  ///< when that begins once more, for it failed
        uint64_t ask_at_us = 0;
        uint32_t asks_in_vain = 0;
        uint32_t turn = 0;  ///< whom to ask
        uint64_t found_count = 0, healed_count = 0;
    };

    explicit Quarantine(size_t ledgers) : ledgers_(ledgers) {}

    [[nodiscard]] Ledger& of(LedgerIndex ledger) { return ledgers_[ledger.value]; }
    [[nodiscard]] const Ledger& of(LedgerIndex ledger) const { return ledgers_[ledger.value]; }

    [[nodiscard]] bool is_quarantined(LedgerIndex ledger) const { return of(ledger).quarantined; }
    /// False if it was known.
    bool add(const Damage& damage, std::string subject, uint64_t now_us);
    /// The value is whole again.
    void heal(LedgerIndex ledger, const std::pair<Bytes, Height>& place);
    /// Everything that was known is, because the ledger is made again from `height` on.
    void remake(LedgerIndex ledger, Height height);
    /// Ascending.
    [[nodiscard]] std::vector<LedgerIndex> quarantined() const;
    [[nodiscard]] QuarantineStatus status(LedgerIndex ledger) const;

private:
    std::vector<Ledger> ledgers_;
};

}  // namespace tally::node
