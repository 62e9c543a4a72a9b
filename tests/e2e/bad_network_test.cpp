// Four participants under load, with a relay between them that delays, loses and cuts: while half
// of them is apart, while one is, and while one comes and goes. Nothing that was acknowledged is
// lost, none takes effect twice, and in the end all four have the same blocks and the same state.
#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "cli/key_file.hpp"
#include "entry_load.hpp"
#include "relay.hpp"

namespace tally::cli {
namespace {

using std::chrono::milliseconds;

/// Whether `count` more are acknowledged before something must be wrong.
bool more_are_acknowledged(Clients& clients, uint64_t count) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(90);
    const uint64_t wanted = clients.acknowledged_so_far() + count;
    while (clients.acknowledged_so_far() < wanted) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(milliseconds(20));
    }
    return true;
}

TEST(BadNetwork, loses_nothing_when_partitions_heal_and_a_participant_comes_and_goes) {
    constexpr uint32_t seed = 20'261'130;
    crypto_start();
    auto folder = WorkFolder::make("", "tally-bad-network");
    ASSERT_TRUE(folder.ok());
    const model::SecretKey key = Ed25519Secret::from_seed(random_secret());
    LocalPlan plan = entry_plan(*folder, "weather", key);
    plan.front_port = 7'441;
    auto made = LocalNetwork::make(std::move(plan));
    ASSERT_TRUE(made.ok()) << made.error().message();
    LocalNetwork network = std::move(*made);
    std::vector<Relay::End> ends;
    for (size_t i = 0; i < network.size(); ++i)
        ends.push_back({network.front_port(i), network.peer_port(i)});
    auto relay = Relay::start(ends, seed);
    ASSERT_TRUE(relay.ok()) << relay.error().message();
    Weather weather;
    weather.delay_us = 20'000;
    weather.jitter_us = 10'000;
    weather.loss = 0.005;
    (*relay)->set_weather(weather);
    for (size_t i = 0; i < network.size(); ++i) {
        ASSERT_TRUE(network.start(i).ok());
        (*relay)->set_process(i, network.pid(i));
    }
    for (size_t i = 0; i < network.size(); ++i) {
        const auto ready = network.wait_ready(i, 60'000);
        ASSERT_TRUE(ready.ok()) << ready.error().message();
    }

    const std::vector<size_t> together{0, 0, 0, 0}, halves{0, 0, 1, 1};
    std::mt19937 draw(seed);
    constexpr size_t client_count = 8;
    Clients clients(network, key, client_count, 0);
    ASSERT_TRUE(more_are_acknowledged(clients, 20)) << logs_of(network);

    // No quorum anywhere: at most what each client had under way is acknowledged still.
    (*relay)->set_groups(halves);
    const uint64_t before = clients.acknowledged_so_far();
    std::this_thread::sleep_for(milliseconds(3'000));
    EXPECT_LE(clients.acknowledged_so_far(), before + client_count);
    (*relay)->set_groups(together);
    ASSERT_TRUE(more_are_acknowledged(clients, 20)) << logs_of(network);

    // Three go on without the fourth, whichever it is.
    std::vector<size_t> apart = together;
    apart[draw() % network.size()] = 1;
    (*relay)->set_groups(apart);
    ASSERT_TRUE(more_are_acknowledged(clients, 20)) << logs_of(network);
    (*relay)->set_groups(together);
    ASSERT_TRUE(more_are_acknowledged(clients, 20)) << logs_of(network);

    const size_t flapping = draw() % network.size();
    for (int i = 0; i < 8; ++i) {
        std::vector<size_t> away = together;
        away[flapping] = 1;
        (*relay)->set_groups(away);
        std::this_thread::sleep_for(milliseconds(100 + draw() % 1'000));
        (*relay)->set_groups(together);
        std::this_thread::sleep_for(milliseconds(100 + draw() % 1'000));
    }
    ASSERT_TRUE(more_are_acknowledged(clients, 20)) << logs_of(network);

    expect_nothing_lost(network, clients);
    const auto counted = (*relay)->counted();
    EXPECT_GT(counted.held_up, 0u) << "nothing was under way when links were cut";
    EXPECT_GT(counted.segments_lost, 0u);
    std::printf("%llu connections, %llu bytes, %llu segments lost, %llu times held up\n",
                static_cast<unsigned long long>(counted.connections),
                static_cast<unsigned long long>(counted.bytes),
                static_cast<unsigned long long>(counted.segments_lost),
                static_cast<unsigned long long>(counted.held_up));
}

}  // namespace
}  // namespace tally::cli
