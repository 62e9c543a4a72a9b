// A batch that is wanted comes back from any f + 1 holders' cells, whoever is silent or lies, and
// from a whole copy where cells are gone; the own cells count, and what is kept is bounded.
#include "availability/rebuilder.hpp"

#include <gtest/gtest.h>

namespace tally::availability {
namespace {

class RebuilderTest : public ::testing::Test {
protected:
    static constexpr uint32_t count = 4;
    static constexpr Participant self{3}, lane{1};

    RebuilderTest() {
        model::Batch batch{{LedgerIndex{1}, Bytes(40'000, 7)}};
        bytes_ = encode_batch(batch);
        dispersal_ = coder_->disperse({Epoch{}, lane, {5}}, model::Forwarding::coded, bytes_);
        header_.lane = lane;
        header_.height = {5};
        header_.da = dispersal_.da;
        place_ = {{5}, header_.hash()};
    }

    [[nodiscard]] model::BatchCells cells_of(uint8_t holder) const {
        return {header_, dispersal_.cells_of({holder})};
    }
    /// Everyone but those who are silent answers at once; what was asked is counted.
    void run(uint64_t until_us, const std::set<uint8_t>& silent, bool has_whole = false) {
        for (; now_us_ <= until_us && rebuilder_->size() > 0; now_us_ += 10'000) {
            RebuilderEffects effects;
            rebuilder_->on_tick(now_us_, effects);
            for (size_t i = 0; i < effects.list.size(); ++i) {
                const auto effect = effects.list[i];
                if (const auto* rebuilt = std::get_if<Rebuilt>(&effect)) {
                    ++came_;
                    batch_ = rebuilt->batch;
                }
                const auto* sent = std::get_if<model::Send>(&effect);
                if (sent == nullptr) continue;
                const Participant to = sent->to.value();
                EXPECT_NE(to, self);
                ++asked_[to.value];
                if (std::holds_alternative<model::FetchBatch>(*sent->message) && has_whole)
                    rebuilder_->on_body({header_, bytes_}, effects);
                if (std::holds_alternative<model::FetchCells>(*sent->message) &&
                    !silent.contains(to.value))
                    rebuilder_->on_cells(to, cells_of(to.value), now_us_, effects);
            }
        }
    }

    static std::vector<Participant> all_but_self() {
        std::vector<Participant> others;
        for (uint8_t i = 0; i < count; ++i) {
            if (Participant{i} != self) others.push_back({i});
        }
        return others;
    }

    const std::shared_ptr<const Coder> coder_ =
        std::make_shared<const Coder>(count, std::vector<model::Forwarding>());
    Bytes bytes_;
    Dispersal dispersal_;
    model::BatchHeader header_;
    LanePlace place_;
    std::optional<model::BatchCells> own_;
    std::unique_ptr<Rebuilder> rebuilder_ = std::make_unique<Rebuilder>(Rebuilder::Config{
        {self, all_but_self()}, Epoch{}, coder_, [this](Participant, const LanePlace&) {
            return own_;
        }});
    std::map<uint8_t, int> asked_;
    uint64_t now_us_ = 1'000;
    int came_ = 0;
    std::shared_ptr<const HeldBatch> batch_;
};

TEST_F(RebuilderTest, two_holders_are_enough_and_no_more_are_asked) {
    ASSERT_TRUE(coder_->shape_of(header_.da).is_coded());
    ASSERT_TRUE(rebuilder_->want(lane, place_, now_us_));
    EXPECT_TRUE(rebuilder_->want(lane, place_, now_us_));
    EXPECT_EQ(rebuilder_->size(), 1u);
    run(100'000, {});
    ASSERT_EQ(came_, 1);
    EXPECT_EQ(batch_->bytes, bytes_);
    EXPECT_EQ(batch_->header_hash, place_.second);
    EXPECT_FALSE(batch_->is_void);
    EXPECT_EQ(asked_.size(), 2u);
    EXPECT_EQ(rebuilder_->next_wakeup_us(), UINT64_MAX);
}

TEST_F(RebuilderTest, where_holders_have_left_the_whole_is_asked_for) {
    rebuilder_ = std::make_unique<Rebuilder>(
        Rebuilder::Config{{self, {Participant{0}}}, Epoch{}, coder_, [](auto&&...) {
                              return std::optional<model::BatchCells>();
                          }});
    ASSERT_TRUE(rebuilder_->want(lane, place_, now_us_));
    run(now_us_ + 1'000'000, {});
    EXPECT_EQ(came_, 0);
    EXPECT_GT(rebuilder_->next_wakeup_us(), now_us_ - 10'000) << "it does not spin";
    EXPECT_LT(asked_[0], 10);
    run(now_us_ + 10'000'000, {}, true);
    EXPECT_EQ(came_, 1);
    EXPECT_EQ(batch_->bytes, bytes_);
}

TEST_F(RebuilderTest, whoever_is_silent_is_passed_over) {
    for (uint8_t silent = 0; silent < count - 1; ++silent) {
        came_ = 0;
        ASSERT_TRUE(rebuilder_->want(lane, place_, now_us_));
        run(now_us_ + 2'000'000, {silent});
        EXPECT_EQ(came_, 1) << int(silent);
    }
}

TEST_F(RebuilderTest, the_own_cells_count_and_altered_ones_do_not) {
    own_ = cells_of(self.value);
    ASSERT_TRUE(rebuilder_->want(lane, place_, now_us_));
    run(10'000'000, {0, 1});
    EXPECT_EQ(came_, 1);
    own_->cells.bytes[3] ^= 1;
    ASSERT_TRUE(rebuilder_->want(lane, place_, now_us_));
    run(now_us_ + 60'000'000, {0, 1});
    EXPECT_EQ(came_, 1) << "one holder's cells are too few";
    EXPECT_EQ(rebuilder_->size(), 1u);
}

TEST_F(RebuilderTest, where_cells_are_gone_a_whole_copy_does) {
    ASSERT_TRUE(rebuilder_->want(lane, place_, now_us_));
    run(60'000'000, {0, 1, 2}, true);
    ASSERT_EQ(came_, 1);
    EXPECT_EQ(batch_->bytes, bytes_);
}

TEST_F(RebuilderTest, what_does_not_verify_is_refused_and_the_next_is_asked) {
    ASSERT_TRUE(rebuilder_->want(lane, place_, now_us_));
    RebuilderEffects effects;
    auto cells = cells_of(0);
    cells.cells.bytes[0] ^= 1;
    EXPECT_TRUE(rebuilder_->on_cells({0}, cells, now_us_, effects));
    EXPECT_TRUE(rebuilder_->on_cells({1}, cells_of(0), now_us_, effects)) << "another's";
    EXPECT_TRUE(rebuilder_->on_body({header_, Bytes(10, 1)}, effects));
    EXPECT_EQ(rebuilder_->refused(), 3u);
    auto other = cells_of(0);
    other.header.total_bytes = 1;
    EXPECT_FALSE(rebuilder_->on_cells({0}, other, now_us_, effects)) << "another header";
    EXPECT_FALSE(rebuilder_->on_body({other.header, bytes_}, effects));
    EXPECT_TRUE(effects.list.empty());
    run(1'000'000, {});
    EXPECT_EQ(came_, 1);
}

TEST_F(RebuilderTest, so_many_are_asked_for_and_no_more) {
    for (uint64_t height = 1; height <= Rebuilder::wanted_max; ++height)
        EXPECT_TRUE(rebuilder_->want(lane, {{height}, {}}, now_us_));
    EXPECT_FALSE(rebuilder_->want(lane, place_, now_us_));
    EXPECT_FALSE(rebuilder_->want({4}, {{1}, {}}, now_us_)) << "there is no such lane";
    rebuilder_->keep_only([](Participant, const LanePlace& at) { return at.first.value % 2 == 0; });
    EXPECT_EQ(rebuilder_->size(), Rebuilder::wanted_max / 2);
    EXPECT_TRUE(rebuilder_->want(lane, place_, now_us_));
}

TEST_F(RebuilderTest, who_is_alone_has_nobody_to_ask) {
    const auto of_one = std::make_shared<const Coder>(1, std::vector<model::Forwarding>());
    Rebuilder alone(Rebuilder::Config{{Participant{0}, {}}, Epoch{}, of_one, nullptr});
    EXPECT_FALSE(alone.want({0}, place_, now_us_));
    EXPECT_EQ(alone.size(), 0u);
}

}  // namespace
}  // namespace tally::availability
