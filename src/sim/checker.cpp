#include "sim/checker.hpp"

#include <algorithm>
#include <bit>

#include "node/chain_store.hpp"
#include "ordering/leaders.hpp"
#include "sim/watch.hpp"

namespace tally::sim {

using model::Statement;

std::string name_of(Participant participant) {
    return "p" + std::to_string(participant.value);
}

std::string short_hex(const Hash& hash) {
    return hash.hex().substr(0, 8);
}

namespace {

template <class Body>
Bytes place_of(const Body& body) {
    cbor::Writer writer;
    if constexpr (requires { body.view; }) {
        cbor::write(writer, body.slot);
        cbor::write(writer, body.view);
    } else if constexpr (requires { body.lane; }) {
        cbor::write(writer, body.lane);
        cbor::write(writer, body.height);
    } else if constexpr (requires { body.commitment; }) {
        cbor::write(writer, body.ledger);
        cbor::write(writer, body.slot);
        cbor::write(writer, body.index);
    } else {
        cbor::write(writer, body.ledger);
        cbor::write(writer, body.height);
        if constexpr (requires { body.attempt; }) cbor::write(writer, body.attempt);
    }
    return writer.take();
}

template <class Body>
Result<void> read_body(cbor::Reader& reader, Said& said) {
    Body body;
    CHECK(cbor::read(reader, body));
    said.place = place_of(body);
    said.body = sha256(cbor::encode(body));
    if constexpr (requires { body.view; }) {
        said.slot = body.slot;
        said.view = body.view;
    }
    if constexpr (requires { body.qc_view; }) said.qc_view = body.qc_view;
    return success();
}

Result<void> read_body_of(cbor::Reader& reader, Said& said) {
    switch (said.kind) {
    case Statement::batch: return read_body<model::BatchClaim>(reader, said);
    case Statement::acknowledgement: return read_body<model::Acknowledgement>(reader, said);
    case Statement::report: return read_body<model::Report>(reader, said);
    case Statement::proposal: return read_body<model::Proposal>(reader, said);
    case Statement::prepare_vote: return read_body<model::PrepareVote>(reader, said);
    case Statement::commit_vote: return read_body<model::CommitVote>(reader, said);
    case Statement::timeout: return read_body<model::Timeout>(reader, said);
    case Statement::attestation: return read_body<model::Attestation>(reader, said);
    case Statement::dispute: return read_body<model::Dispute>(reader, said);
    case Statement::bad_box: return read_body<model::BadBox>(reader, said);
    case Statement::sync_answer: break;
    }
    return cbor::CborError::bad_value;
}

Result<Said> read_all(ByteView bytes) {
    cbor::Reader reader(bytes);
    TRY(count, reader.array(5));
    if (count != 5) return cbor::CborError::bad_value;
    Hash network;
    Said said;
    CHECK(cbor::read(reader, network));
    CHECK(cbor::read(reader, said.epoch));
    TRY(kind, reader.uint());
    said.kind = Statement(kind);
    CHECK(cbor::read(reader, said.signer));
    CHECK(read_body_of(reader, said));
    return said;
}

std::string_view words_of(Statement kind) {
    switch (kind) {
    case Statement::batch: return "batch";
    case Statement::acknowledgement: return "acknowledgement";
    case Statement::report: return "Report";
    case Statement::proposal: return "proposal";
    case Statement::prepare_vote: return "PrepareVote";
    case Statement::commit_vote: return "CommitVote";
    case Statement::timeout: return "Timeout";
    case Statement::attestation: return "attestation";
    case Statement::dispute: return "Dispute";
    case Statement::sync_answer: return "sync answer";
    case Statement::bad_box: return "word on a box";
    }
    return "unknown statement";
}

std::string describe(const Said& said) {
    std::string text = name_of(said.signer) + "'s " + std::string(words_of(said.kind));
    if (said.slot.value > 0)
        text += " of slot " + std::to_string(said.slot.value) + " view " +
                std::to_string(said.view.value);
    return text;
}

bool is_vote(Statement kind) {
    return kind == Statement::prepare_vote || kind == Statement::commit_vote;
}

}  // namespace

std::optional<Said> read_said(ByteView statement) {
    if (statement.empty() || statement[0] != uint8_t(Tag::signed_message)) return {};
    auto said = read_all(statement.subspan(1));
    if (!said.ok()) return {};
    return std::move(*said);
}

// --- SignaturesChecker ---

void SignaturesChecker::on_signed(Participant who, ByteView statement, const Signature& signature) {
    if (contains(forgetful_, who) && is_lost_(who))
        return findings_.add("a lost journal signs nothing", name_of(who) + " signs");
    const auto said = read_said(statement);
    if (!said) return findings_.add("signatures are readable", "an unknown statement was signed");
    const bool is_new = said_.try_emplace(signature, *said).second;
    if (!is_new || !is_vote(said->kind) || contains(forgetful_, who)) return;
    const Promises& promises = promises_[{said->signer, said->epoch, said->slot}];
    if (promises.timed_out && said->view <= *promises.timed_out)
        findings_.add("no vote after a Timeout", describe(*said) + " follows its Timeout of view " +
                                                     std::to_string(promises.timed_out->value));
}

void SignaturesChecker::on_sent(Participant from, Participant to, ByteView message,
                                const SavedSignatures& saved) {
    for_each_signature(message, [&](const Signature& signature) {
        const auto found = said_.find(signature);
        if (found == said_.end() || found->second.signer != from) return;
        if (!left_.insert(signature).second) return;
        // It follows from the box, and from nothing that was signed before.
        if (found->second.kind == Statement::bad_box) return;
        if (!saved.contains(signature))
            findings_.add("saved before sent", describe(found->second) + " leaves for " +
                                                   name_of(to) + " and is not on its disk");
        on_left(found->second, signature);
    });
}

namespace {

/// By the tag of the message alone, so that most need no decoding.
template <class M>
bool is_a(ByteView message) {
    static const uint8_t tag = uint8_t(model::Message(M{}).index());
    return kind_of_message(message) == tag;
}

/// Whether a message of this kind is how its signer says such a statement.
bool says(ByteView message, Statement kind) {
    switch (kind) {
    case Statement::batch: return is_a<model::Fragment>(message);
    case Statement::acknowledgement: return is_a<model::Signed<model::Acknowledgement>>(message);
    case Statement::report: return is_a<model::Signed<model::Report>>(message);
    case Statement::proposal: return is_a<model::ProposalMessage>(message);
    case Statement::prepare_vote: return is_a<model::Signed<model::PrepareVote>>(message);
    case Statement::commit_vote: return is_a<model::Signed<model::CommitVote>>(message);
    case Statement::timeout: return is_a<model::TimeoutMessage>(message);
    case Statement::attestation: return is_a<model::Signed<model::Attestation>>(message);
    case Statement::dispute: return is_a<model::Signed<model::Dispute>>(message);
    case Statement::bad_box: return is_a<model::SharesOfBlock>(message);
    case Statement::sync_answer: break;
    }
    return false;
}

}  // namespace

void SignaturesChecker::on_heard(Participant by, ByteView message) {
    if (forgetful_ == 0) return;
    for_each_signature(message, [&](const Signature& signature) {
        const auto found = said_.find(signature);
        if (found != said_.end() && contains(forgetful_, found->second.signer) &&
            says(message, found->second.kind))
            heard_by_[signature] |= ParticipantSet{1} << by.value;
    });
}

void SignaturesChecker::on_crashed(Participant who) {
    for (auto& [signature, hearers] : heard_by_) hearers &= ~(ParticipantSet{1} << who.value);
}

/// Of f+1 honest ones who hold it, one is among those whose answer is waited for.
bool SignaturesChecker::must_be_known(const Said& said, const Signature& signature) const {
    if (!contains(forgetful_, said.signer)) return true;
    const auto hearers = heard_by_.find(signature);
    return hearers != heard_by_.end() && uint32_t(std::popcount(hearers->second)) >= hearers_min_;
}

void SignaturesChecker::on_left(const Said& said, const Signature& signature) {
    const auto [place, is_new] =
        bodies_.try_emplace({said.signer, said.epoch, said.kind, said.place}, said.body, signature);
    const auto& [body, first] = place->second;
    if (!is_new && body != said.body && must_be_known(said, first))
        findings_.add("no two statements in one place", describe(said) + " was another before");
    if (!contains(forgetful_, said.signer)) check_promises(said);
}

void SignaturesChecker::check_promises(const Said& said) {
    Promises& promises = promises_[{said.signer, said.epoch, said.slot}];
    if (said.kind == Statement::commit_vote &&
        (!promises.committed || *promises.committed < said.view))
        promises.committed = said.view;
    if (said.kind == Statement::timeout &&
        (!promises.timed_out || *promises.timed_out < said.view)) {
        promises.timed_out = said.view;
        promises.reported_qc = said.qc_view;
    }
    // A Timeout of view v or above reports a QC of v or above, once there was a CommitVote in v.
    if (promises.committed && promises.timed_out && *promises.committed <= *promises.timed_out &&
        (!promises.reported_qc || *promises.reported_qc < *promises.committed))
        findings_.add("no amnesia", describe(said) + ": a CommitVote of view " +
                                        std::to_string(promises.committed->value) +
                                        " and a later Timeout that knows no such QC");
}

// --- CertificatesChecker ---

void CertificatesChecker::on_heard(Participant by, ByteView message) {
    if (!is_a<model::ProposalMessage>(message)) return;
    const auto decoded = model::decode_message(message);
    const auto* proposal = decoded.ok() ? std::get_if<model::ProposalMessage>(&*decoded) : nullptr;
    if (!proposal) return;
    const auto& [slot, view, block] = proposal->proposal.body;
    bool allows = view.value == 0;
    if (const auto& tc = proposal->justification; tc && !allows)
        allows = tc->slot == slot && tc->view.next() == view &&
                 (!tc->highest || tc->highest->body.block == block) &&
                 model::check_timeout_certificate(epochs_.at(tc->slot), verifier_, *tc);
    bool& known = allowed_[{by, slot, view, block}];
    known = known || allows;
    if (unshown_.erase({by, slot, view, block}) > 0 && !known) add_finding(by, slot, view);
}

void CertificatesChecker::on_sent(Participant from, Participant, ByteView message,
                                  const SavedSignatures&) {
    on_heard(from, message);  // A leader is shown its own proposal.
    if (is_a<model::Signed<model::PrepareVote>>(message)) {
        const auto decoded = model::decode_message(message);
        if (decoded.ok()) check_vote(std::get<model::Signed<model::PrepareVote>>(*decoded));
        return;
    }
    if (!is_a<model::TimeoutCertificate>(message) && !is_a<model::DecideMessage>(message) &&
        !is_a<model::PrepareQC>(message) && !is_a<model::LaneCertificate>(message))
        return;
    if (!checked_.insert(sha256(message)).second) return;
    const auto decoded = model::decode_message(message);
    bool valid = decoded.ok();
    if (const auto* tc = valid ? std::get_if<model::TimeoutCertificate>(&*decoded) : nullptr)
        valid = model::check_timeout_certificate(epochs_.at(tc->slot), verifier_, *tc);
    if (const auto* decide = valid ? std::get_if<model::DecideMessage>(&*decoded) : nullptr)
        valid = model::check_quorum(epochs_.at(decide->qc.body.slot), verifier_, decide->qc);
    if (const auto* qc = valid ? std::get_if<model::PrepareQC>(&*decoded) : nullptr)
        valid = model::check_quorum(epochs_.at(qc->body.slot), verifier_, *qc);
    if (const auto* lane = valid ? std::get_if<model::LaneCertificate>(&*decoded) : nullptr)
        valid = std::any_of(epochs_.all().begin(), epochs_.all().end(), [&](const auto& set) {
            return model::check_lane_certificate(set, verifier_, *lane);
        });
    if (!valid)
        findings_.add("certificates that are sent hold", name_of(from) + " sent one that does not");
}

void CertificatesChecker::check_vote(const model::Signed<model::PrepareVote>& vote) {
    const auto& [slot, view, block] = vote.body;
    if (view.value == 0) return;
    const auto shown = allowed_.find({vote.signer, slot, view, block});
    if (shown != allowed_.end() && shown->second) return;
    // A leader that crashed before it sent its proposal votes for that, and then shows it.
    const bool leads = ordering::Leaders(epochs_.at(slot)).of(slot, view) == vote.signer;
    if (shown == allowed_.end() && leads) {
        unshown_.insert({vote.signer, slot, view, block});
        return;
    }
    add_finding(vote.signer, slot, view);
}

void CertificatesChecker::add_finding(Participant voter, Slot slot, View view) {
    findings_.add("votes follow the TC",
                  name_of(voter) + " voted in slot " + std::to_string(slot.value) + " view " +
                      std::to_string(view.value) + " for another block than the TC names");
}

// --- DecisionsChecker ---

void DecisionsChecker::on_stored(Participant participant, const ports::WriteBatch& batch) {
    for (const auto& write : batch.writes()) {
        if (write.map != ports::Map::decisions || !write.value) continue;
        const auto stored = cbor::decode<node::StoredDecision>(*write.value);
        if (stored.ok()) on_decision(participant, stored->decision);
    }
}

void DecisionsChecker::give_up_after(Slot last) {
    if (log_.size() <= last.value) return;
    log_.resize(last.value);
    hashes_.resize(last.value);
    for (Slot& highest : highest_) highest = std::min(highest, last);
}

bool DecisionsChecker::is_voted(const model::CommitQC& qc) const {
    const model::Signatories& set = epochs_.at(qc.body.slot);
    std::set<Participant> voters;
    for (const auto& vote : qc.endorsements) {
        if (model::check_signature(set, verifier_, qc.body, vote.signer, vote.signature))
            voters.insert(vote.signer);
    }
    // Restated here, so that a wrong quorum in the code under test is seen: n − ⌊(n−1)/3⌋.
    return voters.size() >= set.count() - (set.count() - 1) / 3;
}

void DecisionsChecker::on_decision(Participant participant, const model::Decision& decision) {
    const model::Block& block = decision.block;
    const std::string where = name_of(participant) + " in slot " + std::to_string(block.slot.value);
    const Hash hash = block.hash();
    if (decision.qc.body.slot != block.slot || decision.qc.body.block != hash ||
        !is_voted(decision.qc))
        findings_.add("a decision has a quorum", where);
    Slot& highest = highest_[participant.value];
    if (block.slot.value > log_.size() + 1) return findings_.add("logs have no gaps", where);
    if (block.slot.value == 0) return findings_.add("logs begin at slot 1", where);
    if (block.slot.value > log_.size()) {
        const Hash parent = hashes_.empty() ? epochs_.current().network : hashes_.back();
        if (block.parent != parent) findings_.add("decisions are chained", where);
        if (!log_.empty() && block.time <= log_.back().block.time)
            findings_.add("block time ascends", where);
        log_.push_back(decision);
        hashes_.push_back(hash);
    } else if (hashes_[block.slot.value - 1] != hash) {
        findings_.add("no two decide differently", where + ": " + short_hex(hash) +
                                                       " and elsewhere " +
                                                       short_hex(hashes_[block.slot.value - 1]));
    }
    highest = std::max(highest, block.slot);
}

}  // namespace tally::sim
