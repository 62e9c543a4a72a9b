#include "ordering/machine.hpp"

#include "ordering/core.hpp"
#include "ordering/next_epoch.hpp"

namespace tally::ordering {

Machine::Machine(Config config) : core_(std::make_unique<Core>(std::move(config))) {}
Machine::~Machine() = default;
Machine::Machine(Machine&&) noexcept = default;
Machine& Machine::operator=(Machine&&) noexcept = default;
Machine::Machine(const Machine& other) : core_(std::make_unique<Core>(*other.core_)) {}

void Machine::recover(const model::Record& record) {
    ENSURE(!core_->started);
    core_->recover(record);
}

void Machine::resume_from(const model::Decision& last, const DecidedDisputes& disputes) {
    ENSURE(!core_->started);
    core_->resume_from(last, disputes);
}

void Machine::start(model::Now now, Effects& effects) {
    ENSURE(!core_->started);
    core_->run(now, effects, [&] { core_->start(); });
}

void Machine::set_signer(const Signer* signer, model::Now now, Effects& effects) {
    core_->run(now, effects, [&] { core_->set_signer(signer); });
}

void Machine::on_message(Participant from, const model::Message& message, model::Now now,
                         Effects& effects) {
    core_->run(now, effects, [&] { core_->dispatch(from, message); });
}

void Machine::on_tick(model::Now now, Effects& effects) {
    core_->run(now, effects, [] {});
}

void Machine::on_lane_certificate(const model::LaneCertificate& certificate, model::Now now,
                                  Effects& effects) {
    core_->run(now, effects, [&] {
        const auto& tip = model::tip_of(core_->chain.last.cut, certificate.lane);
        if (certificate.height > tip.height) core_->holdings.add(certificate);
    });
}

void Machine::on_block_certificate(const model::BlockCertificate& certificate, model::Now now,
                                   Effects& effects) {
    core_->run(now, effects, [&] {
        const auto& carried = core_->chain.last.highest_carried;
        if (certificate.ledger.value < carried.size() &&
            certificate.height > carried[certificate.ledger.value])
            core_->holdings.add(certificate);
    });
}

void Machine::on_dispute(const model::Signed<model::Dispute>& dispute, model::Now now,
                         Effects& effects) {
    core_->run(now, effects, [&] { core_->holdings.add(dispute); });
}

Result<void> Machine::on_proposal(const model::VotedProposal& voted, model::Now now,
                                  Effects& effects) {
    Result<void> taken = success();
    core_->run(now, effects, [&] { taken = core_->take_proposal(voted); });
    return taken;
}

bool Machine::on_ready(const model::Ready& ready, model::Now now, Effects& effects) {
    bool taken = false;
    core_->run(now, effects, [&] { taken = core_->take_ready(ready); });
    return taken;
}

void Machine::want_slot_at(Micros time, model::Now now, Effects& effects) {
    core_->run(now, effects, [&] {
        core_->wanted_at.reset();
        if (time > core_->chain.last.time) core_->wanted_at = time;
    });
}

void Machine::on_decision(const model::Decision& decision, model::Now now, Effects& effects) {
    core_->run(now, effects, [&] { core_->catch_up(decision); });
}

uint64_t Machine::next_wakeup_us() const {
    return core_->next_wakeup_us();
}

Slot Machine::slot() const {
    return core_->current();
}

View Machine::view() const {
    return core_->slot.view;
}

const model::Block* Machine::last_block() const {
    return core_->chain.last.slot.value == 0 ? nullptr : &core_->chain.last;
}

const model::NextEpoch* Machine::next_epoch() const {
    return decided_next(core_->rules(), core_->chain);
}

const model::EpochProposal* Machine::proposal() const {
    return core_->chain.proposal ? &*core_->chain.proposal : nullptr;
}

bool Machine::ended() const {
    return core_->ended();
}

const DecidedDisputes& Machine::decided_disputes() const {
    return core_->chain.disputes;
}

std::optional<Slot> Machine::decided_elsewhere() const {
    if (core_->decided_elsewhere) return core_->decided_elsewhere;
    if (core_->slot.commit_qc) return core_->current();
    return std::nullopt;
}

const std::map<std::string, uint64_t>& Machine::counters() const {
    return core_->counters;
}

}  // namespace tally::ordering
