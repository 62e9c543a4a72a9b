// A ledger pauses when more than f_p of its provers dispute, for a window in time and in slots, and
// when too little of it is carried; others and `_network` go on.
#include "proving/pauses.hpp"

#include <gtest/gtest.h>

namespace tally::proving {
namespace {

constexpr LedgerIndex parcels{0};
constexpr LedgerIndex network{1};

class PausesTest : public ::testing::Test {
protected:
    static model::CharterBody made() {
        model::CharterBody charter;
        charter.ledgers.resize(2);
        charter.ledgers[0].name = "parcels";
        charter.ledgers[1].name = "_network";
        for (uint8_t i = 0; i < 4; ++i) {
            for (auto& ledger : charter.ledgers) ledger.provers.push_back(Participant{i});
        }
        charter.parameters.dispute_window_slots = 10;
        charter.parameters.dispute_window_us = 1'000'000;
        charter.parameters.pause_after_blocks = 3;
        return charter;
    }
    void slot(uint64_t number, uint64_t time_us, std::initializer_list<uint8_t> disputing = {},
              LedgerIndex ledger = parcels) {
        model::Block block;
        block.slot = Slot{number};
        block.time = Micros{time_us};
        block.highest_carried = {Height{carried}, Height{carried}};
        for (const uint8_t prover : disputing)
            block.control.push_back({{ledger, Height{1}, {}}, Participant{prover}, {}});
        pauses.on_slot(block);
    }
    [[nodiscard]] Pause now(LedgerIndex ledger = parcels) const {
        return pauses.paused(ledger, Height{1});
    }
    model::CharterBody charter = made();
    Pauses pauses{charter};
    uint64_t carried = 0;
};

TEST_F(PausesTest, one_dispute_or_one_prover_twice_pauses_nothing) {
    slot(1, 0, {2});
    slot(2, 1, {2});
    slot(3, 2, {2, 2});
    EXPECT_EQ(now(), Pause::none);
    EXPECT_FALSE(pauses.window_open());
}

TEST_F(PausesTest, two_of_four_pause_until_time_and_slots_are_over) {
    slot(1, 0, {2});
    slot(2, 500'000, {0});
    EXPECT_EQ(now(), Pause::disputes);
    EXPECT_EQ(now(network), Pause::none);
    EXPECT_TRUE(pauses.window_open());
    slot(3, 2'000'000);  // Time alone does not end it.
    EXPECT_EQ(now(), Pause::disputes);
    slot(11, 2'100'000);
    EXPECT_EQ(now(), Pause::disputes);
    slot(12, 2'200'000);
    EXPECT_EQ(now(), Pause::none);
    EXPECT_FALSE(pauses.window_open());
    slot(13, 2'300'000, {0});  // All disputes lapsed with the window.
    EXPECT_EQ(now(), Pause::none);
    slot(14, 2'300'001, {3});
    EXPECT_EQ(now(), Pause::disputes);
    slot(30, 2'400'000);  // Slots alone do not end it.
    EXPECT_EQ(now(), Pause::disputes);
    slot(31, 3'300'001);
    EXPECT_EQ(now(), Pause::none);
}

TEST_F(PausesTest, a_dispute_that_stays_alone_lapses) {
    slot(1, 0, {2});
    slot(20, 2'000'000, {0});
    EXPECT_EQ(now(), Pause::none);
}

TEST_F(PausesTest, strangers_and_unknown_ledgers_do_not_count) {
    charter.ledgers[0].provers = {Participant{0}, Participant{1}, Participant{2}};
    slot(1, 0, {3});
    slot(2, 0, {3, 9}, LedgerIndex{40});
    EXPECT_EQ(now(), Pause::none);
    slot(3, 0, {1});  // f_p of three is zero: one honest prover's word is enough.
    EXPECT_EQ(now(), Pause::disputes);
}

TEST_F(PausesTest, lag_is_measured_against_what_is_carried) {
    slot(1, 0);
    EXPECT_EQ(pauses.paused(parcels, Height{3}), Pause::none);
    EXPECT_EQ(pauses.paused(parcels, Height{4}), Pause::lag);
    EXPECT_EQ(pauses.paused(network, Height{400}), Pause::none) << "the way out stays open";
    carried = 1;
    slot(2, 1);
    EXPECT_EQ(pauses.paused(parcels, Height{4}), Pause::none);
}

TEST_F(PausesTest, the_state_survives_its_encoding) {
    carried = 5;
    slot(1, 0, {2, 1});
    Pauses other(charter);
    ASSERT_TRUE(other.decode(pauses.encode()).ok());
    EXPECT_EQ(other.paused(parcels, Height{6}), Pause::disputes);
    EXPECT_EQ(other.encode(), pauses.encode());
    EXPECT_FALSE(other.decode(Bytes{0x80}).ok());
    EXPECT_EQ(other.encode(), pauses.encode());
}

}  // namespace
}  // namespace tally::proving
