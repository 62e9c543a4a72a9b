#include <algorithm>

#include "ordering/core.hpp"
#include "ordering/next_epoch.hpp"

namespace tally::ordering {

std::optional<model::Wake::Work> Machine::Core::work() const {
    return holdings.work_above(rules(), chain, now.wall, nullptr);
}

bool Machine::Core::due() const {
    return wanted_at && now.wall >= *wanted_at;
}

// --- pieces of work that others show ---

void Machine::Core::on(Participant, const model::Wake& wake) {
    if (slot.view.value > 0 || slot.report || slot.woken) return;
    if (!std::visit([&](const auto& piece) { return is_work(piece); }, wake.work))
        return refuse("idle_wake");
    slot.woken = true;
    slot.wake = wake.work;
}

bool Machine::Core::is_work(const model::LaneCertificate& piece) {
    if (piece.lane.value >= count ||
        piece.height <= model::tip_of(chain.cut_before, piece.lane).height ||
        !check_lane_certificate(*config.self.set, *config.self.verifier, piece))
        return false;
    if (piece.height > model::tip_of(chain.last.cut, piece.lane).height) holdings.add(piece);
    return true;
}

bool Machine::Core::is_work(const model::BlockCertificate& piece) {
    if (piece.ledger.value >= config.provers.size() ||
        piece.height <= chain.carried_before[piece.ledger.value] ||
        !check_block_certificate(*config.self.set, *config.self.verifier,
                                 config.provers[piece.ledger.value], piece))
        return false;
    if (piece.height > chain.last.highest_carried[piece.ledger.value]) holdings.add(piece);
    return true;
}

bool Machine::Core::is_work(const model::Signed<model::Dispute>& piece) {
    const auto& decided = chain.last.control;
    if (std::find(decided.begin(), decided.end(), piece) != decided.end()) return true;
    if (!may_stand_in_control(chain, config.provers, piece) || !check(piece)) return false;
    holdings.add(piece);
    return true;
}

bool Machine::Core::is_work(const model::VotedProposal& piece) {
    return chain.last.proposal == piece || take_proposal(piece).ok();
}

bool Machine::Core::is_work(const model::Ready& piece) {
    const auto& decided = chain.last.ready;
    return std::find(decided.begin(), decided.end(), piece) != decided.end() || take_ready(piece);
}

// --- the next epoch ---

void Machine::Core::on(Participant, const model::VotedProposal& voted) {
    if (!holdings.holds(voted) && !take_proposal(voted).ok()) refuse("bad_epoch_proposal");
}

void Machine::Core::on(Participant, const model::Ready& ready) {
    if (!holdings.holds(ready) && !take_ready(ready)) refuse("bad_ready");
}

Result<void> Machine::Core::take_proposal(const model::VotedProposal& voted) {
    constexpr auto fault = model::CharterError::bad_proposal;
    if (ended() || config.body == nullptr) return fail(fault, "this epoch is over");
    const auto& proposal = voted.proposal;
    CHECK(model::check_proposal(config.network, config.self.set->epoch, *config.body, proposal));
    if (const auto* decided = decided_next(rules(), chain);
        decided != nullptr && proposal.attempt <= decided->attempt)
        return fail(fault, "its attempt is " + std::to_string(proposal.attempt) +
                               ", and another of attempt " + std::to_string(decided->attempt) +
                               " is decided");
    if (holdings.holds(voted)) return success();
    CHECK(model::check_votes(*config.body, *config.self.verifier, voted));
    holdings.add(voted);
    return success();
}

bool Machine::Core::take_ready(const model::Ready& ready) {
    const auto* next = decided_next(rules(), chain);
    const Micros time = std::max(chain.last.time.next(), now.wall);
    if (ended() || next == nullptr ||
        !may_stand_in_control(rules(), chain, current(), time, *next, ready) ||
        !is_signed(rules(), chain, ready))
        return false;
    holdings.add(ready);
    return true;
}

}  // namespace tally::ordering
