// A charter is usable only if every field is and every founder signed this very body; the error
// says which is not.
#include "model/charter.hpp"

#include <gtest/gtest.h>

namespace tally::model {
namespace {

class CharterTest : public ::testing::Test {
protected:
    static Ed25519Secret secret(uint8_t number) {
        std::array<uint8_t, 32> seed{number};
        return Ed25519Secret::from_seed(seed);
    }
    CharterTest() {
        crypto_start();
        body.name = std::string("example");
        body.genesis_time = Micros{1'700'000'000'000'000};
        for (uint8_t i = 0; i < 4; ++i) {
            ParticipantEntry entry;
            entry.name = std::string(1, char('a' + i));
            entry.identity_key = secret(i).public_key();
            entry.signing_key = secret(uint8_t(10 + i)).public_key();
            entry.addresses.push_back(std::string("127.0.0.1:7001"));
            body.participants.push_back(entry);
        }
        LedgerEntry ledger;
        ledger.name = std::string("packages");
        for (uint8_t i = 0; i < 4; ++i) ledger.provers.push_back(Participant{i});
        body.ledgers.push_back(ledger);
    }
    [[nodiscard]] Charter signed_charter() const {
        Charter charter{body, {}, {}};
        const Bytes statement = founder_statement(network_id_of(body));
        for (uint8_t i = 0; i < 4; ++i)
            charter.signatures.push_back({Participant{i}, secret(i).sign(statement)});
        return charter;
    }
    template <class Change>
    void expect_refused(CharterError error, std::string_view mentions, Change change) {
        CharterBody bad = body;
        change(bad);
        const auto result = check_charter_body(bad);
        ASSERT_FALSE(result.ok()) << mentions;
        EXPECT_TRUE(result.error().is(error)) << result.error().message();
        EXPECT_NE(result.error().message().find(mentions), std::string::npos)
            << result.error().message();
    }
    CharterBody body;
};

TEST_F(CharterTest, one_signed_by_all_founders_is_accepted_and_keeps_its_id) {
    const Charter charter = signed_charter();
    const auto back = decode_charter(cbor::encode(charter));
    ASSERT_TRUE(back.ok()) << back.error().message();
    EXPECT_EQ(*back, charter);
    EXPECT_EQ(network_id_of(back->body), network_id_of(body));
    EXPECT_EQ(back->ledger("packages"), LedgerIndex{0});
    EXPECT_FALSE(back->ledger("nothing"));
}

TEST_F(CharterTest, a_founder_who_has_not_signed_is_named) {
    Charter charter = signed_charter();
    charter.signatures.pop_back();
    const auto result = check_charter(charter);
    ASSERT_TRUE(result.error().is(CharterError::unsigned_by_founder));
    EXPECT_EQ(result.error().message(),
              "the charter is not signed by every founder: d has not signed. Have each founder run "
              "`tally charter sign`");
}

TEST_F(CharterTest, a_signature_is_for_this_body_and_this_founder) {
    Charter charter = signed_charter();
    charter.body.name = std::string("example2");
    EXPECT_TRUE(check_charter(charter).error().is(CharterError::bad_signature));
    charter = signed_charter();
    charter.signatures[1].signature[3] ^= 1;
    const auto result = check_charter(charter);
    EXPECT_TRUE(result.error().is(CharterError::bad_signature));
    EXPECT_NE(result.error().message().find(": b."), std::string::npos);
    charter = signed_charter();
    charter.signatures[2] = charter.signatures[1];
    EXPECT_TRUE(check_charter(charter).error().is(CharterError::unsigned_by_founder));
    charter = signed_charter();
    charter.signatures.push_back({Participant{4}, {}});
    EXPECT_TRUE(check_charter(charter).error().is(CharterError::bad_signature));
}

TEST_F(CharterTest, bytes_that_are_no_charter_are_refused) {
    EXPECT_TRUE(decode_charter({}).error().is(CharterError::not_a_charter));
    Bytes bytes = cbor::encode(signed_charter());
    for (size_t length = 0; length < bytes.size(); length += 7)
        EXPECT_TRUE(
            decode_charter(ByteView(bytes).first(length)).error().is(CharterError::not_a_charter));
    for (size_t at = 0; at < bytes.size(); at += 5) {
        Bytes bad = bytes;
        bad[at] ^= 1;
        EXPECT_FALSE(decode_charter(bad).ok()) << at;
    }
}

TEST_F(CharterTest, what_this_version_does_not_know_is_refused_by_name) {
    expect_refused(CharterError::unknown_consensus, "'raft'",
                   [](auto& b) { b.consensus = std::string("raft"); });
    expect_refused(CharterError::unknown_execution, "2", [](auto& b) { b.execution = 2; });
}

TEST_F(CharterTest, participants_must_be_distinct_and_reachable) {
    using enum CharterError;
    expect_refused(bad_participants, "none", [](auto& b) { b.participants.clear(); });
    expect_refused(bad_participants, "no name", [](auto& b) { b.participants[2].name.clear(); });
    expect_refused(bad_participants, "two are named a",
                   [](auto& b) { b.participants[1].name = b.participants[0].name; });
    expect_refused(bad_participants, "key of b", [](auto& b) {
        b.participants[1].identity_key = b.participants[0].identity_key;
    });
    expect_refused(bad_participants, "key of c",
                   [](auto& b) { b.participants[2].signing_key = b.participants[0].identity_key; });
    expect_refused(bad_participants, "no address",
                   [](auto& b) { b.participants[3].addresses.clear(); });
}

TEST_F(CharterTest, ledgers_must_have_names_and_ascending_provers) {
    using enum CharterError;
    expect_refused(bad_ledgers, "none", [](auto& b) { b.ledgers.clear(); });
    for (const char* name : {"_", "a", "a/b", "a-b.c_d/E2"}) {
        auto named = body;
        named.ledgers[0].name = std::string(name);
        EXPECT_TRUE(check_charter_body(named).ok()) << name;
    }
    for (const char* name : {"", "/a", "a/", "a b", "a?b", "a\xc3\xa4", ".", "..", "-x", "1",
                             "a//b", "a/../b", "a/./b", "a/-b"})
        expect_refused(bad_ledgers, "not a ledger name",
                       [&](auto& b) { b.ledgers[0].name = std::string(name); });
    expect_refused(bad_ledgers, "two are named",
                   [](auto& b) { b.ledgers.push_back(b.ledgers[0]); });
    expect_refused(bad_ledgers, "no prover", [](auto& b) { b.ledgers[0].provers.clear(); });
    expect_refused(bad_ledgers, "not ascending",
                   [](auto& b) { std::swap(b.ledgers[0].provers[0], b.ledgers[0].provers[1]); });
    expect_refused(bad_ledgers, "not ascending",
                   [](auto& b) { b.ledgers[0].provers[1] = b.ledgers[0].provers[0]; });
    expect_refused(bad_ledgers, "not ascending",
                   [](auto& b) { b.ledgers[0].provers[3] = Participant{4}; });
}

TEST_F(CharterTest, the_networks_own_ledger_is_proved_by_all) {
    body.ledgers[0].name = std::string("_network");
    EXPECT_TRUE(check_charter_body(body).ok());
    expect_refused(CharterError::bad_ledgers,
                   "_network is proved by all participants: list all 4 instead of 3",
                   [](auto& b) { b.ledgers[0].provers.pop_back(); });
    // Any other ledger chooses its provers.
    body.ledgers[0].name = std::string("packages");
    body.ledgers[0].provers.pop_back();
    EXPECT_TRUE(check_charter_body(body).ok());
}

TEST_F(CharterTest, a_signature_that_stands_there_and_does_not_hold_is_named) {
    using Names = std::vector<std::string>;
    const auto invalid = [](const Charter& charter) {
        return invalid_signatures(charter.body, charter.signatures,
                                  founder_statement(network_id_of(charter.body)));
    };
    Charter charter = signed_charter();
    EXPECT_EQ(invalid(charter), Names{});
    charter.signatures.pop_back();
    EXPECT_EQ(invalid(charter), Names{}) << "who has not signed yet has not signed wrongly";
    charter.signatures[1].signature[3] ^= 1;
    EXPECT_EQ(invalid(charter), Names{"b"});
    charter = signed_charter();
    charter.body.name = std::string("example2");
    EXPECT_EQ(invalid(charter), (Names{"a", "b", "c", "d"}));
    charter = signed_charter();
    charter.signatures[2] = charter.signatures[1];
    EXPECT_EQ(invalid(charter), Names{"b, which is out of order"});
    charter.signatures.resize(3);
    charter.signatures[2].participant = Participant{77};
    EXPECT_EQ(invalid(charter), Names{"participant number 77, which the charter does not name"});
}

TEST_F(CharterTest, each_parameter_has_a_range) {
    using P = Parameters;
    struct Case {
        uint64_t P::*parameter;
        uint64_t too_small, too_large;  ///< equal to the default: no such bound
        std::string_view name;
    };
    const P good;
    const Case cases[] = {
        {&P::window_batches, 0, 4'097, "window_batches"},
        {&P::window_bytes, limits::batch_bytes_max - 1, (uint64_t{1} << 32) + 1, "window_bytes"},
        {&P::late_after_us, 999, 60'000'001, "late_after_us"},
        {&P::pause_after_blocks, 1, 4'097, "pause_after_blocks"},
        {&P::view_timer_us, 9'999, 600'000'001, "view_timer_us"},
        {&P::clock_behind_us_max, 9'999, 600'000'001, "clock_behind_us_max"},
        {&P::hold_us, good.late_after_us - 1, 10'000'001, "hold_us"},
        {&P::carried_certificates_max, 0, 257, "carried_certificates_max"},
        {&P::expire_ahead_ms, 999, limits::expire_ahead_ms_max + 1, "expire_ahead_ms"},
        {&P::dispute_window_us, good.dispute_window_us, 86'400'000'001, "dispute_window_us"},
        {&P::dispute_window_slots, 0, 1'000'001, "dispute_window_slots"},
        {&P::coded_bytes_min, 63, limits::batch_bytes_max + 1, "coded_bytes_min"},
        {&P::retention_us, good.whole_us - 1, 3'153'600'000'000'001, "retention_us"},
        {&P::retention_slots, good.whole_slots - 1, 1'000'000'000'001, "retention_slots"},
        {&P::whole_us, good.whole_us, good.retention_us + 1, "whole_us"},
        {&P::whole_slots, 0, good.retention_slots + 1, "whole_slots"},
        {&P::change_us, good.change_us, 31'536'000'000'001, "change_us"},
        {&P::change_slots, 0, 1'000'000'001, "change_slots"}};
    static_assert(std::size(cases) == std::tuple_size_v<decltype(P::fields())>);
    for (const Case& one : cases) {
        for (const uint64_t value : {one.too_small, one.too_large}) {
            if (value == good.*one.parameter) continue;
            expect_refused(CharterError::bad_parameters, one.name,
                           [&](auto& b) { b.parameters.*one.parameter = value; });
        }
        CharterBody edge = body;
        edge.parameters.*one.parameter = one.too_large - 1;
        EXPECT_TRUE(check_charter_body(edge).ok()) << one.name;
    }
}

TEST_F(CharterTest, full_windows_of_all_lanes_fit_one_block) {
    for (uint8_t i = 4; i < 17; ++i) {
        auto one = body.participants[0];
        one.name = "participant " + std::to_string(i);
        one.identity_key[31] = one.signing_key[31] = i;
        one.identity_key[0] = 1;
        one.signing_key[0] = 2;
        body.participants.push_back(one);
    }
    ASSERT_TRUE(check_charter_body(body).ok());
    body.parameters.window_batches = 65'536 / 17;
    body.parameters.window_bytes = (uint64_t{1} << 35) / 17;
    EXPECT_TRUE(check_charter_body(body).ok());
    expect_refused(CharterError::bad_parameters,
                   "window_batches of 17 participants must be at most 3855, not 3856",
                   [](auto& b) { ++b.parameters.window_batches; });
    expect_refused(CharterError::bad_parameters, "window_bytes of 17 participants",
                   [](auto& b) { ++b.parameters.window_bytes; });
    // What is held back comes together.
    body.parameters.window_batches = 8'192 / 17;
    body.parameters.hold_us = 1'000'000;
    EXPECT_TRUE(check_charter_body(body).ok());
    expect_refused(CharterError::bad_parameters,
                   "window_batches of 17 participants must be at most 481, not 482",
                   [](auto& b) { ++b.parameters.window_batches; });
}

}  // namespace
}  // namespace tally::model
