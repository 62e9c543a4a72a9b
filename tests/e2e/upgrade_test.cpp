// A network under load whose participants are replaced by another build of the same version, one
// after the other, is never still, and loses nothing.
//
//   upgrade_test [--after PROGRAM]    replaces them by this one
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>

#include "cli/key_file.hpp"
#include "entry_load.hpp"

namespace tally::cli {

std::string program_after = TALLY_REBUILT;

namespace {

std::string version_of(const std::string& program) {
    const auto ended = run_to_end({program, "--version"});
    return ended.ok() ? ended->output : ended.error().message();
}

/// Until so many more were acknowledged.
bool goes_on(Clients& clients, uint64_t more) {
    const uint64_t before = clients.acknowledged_so_far();
    for (int tries = 0; tries < 600; ++tries) {
        if (clients.acknowledged_so_far() >= before + more) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
}

TEST(Upgrade, each_participant_is_replaced_in_turn_and_nothing_is_lost) {
    crypto_start();
    const std::string before = version_of(TALLY_PROGRAM), after = version_of(program_after);
    std::printf("from %sto %s", before.c_str(), after.c_str());
    ASSERT_NE(before, after) << "two builds";
    const auto execution = before.find("(agreement");
    ASSERT_NE(execution, std::string::npos);
    ASSERT_NE(after.find(before.substr(execution)), std::string::npos) << "of one execution";

    auto folder = WorkFolder::make("", "tally-upgrade");
    ASSERT_TRUE(folder.ok());
    const model::SecretKey key = Ed25519Secret::from_seed(random_secret());
    auto made = LocalNetwork::make(entry_plan(*folder, "upgrades", key));
    ASSERT_TRUE(made.ok()) << made.error().message();
    LocalNetwork network = std::move(*made);
    ASSERT_TRUE(network.start_all().ok()) << logs_of(network);
    Clients clients(network, key, 8, 5);
    ASSERT_TRUE(goes_on(clients, 50));
    for (size_t i = 0; i < network.size(); ++i) {
        network.stop(i);
        EXPECT_TRUE(goes_on(clients, 20)) << "three serve while one is replaced";
        network.start_with(i, {program_after});
        ASSERT_TRUE(network.start(i).ok());
        const auto ready = network.wait_ready(i, 60'000);
        ASSERT_TRUE(ready.ok()) << ready.error().message();
        EXPECT_TRUE(goes_on(clients, 50)) << i + 1 << " of four are replaced\n" << logs_of(network);
    }
    expect_nothing_lost(network, clients);
    EXPECT_GT(clients.acknowledged.size(), 300u);
}

}  // namespace
}  // namespace tally::cli

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    if (argc == 3 && std::strcmp(argv[1], "--after") == 0) {
        tally::cli::program_after = argv[2];
    } else if (argc > 1) {
        std::fprintf(stderr, "usage: upgrade_test [--after PROGRAM]\n");
        return 2;
    }
    return RUN_ALL_TESTS();
}
