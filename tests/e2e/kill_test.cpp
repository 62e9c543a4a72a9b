// Four participants under load, and again and again one of them, whichever it is, is killed with
// kill -9 at a drawn moment and started again: no transaction that was acknowledged is lost, none
// takes effect twice, and in the end all four have the same blocks and the same state.
#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "cli/key_file.hpp"
#include "entry_load.hpp"

namespace tally::cli {
namespace {

using std::chrono::milliseconds;

TEST(Kill, loses_nothing_that_was_acknowledged_and_repeats_nothing) {
    constexpr int kills = 10;
    crypto_start();
    auto folder = WorkFolder::make("", "tally-kill");
    ASSERT_TRUE(folder.ok());
    const model::SecretKey key = Ed25519Secret::from_seed(random_secret());
    auto made = LocalNetwork::make(entry_plan(*folder, "kills", key));
    ASSERT_TRUE(made.ok()) << made.error().message();
    LocalNetwork network = std::move(*made);
    const auto started = network.start_all();
    ASSERT_TRUE(started.ok()) << started.error().message();

    constexpr uint32_t seed = 20'260'711;
    std::mt19937 draw(seed);
    Clients clients(network, key, 12, 0);
    for (int i = 0; i < kills; ++i) {
        std::this_thread::sleep_for(milliseconds(200 + draw() % 1'000));
        const size_t victim = draw() % network.size();
        network.kill(victim);
        std::this_thread::sleep_for(milliseconds(draw() % 800));
        ASSERT_TRUE(network.start(victim).ok());
        if (draw() % 3 == 0) {  // In the middle of its recovery, too.
            std::this_thread::sleep_for(milliseconds(draw() % 300));
            network.kill(victim);
            ASSERT_TRUE(network.start(victim).ok());
        }
        const auto ready = network.wait_ready(victim, 30'000);
        ASSERT_TRUE(ready.ok()) << ready.error().message() << "\nseed " << seed;
    }
    expect_nothing_lost(network, clients);
    EXPECT_GT(clients.acknowledged.size(), 100u);
}

}  // namespace
}  // namespace tally::cli
