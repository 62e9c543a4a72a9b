#include "sim/views.hpp"

#include <algorithm>

#include "base/quorum.hpp"

namespace tally::sim {
namespace {

/// A view must last so many message delays, or even an honest leader may come to nothing in it.
constexpr uint64_t delays_a_view = 8;

}  // namespace

ViewsChecker::ViewsChecker(Findings& findings, const Scenario& scenario)
    : findings_(findings),
      views_max_(3 * (uint64_t{Quorum::of(scenario.participants).liars_max} + 1)),
      is_bound_(scenario.view_timer_us >= delays_a_view * scenario.latency_us_max &&
                !scenario.changes()) {}

void ViewsChecker::on_sent(Participant from, Participant, ByteView message,
                           const SavedSignatures&) {
    static const auto report_kind = uint8_t(model::Message(model::Signed<model::Report>{}).index());
    static const auto certificate_kind = uint8_t(model::Message(model::LaneCertificate{}).index());
    const auto kind = kind_of_message(message);
    if (kind != report_kind && kind != certificate_kind) return;
    const auto decoded = model::decode_message(message);
    if (!decoded.ok()) return;
    if (const auto* certificate = std::get_if<model::LaneCertificate>(&*decoded)) {
        if (certificate->lane == from) certified_.try_emplace({from, certificate->height}, newest_);
        return;
    }
    const auto& report = std::get<model::Signed<model::Report>>(*decoded);
    if (report.signer != from) return;
    const Place place{report.body.slot, report.body.view};
    newest_ = std::max(newest_, place);
    if (begun_) entered_.insert(place);
}

void ViewsChecker::begin() {
    begun_ = true;
    entered_.clear();
    certified_.clear();  // In an earlier epoch there may have been others at these heights.
}

void ViewsChecker::check(Participant who, const Hash& transaction, const node::StoredBlock& block) {
    if (!is_bound_) return;
    const auto entry = std::find_if(block.list.begin(), block.list.end(), [&](const auto& one) {
        return one.transaction == transaction;
    });
    if (entry == block.list.end() || entry->lane != who) return;
    const auto certified = certified_.find({who, entry->height});
    if (certified == certified_.end()) return;
    const auto count =
        uint64_t(std::count_if(entered_.begin(), entered_.end(), [&](const Place& place) {
            return place > certified->second && place.first <= block.header.slot;
        }));
    if (count <= views_max_) return;
    findings_.add("ordered although leaders refuse",
                  "batch " + std::to_string(entry->height.value) + " of " + name_of(who) +
                      " after " + std::to_string(count) + " views, not " +
                      std::to_string(views_max_));
}

}  // namespace tally::sim
