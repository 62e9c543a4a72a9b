#include "node/quarantine.hpp"

namespace tally::node {
namespace {

AlteredStatus status_of(const Quarantine::Item& item, bool healed) {
    const Damage& damage = item.damage;
    const bool is_value = damage.kind == Damage::Kind::value;
    return {damage.height, item.subject,
            is_value ? std::string(text_of(damage.how)) : damage.detail, healed};
}

}  // namespace

bool Quarantine::add(const Damage& damage, std::string subject, uint64_t now_us) {
    Ledger& ledger = of(damage.ledger);
    if (!ledger.quarantined) {
        ledger.quarantined = true;
        ledger.since_us = now_us;
        ledger.ask_at_us = now_us;
        ledger.asks_in_vain = 0;
    }
    if (ledger.values.size() > values_max) return false;
    const auto [at, is_new] = ledger.values.try_emplace(std::pair(damage.key, damage.height),
                                                        Item{damage, std::move(subject)});
    if (is_new) ++ledger.found_count;
    return is_new;
}

void Quarantine::heal(LedgerIndex index, const std::pair<Bytes, Height>& place) {
    Ledger& ledger = of(index);
    const auto found = ledger.values.find(place);
    if (found == ledger.values.end()) return;
    ledger.healed.push_front(status_of(found->second, true));
    if (ledger.healed.size() > shown_max) ledger.healed.pop_back();
    ++ledger.healed_count;
    ledger.values.erase(found);
}

void Quarantine::remake(LedgerIndex index, Height height) {
    Ledger& ledger = of(index);
    if (!ledger.remade_at || *ledger.remade_at < height) ledger.remade_at = height;
}

std::vector<LedgerIndex> Quarantine::quarantined() const {
    std::vector<LedgerIndex> list;
    for (size_t i = 0; i < ledgers_.size(); ++i) {
        if (ledgers_[i].quarantined) list.push_back({uint16_t(i)});
    }
    return list;
}

QuarantineStatus Quarantine::status(LedgerIndex index) const {
    const Ledger& ledger = of(index);
    QuarantineStatus status{ledger.quarantined,
                            ledger.remade_at.has_value(),
                            {},
                            ledger.found_count,
                            ledger.healed_count};
    for (const auto& [place, item] : ledger.values) {
        if (status.altered.size() == shown_max) break;
        status.altered.push_back(status_of(item, false));
    }
    for (const auto& healed : ledger.healed) {
        if (status.altered.size() == shown_max) break;
        status.altered.push_back(healed);
    }
    return status;
}

}  // namespace tally::node
