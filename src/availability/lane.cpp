#include "availability/lane.hpp"

#include <algorithm>

namespace tally::availability {
namespace {

/// How many decided certificates may still be asked for.
constexpr uint64_t decided_certificates_kept = 4;
/// Fetches of a lane at one time, for the decided part and for the part above it.
constexpr size_t fetches_max = 8;
/// Decided tips remembered while their batches are missing. When there are more, all but the newest
/// are reached from it by parents.
constexpr size_t tips_max = 65'536;

}  // namespace

const model::LaneCertificate* Lane::certificate(LaneHeight height) const {
    const auto found = certificates_.find(height);
    return found == certificates_.end() ? nullptr : &found->second;
}

const model::LaneCertificate* Lane::newest_certificate() const {
    return certificates_.empty() ? nullptr : &certificates_.rbegin()->second;
}

bool Lane::hold_certificate(const model::LaneCertificate& certificate, size_t kept_max) {
    if (certificate.height <= cut_.height) return false;
    if (!certificates_.try_emplace(certificate.height, certificate).second) return false;
    if (certificates_.size() <= kept_max) return true;
    const bool is_kept = certificates_.begin()->first != certificate.height;
    certificates_.erase(certificates_.begin());
    return is_kept;
}

void Lane::hold_decided_certificate(const model::LaneCertificate& certificate) {
    certificates_.try_emplace(certificate.height, certificate);
    drop_old_certificates();
}

void Lane::drop_old_certificates() {
    while (!certificates_.empty() &&
           certificates_.begin()->first.value + decided_certificates_kept <= cut_.height.value)
        certificates_.erase(certificates_.begin());
}

void Lane::hold(const model::BatchHeader& header, const Hash& hash) {
    if (header.height <= held_through_) return;
    held_.try_emplace({header.height, hash}, Held{header.parent, header.total_bytes});
    if (header.height == cut_.height && hash == cut_.header)
        decided_bytes_ = std::max(decided_bytes_, header.total_bytes);
    fetches_.erase({header.height, hash});
    gatherings_.erase({header.height, hash});
    seen_.erase({header.height, hash});
    settle();
}

void Lane::see(const model::BatchHeader& header, const Hash& hash) {
    if (header.height <= held_through_ || holds({header.height, hash})) return;
    seen_.try_emplace({header.height, hash}, Held{header.parent, header.total_bytes});
    if (header.height == cut_.height && hash == cut_.header)
        decided_bytes_ = std::max(decided_bytes_, header.total_bytes);
}

const Gathering* Lane::gathering(const LanePlace& place) const {
    const auto found = gatherings_.find(place);
    return found == gatherings_.end() ? nullptr : &found->second;
}

Gathering& Lane::gather(const model::BatchHeader& header, const Hash& hash, model::CellSet cells) {
    ENSURE(!holds({header.height, hash}));
    see(header, hash);
    auto& gathering =
        gatherings_.try_emplace({header.height, hash}, Gathering{header, {}}).first->second;
    const Participant holder = cells.holder;
    gathering.sets.try_emplace(holder, std::move(cells));
    return gathering;
}

void Lane::resume_from(const model::CutEntry& executed, uint64_t total_bytes) {
    cut_ = executed;
    held_through_ = executed.height;
    decided_bytes_ = total_bytes;
}

void Lane::skip_to(const model::CutEntry& executed, uint64_t total_bytes) {
    if (executed.height <= held_through_) return;
    if (executed.height > cut_.height) cut_ = executed;
    held_through_ = executed.height;
    decided_bytes_ = std::max(decided_bytes_, total_bytes);
    tips_.erase(tips_.begin(), tips_.upper_bound(held_through_));
    forget_held_through();
    drop_old_certificates();
    settle();
}

void Lane::decide(const model::CutEntry& tip) {
    if (tip.height <= cut_.height) return;
    cut_ = tip;
    if (tips_.size() == tips_max) tips_.erase(std::prev(tips_.end()));
    tips_.emplace(tip.height, tip.header);
    for (const auto* known : {&held_, &seen_}) {
        if (const auto at = known->find({tip.height, tip.header}); at != known->end())
            decided_bytes_ = std::max(decided_bytes_, at->second.total_bytes);
    }
    drop_old_certificates();
    settle();
}

void Lane::hold_back(const model::CutEntry& tip, Micros now, Micros until) {
    while (!held_back_.empty() && held_back_.front().first <= now) held_back_.pop_front();
    if (tip.height > cut_.height && until > now) held_back_.emplace_back(until, cut_.height);
}

/// Follows parents down from `from` to the first batch above `floor` that is not held.
std::optional<LanePlace> Lane::first_missing(LanePlace from, LaneHeight floor) const {
    while (from.first > floor) {
        const auto held = held_.find(from);
        if (held == held_.end()) return from;
        from = {LaneHeight{from.first.value - 1}, held->second.parent};
    }
    return {};
}

/// Moves held_through_ over every decided tip whose batches are all held.
void Lane::settle() {
    while (!tips_.empty() && !first_missing(*tips_.begin(), held_through_)) {
        const LanePlace tip = *tips_.begin();
        decided_bytes_ = std::max(decided_bytes_, held_.at(tip).total_bytes);
        held_through_ = tip.first;
        tips_.erase(tips_.begin());
        forget_held_through();
    }
}

/// Whatever else was held at or below it (a fork that was not decided) is of no use.
void Lane::forget_held_through() {
    const LanePlace next{held_through_.next(), Hash{}};
    held_.erase(held_.begin(), held_.lower_bound(next));
    seen_.erase(seen_.begin(), seen_.lower_bound(next));
    gatherings_.erase(gatherings_.begin(), gatherings_.lower_bound(next));
}

void Lane::refresh_fetches(uint64_t now_us, uint64_t unseen_at_us) {
    std::map<LanePlace, uint64_t> wanted;
    LaneHeight floor = held_through_;
    for (const auto& [height, hash] : tips_) {
        // Each header names the batch below it, once it is here.
        for (auto place = first_missing({height, hash}, floor);
             place && wanted.size() < fetches_max;) {
            wanted.emplace(*place, now_us);
            const auto known = seen_.find(*place);
            if (known == seen_.end()) break;
            place =
                first_missing({LaneHeight{place->first.value - 1}, known->second.parent}, floor);
        }
        if (wanted.size() >= fetches_max) break;
        floor = height;
    }
    const size_t wanted_max = wanted.size() + fetches_max;
    for (auto it = certificates_.upper_bound(cut_.height); it != certificates_.end(); ++it) {
        if (wanted.size() >= wanted_max) break;
        const LanePlace place{it->first, it->second.header};
        if (!holds(place)) wanted.emplace(place, seen_.contains(place) ? now_us : unseen_at_us);
    }
    std::erase_if(fetches_, [&](const auto& fetch) { return !wanted.contains(fetch.first); });
    std::erase_if(gatherings_, [&](const auto& one) { return !wanted.contains(one.first); });
    for (const auto& [place, at_us] : wanted) {
        auto& fetch = fetches_.try_emplace(place, Fetch{at_us}).first->second;
        // What was only certified and is decided now is wanted sooner.
        if (fetch.asked == 0) fetch.ask_at_us = std::min(fetch.ask_at_us, at_us);
    }
}

}  // namespace tally::availability
