// Nobody chooses what an audit asks, only the right answer passes, and who does not answer though
// it is heard is named, and no longer once it answers again.
#include "node/audits.hpp"

#include <gtest/gtest.h>

#include <set>

namespace tally::node {
namespace {

constexpr uint64_t deadline_us = 30'000'000;
constexpr Participant auditor{0}, holder{2};

AuditRound round_of(uint64_t slot) {
    AuditRound round{{slot}, sha256(view_of("block " + std::to_string(slot))), {}, {}};
    // Lane 1 had nothing, lane 3 is new since.
    for (const uint64_t height : {5, 7, 0}) round.from.push_back({{height}, {}, {}});
    for (const uint64_t height : {9, 7, 16, 3}) round.to.push_back({{height}, {}, {}});
    return round;
}

TEST(AuditQuestions, are_drawn_alike_by_everybody_and_cover_every_batch) {
    std::set<BatchPlace> places;
    std::set<uint64_t> cells;
    uint32_t whole = 0, same_as_another = 0;
    for (uint64_t slot = 1; slot <= 400; ++slot) {
        const auto draw = draw_audit(round_of(slot), auditor, holder);
        ASSERT_TRUE(draw);
        EXPECT_EQ(draw, draw_audit(round_of(slot), auditor, holder));
        same_as_another += *draw == *draw_audit(round_of(slot), holder, auditor) ? 1 : 0;
        same_as_another += *draw == *draw_audit(round_of(slot), auditor, {3}) ? 1 : 0;
        places.insert(draw->place);
        cells.insert(draw->cell % 32);
        whole += draw->is_whole ? 1 : 0;
    }
    // 4 of lane 0, none of lane 1, 16 of lane 2 and 3 of lane 3.
    EXPECT_EQ(places.size(), 23u);
    EXPECT_EQ(*places.begin(), (BatchPlace{{0}, {6}}));
    EXPECT_EQ(*places.rbegin(), (BatchPlace{{3}, {3}}));
    EXPECT_EQ(cells.size(), 32u);
    EXPECT_EQ(same_as_another, 0u);
    EXPECT_GT(whole, 25u);
    EXPECT_LT(whole, 80u);
}

TEST(AuditQuestions, are_none_where_there_is_no_batch) {
    AuditRound round = round_of(1);
    round.from = round.to;
    EXPECT_FALSE(draw_audit(round, auditor, holder));
    round.from.front().height = {100};  // Cannot be; and still is no place.
    EXPECT_FALSE(draw_audit(round, auditor, holder));
    EXPECT_FALSE(draw_audit(AuditRound{}, auditor, holder));
}

/// A batch of four, its answers, and who judges them.
struct Stage {
    explicit Stage(model::Forwarding mode = model::Forwarding::coded, bool believe_all = false)
        : audits({coder, deadline_us, believe_all}) {
        for (int i = 0; i < 4; ++i) batch.push_back({LedgerIndex{}, Bytes(50'000, uint8_t(i))});
        dispersal = coder->disperse({{}, {1}, {3}}, mode, availability::encode_batch(batch));
        header.lane = {1};
        header.height = {3};
        header.da = dispersal.da;
    }
    AuditQuestion question(bool is_whole = false, uint64_t number = 5) const {
        return *question_of({{{1}, {3}}, is_whole, number, number}, header, *coder, holder);
    }
    model::BatchCellLeaf answer(const AuditQuestion& to) const {
        auto leaf = availability::leaf_of(header.da, dispersal.cells_of(holder), to.cell, to.leaf);
        ENSURE(leaf);
        return {{1}, {3}, header.hash(), std::move(*leaf)};
    }
    const AuditStatus& status() const { return audits.status(holder); }
    void tick(uint64_t us, Audits::Holder state = Audits::Holder::heard, bool is_gone = false) {
        out.sends.clear();
        now_us += us;
        audits.on_tick(
            now_us, [&](Participant) { return state; }, [&](BatchPlace) { return is_gone; }, out);
    }
    /// Asked so often that it is late; how often.
    size_t wait(Audits::Holder state = Audits::Holder::heard, bool is_gone = false) {
        size_t asked = 0;
        for (int i = 0; i < 200 && audits.is_open(holder); ++i) {
            tick(500'000, state, is_gone);
            asked += out.sends.size();
        }
        return asked;
    }
    void ask(AuditQuestion asked) {
        audits.ask(holder, std::move(asked), now_us);
        tick(0);
    }

    std::shared_ptr<const availability::Coder> coder =
        std::make_shared<const availability::Coder>(4, std::vector<model::Forwarding>{});
    model::Batch batch;
    availability::Dispersal dispersal;
    model::BatchHeader header;
    Audits audits;
    AuditOutput out;
    uint64_t now_us = 1'000'000;
};

TEST(Audits, a_question_is_about_the_holders_own_cells) {
    const Stage stage;
    std::set<uint16_t> cells;
    for (uint64_t number = 0; number < 64; ++number) {
        const auto question = stage.question(false, number);
        EXPECT_EQ(availability::holder_of(stage.header.da, question.cell), holder);
        EXPECT_LT(question.leaf, availability::leaves_of_cell(stage.header.da));
        cells.insert(question.cell);
    }
    EXPECT_EQ(cells.size(), 32u);
    auto altered = stage.header;
    altered.da.participants = 0;
    EXPECT_FALSE(question_of({{{1}, {3}}, false, 5, 5}, altered, *stage.coder, holder));
    EXPECT_FALSE(question_of({{{1}, {4}}, false, 5, 5}, stage.header, *stage.coder, holder));
}

TEST(Audits, the_right_leaf_passes_and_no_other) {
    for (const auto mode : {model::Forwarding::coded, model::Forwarding::replicated}) {
        Stage stage(mode);
        const auto question = stage.question();
        const auto good = stage.answer(question);
        EXPECT_FALSE(stage.audits.on_leaf(holder, good, stage.out)) << "nothing was asked";
        const auto refused = [&](auto change) {
            if (stage.audits.is_open(holder)) stage.wait();
            stage.ask(question);
            auto leaf = good;
            change(leaf);
            return !stage.audits.on_leaf(holder, leaf, stage.out);
        };
        EXPECT_TRUE(refused([](auto& answer) { answer.height = {4}; }));
        EXPECT_TRUE(refused([](auto& answer) { answer.lane = {2}; }));
        EXPECT_TRUE(refused([](auto& answer) { answer.header.bytes[3] ^= 1; }));
        EXPECT_TRUE(refused([](auto& answer) { answer.leaf.bytes[5] ^= 1; }));
        EXPECT_TRUE(refused([](auto& answer) { answer.leaf.bytes.pop_back(); }));
        EXPECT_TRUE(refused([](auto& answer) { answer.leaf.cell ^= 4; }));
        EXPECT_TRUE(refused([](auto& answer) { answer.leaf.leaf ^= 1; }));
        EXPECT_TRUE(refused([](auto& answer) { answer.leaf.in_batch.pop_back(); }));
        EXPECT_TRUE(refused([&](auto& answer) {  // True, and not what was asked.
            auto other = question;
            other.leaf ^= 1;
            answer = stage.answer(other);
        }));
        EXPECT_GT(stage.audits.refused(), 8u);
        EXPECT_EQ(stage.status().passed, 0u);
        if (stage.audits.is_open(holder)) stage.wait();
        stage.ask(question);
        EXPECT_FALSE(stage.audits.on_leaf({3}, good, stage.out)) << "of another";
        EXPECT_TRUE(stage.audits.on_leaf(holder, good, stage.out));
        EXPECT_FALSE(stage.audits.on_leaf(holder, good, stage.out)) << "once";
        EXPECT_EQ(stage.status().passed, 1u);
    }
}

TEST(Audits, where_all_cells_are_asked_for_a_leaf_is_too_little) {
    Stage stage;
    stage.ask(stage.question(true));
    ASSERT_EQ(stage.out.sends.size(), 1u);
    EXPECT_TRUE(std::holds_alternative<model::FetchCells>(stage.out.sends[0].second));
    EXPECT_FALSE(stage.audits.on_leaf(holder, stage.answer(stage.question(false)), stage.out));
    model::BatchCells cells{stage.header, stage.dispersal.cells_of({3})};
    EXPECT_FALSE(stage.audits.on_cells(holder, cells, stage.out)) << "another's";
    cells.cells = stage.dispersal.cells_of(holder);
    EXPECT_FALSE(stage.audits.on_cells(holder, cells, stage.out)) << "one answer each time";
    stage.tick(1'000'000);
    EXPECT_TRUE(stage.audits.on_cells(holder, cells, stage.out));
    EXPECT_EQ(stage.status().passed, 1u);
}

TEST(Audits, who_floods_with_wrong_answers_has_one_looked_at_for_each_question) {
    Stage stage;
    const auto question = stage.question();
    stage.ask(question);
    auto wrong = stage.answer(question);
    wrong.leaf.bytes[0] ^= 1;
    for (int i = 0; i < 1'000; ++i) stage.audits.on_leaf(holder, wrong, stage.out);
    EXPECT_EQ(stage.audits.refused(), 1'000u);
    EXPECT_FALSE(stage.audits.on_leaf(holder, stage.answer(question), stage.out));
    stage.tick(1'000'000);
    EXPECT_TRUE(stage.audits.on_leaf(holder, stage.answer(question), stage.out));
}

TEST(Audits, a_batch_that_is_not_void_is_no_answer) {
    Stage stage;
    stage.ask(stage.question());
    model::BatchBody body;
    body.header = stage.header;
    body.bytes.assign(100, 7);
    EXPECT_FALSE(stage.audits.on_body(holder, body, stage.out));
    EXPECT_TRUE(stage.audits.is_open(holder));
}

TEST(Audits, what_shows_that_a_batch_is_void_is_one) {
    Stage stage;
    const availability::Coder miscoder(4, {}, model::Parameters{}.coded_bytes_min,
                                       {.miscode = true});
    stage.dispersal = miscoder.disperse({{}, {1}, {3}}, model::Forwarding::coded,
                                        availability::encode_batch(stage.batch));
    stage.header.da = stage.dispersal.da;
    const model::CellSets sets{{stage.dispersal.cells_of({0}), stage.dispersal.cells_of({1})}};
    model::BatchBody body;
    body.header = stage.header;
    static_cast<Bytes&>(body.bytes) = cbor::encode(sets);
    EXPECT_FALSE(stage.audits.on_body(holder, body, stage.out)) << "nothing was asked";
    for (const bool is_whole : {false, true}) {
        stage.ask(stage.question(is_whole));
        auto other = body;
        ++other.header.total_bytes;
        EXPECT_FALSE(stage.audits.on_body(holder, other, stage.out));
        stage.tick(1'000'000);
        EXPECT_TRUE(stage.audits.on_body(holder, body, stage.out));
    }
    EXPECT_EQ(stage.status().passed, 2u);
}

TEST(Audits, who_misses_three_of_eight_is_named_until_it_passes_again) {
    Stage stage;
    const auto question = stage.question();
    for (int missed = 1; missed <= 3; ++missed) {
        EXPECT_TRUE(stage.status().keeps);
        stage.ask(question);
        const size_t asked = stage.wait();
        EXPECT_GE(asked, 8u);
        EXPECT_LE(asked, 20u) << "at growing intervals";
    }
    EXPECT_EQ(stage.status().missed, 3u);
    EXPECT_EQ(stage.status().missed_height, LaneHeight{3});
    EXPECT_FALSE(stage.status().keeps);
    ASSERT_EQ(stage.out.changes, std::vector<Participant>{holder});
    uint32_t passed = 0;
    for (; !stage.status().keeps && passed < 20; ++passed) {
        stage.ask(question);
        EXPECT_TRUE(stage.audits.on_leaf(holder, stage.answer(question), stage.out));
    }
    EXPECT_EQ(passed, 6u) << "then two of the last eight are missed";
    EXPECT_EQ(stage.out.changes.size(), 2u);
}

TEST(Audits, who_is_not_heard_or_asked_for_what_is_gone_misses_nothing) {
    Stage stage;
    stage.ask(stage.question());
    stage.wait(Audits::Holder::silent);
    EXPECT_EQ(stage.status().unanswered, 1u);
    stage.ask(stage.question());
    stage.wait(Audits::Holder::heard, true);
    EXPECT_EQ(stage.status().unanswered, 2u);
    stage.ask(stage.question());
    for (int i = 0; i < 100; ++i) stage.tick(1'000'000, Audits::Holder::excused);
    EXPECT_TRUE(stage.audits.is_open(holder)) << "its time stands still";
    EXPECT_TRUE(stage.audits.on_leaf(holder, stage.answer(stage.question()), stage.out));
    EXPECT_EQ(stage.status().missed, 0u);
    EXPECT_EQ(stage.audits.next_wakeup_us(), UINT64_MAX);
}

TEST(Audits, the_mistake_that_believes_everything_does) {
    Stage stage(model::Forwarding::coded, true);
    const auto question = stage.question();
    stage.ask(question);
    auto wrong = stage.answer(question);
    wrong.leaf.bytes[0] ^= 1;
    EXPECT_TRUE(stage.audits.on_leaf(holder, wrong, stage.out));
}

}  // namespace
}  // namespace tally::node
