// Every kind of message and record has one encoding, and it is the one on record: a change of these
// bytes is a change of the protocol.
#include "model/messages.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "model/testing/samples.hpp"

namespace tally::model {
namespace {

using testing::sample;

const char* const golden_path = TALLY_SOURCE_DIR "/tests/golden/messages.txt";

/// The bytes that a signature of this kind of statement covers.
template <class Body>
Bytes statement_bytes() {
    Signatories set;
    set.network = sample<Hash>();
    set.epoch = Epoch{3};
    return signed_bytes(set, Participant{2}, sample<Body>());
}

/// Name and bytes of everything whose encoding is frozen.
std::vector<std::pair<std::string, Bytes>> all_bytes() {
    std::vector<std::pair<std::string, Bytes>> all;
    for (const auto& message : testing::samples<Message>())
        all.emplace_back(std::string("message/") + testing::message_names[message.index()],
                         encode_message(message));
    for (const auto& record : testing::samples<Record>())
        all.emplace_back(std::string("record/") + testing::record_names[record.index()],
                         cbor::encode(record));
    all.emplace_back("signed/batch", statement_bytes<BatchClaim>());
    all.emplace_back("signed/acknowledgement", statement_bytes<Acknowledgement>());
    all.emplace_back("signed/report", statement_bytes<Report>());
    all.emplace_back("signed/proposal", statement_bytes<Proposal>());
    all.emplace_back("signed/prepare_vote", statement_bytes<PrepareVote>());
    all.emplace_back("signed/commit_vote", statement_bytes<CommitVote>());
    all.emplace_back("signed/timeout", statement_bytes<Timeout>());
    all.emplace_back("signed/attestation", statement_bytes<Attestation>());
    all.emplace_back("signed/dispute", statement_bytes<Dispute>());
    all.emplace_back("signed/bad_box", statement_bytes<BadBox>());
    all.emplace_back("value/charter", cbor::encode(sample<Charter>()));
    all.emplace_back("value/ledger_header", cbor::encode(sample<LedgerHeader>()));
    all.emplace_back("value/manifest_entry", cbor::encode(sample<ManifestEntry>()));
    all.emplace_back("value/list_entry", cbor::encode(sample<ListEntry>()));
    all.emplace_back("value/batch", cbor::encode(sample<Batch>()));
    const auto hash = [&](const char* name, const Hash& value) {
        all.emplace_back(name, copy_of(value.view()));
    };
    hash("hash/network_id", network_id_of(sample<CharterBody>()));
    hash("hash/da_root", da_root_of(sample<DaParameters>()));
    hash("hash/batch_header", sample<BatchHeader>().hash());
    hash("hash/lane_certificate", sample<LaneCertificate>().digest());
    hash("hash/ledger_header", sample<LedgerHeader>().hash());
    hash("hash/block", sample<Block>().hash());
    hash("hash/attestation_tag", attestation_tag(LedgerIndex{1}, Height{2}, Participant{3}, {}));
    return all;
}

/// To renew the file after a deliberate change: TALLY_RENEW_GOLDEN=1 model_tests.
TEST(Golden, every_encoding_is_the_one_on_record) {
    const auto all = all_bytes();
    if (std::getenv("TALLY_RENEW_GOLDEN") != nullptr) {
        std::ofstream out(golden_path);
        for (const auto& [name, bytes] : all) out << name << ' ' << to_hex(bytes) << '\n';
    }
    std::ifstream file(golden_path);
    std::string name, hex;
    for (const auto& [expected, bytes] : all) {
        ASSERT_TRUE(file >> name >> hex) << "the file ends before " << expected;
        EXPECT_EQ(name, expected);
        EXPECT_EQ(hex, to_hex(bytes)) << name;
    }
    EXPECT_FALSE(file >> name) << name << " is on record, but nothing encodes to it";
}

TEST(Messages, every_kind_comes_back_from_its_bytes) {
    for (const auto& message : testing::samples<Message>()) {
        const Bytes bytes = encode_message(message);
        const auto back = decode_message(bytes);
        ASSERT_TRUE(back.ok()) << testing::message_names[message.index()];
        EXPECT_EQ(*back, message);
    }
    for (const auto& record : testing::samples<Record>()) {
        const Bytes bytes = cbor::encode(record);
        const auto back = cbor::decode<Record>(bytes);
        ASSERT_TRUE(back.ok()) << testing::record_names[record.index()];
        EXPECT_EQ(cbor::encode(*back), bytes);
    }
}

TEST(Messages, every_truncation_and_every_addition_is_refused) {
    for (const auto& message : testing::samples<Message>()) {
        Bytes bytes = encode_message(message);
        for (size_t length = 0; length < bytes.size(); ++length)
            EXPECT_FALSE(decode_message(ByteView(bytes).first(length)).ok());
        bytes.push_back(0);
        EXPECT_FALSE(decode_message(bytes).ok());
    }
}

TEST(Messages, what_decodes_after_a_change_of_one_byte_encodes_to_the_changed_bytes) {
    for (const auto& message : testing::samples<Message>()) {
        const Bytes bytes = encode_message(message);
        for (size_t at = 0; at < bytes.size(); ++at) {
            for (const uint8_t flip : {0x01, 0x20, 0x80}) {
                Bytes changed = bytes;
                changed[at] ^= flip;
                const auto back = decode_message(changed);
                if (!back.ok()) continue;
                EXPECT_EQ(encode_message(*back), changed);
            }
        }
    }
}

TEST(Messages, more_than_the_limit_is_refused_unread) {
    EXPECT_TRUE(decode_message(Bytes(limits::peer_message_bytes_max + 1))
                    .error()
                    .is(cbor::CborError::too_long));
    EXPECT_FALSE(decode_message(*from_hex("821880")).ok());
    EXPECT_FALSE(decode_message({}).ok());
}

TEST(Messages, the_largest_batch_fits_a_message) {
    BatchBody body = sample<BatchBody>();
    body.bytes = Bytes(limits::void_batch_bytes_max);
    EXPECT_TRUE(decode_message(encode_message(body)).ok());
    Fragment fragment = sample<Fragment>();
    fragment.cells.bytes = Bytes(limits::batch_bytes_max);
    EXPECT_LE(encode_message(fragment).size(), limits::peer_message_bytes_max);
}

TEST(Block, each_field_is_bound_by_its_own_hash) {
    const Block block = sample<Block>();
    const auto hashes = block.field_hashes();
    EXPECT_EQ(block_hash_of(hashes), block.hash());
    const auto changes_only = [&](size_t field, auto change) {
        Block other = block;
        change(other);
        const auto changed = other.field_hashes();
        for (size_t i = 0; i < hashes.size(); ++i)
            EXPECT_EQ(changed[i] != hashes[i], i == field) << field << ' ' << i;
        EXPECT_NE(other.hash(), block.hash());
    };
    changes_only(0, [](Block& b) { ++b.slot.value; });
    changes_only(1, [](Block& b) { b.parent.bytes[0] ^= 1; });
    changes_only(2, [](Block& b) { b.parent_qc.reset(); });
    changes_only(3, [](Block& b) { ++b.time.value; });
    changes_only(4, [](Block& b) { b.cut.pop_back(); });
    changes_only(5, [](Block& b) { std::swap(b.reports[0], b.reports[1]); });
    changes_only(6, [](Block& b) { b.control.clear(); });
    changes_only(7, [](Block& b) { b.carried[1].parts[0].signature[5] ^= 1; });
    changes_only(8, [](Block& b) { ++b.highest_carried[1].value; });
}

}  // namespace
}  // namespace tally::model
