// What a node loads from the others, and what it answers to those who load.
#include "node/testing/among_four.hpp"

namespace tally::node {
namespace {

using SyncTest = among_four::AmongFour;

TEST_F(SyncTest, a_damaged_ledger_is_not_loaded_alone_while_all_are_about_to_be) {
    hear({1}, model::Decisions{{first_decision()}});
    ASSERT_EQ(node_->status().decided, Slot{1});
    // So far behind that states are loaded, once the decisions are here.
    hear({1}, model::DecideMessage{decided({10'000})});
    Damage damage;
    damage.kind = Damage::Kind::ledger;
    damage.detail = "a test says so";
    step(DamageSeen{damage});
    ASSERT_TRUE(node_->status().ledgers[0].quarantine.quarantined);
    for (int i = 0; i < 100; ++i) {
        time_us_ += 100'000;
        step(Tick{});
    }
    EXPECT_EQ(count_sent<model::FetchStands>(), 0u)
        << "its end would let everything go on that waits for the load of all";
}

}  // namespace
}  // namespace tally::node
