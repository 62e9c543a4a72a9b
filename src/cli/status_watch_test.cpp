// The log says once what has changed: agreement, peers, clocks and ledgers.
#include "cli/status_watch.hpp"

#include <gtest/gtest.h>

namespace tally::cli {
namespace {

class Watched : public ::testing::Test {
protected:
    Watched() {
        status_.participant = "alice";
        status_.participants = 4;
        status_.needed = 3;
        status_.heard = 4;
        for (const char* name : {"alice", "bob", "carol", "dave"}) {
            node::PeerProgress peer;
            peer.name = name;
            peer.heard = true;
            status_.peers.push_back(peer);
        }
        node::LedgerStatus ledger;
        ledger.name = "stock";
        status_.ledgers.push_back(ledger);
    }
    std::string events() {
        std::string text;
        for (const auto& line : watch_.changes(status_))
            text += (text.empty() ? "" : " ") + std::string(line.event);
        return text;
    }
    node::Status status_;
    StatusWatch watch_;
};

TEST_F(Watched, agreement) {
    EXPECT_EQ(events(), "agreement_up");
    EXPECT_EQ(events(), "");
    status_.heard = 2;
    EXPECT_EQ(events(), "agreement_lost");
    EXPECT_EQ(events(), "");
    status_.heard = 3;
    EXPECT_EQ(events(), "agreement_up");
}

TEST_F(Watched, a_start_alone_is_no_loss) {
    status_.heard = 1;
    EXPECT_EQ(events(), "");
    status_.heard = 3;
    EXPECT_EQ(events(), "agreement_up");
}

TEST_F(Watched, peers_and_their_clocks) {
    EXPECT_EQ(events(), "agreement_up");
    status_.peers[2].silent_us = 6'000'000;
    EXPECT_EQ(events(), "peer_silent");
    EXPECT_EQ(events(), "");
    status_.peers[2].silent_us = 10;
    status_.peers[3].clock_ahead_us = -400'000;
    EXPECT_EQ(events(), "peer_heard clock_apart");
    status_.peers[3].clock_ahead_us = -100;
    EXPECT_EQ(events(), "clock_together");
}

TEST_F(Watched, ledgers) {
    EXPECT_EQ(events(), "agreement_up");
    status_.ledgers[0].paused = true;
    status_.ledgers[0].missing = {"bob", "carol"};
    const auto lines = watch_.changes(status_);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_EQ(lines[0].event, "ledger_paused");
    EXPECT_EQ(lines[0].fields.back().second, "bob,carol");
    status_.ledgers[0].paused = false;
    EXPECT_EQ(events(), "ledger_resumed");
}

}  // namespace
}  // namespace tally::cli
