#include "availability/machine.hpp"

#include <algorithm>

namespace tally::availability {
namespace {

/// Certificates kept of a lane beyond those its window has room for.
constexpr size_t certificates_spare = 8;

}  // namespace

Machine::Machine(Config config)
    : config_(std::move(config)),
      count_(std::max<uint32_t>(config_.self.set->places(), config_.self.index.value + 1u)),
      quorum_(config_.self.set->quorum()),
      asker_(asker_among(*config_.self.set, config_.self.index)),
      lanes_(count_),
      epoch_begun_(config_.self.set->epoch.value == 0),
      answers_(count_, Allowance(answers_to_a_peer)) {
    if (!config_.coder)
        config_.coder = std::make_shared<const Coder>(count_, std::vector<model::Forwarding>());
    begun_at_.resize(count_);
}

void Machine::begin_epoch(const model::Cut& last, std::optional<model::BatchHeader> own_tip) {
    ENSURE(!epoch_begun_ && last.size() <= count_);
    const auto& own_entry = model::tip_of(last, config_.self.index);
    ENSURE(!own_tip || own_entry.height.value > 0);
    epoch_begun_ = true;
    begun_at_ = model::padded(last, count_);
    own_tip_ = std::move(own_tip);
    if (own_ && own_->header.parent == own_entry.header) own_->parent = own_tip_;
}

void Machine::resume_from(const model::Cut& executed, std::span<const uint64_t> total_bytes) {
    for (size_t i = 0; i < std::min(executed.size(), lanes_.size()); ++i)
        lanes_[i].resume_from(executed[i], i < total_bytes.size() ? total_bytes[i] : 0);
}

Machine::Recovered Machine::recover(const model::Record& record) {
    ENSURE(!started_);
    if (const auto* own = std::get_if<model::OwnBatchRecord>(&record)) {
        recover_own(*own);
        return recover_own_batch(*own);
    }
    if (const auto* cells = std::get_if<model::CellsRecord>(&record)) {
        const auto& header = cells->fragment.header;
        if (header.lane.value >= count_) return {};
        Lane& lane = lanes_[header.lane.value];
        lane.acknowledge(cells->acknowledgement);
        if (header.previous)
            lane.hold_certificate(*header.previous,
                                  config_.parameters.window_batches + certificates_spare);
        if (header.lane == config_.self.index) return {};  // See OwnBatchRecord.
        return recover_cells(header, cells->fragment.cells);
    }
    if (const auto* certificate = std::get_if<model::LaneCertificate>(&record)) {
        if (certificate->lane.value >= count_) return {};
        lanes_[certificate->lane.value].hold_certificate(
            *certificate, config_.parameters.window_batches + certificates_spare);
        if (own_ && certificate->lane == config_.self.index && certificate->header == own_->hash)
            own_->certificate = *certificate;
    }
    if (const auto* decision = std::get_if<model::Decision>(&record)) {
        take_decision(*decision);
    }
    return {};
}

/// Whether a batch that the journal has is of use.
bool Machine::is_wanted(const model::BatchHeader& header) const {
    return header.lane.value < count_ && header.height > lanes_[header.lane.value].held_through() &&
           config_.coder->parameters_follow(place_of(header.lane, header.height), header.da);
}

Machine::Recovered Machine::recover_own_batch(const model::OwnBatchRecord& record) {
    if (!is_wanted(record.header)) return {};
    Recovered out{config_.coder->rebuild(record.header, record.bytes), {}};
    if (!out.batch) return out;
    lanes_[record.header.lane.value].hold(record.header, out.batch->header_hash);
    if (config_.coder->shape_of(record.header.da).is_coded())
        out.cells = {record.header, *config_.coder->cells_of(*out.batch, config_.self.index)};
    return out;
}

Machine::Recovered Machine::recover_cells(const model::BatchHeader& header,
                                          const model::CellSet& cells) {
    if (!is_wanted(header) || !config_.coder->cells_verify(header.da, config_.self.index, cells))
        return {};
    Lane& lane = lanes_[header.lane.value];
    if (!config_.coder->shape_of(header.da).is_coded()) {
        Recovered out{config_.coder->batch_of(header, {cells}), {}};
        lane.hold(header, out.batch->header_hash);
        return out;
    }
    lane.see(header, header.hash());
    return {nullptr, model::BatchCells{header, cells}};
}

void Machine::start(model::Now now, Effects& effects) {
    started_ = true;
    for (Lane& lane : lanes_) {
        for (const auto& [height, certificate] : lane.certificates()) {
            if (height > lane.cut().height) effects.output(Certified{certificate});
        }
        refresh_fetches(lane, now);
    }
    notice_lost_journal();
    speak_of_own(now, effects);
}

void Machine::set_signer(const Signer* signer, model::Now now, Effects& effects) {
    config_.self.signer = signer;
    fragments_.stop();
    certificates_.stop();
    if (!started_) return;
    speak_of_own(now, effects);
    form_batches(now, effects);
}

void Machine::on_message(Participant from, const model::Message& message, model::Now now,
                         Effects& effects) {
    if (from.value >= count_ || from == config_.self.index) return;
    if (const auto* fragment = std::get_if<model::Fragment>(&message)) {
        on_fragment(from, *fragment, now, effects);
    } else if (const auto* acknowledgement =
                   std::get_if<model::Signed<model::Acknowledgement>>(&message)) {
        on_acknowledgement(from, *acknowledgement, now, effects);
    } else if (const auto* certificate = std::get_if<model::LaneCertificate>(&message)) {
        on_certificate(from, *certificate, now, effects);
    } else if (const auto* wake = std::get_if<model::Wake>(&message)) {
        if (const auto* work = std::get_if<model::LaneCertificate>(&wake->work))
            on_certificate(from, *work, now, effects);
    } else if (const auto* cells = std::get_if<model::BatchCells>(&message)) {
        on_cells(from, *cells, now, effects);
    } else if (const auto* body = std::get_if<model::BatchBody>(&message)) {
        on_body(from, *body, now, effects);
    } else if (const auto* request = std::get_if<model::FetchLaneCertificate>(&message)) {
        const auto* held = this->certificate(request->lane, request->height);
        if (held == nullptr) return;
        if (!answers_[from.value].take_answer(now.monotonic_us))
            return refuse(Refusal::asks_too_often, from);
        answers_[from.value].take_bytes(cbor::encode(*held).size());
        effects.send(from, *held);
    }
}

Place Machine::place_of(Participant lane, LaneHeight height) const {
    return {config_.self.set->epoch, lane, height};
}

/// Equal to one that is held, which was checked; or every signature verifies.
bool Machine::is_certified(const model::LaneCertificate& certificate) const {
    const auto* held = lanes_[certificate.lane.value].certificate(certificate.height);
    return (held != nullptr && *held == certificate) ||
           model::check_lane_certificate(*config_.self.set, *config_.self.verifier, certificate);
}

/// The prefix: by induction Certificate(h−1) vouches for it, so a laggard may skip heights. That of
/// an epoch's first batch is decided, and needs nothing to vouch for it.
std::optional<Refusal> Machine::objection_to_prefix(const model::Fragment& fragment,
                                                    uint64_t& bytes_before) const {
    const auto& header = fragment.header;
    const auto& begun_at = begun_at_[header.lane.value];
    const auto& parent = fragment.parent;
    const auto& previous = header.previous;
    const bool is_first = header.height == begun_at.height.next();
    if (header.height <= begun_at.height || (is_first && header.parent != begun_at.header))
        return Refusal::bad_parent;
    if (header.height.value == 1) {
        if (parent) return Refusal::bad_parent;
    } else {
        if (!parent || parent->lane != header.lane || parent->height.next() != header.height ||
            parent->hash() != header.parent)
            return Refusal::bad_parent;
        bytes_before = parent->total_bytes;
    }
    if (previous.has_value() == is_first) return Refusal::bad_certificate;
    if (previous && (previous->lane != header.lane || previous->height.next() != header.height ||
                     previous->header != header.parent))
        return Refusal::bad_certificate;
    return {};
}

/// Why this Fragment may not be acknowledged, or nothing. Cheap reasons first.
std::optional<Refusal> Machine::objection(const model::Fragment& fragment, const Hash& hash) const {
    const auto& header = fragment.header;
    const Lane& lane = lanes_[header.lane.value];
    if (header.height <= lane.cut().height) return Refusal::stale;
    if (lane.acknowledged() && header.height <= lane.acknowledged()->body.height)
        return header.height == lane.acknowledged()->body.height ? Refusal::forked : Refusal::stale;
    if (!config_.coder->parameters_follow(place_of(header.lane, header.height), header.da))
        return Refusal::bad_parameters;

    uint64_t bytes_before = 0;
    if (const auto refusal = objection_to_prefix(fragment, bytes_before)) return refusal;
    if (header.total_bytes < bytes_before || header.total_bytes - bytes_before != header.da.length)
        return Refusal::bad_parent;

    const bool follows_cut = header.parent == lane.cut().header;
    const uint64_t decided_bytes =
        follows_cut ? std::max(bytes_before, lane.decided_bytes()) : lane.decided_bytes();
    if (header.height.value - lane.window_from().value > config_.parameters.window_batches ||
        header.total_bytes > decided_bytes + config_.parameters.window_bytes)
        return Refusal::window_full;

    const model::BatchClaim claim{header.lane, header.height, hash};
    if (!model::check_signature(*config_.self.set, *config_.self.verifier, claim, header.lane,
                                fragment.author))
        return Refusal::bad_signature;
    if (header.previous && !is_certified(*header.previous)) return Refusal::bad_certificate;
    if (const auto* held = lane.certificate(header.height); held && held->header != hash)
        return Refusal::forked;
    if (!config_.coder->cells_verify(header.da, config_.self.index, fragment.cells))
        return Refusal::bad_cell;
    return {};
}

void Machine::on_fragment(Participant from, const model::Fragment& fragment, model::Now now,
                          Effects& effects) {
    const auto& header = fragment.header;
    if (header.lane.value >= count_) return refuse(Refusal::unknown_lane, from);
    if (header.lane != from) return refuse(Refusal::not_the_author, from);
    Lane& lane = lanes_[header.lane.value];
    const Hash hash = header.hash();
    if (const auto& stored = lane.acknowledged(); may_sign() && stored &&
                                                  stored->body.height == header.height &&
                                                  stored->body.header == hash) {
        effects.send(from, *stored);
        return;
    }
    if (!may_sign()) {
        // Who cannot acknowledge learns of the batch once it is certified.
        if (header.previous) on_certificate(from, *header.previous, now, effects);
        return;
    }
    if (const auto why = objection(fragment, hash)) {
        refuse(*why, from);
        // An honest author may be refused for what only this participant does not know yet; what
        // it says of the batch before is news all the same.
        const bool may_be_honest = *why == Refusal::window_full || *why == Refusal::forked;
        if (may_be_honest && header.previous) on_certificate(from, *header.previous, now, effects);
        return;
    }

    const auto acknowledgement = acknowledge(header.lane, header.height, hash, now);
    effects.save(model::CellsRecord{fragment, acknowledgement});
    if (header.previous) hold_certificate(*header.previous, false, effects);
    keep_cells(header, fragment.cells, effects);
    // Cells that nobody waits for are in the database alone.
    const bool is_coded = config_.coder->shape_of(header.da).is_coded();
    if (is_coded && !lane.fetches().contains({header.height, hash})) {
        lane.see(header, hash);
    } else {
        gather(header, fragment.cells, effects);
    }
    effects.send(from, acknowledgement);
    fetch(header.lane, now, effects);
}

model::Signed<model::Acknowledgement> Machine::acknowledge(Participant lane, LaneHeight height,
                                                           const Hash& header, model::Now now) {
    const auto& last = lanes_[lane.value].acknowledged();
    ENSURE(!last || last->body.height < height);
    const Micros clock{now.wall.value - std::min(now.wall.value, config_.canaries.backdates_us)};
    const Micros time = last ? std::max(clock, last->body.time.next()) : clock;
    auto acknowledgement = model::sign(*config_.self.set, config_.self.index, *config_.self.signer,
                                       model::Acknowledgement{lane, height, header, time});
    lanes_[lane.value].acknowledge(acknowledgement);
    ++counted_.acknowledgements_signed;
    return acknowledgement;
}

void Machine::on_certificate(Participant from, const model::LaneCertificate& certificate,
                             model::Now now, Effects& effects) {
    if (certificate.lane.value >= count_) return refuse(Refusal::unknown_lane, from);
    if (own_ && own_->hash == certificate.header && !own_->certificate) {
        if (!is_certified(certificate)) return refuse(Refusal::bad_certificate, from);
        own_->certificate = certificate;
        fragments_.stop();
    }
    Lane& lane = lanes_[certificate.lane.value];
    if (certificate.height <= lane.cut().height) return;
    const auto* held = lane.certificate(certificate.height);
    if (held != nullptr && held->header == certificate.header) return;
    if (!is_certified(certificate)) return refuse(Refusal::bad_certificate, from);
    // Two quorums for two headers at one place: more than f lie. What is decided will tell.
    if (held != nullptr) return refuse(Refusal::forked, from);
    hold_certificate(certificate, true, effects);
    fetch(certificate.lane, now, effects);
    if (certificate.lane != config_.self.index) return;
    notice_lost_journal();
    form_batches(now, effects);
}

void Machine::hold(std::shared_ptr<const HeldBatch> batch, Effects& effects) {
    lanes_[batch->header.lane.value].hold(batch->header, batch->header_hash);
    if (batch->is_void) ++counted_.void_batches;
    effects.output(BatchHeld{std::move(batch)});
}

/// `save`: false when a record that holds it is being saved anyway. It must be durable before a
/// Report names its height: at least one honest reporter can then serve it.
void Machine::hold_certificate(const model::LaneCertificate& certificate, bool save,
                               Effects& effects) {
    Lane& lane = lanes_[certificate.lane.value];
    if (!lane.hold_certificate(certificate, config_.parameters.window_batches + certificates_spare))
        return;
    ++counted_.certificates_held;
    if (save) effects.save(certificate);
    effects.output(Certified{certificate});
}

void Machine::take_decision(const model::Decision& decision) {
    const model::Cut& cut = decision.block.cut;
    const Micros time = decision.block.time;
    // An epoch's last block executes all that was held.
    const bool is_released =
        decision.block.ends_epoch() ||
        config_.self.set_at(decision.block.slot).epoch != config_.self.set->epoch;
    const Micros until{time.value + (is_released ? 0 : config_.parameters.hold_us)};
    for (size_t i = 0; i < std::min(cut.size(), lanes_.size()); ++i) {
        lanes_[i].hold_back(cut[i], time, until);
        lanes_[i].decide(cut[i]);
    }
    for (const auto& certificate : decision.certificates) {
        if (certificate.lane.value < count_)
            lanes_[certificate.lane.value].hold_decided_certificate(certificate);
        if (own_ && certificate.lane == config_.self.index && certificate.header == own_->hash) {
            own_->certificate = certificate;
            fragments_.stop();
        }
    }
}

void Machine::on_decided(const model::Decision& decision, model::Now now, Effects& effects) {
    take_decision(decision);
    for (size_t i = 0; i < lanes_.size(); ++i) fetch(Participant{uint8_t(i)}, now, effects);
    if (own_ && own_->header.height <= own_lane().cut().height) certificates_.stop();
    notice_lost_journal();
    form_batches(now, effects);
}

void Machine::set_fetching(bool wanted, model::Now now, Effects& effects) {
    fetching_ = wanted;
    for (size_t i = 0; i < lanes_.size(); ++i) fetch(Participant{uint8_t(i)}, now, effects);
}

void Machine::skip_to(const model::Cut& executed, std::span<const uint64_t> total_bytes) {
    for (size_t i = 0; i < std::min(executed.size(), lanes_.size()); ++i)
        lanes_[i].skip_to(executed[i], i < total_bytes.size() ? total_bytes[i] : 0);
}

void Machine::on_tick(model::Now now, Effects& effects) {
    form_batches(now, effects);
    say_again(now, effects);
    for (size_t i = 0; i < lanes_.size(); ++i)
        ask_for_missing(lanes_[i], Participant{uint8_t(i)}, now, effects);
}

uint64_t Machine::next_wakeup_us() const {
    uint64_t at_us = std::min({form_at_us(), fragments_.at_us(), certificates_.at_us()});
    if (!fetching_) return at_us;
    for (const Lane& lane : lanes_) {
        for (const auto& [place, fetch] : lane.fetches()) at_us = std::min(at_us, fetch.ask_at_us);
    }
    return at_us;
}

const model::LaneCertificate* Machine::certificate(Participant lane, LaneHeight height) const {
    return lane.value < count_ ? lanes_[lane.value].certificate(height) : nullptr;
}

LaneHeight Machine::decided_through(Participant lane) const {
    return lane.value < count_ ? lanes_[lane.value].cut().height : LaneHeight{};
}

LaneHeight Machine::held_through(Participant lane) const {
    return lane.value < count_ ? lanes_[lane.value].held_through() : LaneHeight{};
}

Machine::Status Machine::status() const {
    Status status = counted_;
    if (own_) {
        status.own_height = own_->header.height;
        status.own_certified =
            own_->certificate ? own_->header.height : LaneHeight{own_->header.height.value - 1};
    }
    status.waiting_envelopes = waiting_.count();
    status.waiting_bytes = waiting_.bytes();
    for (const Lane& lane : lanes_) status.fetching += lane.fetches().size();
    return status;
}

}  // namespace tally::availability
