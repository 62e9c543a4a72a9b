// A lost journal is noticed: what others hold under the own signature is compared with what the
// journal holds, a true journal is never doubted, and no liar can make it doubted.
#include "node/own_messages.hpp"

#include <gtest/gtest.h>

#include "node/node.hpp"
#include "sim/sim_disk.hpp"
#include "sim/sim_key_value.hpp"

namespace tally::node {
namespace {

constexpr Participant self{0};

class OwnMessages : public ::testing::Test {
protected:
    OwnMessages() {
        crypto_start();
        for (uint8_t i = 0; i < 4; ++i) {
            signers_.push_back(ed25519_signer(Ed25519Secret::from_seed({uint8_t(i + 1)})));
            set_.keys.push_back(signers_.back()->public_key());
            model::ParticipantEntry entry;
            entry.name = {"p" + std::to_string(i)};
            entry.signing_key = signers_.back()->public_key();
            charter_.body.participants.push_back(entry);
        }
        charter_.body.genesis_time = {1'700'000'000'000'000};
        model::LedgerEntry ledger;
        ledger.name = {"items"};
        for (uint8_t i = 0; i < 4; ++i) ledger.provers.push_back({i});
        charter_.body.ledgers.push_back(ledger);
        set_.network = model::network_id_of(charter_.body);
    }

    template <class Body>
    model::Signed<Body> sign(Participant signer, Body body) const {
        return model::sign(set_, signer, *signers_[signer.value], std::move(body));
    }
    model::Signed<model::PrepareVote> vote(uint64_t slot, uint32_t view, uint8_t block = 1) const {
        return sign(self, model::PrepareVote{{slot}, {view}, {{block}}});
    }
    static model::OwnMessages with(const model::Signed<model::PrepareVote>& vote) {
        model::OwnMessages messages;
        messages.prepare_vote = vote;
        return messages;
    }

    // --- a node whose peers the test plays ---

    void open(bool with_journal = true) {
        node_.reset();
        if (!with_journal) {
            disk_.wipe();
            key_value_.wipe();
        }
        Config config;
        config.charter = charter_;
        config.self = self;
        config.lost_journal = lost_journal_;
        config.starts_counted = starts_counted_;
        auto opened =
            Node::open(std::move(config), *signers_[0], *verifier_, disk_, key_value_, now());
        ASSERT_TRUE(opened.ok()) << opened.error().message();
        node_ = std::move(*opened);
        sent_.clear();
        logged_.clear();
        Effects effects;
        node_->start(now(), effects);
        perform(effects);
    }
    [[nodiscard]] model::Now now() const {
        return {Micros{1'700'000'001'000'000 + time_us_}, time_us_};
    }
    void step(Input input) {
        Effects effects;
        node_->step(now(), std::move(input), effects);
        perform(effects);
    }
    void perform(Effects& effects) {
        for (auto& effect : effects) {
            if (auto* out = std::get_if<SendPeer>(&effect)) {
                const auto message = model::decode_message(*out->bytes);
                ASSERT_TRUE(message.ok());
                sent_.emplace_back(out->to, *message);
            } else if (auto* line = std::get_if<Log>(&effect)) {
                logged_.push_back(line->text);
            } else if (auto* count = std::get_if<CountStart>(&effect)) {
                counted_ = count->count;
            }
        }
        while (const auto ticket = disk_.pending()) {
            disk_.complete(*ticket);
            step(Synced{*ticket});
        }
    }
    void hear(Participant from, const model::Message& message) {
        step(PeerMessage{from, std::make_shared<const Bytes>(model::encode_message(message))});
    }
    void pass(uint64_t us) {
        for (const uint64_t end = time_us_ + us; time_us_ < end;) {
            time_us_ += 50'000;
            if (node_->next_wakeup_us() <= time_us_) step(Tick{});
            ASSERT_GT(node_->next_wakeup_us(), time_us_) << "it would spin";
        }
    }
    [[nodiscard]] uint64_t asked_start() const {
        uint64_t start = 0;
        for (const auto& [to, message] : sent_) {
            const auto* asked = std::get_if<model::FetchOwnMessages>(&message);
            if (asked != nullptr) start = asked->start;
        }
        return start;
    }
    /// What it was asked last, answered with these.
    void answer(Participant from, model::OwnMessages messages) {
        messages.start = asked_start();
        hear(from, messages);
    }
    template <class M>
    [[nodiscard]] size_t count_sent() const {
        return size_t(std::count_if(sent_.begin(), sent_.end(), [](const auto& one) {
            return std::holds_alternative<M>(one.second);
        }));
    }
    /// Reports of the others wake it: it reports itself, if it may.
    void wake(uint64_t slot) {
        model::Report report{{slot}, {0}, {}, {}, now().wall};
        report.lanes.resize(4);
        for (uint8_t i = 1; i < 3; ++i) hear({i}, sign({i}, report));
    }

    model::Charter charter_;
    model::Signatories set_{{}, Epoch{0}, {}};
    std::vector<std::unique_ptr<Signer>> signers_;
    std::unique_ptr<Verifier> verifier_ = ed25519_verifier();
    sim::SimDisk disk_;
    sim::SimKeyValue key_value_;
    std::unique_ptr<Node> node_;
    std::optional<std::string> lost_journal_;
    std::optional<uint64_t> starts_counted_, counted_;
    uint64_t time_us_ = 1'000'000;
    std::vector<std::pair<Participant, model::Message>> sent_;
    std::vector<std::string> logged_;
};

TEST_F(OwnMessages,
       a_place_above_the_journals_or_another_statement_at_one_of_its_places_is_lacked) {
    SignedPlaces places(self);
    EXPECT_FALSE(places.lacks({}));
    EXPECT_TRUE(places.lacks(with(vote(1, 0)))) << "an empty journal holds nothing";
    for (uint64_t slot = 1; slot <= 200; ++slot)
        places.note(model::PrepareVoteRecord{vote(slot, 0), {}, {}});
    EXPECT_FALSE(places.lacks(with(vote(200, 0))));
    EXPECT_FALSE(places.lacks(with(vote(1, 0)))) << "too long ago to be remembered";
    EXPECT_EQ(places.lacks(with(vote(200, 1))), "a PrepareVote of slot 200, view 1");
    EXPECT_TRUE(places.lacks(with(vote(201, 0))));
    EXPECT_TRUE(places.lacks(with(vote(200, 0, 2)))) << "another block";
    model::OwnMessages other_kind;
    other_kind.commit_vote = sign(self, model::CommitVote{{1}, {0}, {{1}}});
    EXPECT_EQ(places.lacks(other_kind), "a CommitVote of slot 1, view 0");
}

TEST_F(OwnMessages, others_statements_in_the_own_journal_are_not_taken_for_its_own) {
    SignedPlaces places(self);
    const auto others = sign({1}, model::Attestation{{0}, {5}, 0, {}, {}});
    places.note(others);
    model::OwnMessages messages;
    messages.attestations.push_back(sign(self, model::Attestation{{0}, {5}, 0, {}, {}}));
    EXPECT_EQ(places.lacks(messages), "an attestation of ledger 0, height 5");
}

TEST_F(OwnMessages, the_latest_of_each_kind_is_kept_and_nobody_speaks_for_another) {
    LatestSigned latest(4, 1);
    latest.hear({1}, sign({1}, model::PrepareVote{{7}, {2}, {}}));
    latest.hear({1}, sign({1}, model::PrepareVote{{7}, {1}, {}}));
    latest.hear({1}, sign({1}, model::PrepareVote{{6}, {9}, {}}));
    latest.hear({2}, sign({1}, model::PrepareVote{{9}, {0}, {}}));
    latest.hear({1}, sign({1}, model::Attestation{{7}, {1}, 0, {}, {}}));  // No such ledger.
    const auto held = latest.of({1}, 42);
    EXPECT_EQ(held.start, 42u);
    ASSERT_TRUE(held.prepare_vote);
    EXPECT_EQ(held.prepare_vote->body.slot, Slot{7});
    EXPECT_EQ(held.prepare_vote->body.view, View{2});
    EXPECT_TRUE(held.attestations.empty());
    EXPECT_FALSE(latest.of({2}, 0).prepare_vote);
}

/// So a peer that repeats itself costs no signature checks.
TEST_F(OwnMessages, only_what_would_be_kept_is_checked) {
    struct Counting : Verifier {
        bool verify(const Ed25519Public&, ByteView, const Signature&) const override {
            return ++checks > 0;
        }
        mutable int checks = 0;
    } counting;
    LatestSigned latest(4, 1);
    latest.begin_after({1}, set_, counting);
    const auto said = [&](uint64_t slot) {
        latest.hear({1}, sign({1}, model::PrepareVote{{slot}, {0}, {}}));
        return counting.checks;
    };
    EXPECT_EQ(said(7), 1);
    EXPECT_EQ(said(7), 1);
    EXPECT_EQ(said(6), 1);
    EXPECT_EQ(said(8), 2);
    EXPECT_EQ(latest.of({1}, 0).prepare_vote->body.slot, Slot{8});
}

TEST_F(OwnMessages, what_a_record_proves_of_others_outlives_a_restart_of_whoever_keeps_it) {
    LatestSigned latest(4, 1);
    const auto quorum = [&](const auto& body) {
        model::QuorumOf<std::decay_t<decltype(body)>> of{body, {}};
        for (uint8_t i = 0; i < 3; ++i) of.endorsements.push_back({{i}, sign({i}, body).signature});
        return of;
    };
    const auto qc = quorum(model::PrepareVote{{3}, {1}, {{5}}});
    latest.see(model::CommitVoteRecord{sign({3}, model::CommitVote{{3}, {1}, {{5}}}), qc});
    model::Decision decision;
    decision.qc = quorum(model::CommitVote{{3}, {1}, {{5}}});
    decision.block.reports.push_back(sign({0}, model::Report{{3}, {1}, {}, {}, {}}));
    model::LaneCertificate lane{{0}, {4}, {{6}}, {}, {}};
    lane.author = sign({0}, model::BatchClaim{{0}, {4}, {{6}}}).signature;
    for (uint8_t i = 0; i < 3; ++i)
        lane.parts.push_back(
            {{i}, {9}, sign({i}, model::Acknowledgement{{0}, {4}, {{6}}, {9}}).signature});
    decision.certificates.push_back(lane);
    latest.see(decision);
    model::TimeoutCertificate tc{{4}, {0}, {}, {}};
    tc.parts.push_back({{0}, {}, {}, sign({0}, model::Timeout{{4}, {0}, {}, {}}).signature});
    latest.see(tc);

    const auto held = latest.of({0}, 1);
    ASSERT_TRUE(held.prepare_vote && held.commit_vote && held.report && held.batch && held.timeout);
    EXPECT_EQ(held.acknowledgements.size(), 1u);
    EXPECT_TRUE(check_own_messages(set_, *verifier_, {0}, held)) << "each proves itself";
    EXPECT_FALSE(check_own_messages(set_, *verifier_, {1}, held));
    EXPECT_TRUE(SignedPlaces(self).lacks(held));
}

TEST_F(OwnMessages, it_signs_once_enough_have_answered_and_one_silent_peer_does_not_matter) {
    open();
    EXPECT_EQ(count_sent<model::FetchOwnMessages>(), 3u) << "it asks all others";
    wake(1);
    pass(300'000);
    EXPECT_EQ(count_sent<model::Signed<model::Report>>(), 0u);
    EXPECT_FALSE(node_->status().signing);
    EXPECT_NE(node_->status().note.find("0 of 2 have answered"), std::string::npos)
        << node_->status().note;
    EXPECT_GT(count_sent<model::FetchOwnMessages>(), 3u) << "and asks again";
    answer({1}, {});
    answer({1}, {});
    EXPECT_FALSE(node_->status().signing) << "one that answers twice is one";
    answer({3}, {});
    EXPECT_TRUE(node_->status().signing);
    EXPECT_GT(count_sent<model::Signed<model::Report>>(), 0u);
}

TEST_F(OwnMessages, an_answer_to_an_earlier_start_says_too_little) {
    open();
    model::OwnMessages old;
    old.start = asked_start();
    time_us_ += 1;
    open();
    for (uint8_t i = 1; i < 4; ++i) hear({i}, old);
    EXPECT_FALSE(node_->status().signing);
}

TEST_F(OwnMessages, its_own_journal_holds_all_that_others_hold_of_it) {
    open();
    answer({1}, {});
    answer({2}, {});
    wake(1);
    ASSERT_GT(count_sent<model::Signed<model::Report>>(), 0u);
    model::OwnMessages held;
    for (const auto& [to, message] : sent_) {
        const auto* report = std::get_if<model::Signed<model::Report>>(&message);
        if (report != nullptr) held.report = *report;
    }
    time_us_ += 1;
    open();
    answer({1}, held);
    answer({2}, held);
    EXPECT_TRUE(node_->status().signing);

    // The same peers, and an empty disk: it is noticed at once, and not forgotten.
    time_us_ += 1;
    open(false);
    answer({1}, held);
    EXPECT_TRUE(node_->status().journal_lost);
    EXPECT_NE(node_->status().note.find("a Report of slot 1, view 0"), std::string::npos);
    EXPECT_EQ(logged_.size(), 1u);
    answer({2}, {});
    answer({3}, {});
    wake(1);
    pass(5'000'000);
    EXPECT_FALSE(node_->status().signing);
    EXPECT_EQ(count_sent<model::Signed<model::Report>>(), 0u);
    EXPECT_EQ(count_sent<model::TimeoutMessage>(), 0u);
    time_us_ += 1;
    open();
    EXPECT_TRUE(node_->status().journal_lost);
    EXPECT_EQ(logged_.size(), 1u) << "said at every start";
    EXPECT_EQ(count_sent<model::FetchOwnMessages>(), 0u);
}

TEST_F(OwnMessages, nobody_can_convince_it_falsely) {
    open();
    model::OwnMessages forged = with(vote(9, 9));
    forged.prepare_vote->signature[5] ^= 1;
    answer({1}, forged);
    answer({1}, with(sign({1}, model::PrepareVote{{9}, {0}, {}})));
    EXPECT_FALSE(node_->status().journal_lost);
    EXPECT_FALSE(node_->status().signing);
    EXPECT_EQ(node_->status().counters.at("refused_own_messages"), 2u);
    answer({2}, {});
    answer({3}, {});
    EXPECT_TRUE(node_->status().signing);
    // A true one counts, however late.
    answer({1}, with(vote(9, 9)));
    EXPECT_TRUE(node_->status().journal_lost);
}

TEST_F(OwnMessages, one_that_starts_or_signs_nothing_answers_too) {
    open();
    const auto vote = sign({2}, model::PrepareVote{{3}, {0}, {{1}}});
    hear({2}, vote);
    hear({2}, model::FetchOwnMessages{77, {}});
    const auto* answered = std::get_if<model::OwnMessages>(&sent_.back().second);
    ASSERT_NE(answered, nullptr);
    EXPECT_EQ(sent_.back().first, Participant{2});
    EXPECT_EQ(answered->start, 77u);
    EXPECT_EQ(answered->prepare_vote, vote);
}

TEST_F(OwnMessages, a_counter_outside_of_the_journal_that_differs_marks_it_lost) {
    open();
    ASSERT_EQ(counted_, 1u);
    starts_counted_ = 1;
    time_us_ += 1;
    open();
    EXPECT_FALSE(node_->status().journal_lost);
    ASSERT_EQ(counted_, 2u);
    // A crash before it was written down: the journal is one ahead.
    open();
    EXPECT_FALSE(node_->status().journal_lost);
    starts_counted_ = counted_;
    counted_.reset();
    open(false);
    EXPECT_TRUE(node_->status().journal_lost);
    EXPECT_FALSE(counted_) << "so that the true journal, put back, matches";
}

TEST_F(OwnMessages, what_is_marked_lost_from_outside_is_lost_and_clients_are_told) {
    lost_journal_ = "it was restored from a backup";
    open();
    EXPECT_TRUE(node_->status().journal_lost);
    EXPECT_NE(node_->status().note.find("restored from a backup"), std::string::npos);
    EXPECT_EQ(logged_.size(), 1u);
    model::CheckedEnvelope envelope;
    Effects effects;
    node_->step(now(),
                ClientRequest{1, Submit{{0},
                                        {1},
                                        std::make_shared<const model::CheckedEnvelope>(envelope),
                                        Level::submitted,
                                        0}},
                effects);
    ASSERT_EQ(effects.size(), 1u);
    const auto& response = std::get<Reply>(effects[0]).response;
    const auto& result = std::get<Result<TransactionStatus>>(response);
    ASSERT_FALSE(result.ok());
    EXPECT_TRUE(result.error().is(ClientError::journal_lost));
    lost_journal_.reset();
    time_us_ += 1;
    open();
    EXPECT_TRUE(node_->status().journal_lost) << "the journal remembers";
}

TEST_F(OwnMessages, what_was_signed_in_another_epoch_is_not_asked_of_this_one) {
    open();
    sent_.clear();
    hear({2}, model::FetchOwnMessages{77, {1}});
    EXPECT_EQ(count_sent<model::OwnMessages>(), 0u);
    hear({2}, model::FetchOwnMessages{78, {0}});
    EXPECT_EQ(count_sent<model::OwnMessages>(), 1u);
}

/// One liar is not believed; one of f + 1 is honest.
TEST_F(OwnMessages, a_later_epoch_has_begun_when_more_than_f_take_part_in_it) {
    open();
    const auto beat = [&](uint8_t from, uint32_t epoch) {
        hear({from}, model::Heartbeat{{1}, {0}, {}, {epoch}});
    };
    for (const uint8_t from : {1, 2, 3}) beat(from, 0);
    EXPECT_EQ(node_->status().heard, 4u);
    logged_.clear();
    beat(3, 7);
    EXPECT_FALSE(node_->status().newer_epoch);
    EXPECT_EQ(node_->status().heard, 3u) << "who is elsewhere does not count here";
    EXPECT_EQ(logged_.size(), 0u);
    beat(2, 2);
    EXPECT_FALSE(node_->status().newer_epoch) << "they may have been handed over a moment earlier";
    pass(5'000'000);
    beat(3, 7);
    beat(2, 2);
    EXPECT_EQ(node_->status().newer_epoch, Epoch{2}) << "not 7, which a liar may have made up";
    EXPECT_EQ(logged_.size(), 1u);
    beat(2, 2);
    beat(1, 2);
    EXPECT_EQ(logged_.size(), 1u) << "once";
    EXPECT_FALSE(node_->status().ordering());
    EXPECT_NE(node_->status().note.find("the others take part in epoch 2"), std::string::npos);
    const auto checked = std::make_shared<const model::CheckedEnvelope>();
    Effects effects;
    node_->step(now(), ClientRequest{1, Submit{{0}, {1}, checked, Level::submitted, 0}}, effects);
    ASSERT_EQ(effects.size(), 1u);
    const auto& answer = std::get<Result<TransactionStatus>>(std::get<Reply>(effects[0]).response);
    ASSERT_FALSE(answer.ok());
    EXPECT_TRUE(answer.error().is(ClientError::epoch_over));
}

}  // namespace
}  // namespace tally::node
