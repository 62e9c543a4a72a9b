// The author's side of the machine: batches of the own lane, one after the other.
#include <algorithm>

#include "availability/machine.hpp"
#include "model/cut_limits.hpp"

namespace tally::availability {
namespace {

constexpr uint64_t say_fragment_us_max = 5'000'000;
constexpr uint64_t say_certificate_us_max = 10'000'000;
/// A batch of limits::batch_bytes_aim, with what its encoding adds.
constexpr size_t batch_bytes_formed_max =
    limits::batch_bytes_aim + limits::envelope_bytes_max + size_t{8} * limits::batch_envelopes_max;
static_assert(batch_bytes_formed_max <= limits::batch_bytes_max);

}  // namespace

Result<void> Machine::submit(LedgerIndex ledger, Bytes envelope, model::Now now, Effects& effects) {
    if (envelope.size() < model::envelope_bytes_min) return AvailabilityError::envelope_too_small;
    if (envelope.size() > limits::envelope_bytes_max) return AvailabilityError::envelope_too_large;
    if (counted_.own_lane_unknown) return AvailabilityError::own_lane_unknown;
    if (waiting_.bytes() + envelope.size() > config_.submitted_bytes_max)
        return AvailabilityError::busy;
    waiting_.push(config_.coder->forwarding_of(ledger), {ledger, std::move(envelope)},
                  now.monotonic_us);
    form_batches(now, effects);
    return success();
}

bool Machine::has_room() const {
    if (own_ && !own_->certificate) return false;
    const Lane& lane = own_lane();
    const uint64_t height = own_height().value;
    const uint64_t total_bytes = own_       ? own_->header.total_bytes
                                 : own_tip_ ? own_tip_->total_bytes
                                            : 0;
    return height + 1 <= lane.window_from().value + config_.parameters.window_batches &&
           total_bytes + batch_bytes_formed_max <=
               lane.decided_bytes() + config_.parameters.window_bytes;
}

uint64_t Machine::form_at_us() const {
    if (!started_ || waiting_.empty() || !may_sign() || !has_room()) return SayAgain::never_us;
    if (waiting_.bytes() >= limits::batch_bytes_aim) return 0;
    return waiting_.first_arrived_us() + config_.batch_delay_us;
}

/// At n = 1 a batch is certified as it is formed, so one may follow another.
void Machine::form_batches(model::Now now, Effects& effects) {
    while (form_at_us() <= now.monotonic_us) form_batch(now, effects);
}

void Machine::form_batch(model::Now now, Effects& effects) {
    OwnBatch next;
    const auto taken = waiting_.take();
    next.bytes = encode_batch(taken.batch);
    auto& header = next.header;
    header.lane = config_.self.index;
    header.height = own_height().next();
    const Dispersal dispersal =
        config_.coder->disperse(place_of(header.lane, header.height), taken.mode, next.bytes);
    header.da = dispersal.da;
    header.total_bytes = next.bytes.size();
    if (own_) {
        header.parent = own_->hash;
        header.previous = own_->certificate;
        next.parent = own_->header;
    } else if (own_tip_) {  // The first of this epoch.
        header.parent = begun_at_[config_.self.index.value].header;
        next.parent = own_tip_;
    }
    if (next.parent) header.total_bytes += next.parent->total_bytes;
    next.hash = header.hash();
    const model::BatchClaim claim{header.lane, header.height, next.hash};
    next.author =
        model::sign(*config_.self.set, config_.self.index, *config_.self.signer, claim).signature;
    own_ = std::move(next);
    ++counted_.batches_made;

    // Recorded before the first fragment leaves: after a restart the very same batch is sent again,
    // and the lane does not fork.
    effects.save(model::OwnBatchRecord{own_->header, own_->author, own_->bytes});
    auto held = std::make_shared<HeldBatch>();
    held->header = own_->header;
    held->header_hash = own_->hash;
    held->bytes = own_->bytes;
    hold(std::move(held), effects);
    const Participant holder = config_.coder->holder_of(own_->header.da.epoch, config_.self.index);
    keep_cells(own_->header, dispersal.cells_of(holder), effects);
    certificates_.stop();
    acknowledge_own(now, effects);
    if (own_->certificate) return;
    say_fragments(dispersal, effects);
    own_->said_first_us = now.monotonic_us;
    fragments_.start(now.monotonic_us, say_fragment_us);
}

/// What the newest batch still wants: its acknowledgements, or that all hear of its certificate.
void Machine::speak_of_own(model::Now now, Effects& effects) {
    if (!own_ || !may_sign()) return;
    if (own_->certificate) {
        if (own_->header.height > own_lane().cut().height) {
            effects.send_all(*own_->certificate);
            certificates_.start(now.monotonic_us, say_certificate_us);
        }
        return;
    }
    acknowledge_own(now, effects);
    if (own_->certificate) return;
    say_fragments(own_dispersal(), effects);
    fragments_.start(now.monotonic_us, say_fragment_us);
}

/// The author's own acknowledgement; its cells stand in the OwnBatchRecord.
void Machine::acknowledge_own(model::Now now, Effects& effects) {
    const auto& stored = own_lane().acknowledged();
    if (!stored || stored->body.height < own_->header.height) {
        const auto acknowledgement =
            acknowledge(config_.self.index, own_->header.height, own_->hash, now);
        effects.save(model::CellsRecord{{own_->header, own_->author, {}, {}}, acknowledgement});
    }
    const auto& acknowledgement = *own_lane().acknowledged();
    own_->acknowledgements[config_.self.index] = {config_.self.index, acknowledgement.body.time,
                                                  acknowledgement.signature};
    certify_own(now, effects);
}

void Machine::on_acknowledgement(Participant from,
                                 const model::Signed<model::Acknowledgement>& acknowledgement,
                                 model::Now now, Effects& effects) {
    if (!may_sign()) return;  // A certificate holds the author's own acknowledgement, too.
    const auto& body = acknowledgement.body;
    if (body.lane != config_.self.index || acknowledgement.signer != from || !own_ ||
        body.height > own_->header.height)
        return refuse(Refusal::unexpected, from);
    if (body.height < own_->header.height || own_->certificate) return;  // Late, and harmless.
    if (body.header != own_->hash) return refuse(Refusal::forked, from);
    if (!model::check_signed(*config_.self.set, *config_.self.verifier, acknowledgement))
        return refuse(Refusal::bad_signature, from);
    own_->acknowledgements.try_emplace(
        from, model::AcknowledgementPart{from, body.time, acknowledgement.signature});
    certify_own(now, effects);
    form_batches(now, effects);
}

/// Until the fragments are said again.
bool Machine::gathers_more(model::Now now) const {
    return config_.canaries.pick != Canaries::Pick::first &&
           own_->acknowledgements.size() < count_ &&
           now.monotonic_us < own_->said_first_us + say_fragment_us;
}

/// In the order of their signers.
std::vector<model::AcknowledgementPart> Machine::picked() const {
    std::vector<model::AcknowledgementPart> parts;
    for (const auto& [signer, part] : own_->acknowledgements) parts.push_back(part);
    const auto by_signer = [](const auto& a, const auto& b) { return a.signer < b.signer; };
    const auto by_time = [](const auto& a, const auto& b) { return a.time < b.time; };
    if (config_.canaries.pick == Canaries::Pick::first) return parts;
    std::sort(parts.begin(), parts.end(), by_time);
    if (config_.canaries.pick == Canaries::Pick::latest) std::reverse(parts.begin(), parts.end());
    parts.resize(quorum_.votes_min);
    std::sort(parts.begin(), parts.end(), by_signer);
    return parts;
}

void Machine::certify_own(model::Now now, Effects& effects) {
    if (own_->acknowledgements.size() < quorum_.votes_min || gathers_more(now)) return;
    model::LaneCertificate certificate{
        config_.self.index, own_->header.height, own_->hash, own_->author, {}};
    for (const auto& part : picked()) certificate.parts.push_back(part);
    own_->certificate = certificate;
    fragments_.stop();
    hold_certificate(certificate, true, effects);
    effects.send_all(certificate);
    certificates_.start(now.monotonic_us, say_certificate_us);
}

void Machine::say_again(model::Now now, Effects& effects) {
    // Who waited for more than a quorum takes what there is.
    if (own_ && !own_->certificate && may_sign()) certify_own(now, effects);
    if (fragments_.due(now.monotonic_us, say_fragment_us_max))
        say_fragments(own_dispersal(), effects);
    if (certificates_.due(now.monotonic_us, say_certificate_us_max) && own_->certificate)
        effects.send_all(*own_->certificate);
}

Dispersal Machine::own_dispersal() const {
    return config_.coder->disperse(place_of(config_.self.index, own_->header.height),
                                   own_->header.da.mode, own_->bytes);
}

/// To everyone who has not acknowledged.
void Machine::say_fragments(const Dispersal& dispersal, Effects& effects) {
    for (uint32_t i = 0; i < count_; ++i) {
        const Participant to{uint8_t(i)};
        if (to == config_.self.index || !config_.self.set->has(to) ||
            own_->acknowledgements.contains(to))
            continue;
        const Participant holder = config_.coder->holder_of(own_->header.da.epoch, to);
        effects.send(to, own_->fragment_for(dispersal, holder));
    }
}

/// Others know of the own lane what the own journal does not: it was lost or restored, and whoever
/// forgot what it signed may sign nothing (docs/protocol.md, section 5).
void Machine::notice_lost_journal() {
    const Lane& lane = own_lane();
    if (!epoch_begun_) return;  // What is known of the lane is of an earlier epoch.
    LaneHeight known = lane.cut().height;
    if (const auto* newest = lane.newest_certificate()) known = std::max(known, newest->height);
    const bool other_batch =
        own_ && own_->header.height == lane.cut().height && own_->hash != lane.cut().header;
    if (known <= own_height() && !other_batch) return;
    counted_.own_lane_unknown = true;
    fragments_.stop();
    certificates_.stop();
}

void Machine::recover_own(const model::OwnBatchRecord& record) {
    if (record.header.lane != config_.self.index) return;
    OwnBatch next;
    next.header = record.header;
    next.hash = record.header.hash();
    next.author = record.author;
    next.bytes = record.bytes;
    if (own_ && own_->hash == record.header.parent) {
        next.parent = own_->header;
    } else if (own_tip_ && own_tip_->hash() == record.header.parent) {
        next.parent = own_tip_;
    }
    own_ = std::move(next);
}

}  // namespace tally::availability
