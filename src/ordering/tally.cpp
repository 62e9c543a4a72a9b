#include "ordering/tally.hpp"

#include <algorithm>

namespace tally::ordering {

bool TimeoutTally::wants(Participant signer, View view) const {
    if (signer.value >= by_signer_.size()) return false;
    const auto& views = by_signer_[signer.value];
    if (views.contains(view)) return false;
    return views.size() < views_per_signer_max || views.begin()->first < view;
}

void TimeoutTally::add(const model::TimeoutMessage& message) {
    auto& views = by_signer_.at(message.timeout.signer.value);
    views.try_emplace(message.timeout.body.view, message);
    if (views.size() > views_per_signer_max) views.erase(views.begin());
}

std::optional<model::TimeoutCertificate> TimeoutTally::certificate(Slot slot, View view,
                                                                   uint32_t votes_min,
                                                                   bool first_qc) const {
    model::TimeoutCertificate certificate{slot, view, {}, {}};
    for (const auto& views : by_signer_) {
        const auto at = views.find(view);
        if (at == views.end()) continue;
        const auto& [timeout, qc] = at->second;
        certificate.parts.push_back(
            {timeout.signer, timeout.body.qc_view, timeout.body.qc_block, timeout.signature});
        if (!qc || (first_qc && certificate.highest)) continue;
        if (!certificate.highest || qc->body.view > certificate.highest->body.view)
            certificate.highest = qc;
    }
    if (certificate.parts.size() < votes_min) return std::nullopt;
    return certificate;
}

std::optional<View> TimeoutTally::ranked_view(size_t rank) const {
    std::vector<View> views;
    for (const auto& of_signer : by_signer_) {
        if (!of_signer.empty()) views.push_back(of_signer.rbegin()->first);
    }
    if (views.size() <= rank) return std::nullopt;
    std::sort(views.begin(), views.end(), std::greater<>());
    return views[rank];
}

}  // namespace tally::ordering
