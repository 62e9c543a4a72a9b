// Auditing the others: when a round begins, what it is about, and what becomes of it
// (docs/protocol.md, section 1, "Audit").
#include "node/parts.hpp"

namespace tally::node {
namespace {

/// The holders of a round are asked one after the other, so that no step does it all: so long
/// apart, or less where there are many, so that half a round is enough for all.
constexpr uint64_t audit_pace_us_max = 50'000;
/// Who says nothing for so long is taken to be away: it says something every second.
constexpr uint64_t audit_silence_us_max = 5'000'000;

}  // namespace

/// Others know what is decided, and this participant does not: it cannot judge who keeps what.
bool Node::Parts::is_behind() const {
    const auto elsewhere = ordering->decided_elsewhere();
    return following_only || sync.active() || !epoch_begun ||
           (elsewhere && *elsewhere >= ordering->slot());
}

/// The first multiple of `round_slots` in each `round_us` of block time.
bool Node::Parts::begins_round(const model::Block& block, const model::Block& before) const {
    const uint64_t round_us = config.audits.round_us;
    return block.time.value / round_us > before.time.value / round_us;
}

/// The cut above which every participant surely keeps all until the answers are in: decided in the
/// present epoch, and not past retention even after two rounds' slots and two deadlines more. A
/// function of what is decided. Nothing if that lies altered here.
std::optional<model::Cut> Node::Parts::surely_kept_after(const model::Block& block) const {
    const auto& parameters = charter->now().parameters;
    const uint64_t slot = block.slot.value + 2 * config.audits.round_slots;
    const uint64_t time_us = block.time.value + 2 * config.audits.deadline_us;
    uint64_t low = epochs.handover_slot().value, high = block.slot.value;
    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;
        const auto at = intact_block({middle});
        if (!at) return {};
        const bool may_be_past = middle + parameters.retention_slots <= slot &&
                                 at->time.value + parameters.retention_us <= time_us;
        (may_be_past ? low : high) = middle;
    }
    if (low == 0) return model::Cut{};
    auto lowest = intact_block({low});
    return lowest ? std::optional(std::move(lowest->cut)) : std::nullopt;
}

/// About what was decided a round's slots ago, so that who is a little behind has it, too.
void Node::Parts::begin_audits(const model::Block& block) {
    const uint64_t round_slots = config.audits.round_slots;
    const uint64_t begun = epochs.handover_slot().value;
    if (!has_peers() || !config.guest.empty() || block.slot.value % round_slots != 0) return;
    if (block.slot.value <= begun + round_slots || is_behind()) return;
    auto before = intact_block({block.slot.value - round_slots});
    if (!before || !begins_round(block, *before)) return;
    auto from = surely_kept_after(block);
    if (!from) return;
    audit_round = AuditRound{block.slot, block.hash(), std::move(*from), std::move(before->cut)};
    audit_turn = 0;
    audit_at_us = now.monotonic_us;
}

/// Nothing where this participant does not hold the batch itself. Its header is the one that the
/// next batch of the lane, or the cut, names.
std::optional<AuditQuestion> Node::Parts::audit_of(Participant holder) const {
    const ChainReader stored(key_value);
    const auto draw = draw_audit(*audit_round, self.index, holder);
    if (!draw) return {};
    const auto& place = draw->place;
    const auto& tip = model::tip_of(audit_round->to, place.lane);
    Hash hash = tip.header;
    if (place.height != tip.height) {
        const auto next = stored.any_batch_header({place.lane, place.height.next()});
        if (!next.ok() || !*next) return {};
        hash = (*next)->parent;
    }
    auto header = stored.batch_header(place, hash);
    if (!header.ok() || !*header || (*header)->da.epoch != signatories.epoch) return {};
    return question_of(*draw, std::move(**header), *coder, holder);
}

void Node::Parts::ask_in_turn() {
    const uint64_t pace_us = config.audits.round_us / 2 / std::max<size_t>(others.size(), 1);
    while (audit_round && now.monotonic_us >= audit_at_us) {
        if (audit_turn >= others.size()) return audit_round.reset();
        // Each begins with another, so that not all ask the same at once.
        const Participant holder = others[(audit_turn++ + self.index.value) % others.size()];
        audit_at_us += std::min(pace_us, audit_pace_us_max);
        if (audits.is_open(holder)) continue;
        if (auto question = audit_of(holder))
            audits.ask(holder, std::move(*question), now.monotonic_us);
        else
            ++counters["audits_not_asked"];
    }
}

void Node::Parts::audit() {
    if (ended) return;
    ask_in_turn();
    if (now.monotonic_us < audits.next_wakeup_us()) return;
    const bool behind = is_behind();
    const auto state = [&](Participant holder) {
        const Peer& peer = peers[holder.value];
        // Who has not entered this epoch yet has nothing of it.
        const bool is_elsewhere = peer.epoch && *peer.epoch != signatories.epoch;
        const bool is_silent =
            !peer.heard || is_elsewhere || now.monotonic_us - peer.heard_us > audit_silence_us_max;
        return is_silent ? Audits::Holder::silent
               : behind  ? Audits::Holder::excused
                         : Audits::Holder::heard;
    };
    const auto is_gone = [&](BatchPlace place) {
        return place.height < gone_through().of(place.lane);
    };
    AuditOutput out;
    audits.on_tick(now.monotonic_us, state, is_gone, out);
    take(out);
}

void Node::Parts::on_audited(Participant from, const model::Message& message) {
    AuditOutput out;
    if (const auto* leaf = std::get_if<model::BatchCellLeaf>(&message))
        audits.on_leaf(from, *leaf, out);
    if (const auto* cells = std::get_if<model::BatchCells>(&message))
        audits.on_cells(from, *cells, out);
    if (const auto* body = std::get_if<model::BatchBody>(&message))
        audits.on_body(from, *body, out);
    take(out);
}

void Node::Parts::take(AuditOutput& out) {
    for (const auto& [to, message] : out.sends) send(to, message);
    for (const Participant holder : out.changes) {
        const AuditStatus& status = audits.status(holder);
        const std::string name{charter->now().participants[holder.value].name};
        const std::string results = std::to_string(status.passed) + " audits passed, " +
                                    std::to_string(status.missed) + " missed";
        if (status.keeps) {
            log(Log::Level::info, name + " keeps what it should again: " + results, "peer_keeps",
                {{"peer", name}});
            continue;
        }
        const std::string lane{charter->now().participants[status.missed_lane.value].name};
        log(Log::Level::warning,
            name + " does not keep what it should: " + results + ", the last about batch " +
                std::to_string(status.missed_height.value) + " of lane " + lane,
            "peer_does_not_keep",
            {{"peer", name},
             {"lane", lane},
             {"batch", std::to_string(status.missed_height.value)}});
    }
}

uint64_t Node::Parts::next_audit_us() const {
    return std::min(audit_round ? audit_at_us : UINT64_MAX, audits.next_wakeup_us());
}

}  // namespace tally::node
