#include "node/sealed_shares.hpp"

#include <algorithm>
#include <set>

namespace tally::node {

SealedShares::SealedShares(Slot slot, model::SealingKeys keys, const std::vector<Wanted>& wanted)
    : slot_(slot), keys_(std::move(keys)), waiting_(wanted.size()) {
    for (const auto& [index, envelope] : wanted) gathered_[index].envelope = envelope;
}

SealedShares::Taken SealedShares::add(const model::SealedShare& share, const IsTrue& is_true) {
    const auto found = gathered_.find(share.index);
    if (found == gathered_.end() || !keys_.place_of(share.holder)) return Taken::refused;
    Gathered& one = found->second;
    if (is_enough(one) || one.shares.contains(share.holder) || one.bad.contains(share.holder))
        return Taken::known;
    const model::SealedText& sealed = *one.envelope->transaction->sealed;
    if (const auto* value = std::get_if<Scalar>(&share.share)) {
        if (!model::is_share(sealed, keys_, share.holder, *value)) return Taken::refused;
        one.shares.emplace(share.holder, *value);
    } else {
        const auto& said = std::get<model::BadBoxSaid>(share.share);
        if (!is_true(share.holder, share.index, sealed.commitment, said)) return Taken::refused;
        one.bad.emplace(share.holder, said);
    }
    if (is_enough(one)) --waiting_;
    return Taken::taken;
}

std::vector<Participant> SealedShares::missing() const {
    std::set<Participant> missing;
    for (const auto& [index, one] : gathered_) {
        if (is_enough(one)) continue;
        for (const auto& holder : keys_.holders) {
            const Participant who = holder.participant;
            if (!one.shares.contains(who) && !one.bad.contains(who)) missing.insert(who);
        }
    }
    return {missing.begin(), missing.end()};
}

const model::CheckedEnvelope* SealedShares::envelope(uint32_t index) const {
    const auto found = gathered_.find(index);
    return found == gathered_.end() ? nullptr : found->second.envelope.get();
}

std::map<uint32_t, std::vector<std::pair<uint8_t, Scalar>>> SealedShares::enough() const {
    std::map<uint32_t, std::vector<std::pair<uint8_t, Scalar>>> all;
    for (const auto& [index, one] : gathered_) {
        auto& shares = all[index];
        if (one.shares.size() < keys_.threshold) continue;
        for (const auto& [holder, share] : one.shares) {
            if (shares.size() < keys_.threshold) shares.emplace_back(holder.value, share);
        }
    }
    return all;
}

model::SealedShareList SealedShares::kept() const {
    model::SealedShareList kept;
    for (const auto& [index, one] : gathered_) {
        size_t count = 0;
        for (const auto& [holder, share] : one.shares) {
            if (count++ < keys_.threshold) kept.push_back({index, holder, share});
        }
        if (count >= keys_.threshold) continue;
        for (const auto& [holder, said] : one.bad) kept.push_back({index, holder, said});
    }
    return kept;
}

std::vector<Participant> SealedShares::called_bad_by(uint32_t index) const {
    std::vector<Participant> who;
    if (const auto found = gathered_.find(index); found != gathered_.end()) {
        for (const auto& [holder, said] : found->second.bad) who.push_back(holder);
    }
    return who;
}

void FindSealedWork::run() {
    wanted_.emplace(find());
    if (wanted_->ok()) open_own();
}

Result<std::vector<SealedShares::Wanted>> FindSealedWork::find() {
    const auto& list = task_.plan->lists.at(task_.ledger);
    std::vector<ledger::Entry> entries;
    entries.reserve(list.size());
    for (const auto& entry : list)
        entries.push_back({entry.envelope.get(), entry.envelope_bytes, nullptr, entry.place.lane});
    TRY(found, ledger::entries_to_open(*task_.tree, task_.context, entries));
    std::vector<SealedShares::Wanted> wanted;
    wanted.reserve(found.size());
    for (const uint32_t index : found) wanted.push_back({index, list[index].envelope});
    return wanted;
}

void FindSealedWork::open_own() {
    // By the key: whoever has this participant's number now may have had another then.
    const auto& holders = task_.keys.holders;
    const auto mine = [&](const X25519Public& key) {
        return std::find_if(holders.begin(), holders.end(),
                            [&](const auto& holder) { return holder.key == key; });
    };
    for (const X25519Secret& secret : task_.secrets) {
        const auto holder = mine(x25519_public(secret));
        if (holder == holders.end()) continue;
        holder_ = holder->participant;
        return open_boxes(size_t(holder - holders.begin()), secret);
    }
}

void FindSealedWork::open_boxes(size_t place, const X25519Secret& secret) {
    for (const auto& [index, envelope] : **wanted_) {
        const model::SealedText& sealed = *envelope->transaction->sealed;
        auto share = model::open_own_share(sealed, task_.keys, place, secret);
        if (task_.open_copies && !share) {
            if (const auto opened = open_share(sealed.boxes[place], secret)) share = opened->first;
        }
        own_.emplace_back(index, share);
    }
}

}  // namespace tally::node
