#include "proving/machine.hpp"

#include <algorithm>

namespace tally::proving {
namespace {

constexpr uint64_t say_after_us = 500'000;
constexpr uint64_t say_after_us_max = 10'000'000;
/// Certificates of carried heights that others may still ask for.
constexpr size_t carried_certificates_kept = 64;
/// Heights kept of a ledger whose certificates are never carried.
constexpr size_t heights_max = 4'096;

}  // namespace

Machine::Machine(Config config)
    : config_(std::move(config)), ledgers_(config_.charter->ledgers.size()) {}

const cbor::List<Participant, limits::participants_max>& Machine::provers_of(
    LedgerIndex ledger) const {
    return config_.charter->ledgers[ledger.value].provers;
}

bool Machine::is_prover(LedgerIndex ledger, Participant participant) const {
    const auto& provers = provers_of(ledger);
    return std::binary_search(provers.begin(), provers.end(), participant);
}

void Machine::resume_from(const model::Block& last) {
    Effects untold;
    take_block(last, untold);
}

void Machine::recover(const model::Record& record) {
    Effects untold;
    if (const auto* own = std::get_if<model::Signed<model::Attestation>>(&record)) {
        if (own->body.ledger.value >= ledgers_.size()) return;
        LedgerProof& proof = ledgers_[own->body.ledger.value];
        if (own->body.height > proof.carried)
            proof.heights[own->body.height].attestations.try_emplace(own->signer, *own);
    } else if (const auto* certificate = std::get_if<model::BlockCertificate>(&record)) {
        if (certificate->ledger.value < ledgers_.size()) hold(*certificate, untold);
    } else if (const auto* dispute = std::get_if<model::Signed<model::Dispute>>(&record)) {
        if (dispute->body.ledger.value >= ledgers_.size()) return;
        LedgerProof& proof = ledgers_[dispute->body.ledger.value];
        proof.dispute = *dispute;
        proof.disputed = dispute->body.height;
    } else if (const auto* decision = std::get_if<model::Decision>(&record)) {
        take_block(decision->block, untold);
    }
}

void Machine::start(model::Now now, Effects& effects) {
    for (LedgerProof& proof : ledgers_) {
        for (const auto& [height, certificate] : proof.certificates) {
            if (height > proof.carried) effects.output(BlockCertified{certificate});
        }
        if (proof.dispute) effects.output(Disputed{*proof.dispute});
        proof.say_after_us = say_after_us;
        proof.say_at_us = now.monotonic_us;
    }
    on_tick(now, effects);
}

void Machine::set_signer(const Signer* signer, model::Now now, Effects& effects) {
    config_.self.signer = signer;
    if (signer == nullptr) return;
    for (size_t i = 0; i < ledgers_.size(); ++i) {
        LedgerProof& proof = ledgers_[i];
        proof.say_after_us = say_after_us;
        proof.say_at_us = now.monotonic_us;
        if (proof.diverged && proof.diverged->own)
            dispute(LedgerIndex{uint16_t(i)}, proof.diverged->height, *proof.diverged->own,
                    effects);
    }
}

// --- own results ---

void Machine::on_stored(LedgerIndex ledger, Height executed, const std::optional<Hash>& own,
                        const std::optional<model::BlockCertificate>& certificate,
                        Effects& effects) {
    ENSURE(ledger.value < ledgers_.size());
    LedgerProof& proof = ledgers_[ledger.value];
    if (own && certificate) {
        if (certificate->height > proof.carried) {
            // The database may have kept what the journal lost.
            if (!proof.certificates.contains(certificate->height)) effects.save(*certificate);
            hold(*certificate, effects);
        } else {
            proof.certificates.try_emplace(certificate->height, *certificate);
        }
        compare(ledger, certificate->height, *own, effects);
    }
    // It was being executed again and has not come back to where it disputed.
    if (!proof.diverged && executed < proof.disputed) proof.diverged = {proof.disputed, {}};
}

void Machine::on_executed(LedgerIndex ledger, const model::LedgerHeader& header,
                          const Hash& execution_digest, model::Now now, Effects& effects) {
    ENSURE(ledger.value < ledgers_.size() && header.ledger == ledger);
    LedgerProof& proof = ledgers_[ledger.value];
    const Hash hash = header.hash();
    proof.executed = header.height;
    // It may be executed again, from below.
    proof.agreed = std::min(proof.agreed, Height{header.height.value - 1});
    compare(ledger, header.height, hash, effects);
    if (header.height <= proof.carried) return;
    proof.heights[header.height].own = hash;
    // Never this one: others may have filled the window above it.
    if (proof.heights.size() > heights_max && proof.heights.begin()->first < header.height) {
        // With what was attested there, if it was: executed again, it is not to be signed anew.
        proof.forgotten = std::max(proof.forgotten, proof.heights.begin()->first);
        proof.heights.erase(proof.heights.begin());
    }
    if (is_prover(ledger, config_.self.index) && !proof.diverged)
        attest(ledger, header.height, hash, execution_digest, now, effects);
    certify(ledger, header.height, effects);
    keep_saying(now);
}

void Machine::attest(LedgerIndex ledger, Height height, const Hash& header,
                     const Hash& execution_digest, model::Now now, Effects& effects) {
    if (config_.self.signer == nullptr) return;
    LedgerProof& proof = ledgers_[ledger.value];
    if (height <= proof.forgotten) return;
    auto& attestations = proof.heights[height].attestations;
    // Attested before, in this life or an earlier one: whatever the result is now, nothing else is
    // ever signed at this place.
    if (attestations.contains(config_.self.index)) return;
    const model::Attestation body{
        ledger, height, 0, header,
        model::attestation_tag(ledger, height, config_.self.index, execution_digest)};
    const auto attestation =
        model::sign(*config_.self.set, config_.self.index, *config_.self.signer, body);
    attestations.emplace(config_.self.index, attestation);
    effects.save(attestation);
    effects.send_all(attestation);
    proof.say_after_us = say_after_us;
    proof.say_at_us = now.monotonic_us + say_after_us;
}

/// Own result against the certificate of the same height, if there is one.
void Machine::compare(LedgerIndex ledger, Height height, const Hash& own, Effects& effects) {
    LedgerProof& proof = ledgers_[ledger.value];
    const auto certificate = proof.certificates.find(height);
    if (certificate == proof.certificates.end()) return;
    if (certificate->second.header == own) {
        proof.agreed = std::max(proof.agreed, height);
        if (proof.diverged && height >= proof.diverged->height) proof.diverged.reset();
        return;
    }
    proof.agreed = std::min(proof.agreed, Height{height.value - 1});
    if (proof.diverged) return;
    proof.diverged = {height, own};
    dispute(ledger, height, own, effects);
    effects.output(Diverged{ledger, height});
}

void Machine::dispute(LedgerIndex ledger, Height height, const Hash& own, Effects& effects) {
    LedgerProof& proof = ledgers_[ledger.value];
    if (config_.self.signer == nullptr || !is_prover(ledger, config_.self.index) ||
        height <= proof.disputed)
        return;
    const auto dispute = model::sign(*config_.self.set, config_.self.index, *config_.self.signer,
                                     model::Dispute{ledger, height, own});
    proof.dispute = dispute;
    proof.disputed = height;
    effects.save(dispute);
    effects.send_all(dispute);
    effects.output(Disputed{dispute});
}

// --- what others say ---

void Machine::on_message(Participant from, const model::Message& message, model::Now now,
                         Effects& effects) {
    if (from == config_.self.index || !config_.self.set->has(from)) return;
    if (const auto* attestation = std::get_if<model::Signed<model::Attestation>>(&message)) {
        on_attestation(from, *attestation, effects);
    } else if (const auto* certificate = std::get_if<model::BlockCertificate>(&message)) {
        on_certificate(from, *certificate, effects);
    } else if (const auto* dispute = std::get_if<model::Signed<model::Dispute>>(&message)) {
        on_dispute(from, *dispute, effects);
    } else if (const auto* wake = std::get_if<model::Wake>(&message)) {
        if (const auto* work = std::get_if<model::BlockCertificate>(&wake->work))
            on_certificate(from, *work, effects);
        if (const auto* work = std::get_if<model::Signed<model::Dispute>>(&wake->work))
            on_dispute(from, *work, effects);
    }
    keep_saying(now);
}

/// Honest provers are never further ahead: a ledger pauses when too little is carried.
bool Machine::in_window(const LedgerProof& proof, Height height) const {
    const uint64_t known = std::max(proof.executed.value, proof.carried.value);
    return height.value <= known + 2 * config_.charter->parameters.pause_after_blocks;
}

void Machine::on_attestation(Participant from, const model::Signed<model::Attestation>& attestation,
                             Effects& effects) {
    const auto& body = attestation.body;
    if (body.ledger.value >= ledgers_.size()) return refuse(Refusal::unknown_ledger, from);
    if (attestation.signer != from || !is_prover(body.ledger, from))
        return refuse(Refusal::not_a_prover, from);
    LedgerProof& proof = ledgers_[body.ledger.value];
    if (body.height <= proof.carried) return;  // Late, and harmless.
    if (!in_window(proof, body.height) || body.attempt != 0)
        return refuse(Refusal::out_of_window, from);
    const auto known = proof.heights.find(body.height);
    const model::Signed<model::Attestation>* first = nullptr;
    if (known != proof.heights.end()) {
        const auto found = known->second.attestations.find(from);
        if (found != known->second.attestations.end()) first = &found->second;
    }
    if (first != nullptr && first->body == body) return;
    if (!model::check_signed(*config_.self.set, *config_.self.verifier, attestation))
        return refuse(Refusal::bad_signature, from);
    if (first != nullptr) {
        proof.equivocations.try_emplace(from, Equivocation{*first, attestation});
        return refuse(Refusal::equivocation, from);
    }
    proof.heights[body.height].attestations.emplace(from, attestation);
    certify(body.ledger, body.height, effects);
}

/// Makes a certificate as soon as more than half of the provers attest one header.
void Machine::certify(LedgerIndex ledger, Height height, Effects& effects) {
    LedgerProof& proof = ledgers_[ledger.value];
    const auto at = proof.heights.find(height);
    if (at == proof.heights.end() || proof.certificates.contains(height)) return;
    const auto& provers = provers_of(ledger);
    std::map<Hash, model::BlockCertificate> by_header;
    for (const auto& [signer, attestation] : at->second.attestations) {
        auto& candidate = by_header[attestation.body.header];
        candidate.parts.push_back({signer, attestation.body.tag, attestation.signature});
        if (candidate.parts.size() < majority_of(uint32_t(provers.size()))) continue;
        candidate.ledger = ledger;
        candidate.height = height;
        candidate.header = attestation.body.header;
        const model::BlockCertificate certificate = candidate;
        effects.save(certificate);
        hold(certificate, effects);
        // Everyone hears the attestations; one prover, another at each height, also says the sum.
        if (provers[height.value % provers.size()] == config_.self.index)
            effects.send_all(certificate);
        return;
    }
}

void Machine::on_certificate(Participant from, const model::BlockCertificate& certificate,
                             Effects& effects) {
    if (certificate.ledger.value >= ledgers_.size()) return refuse(Refusal::unknown_ledger, from);
    LedgerProof& proof = ledgers_[certificate.ledger.value];
    if (certificate.height <= proof.carried || proof.certificates.contains(certificate.height))
        return;
    if (!in_window(proof, certificate.height)) return refuse(Refusal::out_of_window, from);
    if (!model::check_block_certificate(*config_.self.set, *config_.self.verifier,
                                        provers_of(certificate.ledger), certificate))
        return refuse(Refusal::bad_certificate, from);
    effects.save(certificate);
    hold(certificate, effects);
}

void Machine::hold(const model::BlockCertificate& certificate, Effects& effects) {
    LedgerProof& proof = ledgers_[certificate.ledger.value];
    if (!proof.certificates.try_emplace(certificate.height, certificate).second) return;
    if (proof.certificates.size() > heights_max)
        proof.certificates.erase(proof.certificates.begin());
    effects.output(BlockCertified{certificate});
    const auto height = proof.heights.find(certificate.height);
    if (height != proof.heights.end() && height->second.own)
        compare(certificate.ledger, certificate.height, *height->second.own, effects);
}

void Machine::on_dispute(Participant from, const model::Signed<model::Dispute>& dispute,
                         Effects& effects) {
    const auto& body = dispute.body;
    if (body.ledger.value >= ledgers_.size()) return refuse(Refusal::unknown_ledger, from);
    if (!is_prover(body.ledger, dispute.signer)) return refuse(Refusal::not_a_prover, from);
    LedgerProof& proof = ledgers_[body.ledger.value];
    const auto heard = proof.disputed_by.find(dispute.signer);
    if (dispute.signer == config_.self.index ||
        (heard != proof.disputed_by.end() && heard->second >= body.height))
        return;
    if (!in_window(proof, body.height)) return refuse(Refusal::out_of_window, from);
    if (!model::check_signed(*config_.self.set, *config_.self.verifier, dispute))
        return refuse(Refusal::bad_signature, from);
    proof.disputed_by[dispute.signer] = body.height;
    effects.output(Disputed{dispute});
}

// --- what is decided ---

void Machine::on_decided(const model::Block& block, model::Now now, Effects& effects) {
    take_block(block, effects);
    keep_saying(now);
}

void Machine::take_block(const model::Block& block, Effects& effects) {
    // Voters have checked what a block carries.
    for (const auto& certificate : block.carried) {
        if (certificate.ledger.value < ledgers_.size()) hold(certificate, effects);
    }
    for (const auto& dispute : block.control) {
        if (dispute.body.ledger.value >= ledgers_.size()) continue;
        auto& own = ledgers_[dispute.body.ledger.value].dispute;
        if (own && dispute.signer == config_.self.index && own->body.height <= dispute.body.height)
            own.reset();
    }
    for (size_t i = 0; i < std::min(ledgers_.size(), block.highest_carried.size()); ++i) {
        LedgerProof& proof = ledgers_[i];
        if (block.highest_carried[i] <= proof.carried) continue;
        proof.carried = block.highest_carried[i];
        proof.heights.erase(proof.heights.begin(), proof.heights.upper_bound(proof.carried));
        // The certificate that the own result contradicts is kept: agreeing with it ends the
        // divergence.
        auto old = proof.certificates.begin();
        auto kept = size_t(std::distance(old, proof.certificates.upper_bound(proof.carried)));
        while (kept-- > carried_certificates_kept)
            old = proof.diverged && old->first == proof.diverged->height
                      ? std::next(old)
                      : proof.certificates.erase(old);
    }
}

// --- saying it again ---

/// Ledgers that fell silent and now have a certificate or a Dispute to tell.
void Machine::keep_saying(model::Now now) {
    for (LedgerProof& proof : ledgers_) {
        const bool certified =
            !proof.certificates.empty() && proof.certificates.rbegin()->first > proof.carried;
        if (proof.say_at_us != UINT64_MAX || (!certified && !proof.dispute)) continue;
        proof.say_after_us = say_after_us;
        proof.say_at_us = now.monotonic_us + say_after_us;
    }
}

void Machine::on_tick(model::Now now, Effects& effects) {
    for (size_t i = 0; i < ledgers_.size(); ++i) {
        LedgerProof& proof = ledgers_[i];
        if (now.monotonic_us < proof.say_at_us) continue;
        const size_t said = effects.list.size();
        say_again(LedgerIndex{uint16_t(i)}, effects);
        if (effects.list.size() == said) {
            proof.say_at_us = UINT64_MAX;  // Until there is something to say.
            continue;
        }
        proof.say_at_us = now.monotonic_us + proof.say_after_us;
        proof.say_after_us = std::min(2 * proof.say_after_us, say_after_us_max);
    }
}

/// Until carried: the own attestations, and the newest certificate; until decided: the own Dispute.
void Machine::say_again(LedgerIndex ledger, Effects& effects) {
    const LedgerProof& proof = ledgers_[ledger.value];
    const bool may_sign = config_.self.signer != nullptr;
    for (const auto& [height, at] : proof.heights) {
        if (!may_sign) break;
        const auto own = at.attestations.find(config_.self.index);
        if (own != at.attestations.end()) effects.send_all(own->second);
    }
    if (!proof.certificates.empty() && proof.certificates.rbegin()->first > proof.carried)
        effects.send_all(proof.certificates.rbegin()->second);
    if (proof.dispute && may_sign) effects.send_all(*proof.dispute);
}

uint64_t Machine::next_wakeup_us() const {
    uint64_t at_us = UINT64_MAX;
    for (const LedgerProof& proof : ledgers_) at_us = std::min(at_us, proof.say_at_us);
    return at_us;
}

// --- what it knows ---

const model::BlockCertificate* Machine::certificate(LedgerIndex ledger, Height height) const {
    if (ledger.value >= ledgers_.size()) return nullptr;
    const auto& certificates = ledgers_[ledger.value].certificates;
    const auto found = certificates.find(height);
    return found == certificates.end() ? nullptr : &found->second;
}

std::optional<Height> Machine::diverged_at(LedgerIndex ledger) const {
    if (ledger.value >= ledgers_.size() || !ledgers_[ledger.value].diverged) return {};
    return ledgers_[ledger.value].diverged->height;
}

Height Machine::agreed_height(LedgerIndex ledger) const {
    return ledger.value < ledgers_.size() ? ledgers_[ledger.value].agreed : Height{};
}

Height Machine::certified_height(LedgerIndex ledger) const {
    if (ledger.value >= ledgers_.size()) return {};
    const LedgerProof& proof = ledgers_[ledger.value];
    return proof.certificates.empty() ? proof.carried
                                      : std::max(proof.carried, proof.certificates.rbegin()->first);
}

Height Machine::carried_height(LedgerIndex ledger) const {
    return ledger.value < ledgers_.size() ? ledgers_[ledger.value].carried : Height{};
}

std::vector<Participant> Machine::missing(LedgerIndex ledger, Height height) const {
    std::vector<Participant> out;
    if (ledger.value >= ledgers_.size()) return out;
    const auto& heights = ledgers_[ledger.value].heights;
    const auto at = heights.find(height);
    for (const Participant prover : provers_of(ledger)) {
        if (at == heights.end() || !at->second.attestations.contains(prover)) out.push_back(prover);
    }
    return out;
}

std::vector<Equivocation> Machine::equivocations() const {
    std::vector<Equivocation> out;
    for (const LedgerProof& proof : ledgers_) {
        for (const auto& [prover, evidence] : proof.equivocations) out.push_back(evidence);
    }
    return out;
}

}  // namespace tally::proving
