#include "node/own_messages.hpp"

#include <algorithm>

namespace tally::node {
namespace {

template <class Body>
uint16_t series_of(const Body& body) {
    if constexpr (requires { body.lane; }) {
        return body.lane.value;
    } else if constexpr (requires { body.ledger; }) {
        return body.ledger.value;
    } else {
        return 0;
    }
}

template <class Body>
std::pair<uint64_t, uint32_t> place_of(const Body& body) {
    if constexpr (requires { body.view; }) {
        return {body.slot.value, body.view.value};
    } else if constexpr (requires { body.attempt; }) {
        return {body.height.value, body.attempt};
    } else {
        return {body.height.value, 0};
    }
}

template <class Body>
void keep_later(std::optional<model::Signed<Body>>& held, const model::Signed<Body>& other) {
    if (!held || place_of(held->body) < place_of(other.body)) held = other;
}

template <class Key, class Body>
void keep_later(std::map<Key, model::Signed<Body>>& held, Key key,
                const model::Signed<Body>& other) {
    const auto [at, is_new] = held.try_emplace(key, other);
    if (!is_new && place_of(at->second.body) < place_of(other.body)) at->second = other;
}

/// Calls `each` with every statement, until it returns false.
template <class Each>
bool for_all(const model::OwnMessages& messages, const Each& each) {
    const auto one = [&](const auto& held) { return !held || each(*held); };
    const auto list = [&](const auto& held) { return std::all_of(held.begin(), held.end(), each); };
    return one(messages.batch) && list(messages.acknowledgements) && one(messages.report) &&
           one(messages.proposal) && one(messages.prepare_vote) && one(messages.commit_vote) &&
           one(messages.timeout) && list(messages.attestations) && list(messages.disputes);
}

std::string_view words_of(model::Statement kind) {
    using model::Statement;
    switch (kind) {
    case Statement::batch: return "a batch";
    case Statement::acknowledgement: return "an acknowledgement";
    case Statement::report: return "a Report";
    case Statement::proposal: return "a proposal";
    case Statement::prepare_vote: return "a PrepareVote";
    case Statement::commit_vote: return "a CommitVote";
    case Statement::timeout: return "a Timeout";
    case Statement::attestation: return "an attestation";
    case Statement::dispute: return "a Dispute";
    case Statement::bad_box: return "a word on a box";
    case Statement::sync_answer: break;
    }
    return "a statement";
}

template <class Body>
std::string describe(const Body& body) {
    const auto [first, second] = place_of(body);
    std::string text(words_of(Body::statement));
    if constexpr (requires { body.view; }) {
        text += " of slot " + std::to_string(first) + ", view " + std::to_string(second);
    } else if constexpr (requires { body.lane; }) {
        text += " of lane " + std::to_string(body.lane.value) + ", height " + std::to_string(first);
    } else {
        text +=
            " of ledger " + std::to_string(body.ledger.value) + ", height " + std::to_string(first);
    }
    return text;
}

}  // namespace

// --- LatestSigned ---

void LatestSigned::keep(const model::Signed<model::BatchClaim>& claim) {
    Latest* latest = latest_of(claim.signer);
    if (latest != nullptr && claim.body.lane == claim.signer) keep_later(latest->batch, claim);
}
void LatestSigned::keep(const model::Signed<model::Acknowledgement>& acknowledgement) {
    const Participant lane = acknowledgement.body.lane;
    Latest* latest = latest_of(acknowledgement.signer);
    if (latest != nullptr && lane.value < latest_.size())
        keep_later(latest->acknowledgements, lane, acknowledgement);
}
void LatestSigned::keep(const model::Signed<model::Report>& report) {
    if (is_earlier(report.body)) return;
    if (Latest* latest = latest_of(report.signer)) keep_later(latest->report, report);
}
void LatestSigned::keep(const model::Signed<model::Proposal>& proposal) {
    if (is_earlier(proposal.body)) return;
    if (Latest* latest = latest_of(proposal.signer)) keep_later(latest->proposal, proposal);
}
void LatestSigned::keep(const model::Signed<model::PrepareVote>& vote) {
    if (is_earlier(vote.body)) return;
    if (Latest* latest = latest_of(vote.signer)) keep_later(latest->prepare_vote, vote);
}
void LatestSigned::keep(const model::Signed<model::CommitVote>& vote) {
    if (is_earlier(vote.body)) return;
    if (Latest* latest = latest_of(vote.signer)) keep_later(latest->commit_vote, vote);
}
void LatestSigned::keep(const model::Signed<model::Timeout>& timeout) {
    if (is_earlier(timeout.body)) return;
    if (Latest* latest = latest_of(timeout.signer)) keep_later(latest->timeout, timeout);
}
void LatestSigned::keep(const model::Signed<model::Attestation>& attestation) {
    const LedgerIndex ledger = attestation.body.ledger;
    Latest* latest = latest_of(attestation.signer);
    if (latest != nullptr && ledger.value < ledgers_)
        keep_later(latest->attestations, ledger, attestation);
}
void LatestSigned::keep(const model::Signed<model::Dispute>& dispute) {
    const LedgerIndex ledger = dispute.body.ledger;
    Latest* latest = latest_of(dispute.signer);
    if (latest != nullptr && ledger.value < ledgers_) keep_later(latest->disputes, ledger, dispute);
}

void LatestSigned::keep(const model::LaneCertificate& certificate) {
    const auto& [lane, height, header, author, parts] = certificate;
    keep(model::Signed<model::BatchClaim>{{lane, height, header}, lane, author});
    for (const auto& part : parts)
        keep(model::Signed<model::Acknowledgement>{
            {lane, height, header, part.time}, part.signer, part.signature});
}
void LatestSigned::keep(const model::BlockCertificate& certificate) {
    const auto& [ledger, height, attempt, header, parts] = certificate;
    for (const auto& part : parts)
        keep(model::Signed<model::Attestation>{
            {ledger, height, attempt, header, part.tag}, part.signer, part.signature});
}
void LatestSigned::keep(const model::TimeoutCertificate& certificate) {
    for (const auto& part : certificate.parts)
        keep(model::Signed<model::Timeout>{
            {certificate.slot, certificate.view, part.qc_view, part.qc_block},
            part.signer,
            part.signature});
    if (certificate.highest) keep(*certificate.highest);
}
template <class Vote>
void LatestSigned::keep(const model::QuorumOf<Vote>& quorum) {
    for (const auto& [signer, signature] : quorum.endorsements)
        keep(model::Signed<Vote>{quorum.body, signer, signature});
}
void LatestSigned::keep(const model::Block& block) {
    for (const auto& report : block.reports) keep(report);
    for (const auto& dispute : block.control) keep(dispute);
    for (const auto& certificate : block.carried) keep(certificate);
    if (block.parent_qc) keep(*block.parent_qc);
}
void LatestSigned::keep(const model::LaneCertificates& certificates) {
    for (const auto& certificate : certificates) keep(certificate);
}

/// Whether it would be kept: a later one of its kind is not held yet.
template <class Body>
bool LatestSigned::is_news(const model::Signed<Body>& statement) const {
    if (statement.signer.value >= latest_.size()) return false;
    const Latest& latest = latest_[statement.signer.value];
    const auto after = [&](const auto& held) {
        return !held || place_of(held->body) < place_of(statement.body);
    };
    const auto after_in = [&](const auto& held) {
        using Key = typename std::decay_t<decltype(held)>::key_type;
        const auto at = held.find(Key{decltype(Key::value)(series_of(statement.body))});
        return at == held.end() || place_of(at->second.body) < place_of(statement.body);
    };
    if constexpr (Body::statement == model::Statement::batch) return after(latest.batch);
    if constexpr (Body::statement == model::Statement::acknowledgement)
        return after_in(latest.acknowledgements);
    if constexpr (Body::statement == model::Statement::report) return after(latest.report);
    if constexpr (Body::statement == model::Statement::proposal) return after(latest.proposal);
    if constexpr (Body::statement == model::Statement::prepare_vote)
        return after(latest.prepare_vote);
    if constexpr (Body::statement == model::Statement::commit_vote)
        return after(latest.commit_vote);
    if constexpr (Body::statement == model::Statement::timeout) return after(latest.timeout);
    if constexpr (Body::statement == model::Statement::attestation)
        return after_in(latest.attestations);
    if constexpr (Body::statement == model::Statement::dispute) return after_in(latest.disputes);
    return false;
}

void LatestSigned::hear(Participant from, const model::Message& message) {
    const auto keep_if_own = [&](const auto& statement) {
        if (statement.signer == from && is_news(statement) &&
            (set_ == nullptr || model::check_signed(*set_, *verifier_, statement)))
            keep(statement);
    };
    std::visit(
        [&](const auto& held) {
            using M = std::decay_t<decltype(held)>;
            if constexpr (std::is_same_v<M, model::Fragment>) {
                const auto& header = held.header;
                if (header.lane == from)
                    keep_if_own(model::Signed<model::BatchClaim>{
                        {from, header.height, header.hash()}, from, held.author});
            } else if constexpr (std::is_same_v<M, model::ProposalMessage>) {
                keep_if_own(held.proposal);
            } else if constexpr (std::is_same_v<M, model::TimeoutMessage>) {
                keep_if_own(held.timeout);
            } else if constexpr (requires { held.signer; }) {
                keep_if_own(held);
            }
        },
        message);
}

void LatestSigned::see(const model::Record& record) {
    std::visit(
        [&](const auto& held) {
            using R = std::decay_t<decltype(held)>;
            if constexpr (std::is_same_v<R, model::ProposalMessage>) {
                keep(held.proposal);
                if (held.block) keep(*held.block);
                if (held.justification) keep(*held.justification);
                keep(held.certificates);
            } else if constexpr (std::is_same_v<R, model::PrepareVoteRecord>) {
                keep(held.vote);
                if (held.justification) keep(*held.justification);
                if (held.body) keep(held.body->block);
                if (held.body) keep(held.body->certificates);
            } else if constexpr (std::is_same_v<R, model::CommitVoteRecord>) {
                keep(held.vote);
                keep(held.qc);
            } else if constexpr (std::is_same_v<R, model::TimeoutMessage>) {
                keep(held.timeout);
                if (held.qc) keep(*held.qc);
            } else if constexpr (std::is_same_v<R, model::Decision>) {
                if (is_earlier(held.block)) return;
                keep(held.block);
                keep(held.qc);
                keep(held.certificates);
            } else if constexpr (std::is_same_v<R, model::OwnBatchRecord>) {
                const auto& header = held.header;
                keep(model::Signed<model::BatchClaim>{
                    {header.lane, header.height, header.hash()}, header.lane, held.author});
                if (header.previous) keep(*header.previous);
            } else if constexpr (std::is_same_v<R, model::CellsRecord>) {
                keep(held.acknowledgement);
                const auto& header = held.fragment.header;
                const auto& claimed = held.acknowledgement.body;
                keep(
                    model::Signed<model::BatchClaim>{{claimed.lane, claimed.height, claimed.header},
                                                     claimed.lane,
                                                     held.fragment.author});
                if (header.previous) keep(*header.previous);
            } else if constexpr (requires { keep(held); }) {
                keep(held);
            }
        },
        record);
}

model::OwnMessages LatestSigned::of(Participant signer, uint64_t start) const {
    const Latest& latest = latest_[signer.value];
    model::OwnMessages messages;
    messages.start = start;
    messages.batch = latest.batch;
    for (const auto& [lane, one] : latest.acknowledgements)
        messages.acknowledgements.push_back(one);
    messages.report = latest.report;
    messages.proposal = latest.proposal;
    messages.prepare_vote = latest.prepare_vote;
    messages.commit_vote = latest.commit_vote;
    messages.timeout = latest.timeout;
    for (const auto& [ledger, one] : latest.attestations) messages.attestations.push_back(one);
    for (const auto& [ledger, one] : latest.disputes) messages.disputes.push_back(one);
    return messages;
}

// --- SignedPlaces ---

template <class Body>
void SignedPlaces::note_own(const model::Signed<Body>& statement) {
    if (statement.signer != self_) return;
    note_at({Body::statement, series_of(statement.body)}, place_of(statement.body),
            sha256(cbor::encode(statement.body)));
}

void SignedPlaces::note_at(const Series& series, const Place& place, const Hash& body) {
    Kept& kept = kept_[series];
    kept.newest.insert_or_assign(place, body);
    if (kept.newest.size() <= places_kept) return;
    kept.newest.erase(kept.newest.begin());
    kept.has_older = true;
}

void SignedPlaces::note(const model::Record& record) {
    std::visit(
        [&](const auto& held) {
            using R = std::decay_t<decltype(held)>;
            if constexpr (std::is_same_v<R, model::ProposalMessage>) {
                note_own(held.proposal);
            } else if constexpr (std::is_same_v<R, model::PrepareVoteRecord> ||
                                 std::is_same_v<R, model::CommitVoteRecord>) {
                note_own(held.vote);
            } else if constexpr (std::is_same_v<R, model::TimeoutMessage>) {
                note_own(held.timeout);
            } else if constexpr (std::is_same_v<R, model::OwnBatchRecord>) {
                const auto& header = held.header;
                note_own(model::Signed<model::BatchClaim>{
                    {header.lane, header.height, header.hash()}, header.lane, held.author});
            } else if constexpr (std::is_same_v<R, model::CellsRecord>) {
                note_own(held.acknowledgement);
            } else if constexpr (requires { held.signer; }) {
                note_own(held);
            }
        },
        record);
}

template <class Body>
bool SignedPlaces::has(const model::Signed<Body>& statement) const {
    const auto series = kept_.find({Body::statement, series_of(statement.body)});
    const auto place = place_of(statement.body);
    if (series == kept_.end()) return pruned_;
    const Kept& kept = series->second;
    const auto at = kept.newest.find(place);
    if (at != kept.newest.end()) return at->second == sha256(cbor::encode(statement.body));
    return place < kept.newest.begin()->first && (kept.has_older || pruned_);
}

std::optional<std::string> SignedPlaces::lacks(const model::OwnMessages& messages) const {
    std::optional<std::string> lacking;
    for_all(messages, [&](const auto& statement) {
        if (!has(statement)) lacking = describe(statement.body);
        return !lacking;
    });
    return lacking;
}

bool check_own_messages(const model::Signatories& set, const Verifier& verifier, Participant self,
                        const model::OwnMessages& messages) {
    return for_all(messages, [&](const auto& statement) {
        return statement.signer == self && model::check_signed(set, verifier, statement);
    });
}

}  // namespace tally::node
