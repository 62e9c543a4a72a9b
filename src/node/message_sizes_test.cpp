// No message that a node can compose is larger than a peer reads, and no record larger than the
// journal takes, at 255 participants with everything at its bound.
#include <gtest/gtest.h>

#include "node/decisions_answer.hpp"
#include "ordering/fresh_block.hpp"
#include "store/journal_record.hpp"

namespace tally::node {
namespace {

using model::Message;

constexpr uint32_t longest_list = limits::participants_max;
constexpr uint64_t longest_number = UINT64_MAX;  // Its encoding is the longest.
constexpr uint32_t small_number = UINT32_MAX;

Signature signature() {
    Signature one;
    one.fill(0xff);
    return one;
}
Hash hash() {
    return sha256(view_of("any"));
}
Participant participant(uint32_t i) {
    return {uint8_t(i)};
}

model::LaneCertificate lane_certificate() {
    model::LaneCertificate certificate{participant(254), {longest_number}, hash(), signature(), {}};
    for (uint32_t i = 0; i < longest_list; ++i)
        certificate.parts.push_back({participant(i), {longest_number}, signature()});
    return certificate;
}

model::BlockCertificate block_certificate() {
    model::BlockCertificate certificate{{UINT16_MAX}, {longest_number}, small_number, hash(), {}};
    for (uint32_t i = 0; i < longest_list; ++i)
        certificate.parts.push_back({participant(i), hash(), signature()});
    return certificate;
}

template <class Vote>
model::QuorumOf<Vote> quorum_of() {
    model::QuorumOf<Vote> quorum{{{longest_number}, {small_number}, hash()}, {}};
    for (uint32_t i = 0; i < longest_list; ++i)
        quorum.endorsements.push_back({participant(i), signature()});
    return quorum;
}

model::TimeoutCertificate timeout_certificate() {
    model::TimeoutCertificate certificate{{longest_number}, {small_number}, {}, {}};
    for (uint32_t i = 0; i < longest_list; ++i)
        certificate.parts.push_back({participant(i), View{small_number}, hash(), signature()});
    certificate.highest = quorum_of<model::PrepareVote>();
    return certificate;
}

/// Every lane has a new tip, every ledger a certificate to carry, and control is full.
model::BlockBody largest_body() {
    model::BlockBody body;
    model::Report report{{longest_number}, {small_number}, {}, {}, {longest_number}};
    for (uint32_t i = 0; i < longest_list; ++i) report.lanes.push_back({longest_number});
    for (uint32_t i = 0; i < limits::ledgers_max; ++i)
        report.certified.push_back({{UINT16_MAX}, {longest_number}});
    body.block.slot = {longest_number};
    body.block.parent = hash();
    body.block.parent_qc = quorum_of<model::CommitVote>();
    body.block.time = {longest_number};
    for (uint32_t i = 0; i < longest_list; ++i) {
        body.block.cut.push_back({{longest_number}, hash(), hash()});
        body.certificates.push_back(lane_certificate());
    }
    for (uint32_t i = 0; i < Quorum::of(longest_list).votes_min; ++i)
        body.block.reports.push_back({report, participant(i), signature()});
    for (uint32_t i = 0; i < ordering::control_entries_max; ++i)
        body.block.control.push_back(
            {{{UINT16_MAX}, {longest_number}, hash()}, participant(i), signature()});
    for (uint32_t i = 0; i < limits::ledgers_max; ++i) {
        body.block.carried.push_back(block_certificate());
        body.block.highest_carried.push_back({longest_number});
    }
    return body;
}

model::Decision largest_decision() {
    auto body = largest_body();
    return {std::move(body.block), quorum_of<model::CommitVote>(), std::move(body.certificates)};
}

model::ProposalMessage largest_proposal() {
    auto body = largest_body();
    return {{{{longest_number}, {small_number}, hash()}, participant(254), signature()},
            std::move(body.block),
            timeout_certificate(),
            std::move(body.certificates)};
}

model::BatchHeader largest_header() {
    model::BatchHeader header;
    header.lane = participant(254);
    header.height = {longest_number};
    header.da.participants = 255;
    header.da.data_cells = header.da.cells = UINT16_MAX;
    header.da.cell_bytes = header.da.length = header.da.count = small_number;
    header.da.height = {longest_number};
    header.total_bytes = longest_number;
    header.previous = lane_certificate();
    return header;
}

size_t size_of(const Message& message) {
    return model::encode_message(message).size();
}

TEST(MessageSizes, none_is_larger_than_a_peer_reads) {
    constexpr size_t most = limits::peer_message_bytes_max;
    EXPECT_LE(size_of(largest_proposal()), most);
    EXPECT_GT(size_of(largest_proposal()), most * 3 / 4)
        << "and the limit is no larger than it need";
    EXPECT_LE(size_of(largest_body()), most);
    EXPECT_LE(size_of(model::Decisions{{largest_decision()}}), most);
    EXPECT_LE(size_of(model::TimeoutMessage{
                  {{{longest_number}, {small_number}, View{small_number}, hash()},
                   participant(254),
                   signature()},
                  quorum_of<model::PrepareVote>()}),
              most);
    EXPECT_LE(size_of(timeout_certificate()), most);
    EXPECT_LE(size_of(model::Wake{{longest_number}, block_certificate()}), most);
    EXPECT_LE(size_of(model::BatchBody{largest_header(), Bytes(limits::void_batch_bytes_max)}),
              most);
    model::OwnMessages own{longest_number, {}, {}, {}, {}, {}, {}, {}, {}, {}};
    own.batch = {{participant(254), {longest_number}, hash()}, participant(254), signature()};
    for (uint32_t i = 0; i < longest_list; ++i)
        own.acknowledgements.push_back(
            {{participant(254), {longest_number}, hash(), {longest_number}},
             participant(254),
             signature()});
    own.report = largest_body().block.reports[0];
    own.proposal = largest_proposal().proposal;
    own.prepare_vote = {{{longest_number}, {small_number}, hash()}, participant(254), signature()};
    own.commit_vote = {{{longest_number}, {small_number}, hash()}, participant(254), signature()};
    own.timeout = {{{longest_number}, {small_number}, View{small_number}, hash()},
                   participant(254),
                   signature()};
    for (uint32_t i = 0; i < limits::ledgers_max; ++i) {
        own.attestations.push_back({{{UINT16_MAX}, {longest_number}, small_number, hash(), hash()},
                                    participant(254),
                                    signature()});
        own.disputes.push_back(
            {{{UINT16_MAX}, {longest_number}, hash()}, participant(254), signature()});
    }
    EXPECT_LE(size_of(own), most);
    EXPECT_LE(size_of(model::StateChunk{{}, Bytes(limits::state_chunk_bytes_max)}), most);
    model::Fragment fragment{largest_header(), signature(), largest_header(), {}};
    fragment.cells = {participant(254), Bytes(limits::batch_bytes_max + 64), {}};
    for (int i = 0; i < 8; ++i) fragment.cells.path.push_back(hash());
    EXPECT_LE(size_of(fragment), most);
    EXPECT_LE(size_of(model::BatchCells{fragment.header, fragment.cells}), most);
}

TEST(MessageSizes, an_answer_to_a_laggard_is_full_before_it_is_too_large) {
    // Two that fit alone do not fit together.
    DecisionsAnswer answer;
    EXPECT_TRUE(answer.add(largest_decision()));
    EXPECT_FALSE(answer.add(largest_decision()));
    EXPECT_LE(size_of(answer.take()), limits::peer_message_bytes_max);
    DecisionsAnswer small;
    model::Decision decision;
    decision.certificates.assign(10, lane_certificate());
    while (small.add(decision)) {
    }
    EXPECT_GT(small.count(), 5u);
    EXPECT_LE(size_of(small.take()), DecisionsAnswer::bytes_max + 1'000);
    DecisionsAnswer tiny;
    while (tiny.add({})) {
    }
    EXPECT_EQ(tiny.count(), model::Decisions{}.list.count_max);
}

TEST(MessageSizes, no_record_is_larger_than_the_journal_takes) {
    const auto size = [](const model::Record& record) { return cbor::encode(record).size(); };
    EXPECT_LE(size(largest_proposal()), store::record_payload_bytes_max);
    EXPECT_LE(size(largest_decision()), store::record_payload_bytes_max);
    EXPECT_LE(size(model::PrepareVoteRecord{
                  {{{longest_number}, {small_number}, hash()}, participant(254), signature()},
                  timeout_certificate(),
                  largest_body()}),
              store::record_payload_bytes_max);
    EXPECT_LE(
        size(model::OwnBatchRecord{largest_header(), signature(), Bytes(limits::batch_bytes_max)}),
        store::record_payload_bytes_max);
}

}  // namespace
}  // namespace tally::node
