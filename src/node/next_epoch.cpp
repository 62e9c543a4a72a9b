// How an epoch ends by decision, and who may follow without taking part (docs/protocol.md, section
// 5).
#include <algorithm>

#include "node/parts.hpp"

namespace tally::node {
namespace {

constexpr uint64_t say_ready_us = 500'000;
constexpr uint64_t say_ready_us_max = 10'000'000;
/// Who has more slots to execute is not ready to take part.
constexpr uint64_t slots_behind_max = 16;

}  // namespace

std::string Node::Parts::own_name() const {
    return config.guest.empty() ? std::string(charter->now().participants[self.index.value].name)
                                : config.guest;
}

/// After a decision is followed.
void Node::Parts::follow_next_epoch(const model::Decision& decision) {
    const auto& block = decision.block;
    if (block.proposal) {
        own_ready.reset();
        say_ready_after_us = say_ready_us;
        say_ready_at_us = now.monotonic_us;
        const auto& proposal = block.proposal->proposal;
        log(Log::Level::info,
            "epoch " + std::to_string(proposal.epoch.value) +
                " is proposed: it begins when a quorum of its " + std::to_string(proposal.count()) +
                " participants is ready",
            "epoch_proposed", {{"epoch", std::to_string(proposal.epoch.value)}});
    }
    end_epoch_if_over();
    if (block.proposal) tell_guests();
    speak_of_next_epoch();
}

/// The last decided block of this epoch is followed.
void Node::Parts::end_epoch_if_over() {
    if (ended || leaving || effects == nullptr || !ordering->ended()) return;
    const auto stored = ChainReader(key_value).decision(followed);
    const auto* proposal = ordering->proposal();
    if (!stored.ok() || !*stored || proposal == nullptr) return;
    const auto& [block, qc, certificates] = (*stored)->decision;
    if (!block.ends_epoch()) return;  // What is decided is not durable yet.
    model::Handover handover{*proposal, *block.next, {}, qc};
    for (const Hash& hash : block.field_hashes()) handover.field_hashes.push_back(hash);
    log(Log::Level::info,
        "slot " + std::to_string(block.slot.value) + " is the last of epoch " +
            std::to_string(signatories.epoch.value) + ": the next begins",
        "epoch_ended", {{"epoch", std::to_string(signatories.epoch.value)}});
    EpochOver over{std::move(handover), undecided_items()};
    const bool leaves = config.guest.empty() && config.identity != nullptr && !place_in(*proposal);
    if (leaves) {
        leaving = Leaving{std::move(over), now.monotonic_us};
        return help_to_begin();
    }
    ended = true;
    effects->push_back(std::move(over));
}

/// Whoever leaves may be the only one that knows how the epoch ended: it says so until a quorum of
/// those who take part in the next has begun it.
void Node::Parts::help_to_begin() {
    constexpr uint64_t again_us = 1'000'000;
    if (!leaving || ended || effects == nullptr || now.monotonic_us < leaving->say_at_us) return;
    leaving->say_at_us = now.monotonic_us + again_us;
    const auto& proposal = leaving->over.handover.proposal;
    const auto last = ChainReader(key_value).decision(followed);
    if (!last.ok() || !*last) return;
    uint32_t begun = 0;
    const auto meet = [&](Participant who, const model::ParticipantEntry& entry) {
        const auto& [epoch, signs] = std::tie(peers[who.value].epoch, peers[who.value].signing);
        const bool is_in_next = epoch && *epoch > signatories.epoch;
        const bool takes_part =
            std::any_of(proposal.participants.begin(), proposal.participants.end(),
                        [&](const auto& one) { return one.identity_key == entry.identity_key; });
        // Who signs there has what this epoch left to be opened (may_lack_shares()).
        begun += is_in_next && takes_part && signs ? 1 : 0;
        if (is_in_next && signs) return;
        send(who, model::Heartbeat{ordering->slot(), ordering->view(), Hash{}, signatories.epoch,
                                   signing == Signing::allowed});
        if (!is_in_next) send(who, model::Decisions{{(*last)->decision}});
    };
    for (const Participant other : others) meet(other, charter->now().participants[other.value]);
    for (size_t i = 0; i < guests.size(); ++i) meet(guest_number(i), guests[i]);
    if (begun < Quorum::of(proposal.count()).votes_min || !has_told_shares()) return;
    ended = true;
    effects->push_back(std::move(leaving->over));
}

/// Of the own lane: in batches that lapse, and in none yet.
std::vector<model::BatchItem> Node::Parts::undecided_items() const {
    std::vector<model::BatchItem> items;
    const auto add = [&](model::Batch batch) {
        for (auto& item : batch) items.push_back(std::move(item));
    };
    if (is_guest(self.index) || !config.guest.empty()) return items;
    const ChainReader stored(key_value);
    const LaneHeight last = availability->status().own_height;
    for (LaneHeight height = availability->decided_through(self.index).next(); height <= last;
         height = height.next()) {
        const auto body = stored.body({self.index, height});
        if (!body.ok() || !*body) continue;
        auto batch = cbor::decode<model::Batch>((*body)->bytes);
        if (batch.ok()) add(std::move(*batch));
    }
    add(availability->waiting());
    return items;
}

/// At the start; they are checked again with the batch that they come into.
void Node::Parts::submit_again() {
    availability::Effects out;
    for (auto& [ledger, envelope] : std::exchange(config.resubmitted, {})) {
        // Who sealed it for those of another epoch seals it again.
        const auto sealed_for = model::sealed_epoch_of(envelope);
        if (sealed_for && *sealed_for != signatories.epoch) {
            ++counters["sealed_transactions_lapsed"];
            continue;
        }
        if (availability->submit(ledger, std::move(envelope), now, out).ok())
            ++counters["transactions_resubmitted"];
    }
    take(out);
}

/// Who is proposed and does not take part yet, and who took part in the epoch before: it may not
/// know yet how that ended.
std::vector<model::ParticipantEntry> Node::Parts::find_guests() const {
    std::vector<model::ParticipantEntry> found;
    const auto add = [&](const model::ParticipantEntry& entry) {
        const auto is_same = [&](const auto& other) {
            return other.identity_key == entry.identity_key;
        };
        const auto& members = epochs.now().participants;
        const size_t room = limits::participants_max - signatories.places();
        if (entry.is_vacant() || found.size() >= room ||
            std::any_of(members.begin(), members.end(), is_same) ||
            std::any_of(found.begin(), found.end(), is_same))
            return;
        found.push_back(entry);
    };
    if (const auto* proposal = ordering->proposal();
        proposal != nullptr && (ordering->next_epoch() || leaving)) {
        for (const auto& entry : proposal->participants) add(entry);
    }
    if (signatories.epoch.value > 0) {
        const Epoch before{signatories.epoch.value - 1};
        const auto& members = epochs.now().participants;
        for (const auto& entry : epochs.body_of(before).participants) {
            // Another key that a participant had before may be lost.
            const bool has_other_key =
                std::any_of(members.begin(), members.end(),
                            [&](const auto& member) { return member.name == entry.name; });
            if (!has_other_key) add(entry);
        }
    }
    return found;
}

void Node::Parts::tell_guests() {
    auto found = find_guests();
    if (effects == nullptr || ended || found == guests) return;
    guests = std::move(found);
    for (size_t i = 0; i < guests.size(); ++i) peers[guest_number(i).value] = {};
    effects->push_back(Guests{guests});
}

/// It asks for what was decided, and says that it is ready. Of what else it says only decisions
/// count, which prove themselves, when it goes on in a later epoch.
void Node::Parts::on_guest(Participant from, const model::Message& message) {
    if (limits::participants_max - 1u - from.value >= guests.size()) return;
    std::visit(
        [&](const auto& said) {
            using M = std::decay_t<decltype(said)>;
            if constexpr (std::is_same_v<M, model::FetchBlockCertificate>) {
                if (said.ledger.value < charter->body.ledgers.size() && may_ask(from))
                    static_cast<void>(on_fetch(from, said));
            } else if constexpr (std::is_same_v<M, model::FetchDecisions> ||
                                 std::is_same_v<M, model::FetchBatch> ||
                                 std::is_same_v<M, model::FetchCells> ||
                                 std::is_same_v<M, model::FetchStands> ||
                                 std::is_same_v<M, model::FetchShares> ||
                                 std::is_same_v<M, model::FetchState>) {
                on_fetch(from, said);
            } else if constexpr (std::is_same_v<M, model::Heartbeat>) {
                // It is not among those to whom ours go.
                if (!may_ask(from)) return;
                peers[from.value].epoch = said.epoch;
                peers[from.value].signing = said.signing;
                if (said.epoch > signatories.epoch) hear_of_newer(from, said.slot);
                answer(from, model::Heartbeat{ordering->slot(), ordering->view(), Hash{},
                                              signatories.epoch,
                                              signing == Signing::allowed && epoch_begun});
            } else if constexpr (std::is_same_v<M, model::SharesOfBlock>) {
                on_shares(from, said);
            } else if constexpr (std::is_same_v<M, model::Decisions>) {
                if (newer_from == from) on_decisions(said);
            } else if constexpr (std::is_same_v<M, model::Ready>) {
                if (!may_ask(from)) return;
                ordering::Effects out;
                if (!ordering->on_ready(said, now, out)) ++counters["refused_ready"];
                take(out);
            }
        },
        message);
}

/// Where this participant's identity stands in it.
std::optional<Participant> Node::Parts::place_in(const model::EpochProposal& proposal) const {
    for (size_t i = 0; i < proposal.participants.size(); ++i) {
        if (proposal.participants[i].identity_key == config.identity->public_key())
            return Participant{uint8_t(i)};
    }
    return {};
}

/// What is decided is here and executed, but for a little.
bool Node::Parts::is_ready() const {
    if (sync.active() || following_only || halted) return false;
    if (pipeline.next_slot().value + slots_behind_max < followed.value) return false;
    const auto heard = heard_slot();
    return others.empty() || (heard && followed.value + slots_behind_max >= heard->value);
}

/// The slot that one of f + 1 says to work on, of whom one is honest; none: too few were heard.
std::optional<Slot> Node::Parts::heard_slot() const {
    std::vector<Slot> heard;
    for (const Participant other : others) {
        if (peers[other.value].heard) heard.push_back(peers[other.value].slot);
    }
    const uint32_t liars_max = signatories.quorum().liars_max;
    if (heard.size() <= liars_max) return {};
    std::nth_element(heard.begin(), heard.begin() + liars_max, heard.end(), std::greater<>());
    return heard[liars_max];
}

/// Until it is decided that this participant is ready.
void Node::Parts::speak_of_next_epoch() {
    if (say_ready_at_us == UINT64_MAX && ordering->next_epoch() != nullptr && !own_ready)
        say_ready_at_us = now.monotonic_us;  // After a restart.
    if (effects == nullptr || ended || now.monotonic_us < say_ready_at_us) return;
    const auto* next = ordering->next_epoch();
    const auto* proposal = ordering->proposal();
    const bool may_be = config.identity != nullptr && next != nullptr && proposal != nullptr;
    const auto place = may_be ? place_in(*proposal) : std::nullopt;
    const bool is_done =
        !place || std::any_of(next->ready.begin(), next->ready.end(),
                              [&](const auto& one) { return one.participant == *place; });
    if (is_done) {
        say_ready_at_us = UINT64_MAX;
        if (!own_ready) own_ready.emplace();
        return;
    }
    say_ready_after_us = std::clamp(2 * say_ready_after_us, say_ready_us, say_ready_us_max);
    say_ready_at_us = now.monotonic_us + say_ready_after_us;
    if (!is_ready()) {
        say_ready_at_us = now.monotonic_us + say_ready_us;
        return;
    }
    model::Ready ready{
        next->proposal, *place, config.next_keys.keys, config.next_keys.possession, {}};
    ready.signature = config.identity->sign(ready.signed_bytes());
    own_ready = ready;
    ordering::Effects out;
    static_cast<void>(ordering->on_ready(ready, now, out));
    out.send_all(ready);
    take(out);
}

void Node::Parts::on_request(uint64_t id, ProposeEpoch& request) {
    ordering::Effects out;
    const auto taken = ordering->on_proposal(request.voted, now, out);
    if (taken.ok()) out.send_all(request.voted);
    take(out);
    outbox.put(Effect{Reply{id, taken.ok() ? Result<Status>(status()) : taken.error()}});
}

NextEpochStatus Node::Parts::next_epoch_status() const {
    NextEpochStatus told;
    const auto* next = ordering->next_epoch();
    const auto* proposal = ordering->proposal();
    if (next == nullptr || proposal == nullptr) return told;
    told.proposal = next->proposal;
    told.epoch = proposal->epoch;
    told.attempt = next->attempt;
    told.slot = next->slot;
    told.needed = Quorum::of(proposal->count()).votes_min;
    for (size_t i = 0; i < proposal->participants.size(); ++i) {
        const auto& entry = proposal->participants[i];
        if (entry.is_vacant()) continue;
        const bool is_ready =
            std::any_of(next->ready.begin(), next->ready.end(),
                        [&](const auto& one) { return one.participant.value == i; });
        (is_ready ? told.ready : told.missing).push_back(entry.name);
    }
    return told;
}

}  // namespace tally::node
