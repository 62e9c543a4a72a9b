#include "ordering/fresh_block.hpp"

#include <algorithm>

#include "ordering/next_epoch.hpp"

namespace tally::ordering {
namespace {

bool control_ascends(const model::Block& block) {
    for (size_t i = 1; i < block.control.size(); ++i) {
        const auto& a = block.control[i - 1];
        const auto& b = block.control[i];
        if (std::tie(a.body.ledger, a.body.height, a.signer) >=
            std::tie(b.body.ledger, b.body.height, b.signer))
            return false;
    }
    return true;
}

/// The heights after `carried`, if those are exactly what R obliges the block to carry.
bool carries_exactly(const std::vector<Carry>& due, const Chain& chain, const model::Block& block) {
    if (block.carried.size() != due.size()) return false;
    std::vector<Height> after = chain.last.highest_carried;
    for (size_t i = 0; i < due.size(); ++i) {
        if (block.carried[i].ledger != due[i].ledger || block.carried[i].height < due[i].at_least)
            return false;
        after[due[i].ledger.value] = block.carried[i].height;
    }
    return std::equal(after.begin(), after.end(), block.highest_carried.begin(),
                      block.highest_carried.end());
}

Result<void> check_shape(const Rules& rules, const Chain& chain, View view,
                         const model::Block& block) {
    if (block.slot != chain.next_slot()) return BlockError::wrong_slot;
    if (block.parent != chain.parent) return BlockError::wrong_parent;
    if (block.parent_qc.has_value() != (chain.last.slot.value > 0)) return BlockError::wrong_parent;
    if (block.parent_qc && (block.parent_qc->body.slot != chain.last.slot ||
                            block.parent_qc->body.block != chain.parent))
        return BlockError::wrong_parent;
    if (block.cut.size() != rules.set->places() ||
        block.highest_carried.size() != rules.provers.size())
        return BlockError::wrong_shape;
    if (block.reports.size() != rules.quorum.votes_min || !signers_ascend(block.reports))
        return BlockError::wrong_reports;
    for (const auto& report : block.reports) {
        if (report.body.slot != block.slot || report.body.view != view ||
            !well_formed(rules, report.body))
            return BlockError::wrong_reports;
    }
    return success();
}

Result<void> check_signatures(const Rules& rules, const Chain& chain, const Holdings& holdings,
                              const model::Block& block,
                              const model::LaneCertificates& certificates) {
    for (const auto& report : block.reports) {
        if (!check_signed(*rules.set, *rules.verifier, report)) return BlockError::bad_signature;
    }
    if (block.parent_qc && block.parent_qc != chain.qc &&
        !check_quorum(*rules.set_before, *rules.verifier, *block.parent_qc))
        return BlockError::bad_signature;
    for (const auto& certificate : certificates) {
        const auto* held = holdings.lane_certificate(certificate.lane, certificate.height);
        if (held && *held == certificate) continue;
        if (!check_lane_certificate(*rules.set, *rules.verifier, certificate))
            return BlockError::bad_signature;
    }
    for (const auto& certificate : block.carried) {
        const auto* held = holdings.block_certificate(certificate.ledger);
        if (held && *held == certificate) continue;
        if (!check_block_certificate(*rules.set, *rules.verifier,
                                     rules.provers[certificate.ledger.value], certificate))
            return BlockError::bad_signature;
    }
    for (const auto& dispute : block.control) {
        if (!holdings.holds(dispute) && !check_signed(*rules.set, *rules.verifier, dispute))
            return BlockError::bad_signature;
    }
    if (block.proposal && !holdings.holds(*block.proposal) &&
        !model::check_votes(*rules.body, *rules.verifier, *block.proposal).ok())
        return BlockError::bad_signature;
    for (const auto& ready : block.ready) {
        if (!holdings.holds(ready) && !is_signed(rules, chain, ready))
            return BlockError::bad_signature;
    }
    return success();
}

}  // namespace

ErrorText describe(BlockError error) {
    const auto text = [](std::string_view code, std::string_view cause) {
        return ErrorText{code, cause, "the view will time out and the next leader takes over"};
    };
    switch (error) {
    case BlockError::wrong_slot: return text("ordering.block.slot", "not a block of this slot");
    case BlockError::wrong_parent:
        return text("ordering.block.parent", "does not follow the last decided block");
    case BlockError::wrong_shape:
        return text("ordering.block.shape", "does not fit the network's lanes and ledgers");
    case BlockError::wrong_reports:
        return text("ordering.block.reports", "R is not a quorum's reports of this slot and view");
    case BlockError::wrong_time: return text("ordering.block.time", "the time is not R's");
    case BlockError::wrong_cut: return text("ordering.block.cut", "the cut is not R's");
    case BlockError::wrong_control:
        return text("ordering.block.control", "a control entry may not stand here");
    case BlockError::wrong_carried:
        return text("ordering.block.carried", "carries other certificates than R obliges it to");
    case BlockError::bad_signature:
        return text("ordering.block.signature", "a signature inside is false");
    }
    std::abort();
}

bool well_formed(const Rules& rules, const model::Report& report) {
    if (report.lanes.size() != rules.set->places()) return false;
    for (size_t i = 0; i < report.certified.size(); ++i) {
        if (report.certified[i].ledger.value >= rules.provers.size()) return false;
        if (i > 0 && report.certified[i].ledger <= report.certified[i - 1].ledger) return false;
    }
    return true;
}

std::optional<model::BlockBody> build_fresh(const Rules& rules, const Chain& chain,
                                            const Holdings& holdings,
                                            std::vector<model::Signed<model::Report>> reports,
                                            Missing& missing) {
    model::BlockBody body;
    model::Block& block = body.block;
    block.slot = chain.next_slot();
    block.parent = chain.parent;
    block.parent_qc = chain.qc;
    block.time = time_of(chain.last.time, reports, rules.quorum.liars_max);
    block.cut = model::padded(chain.last.cut, rules.set->places());
    const auto heights =
        cut_of(block.cut, reports, rules.parameters->window_batches, rules.quorum.liars_max);
    for (size_t lane = 0; lane < heights.size(); ++lane) {
        if (heights[lane] == block.cut[lane].height) continue;
        const Participant participant{uint8_t(lane)};
        const auto* certificate = holdings.lane_certificate(participant, heights[lane]);
        if (!certificate) {
            missing.lanes.emplace_back(participant, heights[lane]);
            continue;
        }
        block.cut[lane] = {heights[lane], certificate->header, certificate->digest()};
        body.certificates.push_back(*certificate);
    }
    block.highest_carried = chain.last.highest_carried;
    for (const Carry& carry :
         carry_of(chain.last.highest_carried, reports, rules.parameters->carried_certificates_max,
                  rules.quorum.liars_max)) {
        const auto* certificate = holdings.block_certificate(carry.ledger);
        if (!certificate || certificate->height < carry.at_least) {
            missing.ledgers.push_back(carry);
            continue;
        }
        block.carried.push_back(*certificate);
        block.highest_carried[carry.ledger.value] = certificate->height;
    }
    if (!missing.none()) return std::nullopt;
    for (auto& dispute : holdings.control(chain, rules.provers, control_entries_max))
        block.control.push_back(std::move(dispute));
    holdings.add_epoch_entries(rules, chain, block);
    block.reports.assign(std::make_move_iterator(reports.begin()),
                         std::make_move_iterator(reports.end()));
    return body;
}

Result<void> check_fresh(const Rules& rules, const Chain& chain, const Holdings& holdings,
                         View view, const model::Block& block,
                         const model::LaneCertificates& certificates) {
    CHECK(check_shape(rules, chain, view, block));
    const uint32_t liars_max = rules.quorum.liars_max;
    if (block.time != time_of(chain.last.time, block.reports, liars_max))
        return BlockError::wrong_time;
    const auto heights = cut_of(model::padded(chain.last.cut, rules.set->places()), block.reports,
                                rules.parameters->window_batches, liars_max);
    for (size_t lane = 0; lane < heights.size(); ++lane) {
        if (block.cut[lane].height != heights[lane]) return BlockError::wrong_cut;
    }
    if (!names_exactly(chain.last.cut, block.cut, certificates)) return BlockError::wrong_cut;
    if (!carries_exactly(carry_of(chain.last.highest_carried, block.reports,
                                  rules.parameters->carried_certificates_max, liars_max),
                         chain, block))
        return BlockError::wrong_carried;
    if (block.control.size() > control_entries_max || !control_ascends(block))
        return BlockError::wrong_control;
    for (const auto& dispute : block.control) {
        if (!may_stand_in_control(chain, rules.provers, dispute)) return BlockError::wrong_control;
    }
    std::optional<model::NextEpoch> next;
    if (!next_after(rules, chain, block, next) || next != block.next)
        return BlockError::wrong_control;
    return check_signatures(rules, chain, holdings, block, certificates);
}

}  // namespace tally::ordering
