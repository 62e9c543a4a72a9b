#include "ordering/holdings.hpp"

#include <algorithm>

#include "ordering/next_epoch.hpp"

namespace tally::ordering {

Holdings::Holdings(uint32_t participants, size_t ledgers, uint64_t per_lane_max)
    : per_lane_max_(std::max<uint64_t>(per_lane_max, 1)), lanes_(participants), ledgers_(ledgers) {}

void Holdings::add(const model::LaneCertificate& certificate) {
    if (certificate.lane.value >= lanes_.size()) return;
    auto& lane = lanes_[certificate.lane.value];
    lane.try_emplace(certificate.height, certificate);
    if (lane.size() > per_lane_max_) lane.erase(lane.begin());
}

void Holdings::add(const model::BlockCertificate& certificate) {
    if (certificate.ledger.value >= ledgers_.size()) return;
    auto& held = ledgers_[certificate.ledger.value];
    if (!held || held->height < certificate.height) held = certificate;
}

void Holdings::add(const model::Signed<model::Dispute>& dispute) {
    if (dispute.body.ledger.value >= ledgers_.size() || dispute.signer.value >= lanes_.size())
        return;
    const auto [held, is_new] =
        disputes_.try_emplace({dispute.body.ledger, dispute.signer}, dispute);
    if (!is_new && held->second.body.height < dispute.body.height) held->second = dispute;
}

void Holdings::add(const model::VotedProposal& proposal) {
    if (!proposal_ || proposal_->proposal.attempt < proposal.proposal.attempt) proposal_ = proposal;
}

void Holdings::add(const model::Ready& ready) {
    ready_.insert_or_assign(ready.participant, ready);
}

void Holdings::prune(const Chain& chain) {
    for (size_t lane = 0; lane < lanes_.size(); ++lane) {
        auto& held = lanes_[lane];
        const auto& tip = model::tip_of(chain.last.cut, {uint8_t(lane)});
        held.erase(held.begin(), held.upper_bound(tip.height));
    }
    for (size_t ledger = 0; ledger < ledgers_.size(); ++ledger) {
        auto& held = ledgers_[ledger];
        if (held && held->height <= chain.last.highest_carried[ledger]) held.reset();
    }
    std::erase_if(disputes_, [&](const auto& entry) {
        const auto decided = chain.disputes.find(entry.first);
        return decided != chain.disputes.end() && entry.second.body.height <= decided->second;
    });
}

const model::LaneCertificate* Holdings::lane_certificate(Participant lane,
                                                         LaneHeight height) const {
    if (lane.value >= lanes_.size()) return nullptr;
    const auto at = lanes_[lane.value].find(height);
    return at == lanes_[lane.value].end() ? nullptr : &at->second;
}

const model::BlockCertificate* Holdings::block_certificate(LedgerIndex ledger) const {
    if (ledger.value >= ledgers_.size() || !ledgers_[ledger.value]) return nullptr;
    return &*ledgers_[ledger.value];
}

bool Holdings::holds(const model::Signed<model::Dispute>& dispute) const {
    const auto at = disputes_.find({dispute.body.ledger, dispute.signer});
    return at != disputes_.end() && at->second == dispute;
}

void Holdings::drop_epoch_entries(const Rules& rules, const Chain& chain, Micros time) {
    if (proposal_ && !may_stand_in_control(rules, chain, proposal_->proposal)) proposal_.reset();
    const auto* next = decided_next(rules, chain);
    std::erase_if(ready_, [&](const auto& one) {
        return next == nullptr ||
               !may_stand_in_control(rules, chain, chain.next_slot(), time, *next, one.second);
    });
}

std::optional<model::Wake::Work> Holdings::work_above(const Rules& rules, const Chain& chain,
                                                      Micros now,
                                                      const model::Block* deciding) const {
    const model::Block& known = deciding != nullptr ? *deciding : chain.last;
    const auto& carried = known.highest_carried;
    const auto control = deciding != nullptr ? deciding->control : decltype(known.control){};
    const auto& provers = rules.provers;
    for (size_t lane = 0; lane < lanes_.size(); ++lane) {
        const auto& tip = model::tip_of(known.cut, {uint8_t(lane)});
        if (!lanes_[lane].empty() && lanes_[lane].rbegin()->first > tip.height)
            return lanes_[lane].rbegin()->second;
    }
    for (size_t ledger = 0; ledger < ledgers_.size(); ++ledger) {
        if (ledgers_[ledger] && ledgers_[ledger]->height > carried[ledger])
            return *ledgers_[ledger];
    }
    for (const auto& [key, dispute] : disputes_) {
        if (may_stand_in_control(chain, provers, dispute) &&
            std::find(control.begin(), control.end(), dispute) == control.end())
            return dispute;
    }
    // What a block being decided makes of it is seen once it is.
    if (deciding != nullptr && (deciding->proposal || !deciding->ready.empty()))
        return std::nullopt;
    if (proposal_ && may_stand_in_control(rules, chain, proposal_->proposal)) return *proposal_;
    const auto* next = decided_next(rules, chain);
    const Micros time = std::max(chain.last.time.next(), now);
    for (const auto& [participant, ready] : ready_) {
        if (next != nullptr &&
            may_stand_in_control(rules, chain, chain.next_slot(), time, *next, ready))
            return ready;
    }
    return std::nullopt;
}

bool Holdings::holds(const model::Ready& ready) const {
    const auto at = ready_.find(ready.participant);
    return at != ready_.end() && at->second == ready;
}

void Holdings::add_epoch_entries(const Rules& rules, const Chain& chain,
                                 model::Block& block) const {
    for (const auto& [participant, ready] : ready_) {
        block.ready.push_back(ready);
        if (!next_after(rules, chain, block, block.next)) block.ready.pop_back();
    }
    const bool ends = next_after(rules, chain, block, block.next) && block.ends_epoch();
    if (!proposal_ || ends) return;
    block.proposal = *proposal_;
    if (next_after(rules, chain, block, block.next)) return;
    block.proposal.reset();
    ENSURE(next_after(rules, chain, block, block.next));
}

model::Report Holdings::report(Slot slot, View view, Micros time, const Chain& chain) const {
    model::Report report{slot, view, {}, {}, time};
    for (size_t lane = 0; lane < lanes_.size(); ++lane) {
        const LaneHeight tip = lanes_[lane].empty() ? LaneHeight{0} : lanes_[lane].rbegin()->first;
        report.lanes.push_back(
            std::max(tip, model::tip_of(chain.last.cut, {uint8_t(lane)}).height));
    }
    for (size_t ledger = 0; ledger < ledgers_.size(); ++ledger) {
        if (ledgers_[ledger] && ledgers_[ledger]->height > chain.last.highest_carried[ledger])
            report.certified.push_back({LedgerIndex{uint16_t(ledger)}, ledgers_[ledger]->height});
    }
    return report;
}

std::vector<model::Signed<model::Dispute>> Holdings::control(
    const Chain& chain, std::span<const std::vector<Participant>> provers, size_t count_max) const {
    std::vector<model::Signed<model::Dispute>> entries;
    for (const auto& [key, dispute] : disputes_) {
        if (may_stand_in_control(chain, provers, dispute)) entries.push_back(dispute);
    }
    if (entries.size() > count_max) {
        // Start elsewhere in each slot, so that nobody's floods keep others out for ever.
        const size_t start = size_t(chain.last.slot.value % entries.size());
        std::rotate(entries.begin(), entries.begin() + ptrdiff_t(start), entries.end());
        entries.resize(count_max);
    }
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
        return std::tie(a.body.ledger, a.body.height, a.signer) <
               std::tie(b.body.ledger, b.body.height, b.signer);
    });
    return entries;
}

bool Holdings::contradicts(Participant self, const model::BlockCertificate& certificate) const {
    const auto at = disputes_.find({certificate.ledger, self});
    return at != disputes_.end() && at->second.body.height <= certificate.height;
}

}  // namespace tally::ordering
