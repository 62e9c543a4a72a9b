#include "ordering/core.hpp"

#include <algorithm>

namespace tally::ordering {
namespace {

Quorum quorum_with(uint32_t count, const Canaries& canaries) {
    Quorum quorum = Quorum::of(count);
    if (canaries.quorum_one_short && quorum.votes_min > 1) --quorum.votes_min;
    if (canaries.quorum_two_f_plus_one) quorum.votes_min = 2 * quorum.liars_max + 1;
    return quorum;
}

}  // namespace

Machine::Core::Core(Config given)
    : config(std::move(given)),
      count(config.self.set->places()),
      quorum(quorum_with(config.self.set->count(), config.canaries)),
      leaders(*config.self.set),
      chain(Chain::genesis(config)),
      holdings(count, config.provers.size(), config.parameters.window_batches + 1),
      slot(count),
      peers(count) {}

Rules Machine::Core::rules() const {
    return {config.self.set,      &config.self.set_at(chain.last.slot),
            config.self.verifier, quorum,
            &config.parameters,   config.provers,
            config.body};
}

Hash Machine::Core::digest_of(const model::Block& block) const {
    if (!config.canaries.digest_without_block) return block.hash();
    model::Block hollow;
    hollow.slot = block.slot;
    hollow.parent = block.parent;
    return hollow.hash();
}

bool Machine::Core::check(const model::TimeoutCertificate& certificate) const {
    const Canaries& canaries = config.canaries;
    const bool mutant = canaries.quorum_one_short || canaries.quorum_two_f_plus_one ||
                        canaries.first_qc_in_tc || canaries.digest_without_block;
    if (!mutant)
        return check_timeout_certificate(*config.self.set, *config.self.verifier, certificate);
    if (certificate.parts.size() < quorum.votes_min || !signers_ascend(certificate.parts))
        return false;
    if (certificate.highest && !check(*certificate.highest)) return false;
    for (const auto& part : certificate.parts) {
        const model::Timeout timeout{certificate.slot, certificate.view, part.qc_view,
                                     part.qc_block};
        if (!check_signature(*config.self.set, *config.self.verifier, timeout, part.signer,
                             part.signature))
            return false;
    }
    return true;
}

/// Applies the rules until none has anything more to say. Each that returns true has changed
/// something that the others may read.
void Machine::Core::settle() {
    if (ended()) {
        inbox.clear();
        beat_if_due();
        return;
    }
    for (;;) {
        if (decide_if_due()) continue;
        if (!inbox.empty()) {
            const auto [from, message] = std::move(inbox.front());
            inbox.pop_front();
            dispatch(from, *message);
            continue;
        }
        if (certify_timeouts()) continue;
        if (commit_if_due()) continue;
        if (time_out_if_due()) continue;
        if (report_if_due()) continue;
        if (propose_if_due()) continue;
        if (vote_if_due()) continue;
        if (fetch_if_due()) continue;
        if (say_again_if_due()) continue;
        if (beat_if_due()) continue;
        return;
    }
}

void Machine::Core::dispatch(Participant from, const model::Message& message) {
    if (from.value >= count || from == self()) return refuse("unknown_peer");
    std::visit(
        [&](const auto& held) {
            using M = std::decay_t<decltype(held)>;
            if constexpr (requires { held.body.slot; }) {
                if (of_this_slot(from, held.body.slot, message)) on(from, held);
            } else if constexpr (std::is_same_v<M, model::ProposalMessage>) {
                // The next slot's proposal shows that this one is decided.
                const auto& block = held.block;
                if (block && block->parent_qc && held.proposal.body.slot > current())
                    note(*block->parent_qc);
                if (of_this_slot(from, held.proposal.body.slot, message)) on(from, held);
            } else if constexpr (std::is_same_v<M, model::TimeoutMessage>) {
                if (of_this_slot(from, held.timeout.body.slot, message)) on(from, held);
            } else if constexpr (std::is_same_v<M, model::TimeoutCertificate> ||
                                 std::is_same_v<M, model::Wake>) {
                if (of_this_slot(from, held.slot, message)) on(from, held);
            } else if constexpr (requires { on(from, held); }) {
                on(from, held);
            }
        },
        message);
}

bool Machine::Core::of_this_slot(Participant from, Slot message_slot,
                                 const model::Message& message) {
    if (message_slot == current()) return true;
    if (message_slot < current()) {
        answer_decided(from, message_slot);
    } else if (message_slot == current().next()) {
        // One of each kind from each peer, the latest: what is lost here is said again.
        auto& buffered = peers[from.value].next_slot[message.index()];
        buffered = std::make_shared<const model::Message>(message);
    } else {
        refuse("far_slot");
    }
    return false;
}

/// A view's timer that ran while nothing could be signed runs anew: others were not waited for.
void Machine::Core::set_signer(const Signer* signer) {
    config.self.signer = signer;
    heartbeat_at = 0;  // It says whether there is one.
    slot.certificate_fetch_at.reset();
    if (signer != nullptr && slot.view_ends_at)
        slot.view_ends_at = now.monotonic_us + view_timer_us(slot.view);
}

uint64_t Machine::Core::next_wakeup_us() const {
    uint64_t next = heartbeat_at;
    if (ended()) return next;
    const auto sooner = [&](const std::optional<uint64_t>& at) {
        if (at) next = std::min(next, *at);
    };
    if (may_sign() && !timed_out(slot.view)) sooner(slot.view_ends_at);
    sooner(slot.again_at);
    sooner(slot.body_fetch_at);
    sooner(slot.certificate_fetch_at);
    if (wanted_at && !due() && !slot.report)
        sooner(now.monotonic_us + (wanted_at->value - std::min(now.wall, *wanted_at).value));
    return next;
}

}  // namespace tally::ordering
