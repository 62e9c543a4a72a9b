#include "sim/story.hpp"

#include "node/chain_store.hpp"

namespace tally::sim {
namespace {

template <class T>
std::string number(const T& ordinal) {
    return std::to_string(ordinal.value);
}

std::string at(Slot slot, View view) {
    return " slot " + number(slot) + " view " + number(view);
}

struct Describe {
    std::string operator()(const model::Fragment& m) const {
        return "Fragment lane " + number(m.header.lane) + " height " + number(m.header.height);
    }
    std::string operator()(const model::Signed<model::Acknowledgement>& m) const {
        return "Acknowledgement lane " + number(m.body.lane) + " height " + number(m.body.height);
    }
    std::string operator()(const model::LaneCertificate& m) const {
        return "LaneCertificate lane " + number(m.lane) + " height " + number(m.height);
    }
    std::string operator()(const model::Signed<model::Report>& m) const {
        std::string text = "Report" + at(m.body.slot, m.body.view) + " of " + name_of(m.signer);
        for (const LaneHeight height : m.body.lanes) text += " " + number(height);
        return text;
    }
    std::string operator()(const model::ProposalMessage& m) const {
        return "Proposal" + at(m.proposal.body.slot, m.proposal.body.view) + " block " +
               short_hex(m.proposal.body.block);
    }
    std::string operator()(const model::Signed<model::PrepareVote>& m) const {
        return "PrepareVote" + at(m.body.slot, m.body.view) + " block " + short_hex(m.body.block);
    }
    std::string operator()(const model::Signed<model::CommitVote>& m) const {
        return "CommitVote" + at(m.body.slot, m.body.view) + " block " + short_hex(m.body.block);
    }
    std::string operator()(const model::TimeoutMessage& m) const {
        const model::Timeout& timeout = m.timeout.body;
        return "Timeout" + at(timeout.slot, timeout.view) +
               (timeout.qc_view ? " QC of view " + number(*timeout.qc_view) : " no QC");
    }
    std::string operator()(const model::TimeoutCertificate& m) const {
        return "TC" + at(m.slot, m.view);
    }
    std::string operator()(const model::DecideMessage& m) const {
        return "Decide" + at(m.qc.body.slot, m.qc.body.view) + " block " +
               short_hex(m.qc.body.block);
    }
    std::string operator()(const model::PrepareQC& m) const {
        return "PrepareQC" + at(m.body.slot, m.body.view) + " block " + short_hex(m.body.block);
    }
    std::string operator()(const model::Heartbeat& m) const {
        return "Heartbeat" + at(m.slot, m.view);
    }
    std::string operator()(const model::Signed<model::Attestation>& m) const {
        return "Attestation ledger " + number(m.body.ledger) + " height " + number(m.body.height) +
               " header " + short_hex(m.body.header);
    }
    std::string operator()(const model::BlockCertificate& m) const {
        return "BlockCertificate ledger " + number(m.ledger) + " height " + number(m.height);
    }
    std::string operator()(const model::Signed<model::Dispute>& m) const {
        return "Dispute ledger " + number(m.body.ledger) + " height " + number(m.body.height);
    }
    std::string operator()(const model::FetchDecisions& m) const {
        return "FetchDecisions from slot " + number(m.from);
    }
    std::string operator()(const model::Decisions& m) const {
        return std::to_string(m.list.size()) + " Decisions";
    }
    std::string operator()(const model::FetchBlock& m) const {
        return "FetchBlock slot " + number(m.slot) + " block " + short_hex(m.block);
    }
    std::string operator()(const model::BlockBody& m) const {
        return "BlockBody slot " + number(m.block.slot);
    }
    std::string operator()(const model::FetchLaneCertificate& m) const {
        return "FetchLaneCertificate lane " + number(m.lane) + " height " + number(m.height);
    }
    std::string operator()(const model::FetchBatch& m) const {
        return "FetchBatch lane " + number(m.lane) + " height " + number(m.height);
    }
    std::string operator()(const model::BatchBody& m) const {
        return "BatchBody lane " + number(m.header.lane) + " height " + number(m.header.height);
    }
    std::string operator()(const model::FetchCells& m) const {
        return "FetchCells lane " + number(m.lane) + " height " + number(m.height);
    }
    std::string operator()(const model::BatchCells& m) const {
        return "BatchCells lane " + number(m.header.lane) + " height " + number(m.header.height);
    }
    std::string operator()(const model::FetchCellLeaf& m) const {
        return "FetchCellLeaf lane " + number(m.lane) + " height " + number(m.height) + " cell " +
               std::to_string(m.cell) + " leaf " + std::to_string(m.leaf);
    }
    std::string operator()(const model::BatchCellLeaf& m) const {
        return "BatchCellLeaf lane " + number(m.lane) + " height " + number(m.height) + " cell " +
               std::to_string(m.leaf.cell) + " leaf " + std::to_string(m.leaf.leaf);
    }
    std::string operator()(const model::FetchBlockCertificate& m) const {
        return "FetchBlockCertificate ledger " + number(m.ledger) + " height " + number(m.height);
    }
    std::string operator()(const model::Wake&) const { return "Wake"; }
    std::string operator()(const model::Quarantined& m) const {
        return "Quarantined, " + std::to_string(m.ledgers.size()) + " ledgers";
    }
    std::string operator()(const model::FetchState& m) const {
        return "FetchState ledger " + number(m.ledger) + " height " + number(m.height);
    }
    std::string operator()(const model::StateChunk& m) const {
        return "StateChunk ledger " + number(m.header.ledger) + " height " +
               number(m.header.height);
    }
    std::string operator()(const model::FetchStands& m) const {
        return "FetchStands slot " + number(m.slot);
    }
    std::string operator()(const model::Stands& m) const { return "Stands slot " + number(m.slot); }
    std::string operator()(const model::VotedProposal& m) const {
        return "VotedProposal epoch " + number(m.proposal.epoch) + " attempt " +
               std::to_string(m.proposal.attempt);
    }
    std::string operator()(const model::SharesOfBlock& m) const {
        return "SharesOfBlock ledger " + number(m.ledger) + " slot " + number(m.slot) + " of " +
               std::to_string(m.shares.size());
    }
    std::string operator()(const model::FetchShares& m) const {
        return "FetchShares ledger " + number(m.ledger) + " slot " + number(m.slot);
    }
    std::string operator()(const model::Ready& m) const {
        return "Ready of " + name_of(m.participant);
    }
    std::string operator()(const model::FetchOwnMessages&) const { return "FetchOwnMessages"; }
    std::string operator()(const model::OwnMessages& m) const {
        std::string text = "OwnMessages";
        if (m.prepare_vote)
            text += " PrepareVote" + at(m.prepare_vote->body.slot, m.prepare_vote->body.view);
        if (m.commit_vote)
            text += " CommitVote" + at(m.commit_vote->body.slot, m.commit_vote->body.view);
        if (m.timeout) text += " Timeout" + at(m.timeout->body.slot, m.timeout->body.view);
        return text;
    }
};

/// By the tag of the message alone: they are most of what is said, and tell nothing.
bool is_heartbeat(ByteView message) {
    static const uint8_t tag = uint8_t(model::Message(model::Heartbeat{}).index());
    return kind_of_message(message) == tag;
}

std::string describe_all(ParticipantSet set) {
    std::string text;
    for (uint8_t i = 0; i < 32; ++i) {
        if (contains(set, {i})) text += name_of(Participant{i}) + " ";
    }
    return text;
}

std::string describe_stored(ByteView value) {
    if (const auto decision = cbor::decode<node::StoredDecision>(value); decision.ok())
        return "decides slot " + number(decision->decision.block.slot) + " block " +
               short_hex(decision->decision.block.hash());
    if (const auto block = cbor::decode<node::StoredBlock>(value); block.ok())
        return "executes ledger " + number(block->header.ledger) + " height " +
               number(block->header.height) + " header " + short_hex(block->header.hash());
    return {};
}

}  // namespace

std::string describe_message(ByteView message) {
    const auto decoded = model::decode_message(message);
    if (!decoded.ok()) return "unreadable bytes";
    return std::visit(Describe{}, *decoded);
}

void Story::add(Kind kind, Participant who, Participant to, ByteView bytes) {
    const uint64_t now_us = world_ ? world_->now_us() : 0;
    uint64_t first = mix(digest_[0] ^ now_us);
    uint64_t second =
        mix(digest_[1] + (uint64_t(kind) << 16 | uint64_t{who.value} << 8 | to.value));
    for (size_t at = 0; at < bytes.size(); at += 8) {
        uint64_t word = 0;
        const size_t length = std::min<size_t>(8, bytes.size() - at);
        for (size_t i = 0; i < length; ++i) word = word << 8 | bytes[at + i];
        first = (first ^ word) * 0x9fb21c651e98df25;
        first ^= first >> 29;
        second = mix(second + word);
    }
    digest_[0] = mix(first + bytes.size());
    digest_[1] = second;
    if (lines_max_ == 0 || (kind == Kind::sent && is_heartbeat(bytes))) return;
    if (!lines_.empty()) {
        // One message to several makes one line.
        Line& last = lines_.back();
        if (kind == Kind::sent && last.kind == kind && last.who == who && last.at_us == now_us &&
            equal(last.bytes, bytes)) {
            last.to |= ParticipantSet{1} << to.value;
            return;
        }
    }
    if (lines_.size() == lines_max_) lines_.pop_front();
    lines_.push_back({kind, now_us, who, ParticipantSet{1} << to.value, copy_of(bytes)});
}

void Story::on_sent(Participant from, Participant to, ByteView message, const SavedSignatures&) {
    add(Kind::sent, from, to, message);
}
void Story::on_stored(Participant who, const ports::WriteBatch& batch) {
    for (const auto& write : batch.writes()) {
        if (write.map != ports::Map::decisions && write.map != ports::Map::blocks) continue;
        if (write.value) add(Kind::stored, who, who, *write.value);
    }
}
void Story::on_reply(Participant who, uint64_t request, const node::Response& response) {
    Bytes bytes;
    append_u64(bytes, request);
    const auto* result = std::get_if<Result<node::TransactionStatus>>(&response);
    if (result && result->ok()) {
        const node::TransactionStatus& status = result->value();
        append(bytes, status.transaction.view());
        bytes.push_back(uint8_t(status.level));
        append_u64(bytes, status.height.value);
        append_u32(bytes, status.index);
        append_u16(bytes, status.code);
    } else if (result) {
        append(bytes, view_of(result->error().code));
    }
    add(Kind::replied, who, who, bytes);
}
void Story::on_started(Participant who) {
    add(Kind::started, who, who, {});
}
void Story::on_crashed(Participant who) {
    add(Kind::crashed, who, who, {});
}
void Story::on_halted(Participant who, const std::string& why) {
    add(Kind::halted, who, who, view_of(why));
}

std::vector<std::string> Story::lines() const {
    std::vector<std::string> told;
    for (const Line& line : lines_) {
        std::string text;
        switch (line.kind) {
        case Kind::sent: text = "→ " + describe_all(line.to) + describe_message(line.bytes); break;
        case Kind::stored: text = describe_stored(line.bytes); break;
        case Kind::replied: text = "answers request " + std::to_string(read_u64(line.bytes)); break;
        case Kind::started: text = "starts"; break;
        case Kind::crashed: text = "crashes"; break;
        case Kind::halted: text = "halts: " + std::string(text_of(line.bytes)); break;
        }
        if (text.empty()) continue;
        const std::string micros = std::to_string(line.at_us % 1'000'000);
        told.push_back(std::to_string(line.at_us / 1'000'000) + "." +
                       std::string(6 - micros.size(), '0') + micros + " " + name_of(line.who) +
                       " " + text);
    }
    return told;
}

Hash Story::hash() const {
    return Hasher().add_u64(digest_[0]).add_u64(digest_[1]).finish();
}

}  // namespace tally::sim
